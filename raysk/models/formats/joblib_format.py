"""Models in joblib's own format: a reader may map the arrays into memory."""

from __future__ import annotations

import pickle
from types import FunctionType
from typing import TYPE_CHECKING, Any

from raysk.models.formats.format import Format
from raysk.models.formats.pickle_format import ADVICE, check_beginning, load, naming_the_part
from raysk.models.imports import imports_of

if TYPE_CHECKING:
    from typing import BinaryIO


def _write(model: Any, file: BinaryIO) -> None:
    with naming_the_part(model):
        _pickler()(file).dump(model)


def _pickler() -> Any:
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


JOBLIB = Format(
    name="joblib",
    suffixes=(".joblib",),
    write=_write,
    load=load,
    check_beginning=check_beginning,
    find_imports=imports_of,
    load_code="import joblib\nmodel = joblib.load(path)",
    advice=ADVICE,
)
