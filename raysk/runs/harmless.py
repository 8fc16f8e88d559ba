"""Which names a model may refer to, and call, without anybody having to wonder what comes of it.

A file that refers to ``exec`` does more than its list of imports tells. Names of the standard library are judged by a
closed list. Other libraries are open-ended: their classes may be made, and their functions be referred to; those that
are called when a file is loaded have to be among those that pickles of numpy, scipy and pandas call.
"""

from __future__ import annotations

import re
import sys

from raysk.runs.placeholders import WRAPPER

BY_VALUE = {"cloudpickle", "dill"}
"""Parts of the names of libraries that put code into pickles."""

LOADERS = {"_pickle.loads", "pickle.loads"}
GETATTR = "builtins.getattr"
ONLY_CALLED = {*LOADERS, GETATTR}
"""Names that are followed where they are called, and are harmless nowhere else."""

_PURE = {"math", "cmath", "statistics", "numbers", "datetime", "_datetime", "decimal", "_decimal", "fractions"}
_BUILTINS = """set frozenset bytearray complex slice range list dict tuple int float str bytes bool object type len abs
min max sum round sorted any all zip enumerate reversed hash repr divmod pow chr ord Ellipsis NotImplemented"""
_KNOWN = {
    *(f"builtins.{name}" for name in _BUILTINS.split()),
    *(f"collections.{name}" for name in ("OrderedDict", "defaultdict", "deque", "Counter")),
    *(f"copyreg.{name}" for name in ("_reconstructor", "__newobj__", "__newobj_ex__")),
    *(f"pathlib.{name}" for name in ("Path", "PosixPath", "WindowsPath", "PurePath", "PurePosixPath")),
    *(f"operator.{name}" for name in ("itemgetter", "attrgetter", "add", "sub", "mul", "truediv", "neg", "eq", "lt")),
    *("_codecs.encode", "re._compile", "re.compile", "functools.partial", "uuid.UUID", "json.dumps", "json.loads"),
    *("random.Random", "random._inst", "types.SimpleNamespace", "zoneinfo.ZoneInfo", "zoneinfo.ZoneInfo._unpickle"),
    *("typing.Any", "typing.Optional", "typing.Union", "types.NoneType", "abc.ABCMeta", "abc.ABC", "enum.Enum"),
}
_TYPES_WITH_METHODS = re.compile(r"builtins\.(str|bytes|int|float|list|dict|tuple|set|frozenset)\.[a-z]\w*")
_ERRORS = re.compile(r"builtins\.\w+(Error|Exception|Warning)")

_BAD_PARTS = {"test", "tests", "testing", "distutils", "f2py", "conftest", "setup", "cbook", "pickle", "numpy_pickle"}
_BAD_NAMES = {"load", "loads", "eval", "exec", "system", "popen", "run", "spawn", "runstring", "rundocs", "__import__"}
_BAD_NAMES |= {"read_pickle", "execfile", "load_module", "import_module", "import_string", "run_path", "subimport"}

_CALLED = re.compile(
    r"numpy\.(dtype|ndarray|matrix|poly1d)"
    r"|numpy\.(_core|core)\.(multiarray\.(_reconstruct|scalar)|numeric\._frombuffer|_internal\._\w+)"
    r"|numpy\.\w+(\.\w+)*\._convert_to_stringdtype_kwargs"
    r"|numpy\.random\._pickle\.__\w+_ctor|numpy\.ma\.core\._mareconstruct"
    r"|scipy\.sparse\.(\w+\.)?\w+_(matrix|array)"
    r"|sklearn(\.\w+)+\.newObj|pyarrow\.lib\.(type_for_alias|py_buffer|_restore_array|\w+_unpickle|_reconstruct_\w+)"
    r"|pandas\.(core|_libs)(\.\w+)*\.(_new_\w+|_unpickle_\w+|_period_unpickle|_timestamp_unpickle|_timedelta_unpickle)"
    r"|\w+(\.\w+)*\.(__pyx_unpickle_\w+|_reconstruct\w*|_rebuild\w*|_unpickle\w*)"
)
MADE_UP = "(a name that is made up when it is loaded)"


def doubt_about_name(name: str, *, has_code: bool = False) -> str | None:
    """Say what is to be said against a name that a file refers to; None if nothing is.

    Parameters
    ----------
    name : str
        With its module.
    has_code : bool
        Whether the file carries code of its own, which may use what it likes.
    """
    parts = name.split(".")
    (root, *inner), last = parts, parts[-1]
    if not all(part.isidentifier() for part in parts):
        return "a name in it is no name" if name != MADE_UP else "it makes up names while it is loaded"
    if root in sys.stdlib_module_names:
        known = root in _PURE or name in _KNOWN or name in ONLY_CALLED or _TYPES_WITH_METHODS.fullmatch(name)
        return None if has_code or known or _ERRORS.fullmatch(name) else f"it refers to {name}"
    if name == WRAPPER:
        return None  # it is followed
    if BY_VALUE & {root, *inner}:
        return f"it refers to {name}" if last in {"load", "loads"} else None
    bad = last in _BAD_NAMES or _BAD_PARTS & {*inner} or any(part.startswith("__") for part in inner[:-1])
    return f"it refers to {name}" if bad else None


def doubt_about_call(name: str, *, only_made: bool) -> str | None:
    """Say what is to be said against calling a name while a file is loaded; None if nothing is.

    Parameters
    ----------
    name : str
        With its module.
    only_made : bool
        Whether it is a class of which an object is made, without arguments and without its ``__init__``.
    """
    if name.partition(".")[0] in sys.stdlib_module_names:
        return None if doubt_about_name(name) is None else f"it calls {name}"
    fine = only_made or is_class(name) or BY_VALUE & set(name.split(".")) or _CALLED.fullmatch(name)
    return None if fine else f"it calls {name}"


def is_class(name: str) -> bool:
    """Return whether a name is written as those of classes are."""
    return name.rpartition(".")[2].lstrip("_")[:1].isupper()
