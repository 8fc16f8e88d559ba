"""A reader of pickles that follows one with placeholders: it imports nothing, makes no object and calls nothing.

The stack, the marks, the memo and the arguments of instructions are those of the standard library's own unpickler, the
one in Python. Wherever that would import, make, call or change something, placeholders are put on the stack instead.
The reader notes each name, and each doubt: whatever may import or run more than the names tell.

joblib's own unpickler with placeholders for classes would be shorter, and finds the same names in honest files. But of
the hostile files in the tests it takes 29 for harmless, since it tells no call from a reference (`a text that looks
up`, `a type with append`) and knows nothing of pickle's other reading (`for pickle alone: readonly`). It makes real
dtypes and arrays of what the file says: `fields of objects in a type of numbers` ends the process (numpy 2.4).
"""

# ruff: noqa: D102 - a method named load_... follows the instruction that the standard library's method follows

from __future__ import annotations

import io
import pickle
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import Counter
from typing import TYPE_CHECKING, Any

from raysk._compat.stdlib import python_unpickler
from raysk.models import safe_names
from raysk.models.arrays import ALIGNMENT, DTYPE, array_bytes, check_dtype
from raysk.models.bounded import Source
from raysk.models.placeholders import ANYTHING, WRAPPER, Damaged, Made, Stops, Table, Unclear

if TYPE_CHECKING:
    from raysk.models.imported import Imports

_IMPORTS_ITS_ARGUMENT = ".subimport"
_RECONSTRUCTOR = "copyreg._reconstructor"
_MOST_PADDING = 16
_MOST_MARKS = 10**5
_PROTOCOL_OF_PYTHON_3 = 3  # earlier ones have the names of Python 2
_MAKERS = {_RECONSTRUCTOR, "copyreg.__newobj__"}
_BASES = {"builtins.object", "builtins.dict", "builtins.list", "builtins.set", "builtins.frozenset", "builtins.tuple"}
_BASES |= {"builtins.int", "builtins.float", "builtins.str", "builtins.bytes"}
_OLD_WRAPPERS = ("NDArrayWrapper", "ZNDArrayWrapper", "NumpyArrayWrapper")

_Unpickler: Any = python_unpickler()


class _Memo(dict[int, Any]):
    """The memo of an unpickler that tells which values are pushed on the stack once more."""

    def __init__(self, pushed: Any) -> None:
        super().__init__()
        self._pushed = pushed

    def __getitem__(self, place: int) -> Any:
        return self._pushed(super().__getitem__(place))


class Machine(_Unpickler):  # type: ignore[misc]
    """Follows one pickle.

    Parameters
    ----------
    source : Source
        Whatever is behind the pickle's end is not read.
    found : Imports
        Takes the names and doubts.
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
        super().__init__(source, encoding="latin1")
        self.read, self.readline = source.read, source.readline
        self.memo = _Memo(self._pushed)
        self.arrays = 0
        self._source, self._found = source, found
        self._as_joblib, self._second = as_joblib, second
        self._frame_end, self._framed = 0, False
        self._uncalled: Counter[str] = Counter()
        self._followed = {
            safe_names.GETATTR: self._attribute,
            "_codecs.encode": self._encoded,
            **dict.fromkeys(safe_names.LOADERS, self._loaded),
        }

    def load(self) -> Any:
        """Follow all instructions up to the pickle's end; return the placeholder of the object in it.

        Raises
        ------
        Damaged
            Where loading it would fail too.
        Unclear
            Where nobody can tell how loading it would go on.
        """
        self.metastack: list[list[Any]] = []
        self.stack: list[Any] = []
        self.append = self.stack.append
        try:
            while (code := self._next_code()) != pickle.STOP:
                self._follow(code)
            if self._in_frame:
                raise Unclear(_LYING_FRAME)
            result = self.stack.pop()
        except IndexError:
            raise Stops("it takes more off its stack than is there") from None
        except pickle.UnpicklingError as error:
            raise Stops(str(error)) from error
        except ValueError as error:  # an argument that cannot be read
            raise Damaged(str(error)) from error
        for name in +self._uncalled:
            self._found.doubt(f"it refers to {name}")
        return result

    def _next_code(self) -> bytes:
        self._source.budget.spend_instruction()
        self._framed = self._in_frame
        code: bytes = self.read(1)
        return code

    def _follow(self, code: bytes) -> None:
        follow = self.dispatch.get(code[0])
        if follow is None:
            raise Stops(f"{code!r} is no instruction of a pickle")
        follow(self)
        if self._framed and self._source.position > self._frame_end:
            raise Unclear(_LYING_FRAME)

    def _pushed(self, value: Any) -> Any:
        """Note that a value is on the stack, perhaps in a second place."""
        if isinstance(value, Table):
            value.shared = True
        elif isinstance(value, Made) and value.is_name and value.name in safe_names.ONLY_CALLED:
            self._uncalled[value.name] += 1
        return value

    # frames: readers of pickles take one that lies in different ways

    @property
    def _in_frame(self) -> bool:
        return self._source.position < self._frame_end

    def load_frame(self) -> None:
        if self._framed:
            raise Unclear(_LYING_FRAME)
        size_bytes = int.from_bytes(self.read(8), "little")
        self._frame_end = self._source.position + size_bytes

    # instructions that nobody writes into a file

    def persistent_load(self, pid: Any) -> Any:  # noqa: ARG002 - the standard library's signature
        raise Stops("it refers to objects outside of the file")

    def load_next_buffer(self) -> None:
        raise Stops("it refers to objects outside of the file")

    def load_readonly_buffer(self) -> None:
        raise Unclear("it makes something read-only that is in the file")

    def get_extension(self, code: int) -> None:
        raise Unclear(f"it refers to the name that is registered as number {code}, wherever it is loaded")

    def load_dup(self) -> None:
        self.append(self._pushed(self.stack[-1]))

    def load_mark(self) -> None:
        if len(self.metastack) >= _MOST_MARKS:
            raise Unclear("it is nested too deeply")
        super().load_mark()

    # lists and sets, which nobody looks into, and dicts, which are states

    def load_empty_list(self) -> None:
        self.append(ANYTHING)

    load_empty_set = load_empty_list

    def load_list(self) -> None:
        self.pop_mark()
        self.append(ANYTHING)

    load_frozenset = load_list

    def load_bytearray8(self) -> None:
        self._source.skip(int.from_bytes(self.read(8), "little"))
        self.append(ANYTHING)

    def load_append(self) -> None:
        self.stack.pop()
        self._check_target()

    def load_appends(self) -> None:
        self.pop_mark()
        self._check_target()

    load_additems = load_appends

    def load_empty_dictionary(self) -> None:
        self._source.budget.spend_instruction()  # a second time: nothing takes more memory for a byte of the file
        self.append(Table())

    def load_dict(self) -> None:
        items = self.pop_mark()
        self.load_empty_dictionary()
        self._set(items)

    def load_setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set([key, value])

    def load_setitems(self) -> None:
        self._set(self.pop_mark())

    def _set(self, items: list[Any]) -> None:
        if len(items) % 2:
            raise Damaged("a key in it has no value")
        target = self._check_target()
        if isinstance(target, Table):
            for key, value in zip(items[::2], items[1::2]):  # noqa: B905 - of the same length, as seen above
                target[key] = value

    def _check_target(self) -> Any:
        """Doubt a change of all but lists, dicts and their like.

        What is imported is everybody's, and other names may mean something else then; of what was made otherwise, a
        method is called that may be any function.
        """
        target = self.stack[-1]
        if isinstance(target, Made) and target is not ANYTHING and not safe_names.holds_items(target):
            self._found.doubt(f"it changes {target.name or 'what it has made'}")
        return target

    # names

    def find_class(self, module: str, name: str) -> Made:
        """Note a name, instead of importing it."""
        if self.proto < _PROTOCOL_OF_PYTHON_3:
            module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
        full = f"{module}.{name}"
        if self._as_joblib and full != WRAPPER and (full.endswith(_OLD_WRAPPERS) or ".numpy_pickle" in f".{full}"):
            raise Unclear("its arrays are not kept as joblib keeps them since 2016")
        if self._second and safe_names.ends_pickle(module, name):
            raise Stops(f"there is no {full}")
        self._found.refer(module, name)
        made: Made = self._pushed(Made(full))
        return made

    def load_stack_global(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if isinstance(module, str) and isinstance(name, str):
            self.append(self.find_class(module, name))
            return
        if safe_names.is_no_text(module) or safe_names.is_no_text(name):
            raise Stops("a name in it is no text")
        self._found.refer_to_module(None)
        self.append(Made(""))

    # calls

    def _instantiate(self, klass: Any, args: list[Any]) -> None:  # for INST and OBJ
        self._call(klass, tuple(args))

    def load_reduce(self) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        self._call(function, arguments)

    def load_newobj(self) -> None:
        arguments, cls = self.stack.pop(), self.stack.pop()
        self._call(cls, arguments, only_made=arguments == ())

    def load_newobj_ex(self) -> None:
        named, arguments, cls = self.stack.pop(), self.stack.pop(), self.stack.pop()
        self._call(cls, arguments, only_made=arguments == () and named == {})

    def _call(self, function: Any, arguments: Any, *, only_made: bool = False) -> None:
        """Put the placeholder of a call's result on the stack."""
        if not isinstance(arguments, tuple):
            self._found.doubt("it makes a call with what cannot be told")
        known = arguments if isinstance(arguments, tuple) else (ANYTHING,)
        if isinstance(function, Made) and function.is_name:
            self._uncalled[function.name] -= 1
            if function.name in _MAKERS and known:
                function, known, only_made = self._made_by(function.name, known)
        if not isinstance(function, Made):
            raise Stops("it calls what cannot be called")
        followed = self._followed.get(function.name) if function.is_name else None
        self.append(followed(known) if followed else self._result(function, known, only_made=only_made))

    def _made_by(self, maker: str, arguments: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...], bool]:
        """Return the class of which a function of copyreg makes an object, and the arguments."""
        cls, *rest = arguments
        if maker != _RECONSTRUCTOR:
            return cls, tuple(rest), not rest
        base = rest[0] if len(rest) == len(("base", "state")) else None
        if not isinstance(base, Made):
            raise Damaged("it makes an object of nothing")
        if not base.is_name or base.name not in _BASES:
            self._found.doubt(f"it makes an object of {base.name}")
        return cls, (), True

    def _result(self, function: Made, arguments: tuple[Any, ...], *, only_made: bool) -> Made:
        doubt = safe_names.doubt_about_call(function, arguments, only_made=only_made)
        if doubt is not None:
            self._found.doubt(doubt)
        if function.name.endswith(_IMPORTS_ITS_ARGUMENT):
            known = bool(arguments) and isinstance(arguments[0], str)
            self._found.refer_to_module(arguments[0] if known else None)
        return Made(function.name if function.is_name else safe_names.OF_OWN_CLASS, arguments)

    # calls that are followed

    def _loaded(self, arguments: tuple[Any, ...]) -> Any:
        """Follow a pickle in the pickle."""
        content = arguments[0] if len(arguments) == 1 else None
        if not isinstance(content, bytes):
            raise Unclear("it loads a pickle that cannot be looked into")
        return Machine(Source(io.BytesIO(content), None, self._source.budget), self._found, as_joblib=False).load()

    def _encoded(self, arguments: tuple[Any, ...]) -> Any:
        """Return bytes as pickles of Python 2 hold them."""
        if arguments[1:] != ("latin1",) or not isinstance(arguments[0], str):
            return ANYTHING
        return arguments[0].encode("latin1")

    def _attribute(self, arguments: tuple[Any, ...]) -> Made:
        """Return the placeholder of an attribute of a name, or of a method that pickles hold."""
        owner, *rest = arguments or (None,)
        attribute = rest[0] if len(rest) == 1 else None
        if isinstance(owner, Made) and isinstance(attribute, str):
            if owner.is_name and safe_names.is_class_here(owner):
                module, _, cls = owner.name.rpartition(".")
                self._found.refer(module, f"{cls}.{attribute}")
                return Made(f"{owner.name}.{attribute}")
            if safe_names.is_instance(owner) and attribute in safe_names.METHODS:
                return Made(safe_names.GETATTR, arguments)
        self._found.doubt("it looks up an attribute that cannot be told")
        return Made("", ())

    # states

    def load_build(self) -> None:
        state, made = self.stack.pop(), self.stack[-1]
        if not isinstance(made, Made):
            raise Unclear("it gives a state to what has none")
        if not safe_names.is_instance(made):
            self._found.doubt(f"it changes {made.name or 'what it has made'}")
        if isinstance(state, Table) and isinstance(version := state.get("_sklearn_version"), str):
            self._found.scikit_learn.append(version)
        if made.name in {DTYPE, WRAPPER}:
            self._fix(made, state)
        if made.name == DTYPE:
            check_dtype(made)
        if made.name == WRAPPER and self._as_joblib:
            self._read_array(made)

    def _fix(self, made: Made, state: Any) -> None:
        """Give a dtype or an array its state, which nothing may change from now on."""
        if made.state is not None:
            raise Unclear("it changes a type or an array after its use")
        made.state = state
        for part in [state, *(state if isinstance(state, tuple) else ())]:
            if isinstance(part, Table):
                if part.shared:
                    raise Unclear("a type or an array in it is announced by what is used elsewhere too")
                part.fixed = True

    def _read_array(self, wrapper: Made) -> None:
        """Read over an array of joblib's, as its wrapper says how long it is."""
        if self._in_frame or wrapper.arguments != ():
            raise Unclear("an array in it is announced in a way that is not joblib's")
        size_bytes = array_bytes(wrapper.state)
        self._framed = False  # an array may begin where a frame ends
        self.arrays += 1
        self.stack[-1] = Made("numpy.ndarray", ())
        if size_bytes is None:
            Machine(self._source, self._found, as_joblib=False).load()
            return
        if wrapper.state.get(ALIGNMENT) is not None:
            padding = self.read(1)[0]
            # no number up to 16 is an instruction: pickle's own reader stops here
            if not 1 <= padding <= _MOST_PADDING or self.read(padding) != b"\xff" * padding:
                raise Unclear("an array in it is not aligned as joblib does it")
        self._source.skip(size_bytes)


# the standard library's table of instructions holds functions: those are replaced by the methods above
Machine.dispatch = {code: getattr(Machine, do.__name__) for code, do in _Unpickler.dispatch.items()}
_LYING_FRAME = "a frame in it does not end where it says"
