"""What keeps a program from Ray: looked at before Ray starts, or put into words when it has refused."""

from __future__ import annotations

import os
import re

from raysk._compat import ray as ray_private
from raysk.errors import InputError, UsageError

NUMBERS = {"RAY_worker_niceness": range(-20, 20), "RAY_gcs_rpc_server_reconnect_timeout_s": range(1, 2**31)}
"""Variables that we set unless the person has, and what Ray can read there; it crashes on anything else."""


def check_surroundings() -> None:
    """Fail where Ray would crash, or could not say what is wrong.

    Raises
    ------
    UsageError
        If a variable that we know of holds no number.
    InputError
        If the current folder is gone.
    """
    for name, allowed in NUMBERS.items():
        value = os.environ.get(name, str(allowed[0]))
        if not re.fullmatch(r"-?[0-9]{1,10}", value) or int(value) not in allowed:
            raise UsageError(
                f"{name} is {value!r}, which Ray cannot read.\n"
                f"Set it to a whole number from {allowed[0]} to {allowed[-1]:,}, or leave it out: unset {name}"
            )
    try:
        os.getcwd()  # noqa: PTH109 - asked, not used
    except OSError as error:
        raise InputError(
            f"Ray cannot be started in the current folder: {error.strerror}.\n"
            "It was removed, or is closed to you: change to another with 'cd'."
        ) from error


def nothing_there(address: str, reason: str, last: str = "") -> str:
    """Return the message of a cluster that cannot be reached."""
    return (
        f"No Ray cluster answered at {last}{address!r} ({reason}).\n"
        "Correct the address, start one there with 'ray start --head',\n"
        "or leave --address out to run on this machine."
    )


def why(address: str | None, error: BaseException) -> str:
    """Turn what Ray says about a failed start into what to do about it."""
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    if address is None:
        return f"Ray could not be started on this machine: {first}"
    if versions := ray_private.other_versions(error):
        return f"The cluster at {address!r} runs other versions than this machine.\n" + "\n".join(versions)
    if ray_private.is_wrong_token(error):
        return (
            f"The cluster at {address!r} refused us: its token is not the one given here.\n"
            "Set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN (or RAY_AUTH_TOKEN_PATH) to the cluster's token."
        )
    if address == "auto" and isinstance(error, ConnectionError):  # Ray's own words are about Python's ray.init
        return (
            "No Ray cluster runs on this machine, which is where 'auto' looks.\n"
            "Start one with 'ray start --head', or leave --address out: then Ray is started for this job alone."
        )
    if ray_private.is_client_missing(error):
        return f"{address!r} needs Ray's client: pip install 'raysk[client]'"
    return nothing_there(address, first)
