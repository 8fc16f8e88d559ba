"""A machine that follows a pickle with placeholders: it imports nothing, makes no object and calls nothing.

A pickle is a program for a small machine with a stack, a memo and marks on the stack. This one keeps what names come
from - text, tuples, dicts - and lets something stand for all else. It notes each name, and each doubt: what may import
or run more than the names tell.
"""

from __future__ import annotations

import importlib.util
import io
import sys
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from typing import TYPE_CHECKING, Any

from raysk.models import harmless
from raysk.models.arrays import ALIGNMENT, DTYPE, array_bytes, check_dtype
from raysk.models.instructions import Damaged, Source, Stops, Unclear
from raysk.models.placeholders import ANYTHING, WRAPPER, Made
from raysk.models.stack import StackMachine

if TYPE_CHECKING:
    from raysk.models.imports import Imports

_IMPORTS_ITS_ARGUMENT = ".subimport"
_RECONSTRUCTOR = "copyreg._reconstructor"
_MOST_PADDING = 16
_PROTOCOL_OF_PYTHON_3 = 3  # earlier ones have the names of Python 2
_MAKERS = {_RECONSTRUCTOR, "copyreg.__newobj__"}
_BASE_NAMES = ("object", "dict", "list", "set", "frozenset", "tuple", "int", "float", "str", "bytes")
_BASES = {f"builtins.{name}" for name in _BASE_NAMES}
_OLD_WRAPPERS = ("NDArrayWrapper", "ZNDArrayWrapper", "NumpyArrayWrapper")


class Machine(StackMachine):
    """Follows one pickle.

    Parameters
    ----------
    source : Source
        What is behind the pickle's end is not read.
    found : Imports
        Where to note what is found.
    as_joblib : bool
        Whether arrays stand between the instructions, as joblib reads them; or all are instructions, as for pickle.
    second : bool
        Whether pickle's own reading of a file of joblib's is followed, which as a rule does not come far.

    Attributes
    ----------
    arrays : int
        How many of joblib's arrays it has read over.
    """

    def __init__(self, source: Source, found: Imports, *, as_joblib: bool, second: bool = False) -> None:
        super().__init__(source, found)
        self.arrays = 0
        self._as_joblib, self._second = as_joblib, second
        self._followed = {
            harmless.GETATTR: self._attribute,
            "_codecs.encode": self._encoded,
            **dict.fromkeys(harmless.LOADERS, self._loaded),
        }

    # what nobody writes into a file

    def _do_persid(self, _: Any) -> None:
        raise Stops("it refers to objects outside of the file")

    _do_binpersid = _do_next_buffer = _do_persid

    def _do_readonly_buffer(self, _: Any) -> None:
        raise Unclear("it makes something read-only that is in the file")

    def _do_ext1(self, number: int) -> None:
        raise Unclear(f"it refers to the name that is registered as number {number}, wherever it is loaded")

    _do_ext2 = _do_ext4 = _do_ext1

    # names

    def _name(self, module: str, attribute: str) -> Made:
        if self._protocol < _PROTOCOL_OF_PYTHON_3:
            module, attribute = NAME_MAPPING.get((module, attribute), (IMPORT_MAPPING.get(module, module), attribute))
        name = f"{module}.{attribute}"
        self._check_array_names(name)
        if self._second and _stops_at(module, attribute):
            raise Stops(f"there is no {name}")
        self._found.refer(module, attribute)
        return Made(name)

    def _check_array_names(self, name: str) -> None:
        if not self._as_joblib or name == WRAPPER:
            return
        if name.endswith(_OLD_WRAPPERS) or ".numpy_pickle" in f".{name}":
            raise Unclear("its arrays are not kept as joblib keeps them since 2016")

    def _do_global(self, argument: tuple[str, str]) -> None:
        self._stack.append(self._name(*argument))

    def _do_stack_global(self, _: Any) -> None:
        module, name = self._pop(2)
        if isinstance(module, str) and isinstance(name, str):
            self._stack.append(self._name(module, name))
            return
        if harmless.is_no_text(module) or harmless.is_no_text(name):
            raise Stops("a name in it is no text")
        self._found.refer_to_module(None)
        self._stack.append(Made(""))

    # what is made of names

    def _do_inst(self, argument: tuple[str, str]) -> None:
        items = self._pop_mark()
        self._call(self._name(*argument), tuple(items))

    def _do_obj(self, _: Any) -> None:
        items = self._pop_mark()
        if not items:
            raise Damaged("it makes an object of nothing")
        self._call(items[0], tuple(items[1:]))

    def _do_reduce(self, _: Any) -> None:
        self._call(*self._pop(2))

    def _do_newobj(self, _: Any) -> None:
        function, arguments = self._pop(2)
        self._call(function, arguments, only_made=arguments == ())

    def _do_newobj_ex(self, _: Any) -> None:
        function, arguments, named = self._pop(3)
        self._call(function, arguments, only_made=arguments == () and named == {})

    def _call(self, function: Any, arguments: Any, *, only_made: bool = False) -> None:
        """Put on the stack what stands for what a call gives."""
        if not isinstance(arguments, tuple):
            self._found.doubt("it makes a call with what cannot be told")
        known = arguments if isinstance(arguments, tuple) else (ANYTHING,)
        self._check_elements(known)
        if isinstance(function, Made) and function.is_name and function.name in _MAKERS and known:
            function, known, only_made = self._made_by(function.name, known)
        if not isinstance(function, Made):
            raise Stops("it calls what cannot be called")
        followed = self._followed.get(function.name) if function.is_name else None
        if followed is not None:
            self._stack.append(followed(known))
            return
        self._check_call(function, known, only_made=only_made)
        if function.name.endswith(_IMPORTS_ITS_ARGUMENT):
            self._found.refer_to_module(known[0] if known and isinstance(known[0], str) else None)
        self._stack.append(Made(function.name if function.is_name else harmless.OF_OWN_CLASS, known))

    def _made_by(self, maker: str, arguments: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...], bool]:
        """Return the class of which a function of copyreg makes an object, and with what."""
        cls, *rest = arguments
        if maker != _RECONSTRUCTOR:
            return cls, tuple(rest), not rest
        base = rest[0] if len(rest) == len(("base", "state")) else None
        if not isinstance(base, Made):
            raise Damaged("it makes an object of nothing")
        if not base.is_name or base.name not in _BASES:
            self._found.doubt(f"it makes an object of {base.name}")
        return cls, (), True

    def _check_call(self, function: Made, arguments: tuple[Any, ...], *, only_made: bool) -> None:
        doubt = harmless.doubt_about_call(function, arguments, only_made=only_made)
        if doubt is not None:
            self._found.doubt(doubt)

    def _loaded(self, arguments: tuple[Any, ...]) -> Any:
        """Follow a pickle in the pickle."""
        content = arguments[0] if len(arguments) == 1 else None
        if not isinstance(content, bytes):
            raise Unclear("it loads a pickle that cannot be looked into")
        return Machine(Source(io.BytesIO(content), None, self._source.budget), self._found, as_joblib=False).run()

    def _encoded(self, arguments: tuple[Any, ...]) -> Any:
        """Return bytes as pickles of Python 2 hold them."""
        if arguments[1:] != ("latin1",) or not isinstance(arguments[0], str):
            return ANYTHING
        try:
            return arguments[0].encode("latin1")
        except UnicodeEncodeError as error:
            raise Damaged(str(error)) from error

    def _attribute(self, arguments: tuple[Any, ...]) -> Made:
        """Return what stands for an attribute of a name, or of what was made: a method, as pickles hold it."""
        owner, *rest = arguments or (None,)
        attribute = rest[0] if len(rest) == 1 else None
        if isinstance(owner, Made) and isinstance(attribute, str):
            if owner.is_name and harmless.is_class_here(owner):
                module, _, cls = owner.name.rpartition(".")
                self._found.refer(module, f"{cls}.{attribute}")
                return Made(f"{owner.name}.{attribute}")
            if harmless.is_instance(owner) and attribute in harmless.METHODS:
                return Made(harmless.GETATTR, arguments)
        self._found.doubt("it looks up an attribute that cannot be told")
        return Made("", ())

    # states

    def _do_build(self, _: Any) -> None:
        (state,) = self._pop(1)
        self._check_elements([state])
        made = self._top()
        if not isinstance(made, Made):
            raise Unclear("it gives a state to what has none")
        if not harmless.is_instance(made):
            self._found.doubt(f"it changes {made.name or 'what it has made'}")
        if made.name in {DTYPE, WRAPPER}:
            if made.state is not None:
                raise Unclear("it changes a type or an array after its use")
            made.state = state
            self._fix(state)
        if made.name == DTYPE:
            check_dtype(made)
        if made.name == WRAPPER and self._as_joblib:
            self._read_array(made)

    def _fix(self, state: Any) -> None:
        for part in [state, *(state if isinstance(state, tuple) else ())]:
            if id(part) in self._shared:
                raise Unclear("a type or an array in it is announced by what is used elsewhere too")
            if isinstance(part, dict):
                self._fixed[id(part)] = part

    def _read_array(self, wrapper: Made) -> None:
        """Read over an array of joblib's, as its wrapper says how long it is."""
        if self._instructions.in_frame or wrapper.arguments != ():
            raise Unclear("an array in it is announced in a way that is not joblib's")
        size_bytes = array_bytes(wrapper.state)
        self.arrays += 1
        self._stack[-1] = Made("numpy.ndarray", ())
        if size_bytes is None:
            Machine(self._source, self._found, as_joblib=False).run()
            return
        if wrapper.state.get(ALIGNMENT) is not None:
            padding = self._source.read(1)[0]
            # no number up to 16 is an instruction: pickle's own reader stops here
            if not 1 <= padding <= _MOST_PADDING or self._source.read(padding) != b"\xff" * padding:
                raise Unclear("an array in it is not aligned as joblib does it")
        self._source.skip(size_bytes)


def _stops_at(module: str, attribute: str) -> bool:
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
