"""Look at every node of a cluster before a job is sent there: what it has, and what would fail.

    driver                                       every node at the same time, whether or not a CPU is free there
    look(estimator) --- _facts() -------------> versions, memory, /dev/shm
                    --- _unpickled() ---------> does the estimator come up there?
    Report <--------- an answer to each, or none within the time limit

These are two tasks, as an object that takes its process down must not take the facts along. They reserve nothing and
leave nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from raysk import cluster
from raysk._compat import free_resources, memory
from raysk.errors import Unpicklable
from raysk.versions import Difference, compare, consequence, imported, in_words, installed, remedy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

ANSWER_S = 30.0
"""How long a node may take to answer, in seconds: a new process there imports scikit-learn in 1-5 s, from a shared
disk in 20; one that is lost never answers."""

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
        See `raysk.versions.installed`.
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

    @property
    def findings(self) -> list[Finding]:
        """All that is worth saying."""
        found = [finding for node in self.nodes for finding in _findings(node, name_of(node, self.nodes))]
        if not any(node.cpus for node in self.nodes):
            text = "no node has a CPU for a worker"
            found.append(Finding(node="cluster", text=text, remedy="Add a node with CPUs.", fatal=True))
        return found


def name_of(node: Node, nodes: list[Node]) -> str:
    """Return what to call a node: its address, and the start of its id where several have that address."""
    alone = sum(other.address == node.address for other in nodes) == 1
    return node.address if alone else f"{node.address}/{node.id[:6]}"


# --- asking


def look(what: Any = None, *, timeout_s: float = ANSWER_S, allow_versions: bool = False) -> Report:
    """Ask every node of the cluster that this program is connected to.

    Parameters
    ----------
    what : object
        An estimator, or anything else that workers must be able to unpickle; None asks for nothing of that kind.
    timeout_s : float
        How long a node may take, in seconds.
    allow_versions : bool
        Whether the person accepts that results may differ.

    Returns
    -------
    Report

    Raises
    ------
    Unpicklable
        If it cannot even be pickled.
    """
    import raysk

    cluster.travel_by_value([raysk])
    payload = None if what is None else _packed(what)
    nodes, here = cluster.alive(), installed()
    answers = _ask([node["NodeID"] for node in nodes], payload, timeout_s)
    found = [_node(node, here, answers[node["NodeID"]], allow_versions=allow_versions) for node in nodes]
    return Report(here=here, nodes=sorted(found, key=lambda node: (node.address, node.id)))


def _packed(what: Any) -> bytes:
    from raysk.pool.shared import PLAIN, pack

    try:
        return pack(what, PLAIN)[0]
    except Exception as error:  # any class of the person's may fail here, in any way
        raise Unpicklable(f"It cannot be sent to the workers: {error}") from error


def _ask(nodes: Iterable[str], payload: bytes | None, timeout_s: float) -> dict[str, dict[str, Any]]:
    """Return for each node what each task there returned, or an exception."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    from raysk.pool.remote import PRELOAD

    tasks: dict[Any, tuple[Any, ...]] = {_facts: (PRELOAD,)}
    if payload is not None:
        tasks[_unpickled] = (ray.put(payload),)  # it goes once to each node, also if it is large
    asked = {}
    for task, args in tasks.items():
        for node in nodes:
            there = NodeAffinitySchedulingStrategy(node, soft=False)
            remote = ray.remote(task).options(num_cpus=0, max_retries=0, scheduling_strategy=there)
            asked[remote.remote(*args)] = (node, task.__name__.strip("_"))
    _, late = ray.wait(list(asked), num_returns=len(asked), timeout=timeout_s)
    for ref in late:
        ray.cancel(ref, force=True)
    answers: dict[str, dict[str, Any]] = {node: {} for node in nodes}
    for ref, (node, task) in asked.items():
        answers[node][task] = TimeoutError(f"no answer within {timeout_s:g} s") if ref in late else _answer(ref)
    return answers


def _answer(ref: Any) -> Any:
    import ray

    try:
        return ray.get(ref)
    except Exception as error:  # noqa: BLE001 - whatever went wrong there is what we want to know
        return error


def _facts(modules: Sequence[str]) -> dict[str, Any]:
    """Run on the node: return what it has."""
    import shutil
    from pathlib import Path

    errors = imported(modules)
    memory_bytes, memory_free_bytes = memory()
    facts = {"versions": installed(errors), "errors": errors}
    facts |= {"memory_bytes": memory_bytes, "memory_free_bytes": memory_free_bytes}
    free = free_resources()
    if free:
        facts |= {"cpus_free": free.get("CPU", 0.0), "store_free_bytes": int(free.get("object_store_memory", 0))}
    if Path("/dev/shm").is_dir():  # noqa: S108 - looked at, not used
        shm = shutil.disk_usage("/dev/shm")  # noqa: S108
        facts |= {"shm_bytes": shm.total, "shm_free_bytes": shm.free}
    return facts


def _unpickled(payload: bytes) -> dict[str, str | None]:
    """Run on the node: return what went wrong, nothing if nothing did."""
    import pickle

    try:
        pickle.loads(payload)
    except BaseException as error:  # noqa: BLE001 - also a SystemExit of the person's code is an answer
        said = " ".join(str(error).split())[:200]
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        return {"unpickle_error": f"{type(error).__name__}: {said}", "missing_module": missing}
    return {}


# --- what the answers mean


def _node(
    node: Mapping[str, Any], here: Mapping[str, str | None], answers: Mapping[str, Any], *, allow_versions: bool
) -> Node:
    """Put together what Ray says of a node and what the node says."""
    resources = node["Resources"]
    known: dict[str, Any] = {
        "id": node["NodeID"],
        "address": node["NodeManagerAddress"],
        "host": node["NodeManagerHostname"],
        "cpus": int(resources.get("CPU", 0)),
        "store_bytes": int(resources.get("object_store_memory", 0)),
    }
    facts, unpickled = answers["facts"], answers.get("unpickled")
    if isinstance(facts, Exception):
        return Node(error=_why(facts), **known)
    errors = facts.pop("errors")
    known["differences"] = compare(here, facts["versions"], errors, allow_versions=allow_versions)
    if isinstance(unpickled, Exception):
        unpickled = {"unpickle_error": _why(unpickled)}
    if unpickled is not None:
        known |= {"unpickles": not unpickled, **unpickled}
    return Node(**known, **facts)


def _why(error: Exception) -> str:
    """Return in one line why there is no answer."""
    from ray import exceptions

    if isinstance(error, exceptions.WorkerCrashedError):
        return "its process died"
    if isinstance(error, exceptions.TaskUnschedulableError | exceptions.NodeDiedError):
        return "it has left the cluster"
    return next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), type(error).__name__)


def _findings(node: Node, name: str) -> Iterator[Finding]:
    """Yield what a person should know of a node."""
    used = node.cpus > 0  # else no worker ever comes to it
    if node.error is not None:
        yield Finding(node=name, text=node.error, remedy="See 'ray status', and that machine's logs.", fatal=used)
        return
    fatal = [each for each in node.differences if each.fatal]
    if fatal:
        text = f"{in_words(fatal)}: {consequence(fatal)}"
        yield Finding(node=name, text=text, remedy=remedy(fatal), fatal=used)
    told = [each for each in node.differences if each.results and not each.fatal]
    if told:
        text = f"{in_words(told)}: results may differ"
        yield Finding(node=name, text=text, remedy=remedy(told), fatal=False)
    if node.unpickles is False:
        yield Finding(node=name, text=f"does not unpickle: {node.unpickle_error}", remedy=_loadable(node), fatal=used)
    yield from _tight(node, name)


def _loadable(node: Node) -> str:
    module = node.missing_module
    if module is None:
        return "What it needs when it is loaded must be on every node."
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
