"""Load a saved model back in another process and compare what it predicts.

    program                                             another Python: no raysk, none of the person's folders
    Verifier()                                          import scikit-learn, at the lowest priority
    .expect(model) ------------------- modules ------>  likewise
    (fits, saves)
    .check(path, model, X) -- rows, predictions ----->  load, predict, compare
                    <------------------ verdict ------

A model that does not load elsewhere is found while the person can still do something about it. Importing scikit-learn
takes longer than all the rest: the other process does so while the model is fitted.
"""

from __future__ import annotations

import contextlib
import json
import pickle
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError, UserCodeError
from raysk.models.formats import format_of
from raysk.util import exits

if TYPE_CHECKING:
    from typing_extensions import Self

ROWS = 10
"""How many rows are predicted: enough to tell a model from another; a forest takes as long for one as for ten."""

MOST_BYTES = 2**30
"""Larger models are not loaded back. At this size it takes 2 s and 2 GB (measured with forests, whose objects take
twice the file's size); what stops a model from loading shows in a small one of its kind."""

PART_OF_MEMORY = 4
"""Nor are those that are larger than one part in so many of the memory that is free."""

PATIENCE_S = 120.0
"""How long the other process may take, in seconds; importing scikit-learn takes 1-2, on a slow disk 30."""

LIKELY = ("sklearn.model_selection",)
"""What most models need, and nearly all that they need of scikit-learn."""

_METHODS = ("predict", "transform", "decision_function", "score_samples")


class Verifier:
    """Another Python, ready to load a model back; a context manager, at whose end it is not left running.

    It ends by itself when this program does.

    Attributes
    ----------
    skipped : str or None
        Why the model was not loaded back, or None if it was.
    """

    def __init__(self) -> None:
        self.skipped: str | None = None
        self._expects = False
        script = Path(__file__).with_name("_verify_script.py")
        self._process = subprocess.Popen(  # noqa: S603 - this Python and our own script
            [sys.executable, str(script), *LIKELY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the other process if it still runs. May be called twice."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def expect(self, model: Any) -> None:
        """Let what scikit-learn has of a model, fitted or not, be imported before there is something to check."""
        if self._process.stdin is not None and not self._expects:
            with contextlib.suppress(BrokenPipeError):  # the verdict tells why
                self._process.stdin.write(pickle.dumps(_modules(model)))
                self._process.stdin.flush()
            self._expects = True

    def check(self, path: Path, model: Any, X: Any) -> None:
        """Let the model be loaded, and wait for the verdict.

        Parameters
        ----------
        path : Path
            What `raysk.models.store.save_model` has written.
        model : estimator
            What was saved there.
        X : array-like of shape (n_samples, n_features)
            The first rows are predicted there and here. Where that cannot be done, the model is only loaded.

        Raises
        ------
        InputError
            If the model does not load there.
        UserCodeError
            If it loads, but does not predict, or not the same.
        """
        self.skipped = _too_large(path.stat().st_size)
        if self.skipped is not None:
            return
        self.expect(model)
        asked = {"path": str(path.absolute()), "load_code": format_of(path).load_code, **_sample(model, X)}
        try:
            answer, _ = self._process.communicate(pickle.dumps(asked), timeout=PATIENCE_S)
            found = json.loads(answer)
        except subprocess.TimeoutExpired:
            found = {"step": "load", "error": f"it took longer than {PATIENCE_S:g} s"}
        except ValueError:
            found = {"step": "load", "error": _ended(self._process.returncode)}
        if found is not None:
            raise _failure(path, found)


def _modules(model: Any) -> list[str]:
    """Return the modules of scikit-learn that a model's parts are of: what is a person's may not be there."""
    every = (model, *model.get_params(deep=True).values()) if hasattr(model, "get_params") else (model,)
    return sorted({name for each in every if (name := type(each).__module__).startswith("sklearn.")})


def _too_large(size_bytes: int) -> str | None:
    free = _free_bytes()
    if size_bytes <= MOST_BYTES and (free is None or size_bytes * PART_OF_MEMORY <= free):
        return None
    return f"{size_bytes / 2**20:,.0f} MB: too large to load back as a check"


def _free_bytes() -> int | None:
    """Return how much memory is free for a new process, or None where the system does not tell."""
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    return None


def _sample(model: Any, X: Any) -> dict[str, Any]:
    """Return a method and, pickled, the rows and what it gives for them; None where that cannot be done."""
    import cloudpickle

    try:
        rows = X.iloc[:ROWS] if hasattr(X, "iloc") else X[:ROWS]
        method = next(name for name in _METHODS if hasattr(model, name))
        with exits.Contained():
            return {"method": method, "sample": cloudpickle.dumps((rows, getattr(model, method)(rows)))}
    except Exception:  # noqa: BLE001 - of data or an estimator of the person's: the model can still be loaded
        return {"method": None}


def _ended(code: int) -> str:
    """Say how a process ended that gave no verdict."""
    if code >= 0:
        return f"the process ended with code {code}"
    with contextlib.suppress(ValueError):
        return f"the process was ended by {signal.Signals(-code).name}"
    return f"the process was ended by signal {-code}"


def _failure(path: Path, found: dict[str, str]) -> InputError | UserCodeError:
    reason = found["error"].splitlines()[0][:300]
    if found["step"] == "load":
        return InputError(
            f"The model is saved as {str(path)!r}, but another process cannot load it:\n{reason}\n"
            f"{format_of(path).advice}\n"
            "--no-verify saves a model without this check."
        )
    return UserCodeError(
        f"The model is saved as {str(path)!r} and loads, but does not predict there as here:\n{reason}\n"
        "What it needs for that is not in what it pickles: look at its __getstate__ and its global variables.\n"
        "--no-verify saves a model without this check."
    )
