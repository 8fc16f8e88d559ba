"""How a model becomes a file, by the file's suffix.

    .skops      skops         loading it makes only objects of known types, and of those that the person trusts
    .joblib     joblib        a reader may map its arrays into memory instead of reading them
    any other   cloudpickle   the quickest; every reader of pickles takes it

In the last two, classes of the person's own file travel by value: whoever loads the model need not have the file. Both
are pickles, which run code when they are loaded.
"""

from __future__ import annotations

import contextlib
import pickle
from dataclasses import dataclass
from types import FunctionType
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError, UsageError
from raysk.models.imports import as_pickle, is_pickle
from raysk.models.pickles import load_pickle
from raysk.models.pickling import unpicklable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO


@dataclass(frozen=True)
class Format:
    """One way to write a model.

    Parameters
    ----------
    name : str
    dump : callable
        Takes the model and an open binary file.
    load : callable
        Takes a path and the names of types that the person trusts.
    check : callable
        Raises an `InputError` if this format cannot be written or read here.
    """

    name: str
    dump: Callable[[Any, BinaryIO], None]
    load: Callable[[Path, Sequence[str]], Any]
    check: Callable[[], object] = lambda: None


def format_of(path: Path) -> Format:
    """Return the format that a file's suffix names; a pickle for any that is not known."""
    return _BY_SUFFIX.get(path.suffix.lower(), PICKLE)


def is_model(path: Path) -> bool:
    """Return whether a file begins as a model does; False if it cannot be read."""
    import zipfile

    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return zipfile.is_zipfile(file) if format_of(path) is SKOPS else is_pickle(file)
    except (OSError, ValueError):
        return False


# --- a pickle, by value


def _dump_pickle(model: Any, file: BinaryIO) -> None:
    import cloudpickle

    with _blamed(model):
        cloudpickle.dump(model, file)


@contextlib.contextmanager
def _blamed(model: Any) -> Iterator[None]:
    """Say which part of a model cannot be pickled; what the disk or the machine does wrong passes through."""
    try:
        yield
    except (OSError, MemoryError):
        raise
    except Exception as error:
        raise unpicklable(model, error, "saved") from error


def _load_pickle(path: Path, trust: Sequence[str]) -> Any:
    _refuse_trust(path, trust)
    with path.open("rb") as file:
        return load_pickle(path, as_pickle(path, file))


def _refuse_trust(path: Path, trust: Sequence[str]) -> None:
    if trust:
        raise UsageError(
            f"--trust {trust[0]}: {path.name!r} is a pickle, which runs whatever it says when it is loaded.\n"
            "Trusting single types is for .skops files."
        )


# --- joblib's own format


def _dump_joblib(model: Any, file: BinaryIO) -> None:
    with _blamed(model):
        _joblib_pickler()(file).dump(model)


def _joblib_pickler() -> Any:
    """Return joblib's pickler, which takes what only cloudpickle can pickle as cloudpickle does."""
    import cloudpickle
    from joblib.numpy_pickle import NumpyPickler

    class ByValue(NumpyPickler):  # type: ignore[misc]
        dispatch_table = cloudpickle.Pickler.dispatch_table

        def reducer_override(self, obj: Any) -> Any:
            if not isinstance(obj, (type, FunctionType)):
                return NotImplemented
            content = cloudpickle.dumps(obj, protocol=self.proto)
            return NotImplemented if content == _by_name(obj, self.proto) else (pickle.loads, (content,))

    return ByValue


def _by_name(obj: Any, protocol: int) -> bytes | None:
    """Return the pickle of a class or function that can be imported by its name; None where it cannot be."""
    try:
        return pickle.dumps(obj, protocol=protocol)
    except (pickle.PicklingError, AttributeError):
        return None


# --- skops


def _skops() -> Any:
    try:
        import skops.io
    except ImportError as error:
        raise InputError(
            "A .skops file needs skops, which is not installed here.\nInstall it with: pip install 'raysk[skops]'"
        ) from error
    return skops.io


def _dump_skops(model: Any, file: BinaryIO) -> None:
    try:
        _skops().dump(model, file)
    except (OSError, MemoryError, InputError):
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        raise InputError(
            f"{type(model).__name__} cannot be saved as .skops: {reason}\nSave it as .pkl or .joblib."
        ) from error


def _load_skops(path: Path, trust: Sequence[str]) -> Any:
    skops = _skops()
    unknown = [name for name in skops.get_untrusted_types(file=path) if name not in trust]
    if unknown:
        named = " ".join(f"--trust {name}" for name in unknown)
        raise InputError(
            f"{str(path)!r} holds what skops does not trust. If you know where the file is from, trust it by name:\n"
            f"  {named}"
        )
    return skops.load(path, trusted=list(trust))


PICKLE = Format("pickle", _dump_pickle, _load_pickle)
JOBLIB = Format("joblib", _dump_joblib, _load_pickle)
SKOPS = Format("skops", _dump_skops, _load_skops, _skops)

_BY_SUFFIX = {".joblib": JOBLIB, ".skops": SKOPS}
