"""Set data aside that is scored once at the end: some of the rows, or another table.

    --test-size 0.2   --> rows are drawn as by `train_test_split`: stratified for a classifier, groups undivided
    --test-data PATH  --> read like --data, with the columns, types and labels of the fitted data

Either replaces what the person's file holds out itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from raysk._compat import sklearn as sklearn_private
from raysk.data.columns import Columns
from raysk.data.dialect import Dialect
from raysk.data.encoding import Encoding, known_categories
from raysk.data.features import Features, types_as_written
from raysk.data.inputs import name_source
from raysk.data.reading import TEXT, DataSource, read_table
from raysk.data.table import is_frame
from raysk.errors import InputError, UsageError
from raysk.request.facts import names_of
from raysk.util.words import join_names, shorten

if TYPE_CHECKING:
    from raysk.data.table import Table
    from raysk.jobs import Data

_DEFAULT_SEED = 0
"""The same rows are drawn each time, so that a search can be resumed."""


@dataclass(frozen=True, kw_only=True)
class HoldOut:
    """The data that the command line holds out.

    Parameters
    ----------
    size : float or int or None
        A share of the rows below 1, or their number; with groups, a share of the groups.
    source : str or None
        A table; see `raysk.data.reading.read_table`.

    Raises
    ------
    UsageError
        If both are given, or the size is out of range.
    """

    size: float | None = None
    source: str | None = None

    def __post_init__(self) -> None:
        if self.size is not None and self.source is not None:
            raise UsageError("--test-size draws rows, --test-data names a table. Leave one of the two out.")
        if self.source is not None:
            DataSource(source=self.source)  # checks it

    @classmethod
    def of(cls, size: str | None, source: str | None) -> HoldOut | None:
        """Return what the options hold out, or None without such options."""
        if size is None and source is None:
            return None
        return cls(size=None if size is None else _parse_size(size), source=source)

    def apply(self, data: Data, estimator: Any, *, given: DataSource | None = None, seed: int | None = None) -> Data:
        """Return the data with its held-out part, which replaces what the file holds out.

        Parameters
        ----------
        data : Data
        estimator : estimator
            For a classifier, rows are drawn from each class.
        given : Given or None
            The source of the data, for its columns.
        seed : int or None
            None draws with seed 0.

        Raises
        ------
        InputError
            If too few rows are left to fit, or the table does not suit the data.
        UsageError
            If both tables are to be read from stdin.
        """
        if data.held_out is not None:
            data = replace(data, passed_over=(*data.passed_over, "X_test"))
        if self.source is None:
            return _draw(data, self.size, estimator, _DEFAULT_SEED if seed is None else seed)
        return replace(data, held_out=self._read(data, estimator, given))

    def _read(self, data: Data, estimator: Any, given: DataSource | None) -> Data:
        source = self.source or ""
        if given is not None and given.source == source == "-":
            raise UsageError("--data and --test-data cannot both come from stdin. Name a file for one of them.")
        target = data.target_names or tuple(names_of(data.y))
        features = _describe_features(data)
        labels = dict.fromkeys(target, TEXT) if _is_text(data.y) else {}
        dialect = Dialect() if given is None else given.dialect
        table = read_table(source, dtypes={**features.dtypes, **labels}, dialect=dialect)
        columns = Columns() if given is None else given.columns
        if features.names is not None:  # what else there is does not matter
            weight = columns.weight if columns.weight in (table.names or ()) else None
            columns = Columns(weight=weight)
        columns = replace(columns, groups=None, target=_find_target(target, table))
        part = features.split(table, columns, estimator)
        if data.y is not None and part.y is None:
            raise InputError(
                f"--test-data: no target column is named for {name_source(source)}.\n"
                f"Call the target column y, or name it with --data and --target. The table's columns are: "
                f"{join_names(table.names or map(str, range(table.n_columns)))}."
            )
        return replace(part, source=name_source(source), y=None if data.y is None else part.y)


def _find_target(names: tuple[str, ...], table: Table) -> tuple[str, ...]:
    """Return the columns of y: those that the fitted data names, or else a column named y or target."""
    if "y" in table.beside:
        return ()
    return names or tuple(name for name in ("y", "target") if name in (table.names or ()))[:1]


def _parse_size(text: str) -> float:
    try:
        size = int(text) if text.isdecimal() else float(text)
    except ValueError:
        size = 0
    if not (0 < size < 1 or (size >= 1 and isinstance(size, int))):
        raise UsageError(f"--test-size {text}: give a share of the rows between 0 and 1, or how many: --test-size 0.2")
    return size


def _describe_features(data: Data) -> Features:
    """Describe the fitted features as a model's sidecar would."""
    names, X = data.feature_names, data.X
    framed = is_frame(X)
    if framed:
        names = tuple(str(name) for name in X.columns)
    kinds = [str(dtype) for dtype in X.dtypes] if framed else [str(X.dtype)] * len(names or ()) if names else []
    shape: tuple[int, ...] = getattr(X, "shape", ())
    encoding = Encoding(dates=data.dates, categories=known_categories(X))
    return Features(
        names=names,
        dtypes=dict(zip(names or (), kinds, strict=False)) | types_as_written(encoding, names or ()),
        as_frame=framed,
        count=shape[1] if len(shape) > 1 else None,
        encoding=encoding,
    )


def _is_text(y: Any) -> bool:
    import numpy as np

    dtype = getattr(y, "dtype", None)
    return getattr(np.asarray(y).dtype if dtype is None else dtype, "kind", "") in {"O", "U", "S"}


def _draw(data: Data, size: float | None, estimator: Any, seed: int) -> Data:
    try:
        train, test = _draw_rows(data, size, estimator, seed)
    except ValueError as error:
        raise InputError(f"--test-size {size}: {shorten(str(error))}") from error
    fitted, held = (_take_part(data, rows) for rows in (train, test))
    return replace(fitted, held_out=replace(held, passed_over=(), held_out=None))


def _draw_rows(data: Data, size: Any, estimator: Any, seed: int) -> Any:
    """Draw the numbers of the rows to fit, and of the rows to hold out."""
    import numpy as np
    from sklearn.model_selection import GroupShuffleSplit, train_test_split

    rows = np.arange(sklearn_private.count_rows(data.X) or 0)
    groups = data.fit_params.get("groups")
    if groups is not None:
        share = size if size < 1 else size / len(rows)
        return next(GroupShuffleSplit(n_splits=1, test_size=share, random_state=seed).split(rows, groups=groups))
    if _has_classes(estimator, data.y):
        try:
            return train_test_split(rows, test_size=size, random_state=seed, stratify=data.y)
        except ValueError:  # a class has one row, or there are fewer rows than classes: no stratification
            pass
    return train_test_split(rows, test_size=size, random_state=seed)


def _has_classes(estimator: Any, y: Any) -> bool:
    from sklearn.base import is_classifier
    from sklearn.utils.multiclass import type_of_target

    try:
        return y is not None and is_classifier(estimator) and type_of_target(y) in {"binary", "multiclass"}
    except (TypeError, ValueError, AttributeError):
        return False


def _take_part(data: Data, rows: Any) -> Data:
    """Return some of the rows, of everything that has one value per row."""
    count = sklearn_private.count_rows(data.X)
    of_rows = {name: value for name, value in data.fit_params.items() if sklearn_private.count_rows(value) == count}
    params = {**data.fit_params, **{name: sklearn_private.take_rows(value, rows) for name, value in of_rows.items()}}
    y = None if data.y is None else sklearn_private.take_rows(data.y, rows)
    return replace(data, X=sklearn_private.take_rows(data.X, rows), y=y, fit_params=params, held_out=None)
