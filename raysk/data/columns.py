"""Find the columns of a table that are features, targets, groups, weights and ids, by their names or indexes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from raysk.errors import InputError, UsageError
from raysk.util.words import join_names, printable, suggestion

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from raysk.data.table import Table


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The roles of columns, as the command line says.

    A text names a column by its name or its index (-1 is the last), or several with commas between them. A text that is
    the whole name of a column means that column.

    Parameters
    ----------
    target : tuple of str
        Columns of y; empty means the y that came beside the table, if any.
    earlier_target : tuple of str
        The names of the columns of y in an earlier run: y where nothing else is, and the table has them.
    features : tuple of str
        Columns of X, in this order; empty means all columns without another role.
    by_name : bool
        Whether `features` are plain names, as a fitted model knows them.
    drop : tuple of str
        Columns to leave out.
    groups, weight : str or None
        Columns of ``groups`` and ``sample_weight``.
    id_col : str or None
        The column of row ids, which is no feature.
    dates : tuple of str
        Features that are dates and become numbers, each with ``=`` and its format unless that is to be found.
    categorical : tuple of str
        Features that become pandas' categories. ``auto`` or nothing means columns of text, if the estimator takes
        categories itself; ``none`` means no column.
    """

    target: tuple[str, ...] = ()
    earlier_target: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    by_name: bool = False
    drop: tuple[str, ...] = ()
    groups: str | None = None
    weight: str | None = None
    id_col: str | None = None
    dates: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()

    def given(self) -> list[str]:
        """Return the names of the options that were given."""
        several = {"--target": self.target, "--features": self.features, "--drop": self.drop}
        several |= {"--dates": self.dates, "--categorical": self.categorical}
        single = {"--groups": self.groups, "--weight": self.weight, "--id-col": self.id_col}
        return [option for option, value in {**several, **single}.items() if value]


@dataclass(frozen=True, kw_only=True)
class Places:
    """The indexes of columns in a table.

    Parameters
    ----------
    target, features : tuple of int
    groups, weight, id_col : int or None
    """

    target: tuple[int, ...]
    features: tuple[int, ...]
    groups: int | None
    weight: int | None
    id_col: int | None

    @classmethod
    def of(cls, table: Table, columns: Columns) -> Places:
        """Look columns up in a table.

        Raises
        ------
        InputError
            If there is no such column, or none is left for X.
        UsageError
            If a column is to be a feature and a target.
        """
        target = places_among(table, columns.target, "--target")
        drop = places_among(table, columns.drop, "--drop")
        ones = {"--groups": columns.groups, "--weight": columns.weight, "--id-col": columns.id_col}
        one = {name: places_among(table, (text,), name, most=1)[0] for name, text in ones.items() if text is not None}
        features = places_among(table, columns.features, "--features", by_name=columns.by_name)
        target = target or _earlier_target(table, columns, {*drop, *one.values(), *features})
        both = [index for index in features if index in target]
        if both and columns.by_name:
            raise UsageError(
                f"--target {','.join(columns.target)}: {table.name_of(both[0])} is a feature of the model.\n"
                "Name the column that it was fitted to predict."
            )
        if both:
            raise UsageError(f"--features and --target both name {table.name_of(both[0])}: it can only be one.")
        taken = {*drop, *(() if features else (*target, *one.values()))}
        left = tuple(index for index in features or range(table.n_columns) if index not in taken)
        if not left:
            known = f"0 to {table.n_columns - 1}" if table.names is None else join_names(table.names)
            raise InputError(f"{table.label}: no column is left for X.\nIts columns are: {known}.")
        ids = one.get("--id-col")
        return cls(target=target, features=left, groups=one.get("--groups"), weight=one.get("--weight"), id_col=ids)


def _earlier_target(table: Table, columns: Columns, taken: Collection[int]) -> tuple[int, ...]:
    """Return the columns that were y in an earlier run; none unless all are there, and have no other role."""
    names = list(table.names or ())
    if "y" in table.beside or not set(columns.earlier_target) <= set(names):
        return ()
    places = tuple(map(names.index, columns.earlier_target))
    return () if set(places) & set(taken) else places


def place_of(text: str, names: Sequence[str] | None, count: int) -> int | None:
    """Return the index of the column that a text names, by its name or its index; None if there is no such column.

    `names` are those of all `count` columns, or None where they have none.
    """
    for part in (text, text.strip()):
        if names is not None and part in names:
            return list(names).index(part)
    return _parse_index(text, count)


def places_among(
    table: Table, texts: Iterable[str], option: str, *, most: int | None = None, by_name: bool = False
) -> tuple[int, ...]:
    """Return the indexes of the columns that texts name, each one column or several with commas between them.

    `option` names the option of the texts in messages. With `by_name` each text is a whole name.

    Raises
    ------
    InputError
        If there is no such column.
    UsageError
        If there are more than `most`.
    """
    texts = list(texts)
    named = {name: number for number, name in enumerate(table.names or ())}
    cut = [[text] if by_name or text in named else [part.strip() for part in text.split(",")] for text in texts]
    parts = [part for each in cut for part in each]
    counted = {} if by_name else {part: _parse_index(part, table.n_columns) for part in parts}
    found = {part: named.get(part, counted.get(part)) for part in parts}
    missing = [part for part, index in found.items() if index is None]
    if missing:
        raise InputError(_explain_unknown(table, missing, f"{option} {','.join(texts)}: " if not by_name else ""))
    if most is not None and len(found) > most:
        raise UsageError(f"{option} {','.join(texts)}: it takes one column.")
    return tuple(dict.fromkeys(index for index in found.values() if index is not None))


def _parse_index(text: str, count: int) -> int | None:
    """Return the place that a text means as an index from either end, or None."""
    try:
        index = int(text)
    except ValueError:
        return None
    return index % count if -count <= index < count else None


def _explain_unknown(table: Table, missing: list[str], said: str) -> str:
    if table.names is None:
        return f"{said}{table.label} has {table.n_columns} columns without names.\nGive indexes, from 0."
    what = (
        f"no column {printable(missing[0])!r}" if len(missing) == 1 else f"none of these columns: {join_names(missing)}"
    )
    return f"{said}{table.label} has {what}.\n{suggestion(missing[0], table.names, 'columns')}"
