"""The names that a model may refer to, and those that it may call, without a doubt.

All is judged by closed lists: a name that is in none of them is a doubt. A reference runs nothing, so classes and
functions of the known scientific libraries may be referred to. Calls run code with arguments that the file chooses, so
only what pickles of honest models call may be called.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from typing import TYPE_CHECKING

from raysk.models.placeholders import WRAPPER, Made

if TYPE_CHECKING:
    from collections.abc import Sequence

LOADERS = {"_pickle.loads", "pickle.loads"}
GETATTR = "builtins.getattr"
TYPE = "builtins.type"
_CONSTANTS = {"builtins.Ellipsis", "builtins.NotImplemented"}
ONLY_CALLED = {*LOADERS, GETATTR}
"""Names that are followed where they are called, and are harmless nowhere else."""
MADE_UP = "(a name that is made up when it is loaded)"

# --- code in the file

BY_VALUE = {"cloudpickle", "dill"}
"""Parts of the names of libraries that put code into pickles."""
_CLOUDPICKLE = re.compile(
    r"(ray\.|joblib\.externals\.)?cloudpickle\.cloudpickle(_fast)?\.(subimport|_make_\w+|_builtin_type"
    r"|_(class|function)_setstate|_get_dataclass_field_type_sentinel)"
)
_CODE_TYPES = {"types.CodeType", "types.FunctionType"}
_OF_CODE = {"builtins.classmethod", "builtins.staticmethod", "builtins.property", *_CODE_TYPES}
_CODE = {*_CODE_TYPES, "marshal.loads", "builtins.exec", "builtins.eval"}
_MAKES_CLASSES = ("._make_skeleton_class", "._make_skeleton_enum")
_MADE_TYPES = (("CodeType",), ("MethodType",))
OF_OWN_CLASS = "(an object of a class that the file carries)"

# --- names of the standard library

_BUILTINS = """set frozenset bytearray complex slice range list dict tuple int float str bytes bool object"""
_FUNCTIONS = """len abs min max sum round sorted any all zip enumerate reversed hash repr divmod pow chr ord"""
_CALLED_STANDARD = {
    *(f"builtins.{name}" for name in _BUILTINS.split()),
    *(f"collections.{name}" for name in ("OrderedDict", "defaultdict", "deque", "Counter")),
    *(f"pathlib.{name}" for name in ("Path", "PosixPath", "WindowsPath", "PurePath", "PurePosixPath")),
    *(f"datetime.{name}" for name in ("date", "time", "datetime", "timedelta", "timezone")),
    *("_codecs.encode", "decimal.Decimal", "fractions.Fraction", "functools.partial", "uuid.UUID", "re._compile"),
    *("random.Random", "types.SimpleNamespace", "zoneinfo.ZoneInfo", "zoneinfo.ZoneInfo._unpickle"),
    *("operator.itemgetter", "operator.attrgetter"),
}
_KEEPS = {
    "functools.partial",
    "collections.defaultdict",
    "types.SimpleNamespace",
}  # and do no more
_PLAIN = {"builtins", "collections", "datetime", "decimal", "fractions", "numpy", "pathlib", "uuid", "zoneinfo"}
_REFERRED_STANDARD = {
    *_CALLED_STANDARD,
    *(f"builtins.{name}" for name in _FUNCTIONS.split()),
    *("builtins.type", "builtins.Ellipsis", "builtins.NotImplemented", "types.NoneType"),
    *(f"copyreg.{name}" for name in ("_reconstructor", "__newobj__", "__newobj_ex__")),
    *(f"operator.{name}" for name in ("add", "sub", "mul", "truediv", "neg", "eq", "lt")),
    *("json.dumps", "json.loads", "abc.ABCMeta", "abc.ABC", "enum.Enum"),
    *("typing.Any", "typing.Optional", "typing.Union"),
}
_PURE = {"math", "cmath", "statistics"}
_PUBLIC = re.compile(r"[a-z]\w*")
_METHODS = re.compile(r"builtins\.(str|bytes|int|float|list|dict|tuple|set|frozenset)\.[a-z]\w*")
_ERRORS = re.compile(r"builtins\.\w+(Error|Exception|Warning)")

# --- names of the scientific libraries

_SKLEARN = """base calibration callback cluster compose covariance cross_decomposition decomposition
discriminant_analysis dummy ensemble exceptions
feature_extraction feature_selection frozen gaussian_process impute inspection
isotonic kernel_approximation kernel_ridge linear_model manifold metrics mixture model_selection multiclass multioutput
naive_bayes neighbors neural_network pipeline preprocessing random_projection semi_supervised svm tree utils _loss"""
_SCIPY = """sparse special stats spatial interpolate optimize linalg signal cluster ndimage integrate fft fftpack"""
_PARTS_OF = {
    "sklearn": _SKLEARN,
    "scipy": _SCIPY,
    "numpy": "core _core random ma linalg fft polynomial dtypes matrixlib rec",
    "pandas": "core _libs arrays",
    "joblib": "memory _store_backends logger hashing",
    "pyarrow": "lib",
    "polars": "dataframe series datatypes",
}
_OTHERS = """lightgbm xgboost catboost imblearn statsmodels category_encoders feature_engine hdbscan umap mlxtend
lifelines sksurv skorch"""
_LIBRARIES = {
    **{root: {*parts.split()} for root, parts in _PARTS_OF.items()},
    **dict.fromkeys(_OTHERS.split()),
}
# any other name of a module of the standard library is that module, by way of somebody's import
_OWN = {("numpy", name) for name in ("random", "_pickle", "array", "copy", "select")} | {("scipy", "signal")}
_ALIASES = {f"{root}.array_api_compat.numpy._aliases.asarray" for root in ("scipy._lib", "sklearn.externals")}
_BAD_PARTS = {"test", "tests", "testing", "_testing", "_test_common", "distutils", "f2py", "conftest", "setup"}
_BAD_PARTS |= {"externals", "estimator_checks", "computation", "fixes", "pickle", "numpy_pickle", "cbook"}
_BAD_WORDS = {"load", "loads", "eval", "exec", "system", "popen", "run", "spawn", "call", "open", "read", "import"}
_BAD_WORDS |= {"save", "savez", "savetxt", "loadtxt", "genfromtxt", "fromfile", "fromregex", "execfile", "subimport"}
_BAD_WORDS |= {"runstring", "rundocs", "fetch", "download", "command", "subprocess", "output", "compile", "pickle"}

# they make an object of a class, which is their first argument
_OF_CLASS = re.compile(
    r"numpy\.(_core|core)\.multiarray\._reconstruct|numpy\.ma\.core\._mareconstruct"
    r"|sklearn\.(metrics\._dist_metrics|neighbors\._(ball|kd)_tree|neighbors\._dist_metrics)\.newObj"
    r"|pandas\.core\.indexes\.\w+\._new_\w+"
    r"|(sklearn|scipy|pandas|numpy\.random)(\.\w+)+\.__pyx_unpickle_(?!Enum)\w+"
)
_CALLED = re.compile(
    r"numpy\.(dtype|ndarray|matrix|poly1d)"
    r"|numpy\.(_core|core)\.(multiarray\.scalar|numeric\._frombuffer|_internal\._convert_to_stringdtype_kwargs)"
    r"|scipy\.sparse\.(\w+\.)?\w+_(matrix|array)"
    r"|pyarrow\.lib\.(type_for_alias|py_buffer|_restore_array|\w+_unpickle|_reconstruct_\w+)"
    r"|pandas\._libs\.(internals|tslibs|arrays)(\.\w+)*\.(_unpickle_\w+|_(period|timestamp|timedelta)_unpickle)"
    r"|pandas\.(arrays|core\.arrays(\.\w+)+)\.\w+Array|pandas\.(core\.(arrays|dtypes)(\.\w+)+\.)?\w+Dtype"
    r"|pandas\.core\.internals\.managers\.(Single)?BlockManager"
)
_BIT_GENERATOR = re.compile(r"numpy\.random\._?\w+\.(MT19937|PCG64|PCG64DXSM|Philox|SFC64)")
_RANDOM = re.compile(r"numpy\.random\._pickle\.__(bit_generator|generator|randomstate)_ctor")
_BIT_GENERATOR_CTOR = "numpy.random._pickle.__bit_generator_ctor"
# extension types that are made of numbers, arrays, and one another
_MADE_OF_NUMBERS = re.compile(
    r"sklearn\.(tree\._tree\.Tree|linear_model\._sgd_fast\.\w+|_loss\._loss\.Cy\w+|neighbors\._quad_tree\._QuadTree"
    r"|svm\._\w+\.\w+|metrics\._dist_metrics\.\w+|tree\._criterion\.\w+|tree\._splitter\.\w+)"
)
_HOLDS_ITEMS = re.compile(
    r"collections\.(OrderedDict|defaultdict|deque|Counter)|builtins\.(list|dict|set|bytearray)"
    r"|sklearn\.utils\.(_bunch\.)?Bunch|sklearn\.feature_extraction\.\w+\.\w+"
)
METHODS = {"transform", "inverse_transform", "predict", "predict_proba", "decision_function", "score", "score_samples"}
"""Methods of what is made that may be looked up: a lookup of anything else may run something."""


def may_refer(module: str, attribute: str) -> bool:
    """Return whether a file may refer to a name in a module.

    Parameters
    ----------
    module : str
    attribute : str
        With dots if it is looked up in what is found in the module.
    """
    name = f"{module}.{attribute}"
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts):
        return False
    root = parts[0]
    if root in sys.stdlib_module_names:
        pure = module in _PURE and _PUBLIC.fullmatch(attribute)
        standard = name in _REFERRED_STANDARD or name in ONLY_CALLED or _METHODS.fullmatch(name)
        return bool(pure or standard or _ERRORS.fullmatch(name))
    if name == WRAPPER or _CLOUDPICKLE.fullmatch(name):
        return True  # calls of these are followed
    return name in _ALIASES or _is_scientific(module.split("."), attribute)


def _is_scientific(module: list[str], attribute: str) -> bool:
    root, *inner = module
    if root not in _LIBRARIES:
        return False
    known = _LIBRARIES[root]
    if inner and known is not None and inner[0] not in known:
        return False
    name, *members = attribute.split(".")
    if members and not (is_class(name) and len(members) == 1 and _PUBLIC.fullmatch(members[0])):
        return False
    alias = any(part in sys.stdlib_module_names and (root, part) not in _OWN for part in (*inner, name))
    bad = (name[:2] == name[-2:] == "__") or _BAD_PARTS & {*inner, name} or _BAD_WORDS & set(name.split("_"))
    return not alias and not bad


def doubt_about_call(function: Made, arguments: Sequence[object], *, only_made: bool) -> str | None:
    """Return the doubt about a call that loading a file makes; None if there is none.

    Parameters
    ----------
    function : Made
    arguments : sequence
    only_made : bool
        Whether an object of a class is made, without arguments and without its ``__init__``.
    """
    name = function.name
    if not function.is_name:
        return None if _is_code_of_file(function) else "it calls what it has made"
    module, _, attribute = name.rpartition(".")
    if only_made and may_refer(module, attribute) and name not in {TYPE, *ONLY_CALLED}:
        return None
    fine = _may_call(name, arguments)
    return None if fine else f"it calls {name}"


def _may_call(name: str, arguments: Sequence[object]) -> bool:
    first = arguments[0] if arguments else None
    if name == TYPE:  # of None, and its like
        constant = isinstance(first, Made) and first.is_name and first.name in _CONSTANTS
        return len(arguments) == 1 and (first is None or constant)
    if _OF_CLASS.fullmatch(name):
        return is_class_here(first)
    if _RANDOM.fullmatch(name):
        return _makes_generator(arguments)
    if _CLOUDPICKLE.fullmatch(name):
        return not name.endswith(_MAKES_CLASSES) or _is_metaclass(first)
    if name in _CALLED_STANDARD and name not in _KEEPS:
        return all(map(_is_plain, arguments))
    called = name in _KEEPS or name in _OF_CODE or _ERRORS.fullmatch(name)
    return bool(called or _CALLED.fullmatch(name) or _MADE_OF_NUMBERS.fullmatch(name))


def is_no_text(value: object) -> bool:
    """Return whether something surely is no text; what is imported may be a constant."""
    if not isinstance(value, Made):
        return not isinstance(value, str)
    makes = _OF_CLASS.fullmatch(value.name) or _CALLED.fullmatch(value.name)
    if not value.is_name:
        return bool(makes) or is_class(value.name)
    return bool(makes) or (is_class_here(value) and not value.name.rpartition(".")[2].isupper())


def _is_plain(value: object) -> bool:
    """Return whether nothing of a library's runs where something is iterated over, or asked for its text."""
    made = isinstance(value, Made) and not value.is_name and value.name
    return not made or made.partition(".")[0] in _PLAIN


def is_class_here(value: object) -> bool:
    """Return whether something is a class that may be referred to, by its name."""
    lower = {"numpy.ndarray", "numpy.matrix", "numpy.memmap", "numpy.recarray"}
    if not isinstance(value, Made) or not value.is_name:
        return False
    module, _, attribute = value.name.rpartition(".")
    return (
        value.name in lower or value.name in _CALLED_STANDARD or (is_class(value.name) and may_refer(module, attribute))
    )


def _is_metaclass(value: object) -> bool:
    if not isinstance(value, Made):
        return False
    carried = not value.is_name and value.name.endswith(_MAKES_CLASSES)
    return carried or value.name in {TYPE, "abc.ABCMeta", "enum.EnumType", "enum.EnumMeta"}


def _makes_generator(arguments: Sequence[object]) -> bool:
    first, *rest = arguments or ("MT19937",)
    if any(not (isinstance(each, Made) and each.is_name and each.name == _BIT_GENERATOR_CTOR) for each in rest):
        return False
    if isinstance(first, Made):
        pattern = _BIT_GENERATOR if first.is_name else _RANDOM
        return bool(pattern.fullmatch(first.name) or _BIT_GENERATOR.fullmatch(first.name))
    return isinstance(first, str)


def _is_code_of_file(made: Made) -> bool:
    """Return whether it is a class that the file carries, or the type of its code."""
    if not _CLOUDPICKLE.fullmatch(made.name):
        return False
    return made.name.endswith(_MAKES_CLASSES) or (
        made.name.endswith("._builtin_type") and made.arguments in _MADE_TYPES
    )


def is_instance(made: Made) -> bool:
    """Return whether something made is an object of its own: not a module, a class, or what was looked up."""
    others = {"", TYPE, GETATTR, *_OF_CODE}
    return not made.is_name and made.name not in others and not _CLOUDPICKLE.fullmatch(made.name)


def holds_items(made: Made) -> bool:
    """Return whether items are set in something made as in a list or a dict, and nothing else comes of it."""
    return not made.is_name and bool(_HOLDS_ITEMS.fullmatch(made.name))


def is_code(name: str) -> bool:
    """Return whether a file that refers to a name carries code of its own."""
    parts = name.split(".")
    return name in _CODE or (bool(BY_VALUE & set(parts)) and parts[-1] not in {"subimport", "load", "loads"})


def is_class(name: str) -> bool:
    """Return whether a name is written as those of classes are."""
    return name.rpartition(".")[2].lstrip("_")[:1].isupper()


def ends_pickle(module: str, attribute: str) -> bool:
    """Return whether plain pickle stops at a name that only it reads, in an honest file of joblib's.

    An array of objects is a pickle with a memo of its own. Pickle's reader goes on with the memo that it has, and so
    looks for numpy's dtype in whatever text it finds there.
    """
    if attribute != "dtype" or module == "__main__":
        return False
    if module in sys.modules:
        known = getattr(sys.modules[module], "__dict__", {})
        return attribute not in known and "__getattr__" not in known
    try:
        return importlib.util.find_spec(module.partition(".")[0]) is None
    except (ImportError, ValueError):
        return True
