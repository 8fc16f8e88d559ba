"""Save and load a fitted model, with a sidecar that says what it is without loading it.

    save_model(estimator, model.pkl) -> model.pkl    see formats/; plain pickle loads it, without the user's file
                                     -> model.json   versions, parameters, data, scores, hash of model.pkl

Loading a pickle runs code: load only a pickle that the person named.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import warnings
from typing import TYPE_CHECKING, Any, BinaryIO

from raysk.errors import InputError, RayskError, UsageError
from raysk.models.data_facts import data_facts
from raysk.models.formats import format_of
from raysk.models.sidecar import describe_model, described_model, read_sidecar, sidecar_path, version_differences
from raysk.util.jsonable import plain, to_json
from raysk.util.path_suggestions import suggest_path
from raysk.util.words import error_line
from raysk.util.writing import check_output, check_taken, encoded, write_together

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["check_model", "data_facts", "load_model", "read_sidecar", "save_model", "sidecar_path"]

# --- saving ---------------------------------------------------------------------------------------


def check_model(path: Path, *, new: bool = False) -> None:
    """Fail before a job runs if its model could not be saved at `path`.

    Parameters
    ----------
    path : Path
    new : bool
        Whether a model that exists at `path` belongs to somebody else.

    Raises
    ------
    UsageError
        If the suffix is ``.json``, the sidecar's.
    InputError
        If it is not new, no file can be written there, its format needs a package that is not installed, or the
        sidecar would replace a file that is not ours.
    """
    if path.suffix.lower() == ".json":
        raise UsageError(f"{str(path)!r}: .json is for the description beside the model.\nName a .pkl file.")
    format_of(path).check_installed()
    check_output(path)
    if new:
        check_taken(path)
    beside = sidecar_path(path)
    if beside.exists() and read_sidecar(path) is None:
        name = described_model(path)
        whose = "is not raysk's" if name is None else f"describes {name!r}"
        raise InputError(
            f"{str(beside)!r} {whose}, and the model's description would replace it.\n"
            f"Name another model than {path.name!r}, or move {beside.name!r} away."
        )


def save_model(estimator: Any, path: Path, facts: Mapping[str, Any], *, new: bool = False) -> Path:
    """Save a model and its sidecar, which belong together; each whole or not at all.

    Parameters
    ----------
    estimator : estimator
        Fitted. Classes of modules that were registered with `cloudpickle.register_pickle_by_value` are saved
        whole, but not in a ``.skops`` file; all else is saved as a name to import.
    path : Path
        Its suffix chooses the format; see `raysk.models.formats`.
    facts : mapping of str to object
        What only the caller knows: ``source``, ``source_hash``, ``data`` (from `data_facts`), ``scores`` and
        others.
    new : bool
        Whether a model that is there by now is somebody else's, and stays.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    UsageError
        If the suffix is ``.json``.
    InputError
        If the estimator cannot be saved in that format, naming the attribute; or the files cannot be written, or
        the model is not new.
    """
    check_model(path, new=new)
    tallies: list[_Tally] = []

    def write(file: BinaryIO) -> None:
        tallies.append(_Tally(file))
        format_of(path).write(estimator, tallies[-1])  # type: ignore[arg-type]  # it has what picklers use of a file

    def describe(file: BinaryIO) -> None:
        (tally,) = tallies
        written = {"name": path.name, "size_bytes": tally.tell(), "sha256": tally.sha256.hexdigest()}
        described = {**describe_model(estimator), **plain(facts), "file": written}
        file.write(encoded(to_json(described, indent=2) + "\n"))

    write_together([(path, write), (sidecar_path(path), describe)], functools.partial(check_model, path, new=new))
    return path


class _Tally:
    """A file that is hashed and measured as it is written, so that it need not be read again."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size_bytes = 0
        self.sha256 = hashlib.sha256()

    def write(self, content: Any) -> int:
        length = memoryview(content).nbytes
        self._size_bytes += length
        self.sha256.update(content)
        self._file.write(content)
        return length

    def tell(self) -> int:  # joblib aligns arrays by it
        return self._size_bytes


# --- loading --------------------------------------------------------------------------------------


def load_model(path: Path, trust: Sequence[str] = ()) -> Any:
    """Load a model that pickle, cloudpickle, joblib or skops saved.

    Parameters
    ----------
    path : Path
        A file that the person named: loading a pickle runs what it says.
    trust : sequence of str
        The types that the person trusts in a ``.skops`` file, besides those that skops does.

    Returns
    -------
    estimator

    Raises
    ------
    InputError
        If the file is missing, unreadable, cut short or damaged, holds no estimator, or needs a module, class
        or trust that is not here.
    UsageError
        If `trust` is given for a pickle.

    Warns
    -----
    UserWarning
        Before it is loaded, if the sidecar says that the model was saved with other versions.
    """
    described = read_sidecar(path) or {}
    aged = version_differences(described.get("versions") or {})
    if aged:
        warnings.warn(f"{path.name} {_grown_old(aged)}", stacklevel=2)
    try:
        with _quiet_about_versions(quiet=bool(aged)):
            model = format_of(path).load(path, trust)
    except RayskError:
        raise
    except Exception as error:
        raise InputError("\n".join(_load_failure(path, error, described))) from error
    if not any(hasattr(model, name) for name in ("fit", "predict", "transform")):
        raise InputError(
            f"{str(path)!r} holds an object of type {type(model).__name__}, not an estimator.\n"
            "Name a file that 'raysk fit -o' or pickle.dump(estimator, file) wrote."
        )
    return model


def _grown_old(differences: Mapping[str, tuple[str, str | None]]) -> str:
    then = " and ".join(f"{name} {saved}" for name, (saved, _) in differences.items())
    here = " and ".join(str(here) for _, here in differences.values())
    return f"was saved with {then}, and here is {here}: it may not load, or results may differ."


@contextlib.contextmanager
def _quiet_about_versions(*, quiet: bool) -> Iterator[None]:
    """Keep scikit-learn from saying once per inner estimator what we have said once."""
    with warnings.catch_warnings():
        if quiet:
            from sklearn.exceptions import InconsistentVersionWarning

            warnings.simplefilter("ignore", InconsistentVersionWarning)
        yield


def _load_failure(path: Path, error: Exception, described: Mapping[str, Any]) -> list[str]:
    """Say why a model cannot be loaded and what to do, in at most four lines."""
    reason = error_line(error)
    match error:
        case FileNotFoundError() if not path.exists():
            looked = f"Looked in {str(path.absolute().parent)!r}."
            return [f"There is no model file {str(path)!r}.", suggest_path(path) or looked]
        case IsADirectoryError():
            return [f"{str(path)!r} is a folder, not a model file.", "Name a model file, or the folder of a run."]
        case OSError():
            return [f"The model file {str(path)!r} cannot be read: {error.strerror or error}."]
        case ModuleNotFoundError() if _is_name(error.name):
            return [
                f"The model {str(path)!r} needs the module {error.name!r}, which is not here.",
                "Install what it is from, or put its folder on PYTHONPATH.",
                "(A model saved by 'raysk fit -o' carries the classes of the user's file with it.)",
            ]
        case ImportError() | AttributeError() if not isinstance(error, ModuleNotFoundError):
            return [
                f"The model {str(path)!r} needs something that is not here:",
                reason,
                "Load it with the code and the versions that saved it.",
            ]
    return [f"The model file {str(path)!r} {_damage(path, described)}.", reason, "Save the model again."]


def _is_name(module: str | None) -> bool:
    """Return whether a name can be a module's: text that is no pickle may ask for what is none."""
    return all(part.isidentifier() for part in (module or "").split("."))


def _damage(path: Path, described: Mapping[str, Any]) -> str:
    expected = (described.get("file") or {}).get("size_bytes")
    size = path.stat().st_size if path.is_file() else None  # a pipe does not tell
    if size is not None and expected not in {None, size}:
        return f"is damaged: it has {size:,} bytes, and had {expected:,} when it was saved"
    return "is empty" if size == 0 else "is no model, or is damaged"
