"""Private names of Ray, how it is started in our way, and its messages that raysk must recognise."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raysk._compat import CompatError, private

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def ray_settings(*, private: bool, quiet: bool) -> Iterator[None]:
    """Change how ``ray.init`` behaves, while it runs; it always gets a command line that it can send.

    Parameters
    ----------
    private : bool
        A Ray that is started listens on 127.0.0.1 only; Ray has this for other systems (its constant
        ENABLE_RAY_CLUSTER), on Linux it would take the address that other machines see. It starts none of the
        Python programs beside Ray's own: the API server, which without a dashboard only gathers usage statistics; the
        autoscaler, which has one machine; the agents of `raysk.cluster._ray_agent`. They take about 3 s of one core.
    quiet : bool
        Ray's own messages about dead workers, which go to stdout, are not printed, raysk says it in a line; nor are
        workers' logs followed.

    What Ray keeps of the command is text, whatever bytes its arguments are; and workers are not told to look for
    modules in the driver's folders before they look for libraries: see `raysk.util.sibling_imports`.
    """
    from ray import _raylet, job_config
    from ray._private import node, ray_constants, services, utils, worker

    entrypoint, serialize = utils.get_entrypoint_name, job_config.JobConfig._serialize
    changes: list[tuple[Any, str, Any]] = [
        (utils, "get_entrypoint_name", lambda: entrypoint().encode(errors="replace").decode()),
        (job_config.JobConfig, "_serialize", lambda config: serialize(_without_folders(config))),
    ]
    if private:
        changes.append((ray_constants, "ENABLE_RAY_CLUSTER", False))
        changes.append((node.Node, "start_api_server", _start_no_api_server))
        changes.append((node.Node, "start_monitor", lambda _: None))
        # Without its agent no environment can be made, and the one that Ray makes up under `uv run` is not needed: the
        # workers are this machine's.
        changes.append((ray_constants, "RAY_ENABLE_UV_RUN_RUNTIME_ENV", False))
        if hasattr(_raylet, "RUNTIME_ENV_AGENT_PORT_NAME"):  # else it does not look for ports where the stand-in says
            changes.append((services, "_build_python_executable_command_memory_profileable", _stand_in_for_agent))
    if quiet:
        changes.append((worker, "listen_error_messages", lambda *_: None))
        changes.append((node.Node, "start_log_monitor", lambda _: None))
    with contextlib.ExitStack() as undo:
        for holder, name, value in changes:
            undo.enter_context(_changed(holder, name, value))
        yield


@contextlib.contextmanager
def priority(*, usual: bool) -> Iterator[None]:
    """Let the workers of a Ray that is started meanwhile get the CPU like any other program; if not, as Ray does.

    Ray's own default, niceness 15, is for hosts that it shares with services: beside another program of the same
    terminal its workers get a thirtieth of the time. Whoever has set RAY_worker_niceness is obeyed.
    """
    name = "RAY_worker_niceness"
    if not usual or name in os.environ:
        yield
        return
    os.environ[name] = "0"
    try:
        yield
    finally:
        del os.environ[name]


def let_go_of_ray() -> None:
    """End this program's side of a connection whose head has gone; ``ray.shutdown`` would wait for it for minutes.

    It takes 5 s. Without it Ray's threads go on while the interpreter is taken down, and crash.
    """
    (worker,) = private("ray._private.worker", "global_worker")
    if hasattr(worker, "core_worker"):  # not over Ray's client
        worker.core_worker.shutdown_driver()


def leave_ray_to_parent() -> None:
    """Let a process that was forked from a connected one end by itself, with its parent's Ray left alone.

    Ray would end the cluster at exit, crash while it takes down objects whose threads did not come along, and print a
    traceback where SIGTERM, which is how a pool of processes is closed, should end the process as any other.
    """
    import atexit
    import ctypes
    import signal

    import ray

    atexit.unregister(ray.shutdown)
    (state,), (worker,) = private("ray._private.state", "state"), private("ray._private.worker", "global_worker")
    for held in (*vars(state).values(), *vars(worker).values()):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(held))  # never taken down
    libc = ctypes.CDLL(None)
    if hasattr(libc, "on_exit"):  # glibc's: after Python has ended, nor is what Ray holds in C++
        libc.on_exit(libc._exit, None)
    if (handler := signal.getsignal(signal.SIGTERM)) is not None:
        signal.signal(signal.SIGTERM, handler)


@contextlib.contextmanager
def simulated_nodes() -> Iterator[None]:
    """Let ``ray.cluster_utils`` start nodes as `ray_settings` does.

    The note that says where this machine's real cluster is stays as it is.
    """
    from ray._common import utils as common
    from ray._private import utils

    with (
        ray_settings(private=True, quiet=True),
        _changed(utils, "write_ray_address", lambda *_, **__: None),
        _changed(common, "reset_ray_address", lambda *_, **__: None),
    ):
        yield


def memory() -> tuple[int, int]:
    """Return the memory of this machine, or of the container around us, and what is free of it, in bytes.

    As Ray sees it: by these figures it ends workers.
    """
    total, used = private("ray._private.utils", "get_system_memory", "get_used_memory")
    return total(), total() - used()


def cpus() -> int:
    """Return how many CPUs this machine, or the container around us, has, as Ray counts them."""
    return int(private("ray._private.utils", "get_num_cpus")[0]())


def last_cluster() -> str | None:
    """Return the address that ``ray start`` left on this machine, also when it is gone; None if there is none."""
    found: str | None = private("ray._private.utils", "read_ray_address")[0]()
    return found


def runs_here() -> bool:
    """Tell whether the head of any cluster runs on this machine."""
    return bool(private("ray._private.services", "find_gcs_addresses")[0]())


def free_resources() -> dict[str, float]:
    """Return what nobody has reserved of the node that this worker is on."""
    import ray

    per_node = private("ray._private.state", "available_resources_per_node")[0]
    found: dict[str, float] = per_node().get(ray.get_runtime_context().get_node_id(), {})
    return found


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether a task or an actor was ended because its node ran out of memory."""
    from ray import exceptions

    text = str(error)
    return isinstance(error, exceptions.OutOfMemoryError) or "OutOfMemory" in text or "OOM" in text[:200]


def is_failed_start(error: BaseException) -> bool:
    """Tell whether an actor is gone because its ``__init__`` raised."""
    from ray import exceptions

    return isinstance(error, exceptions.ActorDiedError) and "creation task" in next(iter(str(error).splitlines()), "")


def other_versions(error: BaseException) -> list[str]:
    """Return the versions of a cluster that are not ours, and ours, a line each; none if that is not the error."""
    text = str(error)
    if "ersion mismatch" not in text:
        return []
    return [line.strip() for line in text.splitlines() if "Ray:" in line or "Python:" in line][:4]


def is_wrong_token(error: BaseException) -> bool:
    """Tell whether a cluster has refused us for our token, or for having none."""
    return "uthentication" in str(error) or "token" in str(error).lower()


def is_client_missing(error: BaseException) -> bool:
    """Tell whether an address needs Ray's client, which is not installed."""
    return isinstance(error, ImportError) or "ray[client]" in str(error)


def _without_folders(config: Any) -> Any:
    """Take the driver's folders out of a job's configuration."""
    config._py_driver_sys_path = []
    return config


def _start_no_api_server(node: Any, **_: Any) -> None:
    """Leave what Ray's own method leaves when it starts none."""
    node._webui_url = None


def _stand_in_for_agent(*_: Any) -> list[str]:
    """Return how the command of an agent of Ray's begins; what follows are its own script and options."""
    script = Path(__file__).parents[1] / "cluster" / "_ray_agent.py"
    return [sys.executable, "-I", "-S", str(script)]


@contextlib.contextmanager
def _changed(holder: Any, name: str, value: Any) -> Iterator[None]:
    if not hasattr(holder, name):
        raise CompatError(f"{holder.__name__} of this Ray has no {name}; raysk needs it.")
    before = getattr(holder, name)
    setattr(holder, name, value)
    try:
        yield
    finally:
        setattr(holder, name, before)
