"""The stack, the marks and the memo of the machine that follows a pickle."""

from __future__ import annotations

import pickle
import pickletools
from typing import TYPE_CHECKING, Any

from raysk.models import harmless
from raysk.models.instructions import Damaged, Instructions, Source, Stops, Unclear
from raysk.models.placeholders import ANYTHING, Made

if TYPE_CHECKING:
    from collections.abc import Iterable

    from raysk.models.imports import Imports

_MOST_MARKS = 10**5


def _effect(code: pickletools.OpcodeInfo) -> tuple[bool, int, int]:
    """Return whether an instruction takes what is above a mark, how much below that, and how much it puts there."""
    marks = {pickletools.markobject, pickletools.stackslice}
    taken = sum(each not in marks for each in code.stack_before)
    return pickletools.markobject in code.stack_before, taken, len(code.stack_after)


_EFFECTS = {code.name: _effect(code) for code in pickletools.opcodes}


class StackMachine:
    """Follows what instructions do to the stack, up to a pickle's end.

    Parameters
    ----------
    source : Source
        What is behind the pickle's end is not read.
    found : Imports
        Where to note what is found.
    """

    def __init__(self, source: Source, found: Imports) -> None:
        self._source, self._found = source, found
        self._instructions = Instructions(source)
        self._protocol = 0
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []  # the stacks below each mark
        self._memo: dict[int, Any] = {}
        self._result: Any = None
        self._fixed: dict[int, Any] = {}  # by id: dicts that a dtype was made of
        self._shared: dict[int, Any] = {}  # by id: dicts that were taken out of the memo, and are in two places

    def run(self) -> Any:
        """Follow all instructions up to the pickle's end; return what stands for the object in it.

        Raises
        ------
        Damaged
            Where loading it would fail too.
        Unclear
            Where it cannot be told how loading it would go on.
        """
        for name, argument in self._instructions:
            special = getattr(self, f"_do_{name.lower()}", None)
            if special is not None:
                special(argument)
            else:
                self._do_any(name, argument)
        return self._result

    def _do_any(self, name: str, argument: Any) -> None:
        """Take off the stack what an instruction takes, and put on it as much as it puts."""
        marked, taken, given = _EFFECTS[name]
        if marked:
            self._check_elements(self._pop_mark())
        self._check_elements(self._pop(taken))
        literal = isinstance(argument, (str, int, bytes)) and not (marked or taken)
        self._stack.extend([argument if literal else ANYTHING] * given)

    def _pop(self, count: int) -> list[Any]:
        if count == 0:
            return []
        if len(self._stack) < count:
            raise Stops("it takes more off its stack than is there")
        items = self._stack[-count:]
        del self._stack[-count:]
        return items

    def _top(self) -> Any:
        if not self._stack:
            raise Stops("it takes more off its stack than is there")
        return self._stack[-1]

    def _pop_mark(self) -> list[Any]:
        if not self._below:
            raise Stops("it looks for a mark that is not there")
        items, self._stack = self._stack, self._below.pop()
        return items

    def _check_elements(self, values: Iterable[Any]) -> None:
        for value in values:
            if isinstance(value, Made) and value.is_name and value.name in harmless.ONLY_CALLED:
                self._found.doubt(f"it refers to {value.name}")

    def _do_stop(self, _: Any) -> None:
        (self._result,) = self._pop(1)
        self._check_elements([self._result])

    def _do_mark(self, _: Any) -> None:
        if len(self._below) >= _MOST_MARKS:
            raise Unclear("it is nested too deeply")
        self._below.append(self._stack)
        self._stack = []

    def _do_pop(self, _: Any) -> None:
        if self._stack:
            self._stack.pop()
        else:
            self._pop_mark()

    def _do_pop_mark(self, _: Any) -> None:
        self._pop_mark()

    def _do_dup(self, _: Any) -> None:
        self._push_again(self._top())

    def _push_again(self, value: Any) -> None:
        if isinstance(value, dict):
            self._shared[id(value)] = value
        self._stack.append(value)

    def _do_proto(self, version: int) -> None:
        if version > pickle.HIGHEST_PROTOCOL:
            raise Damaged(f"it is of the unknown protocol {version}")
        self._protocol = version

    def _do_frame(self, _: Any) -> None:
        """Frames only tell how much to read at once."""

    # values that are looked into: tuples are arguments, dicts are states

    def _do_none(self, _: Any) -> None:
        self._stack.append(None)

    def _do_newtrue(self, _: Any) -> None:
        self._stack.append(True)

    def _do_newfalse(self, _: Any) -> None:
        self._stack.append(False)

    def _do_empty_dict(self, _: Any) -> None:
        self._stack.append({})

    def _do_dict(self, _: Any) -> None:
        items = self._pop_mark()
        self._stack.append({})
        self._set(items)

    def _do_setitem(self, _: Any) -> None:
        self._set(self._pop(2))

    def _do_setitems(self, _: Any) -> None:
        self._set(self._pop_mark())

    def _set(self, items: list[Any]) -> None:
        if len(items) % 2:
            raise Damaged("a key in it has no value")
        self._check_elements(items)
        self._check_target()
        # a key that is no text is some key or other
        pairs = {key if isinstance(key, str) else object(): value for key, value in zip(items[::2], items[1::2])}  # noqa: B905
        target = self._top()
        if id(target) in self._fixed:
            raise Unclear("it changes a type after its use")
        if isinstance(target, dict):
            target.update(pairs)
        if isinstance(version := pairs.get("_sklearn_version"), str):
            self._found.scikit_learn.append(version)

    def _do_append(self, _: Any) -> None:
        self._check_elements(self._pop(1))
        self._check_target()

    def _do_appends(self, _: Any) -> None:
        self._check_elements(self._pop_mark())
        self._check_target()

    _do_additems = _do_appends

    def _check_target(self) -> None:
        """Doubt a change of all but lists, dicts and their like.

        What is imported is everybody's, and other names may mean something else then; of what was made otherwise, a
        method is called that may be any function.
        """
        target = self._top()
        if isinstance(target, Made) and target is not ANYTHING and not harmless.holds_items(target):
            self._found.doubt(f"it changes {target.name or 'what it has made'}")

    def _do_empty_tuple(self, _: Any) -> None:
        self._stack.append(())

    def _do_tuple(self, _: Any) -> None:
        items = self._pop_mark()
        self._check_elements(items)
        self._stack.append(tuple(items))

    def _tuple_of(self, length: int) -> None:
        items = self._pop(length)
        self._check_elements(items)
        self._stack.append(tuple(items))

    def _do_tuple1(self, _: Any) -> None:
        self._tuple_of(1)

    def _do_tuple2(self, _: Any) -> None:
        self._tuple_of(2)

    def _do_tuple3(self, _: Any) -> None:
        self._tuple_of(3)

    # the memo

    def _do_memoize(self, _: Any) -> None:
        self._memo[len(self._memo)] = self._top()

    def _do_put(self, place: int) -> None:
        self._memo[place] = self._top()

    _do_binput = _do_long_binput = _do_put

    def _do_get(self, place: int) -> None:
        if place not in self._memo:
            raise Stops("it looks up what it has not noted")
        self._push_again(self._memo[place])

    _do_binget = _do_long_binget = _do_get
