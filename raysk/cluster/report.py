"""What was found on the nodes of a cluster, and what of it a person should know."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from raysk.errors import ClusterError
from raysk.util.versions import Difference, consequence, join_differences, remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_SAID = 3
"""How many findings, and nodes of each, a message names: it stays within five lines."""

FULL = 0.95
"""Ray ends workers on a node whose memory is used to this share (its RAY_memory_usage_threshold)."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """What a node has; None where that is not known.

    Parameters
    ----------
    id, address, host : str
    cpus, cpus_free : int or float
        Those that Ray knows of, and those that no job has reserved.
    memory_bytes, memory_free_bytes : int
        Of the machine, or of the container that the node runs in.
    store_bytes, store_free_bytes : int
        Ray's object store.
    shm_bytes, shm_free_bytes : int
        /dev/shm, where it is kept if there is room.
    versions : dict of str to str or None
        See `raysk.util.versions.installed_versions`.
    differences : list of Difference
    error : str
        Why the node did not answer; None if it did.
    unpickles : bool
        Whether the person's object came up there; None if that was not asked.
    unpickle_error : str
        What that raised.
    missing_module : str
        The module that it needs and the node has not.
    """

    id: str
    address: str
    host: str
    cpus: int
    cpus_free: float | None = None
    memory_bytes: int | None = None
    memory_free_bytes: int | None = None
    store_bytes: int | None = None
    store_free_bytes: int | None = None
    shm_bytes: int | None = None
    shm_free_bytes: int | None = None
    versions: dict[str, str | None] | None = None
    differences: list[Difference] = field(default_factory=list)
    error: str | None = None
    unpickles: bool | None = None
    unpickle_error: str | None = None
    missing_module: str | None = None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something a person should know about a node: `fatal` if a job would fail of it."""

    node: str
    text: str
    remedy: str
    fatal: bool


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was found on all nodes, and `here`, the versions of this machine."""

    here: dict[str, str | None]
    nodes: list[Node]

    @functools.cached_property
    def findings(self) -> list[Finding]:
        """All that is worth saying."""
        found = [finding for node in self.nodes for finding in _findings(node, name_of(node, self.nodes))]
        if not any(node.cpus for node in self.nodes):
            text = "no node has a CPU for a worker"
            found.append(Finding(node="cluster", text=text, remedy="Add a node with CPUs.", fatal=True))
        return found

    def said(self, *, fatal: bool) -> list[str]:
        """Return a line per finding, with all nodes that have it."""
        nodes: dict[str, list[str]] = {}
        for each in self.findings:
            if each.fatal == fatal:
                nodes.setdefault(f"{each.text}. {each.remedy}", []).append(each.node)
        return [f"{_some(names)}: {text}" for text, names in nodes.items()]

    def raise_fatal(self) -> None:
        """Raise what a job would fail of, if there is something."""
        lines = self.said(fatal=True)
        if lines:
            more = len(lines) - MAX_SAID
            rest = [f"And {more} more: 'raysk doctor' shows all."] if more > 0 else []
            raise ClusterError("\n".join(["A job would fail on this cluster.", *lines[:MAX_SAID], *rest]))


def _some(names: list[str]) -> str:
    more = len(names) - MAX_SAID
    return ", ".join(names[:MAX_SAID]) + (f" and {more} more" if more > 0 else "")


def name_of(node: Node, nodes: list[Node]) -> str:
    """Return what to call a node: its address, and the start of its id where several have that address."""
    alone = sum(other.address == node.address for other in nodes) == 1
    return node.address if alone else f"{node.address}/{node.id[:6]}"


def _findings(node: Node, name: str) -> Iterator[Finding]:
    """Yield what a person should know of a node."""
    used = node.cpus > 0  # else no worker ever comes to it
    if node.error is not None:
        yield Finding(node=name, text=node.error, remedy="See 'ray status', and that machine's logs.", fatal=used)
        return
    fatal = [each for each in node.differences if each.fatal]
    if fatal:
        text = f"{join_differences(fatal)}: {consequence(fatal)}"
        yield Finding(node=name, text=text, remedy=remedy(fatal), fatal=used)
    told = [each for each in node.differences if each.results and not each.fatal]
    if told:
        text = f"{join_differences(told)}: results may differ"
        yield Finding(node=name, text=text, remedy=remedy(told), fatal=False)
    if node.unpickles is False:
        yield Finding(node=name, text=f"does not unpickle: {node.unpickle_error}", remedy=_loadable(node), fatal=used)
    yield from _tight(node, name)


def _loadable(node: Node) -> str:
    module = node.missing_module
    if module is None:
        return "What it reads while it is loaded must be on every node."
    return f"Install {module!r} there, or put it beside your file: then it travels along."


def _tight(node: Node, name: str) -> Iterator[Finding]:
    """Yield what a job would wait for or suffer from."""
    if node.cpus and node.cpus_free is not None and node.cpus_free < 1:
        yield Finding(node=name, text="no CPU is free", remedy="Workers wait until other jobs end.", fatal=False)
    if node.memory_bytes and node.memory_free_bytes is not None:
        used = 1 - node.memory_free_bytes / node.memory_bytes
        if used > FULL:
            text = f"{used:.0%} of its memory is used"
            yield Finding(node=name, text=text, remedy=f"Ray ends workers above {FULL:.0%}.", fatal=False)
    if node.shm_bytes is not None and (node.store_bytes or 0) > node.shm_bytes:
        text = "its object store is larger than /dev/shm, so Ray keeps it on disk, which is slow"
        yield Finding(node=name, text=text, remedy="Give it more (docker run --shm-size).", fatal=False)
