"""Every private name of other libraries that raysk uses, imported in one place.

A name that has moved fails here, at once: one swallowed ImportError cost Ray's joblib backend its main optimisation.
"""

from __future__ import annotations

import contextlib
import copy
import os
import re
import sys
import types
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class CompatError(ImportError):
    """A private name that raysk relies on is gone: a version that raysk does not know."""


def _private(module: str, *names: str) -> list[Any]:
    """Return private names of a module, or say which version does not have them."""
    import importlib
    from importlib.metadata import version

    found = importlib.import_module(module)
    missing = [name for name in names if not hasattr(found, name)]
    if missing:
        package = {"sklearn": "scikit-learn"}.get(module.split(".", maxsplit=1)[0], module.split(".", maxsplit=1)[0])
        raise CompatError(f"{module} of {package} {version(package)} has no {', '.join(missing)}; raysk needs it.")
    return [getattr(found, name) for name in names]


def search_parts() -> Any:
    """Return the parts of ``BaseSearchCV.fit`` that scikit-learn keeps to itself, as a namespace."""
    from types import SimpleNamespace

    validation = (
        "_check_method_params",
        "_fit_and_score",
        "_insert_error_scores",
        "_warn_or_raise_about_fit_failures",
    )
    parts = dict(
        zip(validation, _private("sklearn.model_selection._validation", *validation), strict=True),
        _fit_context=_private("sklearn.base", "_fit_context")[0],
        _MultimetricScorer=_private("sklearn.metrics._scorer", "_MultimetricScorer")[0],
        BaseSearchCV=_private("sklearn.model_selection._search", "BaseSearchCV")[0],
    )
    methods = (
        "_run_search",
        "_get_scorers",
        "_get_routed_params_for_fit",
        "_check_refit_for_multimetric",
        "_select_best_index",
        "_format_results",
    )
    missing = [name for name in methods if not hasattr(parts["BaseSearchCV"], name)]
    if missing:
        raise CompatError(f"BaseSearchCV of this scikit-learn has no {', '.join(missing)}; raysk needs it.")
    return SimpleNamespace(**{name.lstrip("_"): part for name, part in parts.items()})


def python_unpickler() -> Any:
    """Return the standard library's unpickler that is written in Python: its parts can be replaced one by one."""
    return _private("pickle", "_Unpickler")[0]


def numpy_hasher() -> Any:
    """Return joblib's class that hashes objects by value; `joblib.hash` cannot be told about a person's code."""
    return _private("joblib.hashing", "NumpyHasher")[0]


def scores_predictions(scorers: Any) -> bool:
    """Tell whether scores are made by scikit-learn's own functions, which look at predictions and nothing else."""
    base, passthrough, several = _private(
        "sklearn.metrics._scorer", "_BaseScorer", "_PassthroughScorer", "_MultimetricScorer"
    )
    every = scorers._scorers.values() if isinstance(scorers, several) else [scorers]
    functions = [getattr(each, "_score_func", None) for each in every if isinstance(each, base)]
    theirs = all(str(getattr(each, "__module__", "")).startswith("sklearn.") for each in functions)
    return theirs and all(isinstance(each, base | passthrough) for each in every)


def fit_and_score(scorer: Any, complain: Callable[[str], None]) -> tuple[Callable[..., dict[str, Any]], Any]:
    """Return scikit-learn's function that fits and scores, and a scorer for it, which also count a `SystemExit`.

    What it warns of when a scorer raises is also told to `complain`, whatever the person's warning filters are.

    Theirs count an `Exception` of the person's code as a failed fit or score; what would end the program passes them.
    No function of ours stands around the person's code, as it would be seen in the tracebacks that are compared.
    """
    function, score = _private("sklearn.model_selection._validation", "_fit_and_score", "_score")
    (several,) = _private("sklearn.metrics._scorer", "_MultimetricScorer")
    if isinstance(scorer, several):
        scorer = copy.copy(scorer)
        scorer.__class__ = type(several.__name__, (several,), {"__call__": _catching_all(several.__call__)})
    score = _catching_all(score, warnings=_Warnings(complain))
    return _catching_all(function, _score=score), scorer


class _Warnings:
    """Stands for the module `warnings` in a function, and tells of its warnings besides."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell

    def __getattr__(self, name: str) -> Any:
        return getattr(warnings, name)

    def warn(self, message: str, category: type[Warning] = UserWarning) -> None:
        self._tell(message)
        warnings.warn(message, category, stacklevel=2)


def tells_of_failures(category: type[Warning], text: str) -> bool:
    """Tell whether a warning of scikit-learn's is about fits, or scores, of a search that failed."""
    if category.__name__ == "FitFailedWarning":
        return True
    return re.match(r"Scoring failed\.|One or more of the (test|train) scores are non-finite", text) is not None


def _catching_all(function: Any, **names: Any) -> Any:
    """Return the same function, in which "Exception" means every exception, and these names what is given."""
    if "Exception" not in function.__code__.co_names:
        raise CompatError(f"{function.__qualname__} of this scikit-learn catches no Exception; raysk needs that.")
    found = types.FunctionType(
        function.__code__,
        {**function.__globals__, "Exception": BaseException, **names},
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    found.__kwdefaults__ = function.__kwdefaults__
    return found


def root_callback_context(search: Any) -> Any | None:
    """Return the context that ``_run_search`` wants from scikit-learn 1.9 on; None before it."""
    if callback_context_class() is None:
        return None
    return search._init_callback_context(max_subtasks=1 + (search.refit is not False))


def callback_context_class() -> type | None:
    """Return the class of scikit-learn's callback contexts (from 1.9 on), or None before it."""
    try:
        import sklearn.callback  # noqa: F401 - its presence decides whether the private name must be there
    except ImportError:
        return None
    found: type = _private("sklearn.callback._callback_context", "CallbackContext")[0]
    return found


def reduce_callback_context(context: Any) -> Any:
    """Pickle a callback context without its siblings, unless somebody listens.

    In scikit-learn 1.9 each task of a search carries a context that refers, through its parent, to those of all
    other tasks: 81 bytes a sibling, 1.6 MB a task at 20,000 fits, even with no callback set.
    """
    import copyreg

    state = dict(vars(context))
    if not state["_callbacks"]:
        state["_children_map"] = {}
    return copyreg.__newobj__, (type(context),), state  # type: ignore[attr-defined]


def callbacks(part: Any) -> list[Any]:
    """Return the scikit-learn callbacks (1.9) that are set on an estimator; not those on its parts."""
    import inspect

    found = inspect.getattr_static(part, "_skl_callbacks", None)  # a class of the person's may answer any name
    return list(found) if isinstance(found, list | tuple) else []


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
    modules in the driver's folders before they look for libraries: see `raysk.util.neighbours`.
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
    (worker,) = _private("ray._private.worker", "global_worker")
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
    (state,), (worker,) = _private("ray._private.state", "state"), _private("ray._private.worker", "global_worker")
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
    from ray._private import utils as private

    with (
        ray_settings(private=True, quiet=True),
        _changed(private, "write_ray_address", lambda *_, **__: None),
        _changed(common, "reset_ray_address", lambda *_, **__: None),
    ):
        yield


def memory() -> tuple[int, int]:
    """Return the memory of this machine, or of the container around us, and what is free of it, in bytes.

    As Ray sees it: by these figures it ends workers.
    """
    total, used = _private("ray._private.utils", "get_system_memory", "get_used_memory")
    return total(), total() - used()


def cpus() -> int:
    """Return how many CPUs this machine, or the container around us, has, as Ray counts them."""
    return int(_private("ray._private.utils", "get_num_cpus")[0]())


def last_cluster() -> str | None:
    """Return the address that ``ray start`` left on this machine, also when it is gone; None if there is none."""
    found: str | None = _private("ray._private.utils", "read_ray_address")[0]()
    return found


def runs_here() -> bool:
    """Tell whether the head of any cluster runs on this machine."""
    return bool(_private("ray._private.services", "find_gcs_addresses")[0]())


def free_resources() -> dict[str, float]:
    """Return what nobody has reserved of the node that this worker is on."""
    import ray

    per_node = _private("ray._private.state", "available_resources_per_node")[0]
    found: dict[str, float] = per_node().get(ray.get_runtime_context().get_node_id(), {})
    return found


def _without_folders(config: Any) -> Any:
    """Take the driver's folders out of a job's configuration."""
    config._py_driver_sys_path = []
    return config


def _start_no_api_server(node: Any, **_: Any) -> None:
    """Leave what Ray's own method leaves when it starts none."""
    node._webui_url = None


def _stand_in_for_agent(*_: Any) -> list[str]:
    """Return how the command of an agent of Ray's begins; what follows are its own script and options."""
    script = Path(__file__).with_name("cluster") / "_ray_agent.py"
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


def take_rows(values: Any, rows: Any) -> Any:
    """Return some rows of an array, a table, a sparse matrix or a list, as scikit-learn takes them."""
    return _private("sklearn.utils", "_safe_indexing")[0](values, rows)


def count_rows(values: Any) -> int | None:
    """Return how many rows scikit-learn sees in something; None for what has none."""
    if isinstance(values, str | bytes | dict):
        return None
    try:
        return int(_private("sklearn.utils.validation", "_num_samples")[0](values))
    except TypeError:
        return None


def parameter_names(estimator: Any) -> list[str]:
    """Return the parameters that one of scikit-learn's own estimators checks when it is fitted."""
    from sklearn.pipeline import Pipeline

    if not hasattr(Pipeline, "_parameter_constraints"):
        raise CompatError("The estimators of this scikit-learn have no _parameter_constraints; raysk needs them.")
    found = getattr(type(estimator), "_parameter_constraints", {})  # some, as FeatureUnion, check nothing
    return [name for name, each in found.items() if each != "no_validation"]


def parameter_check(estimator: Any, name: str) -> Callable[[Any], bool]:
    """Return what tells whether scikit-learn takes a value for one of `parameter_names`."""
    (make,) = _private("sklearn.utils._param_validation", "make_constraint")
    every = [make(each) for each in type(estimator)._parameter_constraints[name]]
    return lambda value: any(each.is_satisfied_by(value) for each in every)


def parameter_refusal(estimator: Any, name: str, value: Any) -> tuple[str, list[str]]:
    """Return scikit-learn's words for a value that it does not take, and the texts that it would take."""
    error, validate, texts = _private(
        "sklearn.utils._param_validation", "InvalidParameterError", "validate_parameter_constraints", "StrOptions"
    )
    constraints = type(estimator)._parameter_constraints[name]
    known = [text for each in constraints if isinstance(each, texts) for text in each.options]
    try:
        validate({name: constraints}, {name: value}, caller_name=type(estimator).__name__)
    except error as refused:
        return str(refused), sorted(known)
    raise CompatError(f"scikit-learn takes {name}={value!r}, which its constraints refuse; raysk relies on them.")
