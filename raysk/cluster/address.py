"""Which cluster is meant, and whether anything listens there."""

from __future__ import annotations

import os
import socket

from raysk._compat import ray as ray_private
from raysk.cluster import connection_errors
from raysk.errors import ClusterError

ADDRESS_VARIABLES = ("RAYSK_ADDRESS", "RAY_ADDRESS")

KNOCK_S = 3.0
"""How long a host may take to accept a connection, in seconds; Ray itself would try for minutes."""


def resolve(address: str | None) -> str | None:
    """Return the address to connect to; None means a private Ray on this machine."""
    for name in ADDRESS_VARIABLES:
        address = address or os.environ.get(name)
    return None if address in {None, "", "local"} else address


def knock(address: str) -> None:
    """Fail at once, with a `ClusterError`, when nothing listens at an address."""
    where = (ray_private.last_cluster() or "") if address == "auto" else address
    host, _, port = where.removeprefix("ray://").rpartition(":")
    if address == "auto" and not host:
        return  # Ray says that there is none, or finds one that no "ray start" has started
    if not host or not port.isdigit():
        raise ClusterError(
            f"{address!r} is not an address of a Ray cluster.\n"
            "Write host:port (6379 is Ray's usual port), ray://host:port, auto or local."
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK_S).close()
    except (OSError, OverflowError) as error:
        if address == "auto" and ray_private.runs_here():
            return  # as above
        last = "the last one that was started here, " if address == "auto" else ""
        raise ClusterError(connection_errors.nothing_there(where, str(error), last)) from error
