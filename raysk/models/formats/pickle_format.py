"""Models as pickles: of cloudpickle, which writes classes of the person's own file by value."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from raysk.errors import UsageError
from raysk.models.formats.format import Format
from raysk.models.imports import as_pickle, imports_of
from raysk.models.pickles import load_pickle
from raysk.models.unpicklable import unpicklable_error

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
        raise unpicklable_error(model, error, "saved") from error


def load(path: Path, trust: Sequence[str]) -> Any:
    """Load a pickle; trusting single types of one is wrong usage, as it runs whatever it says."""
    if trust:
        raise UsageError(
            f"--trust {trust[0]}: {path.name!r} is a pickle, which runs whatever it says when it is loaded.\n"
            "Trusting single types is for .skops files."
        )
    with path.open("rb") as file:
        return load_pickle(path, as_pickle(path, file))


def check_beginning(path: Path) -> None:
    """Raise `NoModel` if a file does not begin as a pickle does, compressed or not."""
    with path.open("rb") as file:
        as_pickle(path, file)


PICKLE = Format(
    name="pickle",
    suffixes=(".pkl", ".pickle"),
    write=_write,
    load=load,
    check_beginning=check_beginning,
    find_imports=imports_of,
    load_code="import pickle\nwith open(path, 'rb') as file:\n    model = pickle.load(file)",
    advice=ADVICE,
)
