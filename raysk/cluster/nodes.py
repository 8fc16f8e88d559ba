"""Ask every node what it has, and whether a job could run there.

    driver                                     every node at the same time, whether or not a CPU is free there
    look(estimator) --- _facts() ------------> versions, memory, /dev/shm
                    --- _unpickled() --------> does the estimator come up there?
    Report <--------- an answer to each, or none within the time limit

These are two tasks, as an object that takes its process down must not take the facts along. They reserve nothing and
leave nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raysk._compat.ray import free_resources, memory  # not the module: all of it would travel
from raysk.cluster.connection import Cluster, alive, travel_by_value
from raysk.cluster.report import Node, Report
from raysk.errors import Unpicklable
from raysk.util import sibling_imports
from raysk.util.versions import compare, failed_imports, installed_versions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ANSWER_S = 30.0
"""How long a node may take to answer, in seconds: a new process there imports scikit-learn in 1-5 s, from a shared
disk in 20; one that is lost never answers."""


def check(running: Cluster, *, allow_versions: bool = False) -> None:
    """Make sure that the nodes of a cluster have this machine's versions; for jobs that use no `Pool`.

    Raises
    ------
    ClusterError
    """
    if running.address is not None:  # a Ray on this machine has what this program has
        look(allow_versions=allow_versions, imports=False).raise_fatal()


def look(
    what: Any = None, *, timeout_s: float = ANSWER_S, allow_versions: bool = False, imports: bool = True
) -> Report:
    """Ask every node of the cluster that this program is connected to.

    Parameters
    ----------
    what : object
        An estimator, or anything else that workers must be able to unpickle; None asks for nothing of that kind.
    timeout_s : float
        How long a node may take, in seconds.
    allow_versions : bool
        Whether the person accepts that results may differ.
    imports : bool
        Whether nodes import what workers need; without, which saves seconds, they tell what is installed.

    Returns
    -------
    Report

    Raises
    ------
    Unpicklable
        If it cannot even be pickled.
    """
    from raysk.pool.ray.launcher import PRELOAD
    from raysk.pool.ray.pickling import travelling

    travel_by_value(travelling())
    payload = None if what is None else _packed(what)
    nodes, here = alive(), installed_versions()
    answers = _ask([node["NodeID"] for node in nodes], PRELOAD if imports else (), payload, timeout_s)
    found = [_node(node, here, answers[node["NodeID"]], allow_versions=allow_versions) for node in nodes]
    return Report(here=here, nodes=sorted(found, key=lambda node: (node.address, node.id)))


def _packed(what: Any) -> bytes:
    from raysk.pool.shared import PLAIN, pack

    try:
        return pack(what, PLAIN)[0]
    except Exception as error:  # any class of the person's may fail here, in any way
        raise Unpicklable(f"It cannot be sent to the workers: {error}") from error


def _ask(
    nodes: Sequence[str], modules: Sequence[str], payload: bytes | None, timeout_s: float
) -> dict[str, dict[str, Any]]:
    """Return for each node what each task there returned, or an exception."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    tasks: dict[Any, tuple[Any, ...]] = {_facts: (modules,)}
    if payload is not None:
        tasks[_unpickled] = (
            ray.put(payload),
            sibling_imports.program_folders(),
        )  # it goes once to each node, also if it is large
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

    errors = failed_imports(modules)
    memory_bytes, memory_free_bytes = memory()
    facts = {"versions": installed_versions(errors), "errors": errors}
    facts |= {"memory_bytes": memory_bytes, "memory_free_bytes": memory_free_bytes}
    free = free_resources()
    if free:
        facts |= {"cpus_free": free.get("CPU", 0.0), "store_free_bytes": int(free.get("object_store_memory", 0))}
    if Path("/dev/shm").is_dir():  # noqa: S108 - looked at, not used
        shm = shutil.disk_usage("/dev/shm")  # noqa: S108
        facts |= {"shm_bytes": shm.total, "shm_free_bytes": shm.free}
    return facts


def _unpickled(payload: bytes, folders: Sequence[str]) -> dict[str, str | None]:
    """Run on the node: return what went wrong, nothing if nothing did."""
    import pickle

    for folder in folders:
        sibling_imports.add(folder)
    try:
        pickle.loads(payload)
    except BaseException as error:  # noqa: BLE001 - also a SystemExit of the person's code is an answer
        said = " ".join(str(error).split())[:200]
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        return {"unpickle_error": f"{type(error).__name__}: {said}", "missing_module": missing}
    return {}


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
