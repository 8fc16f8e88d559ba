"""Conditions on candidates, as ``--where`` has them: ``C < 10 and kernel in (rbf, linear)``.

They are parsed as Python and never evaluated as such: only comparisons of names and literals, joined by ``and``.
"""

from __future__ import annotations

import ast
import math
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from raysk.errors import UsageError
from raysk.util.typed_json import Opaque

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from raysk.history.columns import Column, Columns

_OPERATORS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.In: lambda value, several: any(_same(value, each) for each in several),
    ast.NotIn: lambda value, several: not any(_same(value, each) for each in several),
    ast.Is: operator.eq,
    ast.IsNot: operator.ne,
}
_NAMES = {"nan": math.nan, "inf": math.inf, "true": True, "false": False, "none": None, "null": None}

HOW = "Write for example --where 'C < 10 and kernel == rbf', with < <= > >= == != in, joined by and."


@dataclass(frozen=True)
class Comparison:
    """Compares two things of each row: columns, or values that are the same in all rows."""

    left: Column | Any
    compare: type[ast.cmpop]
    right: Column | Any
    is_column: tuple[bool, bool]

    def holds(self, rows: Sequence[int]) -> list[bool]:
        """Tell for each row whether it does; what cannot be compared does not."""
        sides = [
            side.values(rows) if is_column else [side] * len(rows)
            for side, is_column in zip((self.left, self.right), self.is_column, strict=True)
        ]
        return [_holds(self.compare, *pair) for pair in zip(*sides, strict=True)]


def parse_where(text: str, columns: Columns) -> list[Comparison]:
    """Read a condition.

    Parameters
    ----------
    text : str
        ``NAME OPERATOR VALUE``, and several of them with ``and`` between. A name that is no column is text.
    columns : Columns

    Raises
    ------
    UsageError
        If it is none, or names no column.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise UsageError(f"--where {text!r} is no condition.\n{HOW}") from error
    parts = tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else [tree]
    return [each for part in parts for each in _comparisons(part, text, columns)]


def matching_rows(conditions: Sequence[Comparison], rows: Sequence[int]) -> list[int]:
    """Return the rows for which all conditions hold."""
    found = list(rows)
    for condition in conditions:
        found = [row for row, holds in zip(found, condition.holds(found), strict=True) if holds]
    return found


def _comparisons(part: ast.expr, text: str, columns: Columns) -> list[Comparison]:
    if not isinstance(part, ast.Compare) or any(type(each) not in _OPERATORS for each in part.ops):
        raise UsageError(f"--where {text!r}: {ast.unparse(part)!r} is no comparison.\n{HOW}")
    nodes = [part.left, *part.comparators]
    names = [node.id for node in nodes if isinstance(node, ast.Name)]
    if not any(name in columns for name in names):
        if not names:
            raise UsageError(f"--where {text!r}: {ast.unparse(part)!r} names no column.\n{HOW}")
        columns.find(names[0], f"--where {text!r}")
    sides = [_side(node, text, columns) for node in nodes]
    return [
        Comparison(left, type(op), right if is_right else _right_of(op, right), (is_left, is_right))
        for (left, is_left), op, (right, is_right) in zip(sides, part.ops, sides[1:], strict=False)
    ]


def _right_of(op: ast.cmpop, value: Any) -> Any:
    """Return what stands right of an operator: several values for ``in``, also where ``(rbf)`` names one."""
    is_one = isinstance(op, ast.In | ast.NotIn) and not isinstance(value, tuple | list | set)
    return (value,) if is_one else value


def _side(node: ast.expr, text: str, columns: Columns) -> tuple[Any, bool]:
    """Return a column or a value, and whether it is a column."""
    if isinstance(node, ast.Name) and node.id in columns:
        return columns.find(node.id, "--where"), True
    try:
        return _value(node), False
    except (ValueError, TypeError, MemoryError, RecursionError) as error:
        raise UsageError(f"--where {text!r}: {ast.unparse(node)!r} is no value and no column.\n{HOW}") from error


def _value(node: ast.expr) -> Any:
    """Return the value of a literal; a bare name is text, as a shell has no quotes to spare."""
    if isinstance(node, ast.Name):
        return _NAMES.get(node.id.lower(), node.id)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Name):
        return -_value(node.operand)
    if isinstance(node, ast.Tuple | ast.List):
        values = [_value(each) for each in node.elts]
        return tuple(values) if isinstance(node, ast.Tuple) else values
    return ast.literal_eval(node)


def _holds(compare: type[ast.cmpop], left: Any, right: Any) -> bool:
    """Compare two values: NaN equals NaN, True is no 1, and what cannot be compared is different."""
    if compare in {ast.Eq, ast.Is}:
        return _same(left, right)
    if compare in {ast.NotEq, ast.IsNot}:
        return not _same(left, right)
    try:
        return bool(_OPERATORS[compare](left, right))
    except (TypeError, ValueError):
        return False


def _same(left: Any, right: Any) -> bool:
    left, right = (each.text if isinstance(each, Opaque) else each for each in (left, right))
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left) and math.isnan(right):
        return True
    return isinstance(left, bool) is isinstance(right, bool) and bool(left == right)
