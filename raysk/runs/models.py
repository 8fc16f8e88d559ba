"""Save and load a fitted model, with a sidecar that says what it is without unpickling it.

    save_model(estimator, model.pkl) -> model.pkl    by value: plain pickle loads it, without the user's file
                                     -> model.json   versions, parameters, data, scores, hash of model.pkl

A pickle runs code when it is loaded: only ever load one that the person named.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import pickle
import warnings
from typing import TYPE_CHECKING, Any, BinaryIO

from raysk.errors import InputError, UsageError
from raysk.runs.data_facts import data_facts
from raysk.runs.folder import SCHEMA, check_output, now, versions, write_atomically, write_text
from raysk.runs.jsonable import plain, to_json
from raysk.runs.pickling import unpicklable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["check_model", "data_facts", "load_model", "read_sidecar", "save_model", "sidecar_path"]

# Marks a .json file as ours, so that a person's own model.json is never written over.
_KIND = "raysk-model"

# --- saving ---------------------------------------------------------------------------------------


def sidecar_path(path: Path) -> Path:
    """Return where the sidecar of a model file is: ``model.json`` for ``model.pkl``."""
    return path.with_suffix(".json")


def check_model(path: Path) -> None:
    """Fail before a job runs if its model could not be saved at `path`.

    Raises
    ------
    UsageError
        If the suffix is ``.json``, the sidecar's.
    InputError
        If no file can be written there, or the sidecar would replace a file that is not ours.
    """
    if path.suffix.lower() == ".json":
        raise UsageError(f"{str(path)!r}: .json is for the description beside the model.\nName a .pkl file.")
    check_output(path)
    beside = sidecar_path(path)
    if beside.exists() and read_sidecar(path) is None:
        raise InputError(
            f"{str(beside)!r} is not raysk's, and the model's description would replace it.\n"
            f"Name another model than {path.name!r}, or move {beside.name!r} away."
        )


def save_model(estimator: Any, path: Path, facts: Mapping[str, Any]) -> Path:
    """Save a model, by value, and its sidecar; each whole or not at all.

    Parameters
    ----------
    estimator : estimator
        Fitted. Classes of modules that were registered with `cloudpickle.register_pickle_by_value` are saved
        whole; all else is saved as a name to import.
    path : Path
        Of any suffix but ``.json``; the content is the same for ``.pkl`` and ``.joblib``, and both
        `pickle.load` and `joblib.load` read it.
    facts : mapping of str to object
        What only the caller knows: ``source``, ``source_hash``, ``data`` (from `data_facts`), ``scores`` and
        others.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    UsageError
        If the suffix is ``.json``.
    InputError
        If the estimator cannot be pickled, naming the attribute; or the files cannot be written.
    """
    check_model(path)
    tally = _dump(estimator, path)
    file = {"name": path.name, "size_bytes": tally.size_bytes, "sha256": tally.sha256.hexdigest()}
    described = {**_description(estimator), **plain(facts), "file": file}
    write_text(sidecar_path(path), to_json(described, indent=2) + "\n")
    return path


class _Tally:
    """A file that is hashed and measured as it is written, so that it need not be read again.

    Without a file beneath, what is written is only counted.
    """

    def __init__(self, file: BinaryIO | None = None) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()
        self.size_bytes = 0

    def write(self, content: Any) -> int:
        length = memoryview(content).nbytes
        self.size_bytes += length
        if self._file is not None:
            self.sha256.update(content)
            self._file.write(content)
        return length


def _dump(estimator: Any, path: Path) -> _Tally:
    import cloudpickle

    tally = _Tally()

    def write(file: BinaryIO) -> None:
        nonlocal tally
        tally = _Tally(file)
        try:
            cloudpickle.dump(estimator, tally)
        except (OSError, MemoryError):  # the disk's or the machine's fault, not the estimator's
            raise
        except Exception as err:
            raise unpicklable(estimator, err, "saved") from err

    write_atomically(path, write)
    return tally


def _description(estimator: Any) -> dict[str, Any]:
    """Return what can be said of the estimator itself; what it does not have is None."""
    kind = type(estimator)
    return {
        "schema": SCHEMA,
        "kind": _KIND,
        "created": now(),
        "versions": versions("scikit-learn", "numpy", "cloudpickle"),
        "estimator": f"{kind.__module__}.{kind.__qualname__}",
        "parameters": _parameters(estimator),
        "source": None,
        "source_hash": None,
        "data": None,
        "scores": None,
        "feature_names_in": plain(_fitted(estimator, "feature_names_in_")),
        "n_features_in": plain(_fitted(estimator, "n_features_in_")),
        "classes": plain(_fitted(estimator, "classes_")),
    }


def _parameters(estimator: Any) -> Any:
    try:
        return plain(estimator.get_params())
    except Exception:  # noqa: BLE001 - the person's class may have none, or fail; the model is saved already
        return None


def _fitted(estimator: Any, name: str) -> Any:
    try:
        return getattr(estimator, name, None)
    except Exception:  # noqa: BLE001 - a property of the person's class; the model is worth more than this line
        return None


# --- loading --------------------------------------------------------------------------------------


def read_sidecar(path: Path) -> dict[str, Any] | None:
    """Return what the sidecar of a model file says, or None if there is none of ours."""
    try:
        described = json.loads(sidecar_path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    ours = isinstance(described, dict) and described.get("kind") == _KIND
    return described if ours else None


def load_model(path: Path) -> Any:
    """Load a model that pickle, cloudpickle or joblib saved.

    Parameters
    ----------
    path : Path
        A file that the person named: loading it runs what it says.

    Returns
    -------
    estimator

    Raises
    ------
    InputError
        If the file is missing, unreadable, cut short or damaged, holds no estimator, or needs a module or
        class that is not here.

    Warns
    -----
    UserWarning
        If the sidecar says that the model was saved with another version of scikit-learn.
    """
    described = read_sidecar(path) or {}
    aged = _aged(described)
    try:
        with _quiet_about_versions(quiet=bool(aged)):
            model = _unpickle(path)
    except Exception as err:
        raise InputError("\n".join([*_load_failure(path, err, described), *aged])) from err
    if not hasattr(model, "fit"):
        raise InputError(
            f"{str(path)!r} holds an object of type {type(model).__name__}, not an estimator.\n"
            "Name a file that 'raysk fit -o' or pickle.dump(estimator, file) wrote."
        )
    for line in aged:
        warnings.warn(f"{path.name}: {line}", stacklevel=2)
    return model


def _unpickle(path: Path) -> Any:
    with path.open("rb") as file:
        try:
            return pickle.load(file)
        except (
            ImportError,
            AttributeError,
            OSError,
        ):  # the file is sound: joblib would fail on the same name
            raise
        except Exception as err:  # noqa: BLE001 - a file that is no pickle raises almost anything
            first = err
    import joblib

    try:  # joblib's own format has the arrays between the opcodes, or is compressed
        return joblib.load(path)
    except (ImportError, AttributeError):
        raise
    except Exception:  # noqa: BLE001 - pickle's reason is the clearer one
        raise first from None


def _aged(described: Mapping[str, Any]) -> list[str]:
    """Return a line that says with which other scikit-learn the model was saved, or none."""
    saved = (described.get("versions") or {}).get("scikit-learn")
    here = versions("scikit-learn")["scikit-learn"]
    if saved in {None, here}:
        return []
    return [f"it was saved with scikit-learn {saved}, and this is {here}: results may differ."]


@contextlib.contextmanager
def _quiet_about_versions(*, quiet: bool) -> Iterator[None]:
    """Keep scikit-learn from saying once per inner estimator what we are going to say once."""
    with warnings.catch_warnings():
        if quiet:
            from sklearn.exceptions import InconsistentVersionWarning

            warnings.simplefilter("ignore", InconsistentVersionWarning)
        yield


def _load_failure(path: Path, err: Exception, described: Mapping[str, Any]) -> list[str]:
    """Say why a model cannot be loaded and what to do, in at most four lines."""
    reason = f"{type(err).__name__}: {err}".splitlines()[0][:300]
    match err:
        case FileNotFoundError() if not path.exists():
            return [f"There is no model file {str(path)!r}.", f"Looked in {str(path.absolute().parent)!r}."]
        case IsADirectoryError():
            return [
                f"{str(path)!r} is a folder, not a model file.",
                f"Name a file in it: {str(path / 'model.pkl')!r}.",
            ]
        case OSError():
            return [f"The model file {str(path)!r} cannot be read: {err.strerror or err}."]
        case ModuleNotFoundError():
            return [
                f"The model {str(path)!r} needs the module {err.name!r}, which is not here.",
                "Install what it is from, or put its folder on PYTHONPATH.",
                "(A model saved by 'raysk fit -o' carries the classes of the user's file with it.)",
            ]
        case ImportError() | AttributeError():
            return [
                f"The model {str(path)!r} needs something that is not here:",
                reason,
                "Load it with the code and the versions that saved it.",
            ]
    return [f"The model file {str(path)!r} {_damage(path, described)}.", reason, "Save the model again."]


def _damage(path: Path, described: Mapping[str, Any]) -> str:
    expected = (described.get("file") or {}).get("size_bytes")
    size = path.stat().st_size
    if expected not in {None, size}:
        return f"is damaged: it has {size:,} bytes, and had {expected:,} when it was saved"
    return "is empty" if size == 0 else "is no pickle, or is damaged"
