"""Tell what is to be predicted: classes or a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from raysk.data.table import is_number
from raysk.errors import InputError
from raysk.util.words import printable

MOST_NUMBERED_CLASSES = 10
"""Different whole numbers in a target that are taken for classes, as digits are; more are amounts."""

IMBALANCE = 3
"""How many times more rows the largest class may have than the smallest before plain accuracy misleads."""

FOLDS = 5


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is to be predicted.

    Parameters
    ----------
    name : str
        The column.
    classes : int or None
        How many classes there are; None for a number.
    smallest, largest : int
        Rows in the smallest and in the largest class; 0 for a number.
    missing : int
        Rows without a value.
    as_bool : bool
        Whether the values are True and False, but read as objects, since some are missing.
    """

    name: str
    classes: int | None
    smallest: int = 0
    largest: int = 0
    missing: int = 0
    as_bool: bool = False

    @property
    def is_imbalanced(self) -> bool:
        """Whether plain accuracy would mislead."""
        return self.largest > IMBALANCE * self.smallest

    @property
    def folds(self) -> int:
        """Folds of which each may have a row of each class."""
        return max(2, min(FOLDS, self.smallest)) if self.classes else FOLDS

    @property
    def scoring(self) -> tuple[str, str]:
        """A metric that suits, and why."""
        if self.classes is None:
            return "r2", "The share of the variance that is explained. In units of the target: neg_mean_absolute_error"
        if not self.is_imbalanced:
            return "accuracy", "The classes have similar numbers of rows. Others: balanced_accuracy, f1_macro"
        ratio = f"The largest class has {self.largest / self.smallest:.3g} times the rows of the smallest"
        if self.classes == len(("no", "yes")) and self.smallest > 1:  # each fold has to have both
            return "roc_auc", f"{ratio}, which misleads accuracy. Others: average_precision, balanced_accuracy"
        return "balanced_accuracy", f"{ratio}: each class counts the same. Others: f1_macro"


def find_target(column: Any, name: str, label: str) -> Target:
    """Return what the column of the target holds.

    Parameters
    ----------
    column : Series
    name, label : str
        Of the column and of its table, for messages.

    Raises
    ------
    InputError
        If there is nothing to learn: no value, one value, or texts that hardly repeat.
    """
    values = column.dropna()
    missing, different = len(column) - len(values), int(values.nunique())
    what = f"{label}: column {printable(name)!r}"
    if different <= 1:
        count = "no value" if not different else "the same value in each row"
        raise InputError(f"{what} has {count}, so there is nothing to predict.\nName another column with -y.")
    if is_number(column.dtype) and not _are_classes(values, different):
        return Target(name=name, classes=None, missing=missing)
    counts = values.value_counts()
    if different > len(values) / 2 and different > MOST_NUMBERED_CLASSES:
        raise InputError(
            f"{what} holds {different:,} different texts in {len(values):,} rows: too many classes to learn.\n"
            "Name another column with -y; numbers that were read as text may need --decimal or --sep."
        )
    truths = column.dtype == object and all(isinstance(value, bool) for value in counts.index)
    smallest, largest = int(counts.min()), int(counts.max())
    return Target(
        name=name, classes=different, smallest=smallest, largest=largest, missing=missing, as_bool=bool(truths)
    )


def _are_classes(values: Any, different: int) -> bool:
    """Return whether numbers are classes: truth values, or few whole numbers, each of them often."""
    if values.dtype.kind == "b":
        return True
    often = different == len(("no", "yes")) or len(values) >= FOLDS * different
    return different <= MOST_NUMBERED_CLASSES and often and bool((values % 1 == 0).all())
