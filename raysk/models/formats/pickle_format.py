"""Models as pickles: of cloudpickle, which writes classes of the person's own file by value."""

from __future__ import annotations

import contextlib
import pickle
from typing import TYPE_CHECKING, Any

from raysk.errors import UsageError
from raysk.models.compressed import load_joblib
from raysk.models.formats.format import Format
from raysk.models.imports import NoModel, as_pickle, imports_of
from raysk.models.pickling import unpicklable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

ADVICE = "Install what it needs, or define it in the file that you name: what that holds travels inside the model."


def _write(model: Any, file: BinaryIO) -> None:
    import cloudpickle

    with naming_the_part(model):
        cloudpickle.dump(model, file)


@contextlib.contextmanager
def naming_the_part(model: Any) -> Iterator[None]:
    """Name the part of a model that cannot be pickled. What the disk or the machine does wrong passes through."""
    try:
        yield
    except (OSError, MemoryError):
        raise
    except Exception as error:
        raise unpicklable(model, error, "saved") from error


class _JoblibsOwn(Exception):  # noqa: N818 - no error: a turn to take
    """The file is one of joblib's: arrays stand between its instructions, which pickle would take for more of them."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        if module_name.startswith("joblib.numpy_pickle"):
            raise _JoblibsOwn
        return super().find_class(module_name, global_name)


def _load(path: Path, trust: Sequence[str]) -> Any:
    refuse_trust(path, trust)
    with path.open("rb") as file:
        try:
            return _Unpickler(as_pickle(path, file)).load()
        except (ImportError, AttributeError, OSError, NoModel):  # joblib would fail on the same name
            raise
        except Exception as error:  # noqa: BLE001 - a file that is no pickle raises almost anything
            first = error
    try:  # one of joblib's under another suffix, or a compressed one
        return load_joblib(path)
    except (ImportError, AttributeError):
        raise
    except Exception as error:  # noqa: BLE001 - of the two reasons, pickle's is the clearer one
        raise (error if isinstance(first, _JoblibsOwn) else first) from None


def refuse_trust(path: Path, trust: Sequence[str]) -> None:
    """Fail if the person trusts single types of a pickle, which runs whatever it says."""
    if trust:
        raise UsageError(
            f"--trust {trust[0]}: {path.name!r} is a pickle, which runs whatever it says when it is loaded.\n"
            "Trusting single types is for .skops files."
        )


def check_beginning(path: Path) -> None:
    """Raise `NoModel` if a file does not begin as a pickle does, compressed or not."""
    with path.open("rb") as file:
        as_pickle(path, file)


PICKLE = Format(
    name="pickle",
    suffixes=(".pkl", ".pickle"),
    write=_write,
    load=_load,
    check_beginning=check_beginning,
    find_imports=imports_of,
    load_code="import pickle\nwith open(path, 'rb') as file:\n    model = pickle.load(file)",
    advice=ADVICE,
)
