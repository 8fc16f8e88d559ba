"""Loads a model in a process that knows neither raysk nor the person's folders; run as a script by `verify`.

    argv    modules that are likely to be needed
    stdin   two pickles of ours: modules that will be needed;
            later what to load and how, the rows to predict, what was predicted for them
    stdout  the verdict: null, or what went wrong, as JSON

Written for any Python: it imports the standard library, and what the model needs.
"""

from __future__ import annotations

import os
import sys

# Neither our neighbours, nor what lies where the person works, will be there for others.
_NOT_THERE = {os.path.dirname(os.path.realpath(__file__)), os.getcwd()}  # noqa: PTH109, PTH120 - few imports so far
sys.path[:] = [folder for folder in sys.path if os.path.realpath(folder) not in _NOT_THERE]

import contextlib  # noqa: E402 - not before the line above
import importlib  # noqa: E402
import json  # noqa: E402
import pickle  # noqa: E402
import queue  # noqa: E402
import threading  # noqa: E402
from typing import Any  # noqa: E402


def get_ready(modules: queue.SimpleQueue[str]) -> None:
    """Import what the model will need, at the lowest priority: the program's own work goes first."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
    while name := modules.get():
        with contextlib.suppress(Exception):  # if the model needs it, the verdict says so
            importlib.import_module(name)


def hurry(thread: threading.Thread) -> None:
    """Wait for a thread, at our own priority where the system lets us give it that: somebody waits for us."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, thread.native_id or 0, os.getpriority(os.PRIO_PROCESS, 0))
    thread.join()


def load(path: str, code: str) -> Any:
    """Load a model that raysk has just written, with the code that its format gives for that."""
    names: dict[str, Any] = {"path": path}
    exec(code, names)  # noqa: S102 - raysk's own
    return names["model"]


def same(one: Any, other: Any) -> bool:
    """Tell whether two predictions are the same, to within what another number of threads may change."""
    import numpy as np

    if isinstance(one, list) and isinstance(other, list):  # one array per output
        return len(one) == len(other) and all(map(same, one, other))
    one, other = (np.asarray(each.toarray() if hasattr(each, "toarray") else each) for each in (one, other))
    if one.dtype.kind in "fc" and other.dtype.kind in "fc":
        return one.shape == other.shape and np.allclose(one, other, rtol=1e-6, atol=1e-12, equal_nan=True)
    return np.array_equal(one, other)


def verdict(asked: dict[str, Any]) -> dict[str, str] | None:
    """Load, predict and compare; return at which step what went wrong, if it did."""
    step = "load"
    try:
        model = load(asked["path"], asked["load_code"])
        step = "predict"
        if asked["method"] is not None:
            rows, predicted = pickle.loads(asked["sample"])
            again = getattr(model, asked["method"])(rows)
            step = "compare"
            if not same(predicted, again):
                return {"step": step, "error": f"{asked['method']} gives other values"}
    except BaseException as error:  # noqa: BLE001 - also a SystemExit of the model's code
        return {"step": step, "error": f"{type(error).__name__}: {error}"}
    return None


if __name__ == "__main__":
    answer = os.dup(1)
    os.dup2(2, 1)  # what the model's code prints is no verdict
    modules: queue.SimpleQueue[str] = queue.SimpleQueue()
    ready = threading.Thread(target=get_ready, args=(modules,), daemon=True)
    ready.start()
    try:
        for each in sys.argv[1:]:
            modules.put(each)
        for each in (*pickle.load(sys.stdin.buffer), ""):
            modules.put(each)
        asked = pickle.load(sys.stdin.buffer)
    except EOFError:  # the program has ended
        os._exit(1)
    hurry(ready)
    found = verdict(asked)
    os.write(answer, json.dumps(found).encode())
    sys.stdout.flush()
    os._exit(0)  # whatever the model's libraries do at exit is not in question
