"""Frozen, validated descriptions of what a fitted model is asked for, before anything runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from raysk.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

METHODS = ("predict", "predict_proba", "decision_function", "transform")
"""What a fitted model can be asked for, row by row."""

PREDICTION_FORMATS = ("csv", "jsonl", "parquet", "npy")
"""What predictions can be written as; a file's suffix says which, csv without one."""


@dataclass(frozen=True, kw_only=True)
class ModelJob:
    """A fitted model and a table that it is asked about.

    Parameters
    ----------
    model : str
        The path of the model; ``-`` for stdin.
    data : str
        Names the table, as `raysk.data.reading.read_blocks` takes it.
    named : str or None
        What the person called the model, which may be a run; None means by its path.
    trust : tuple of str
        Types that may be made of a ``.skops`` file, besides those that skops trusts.
    input_format : str or None
        Of the table; None looks at it.
    sep : str or None
        What separates the columns of a CSV; None finds it.
    decimal : str
        What stands before the decimals of its numbers.
    features : tuple of str
        Columns of the table that are the features, for a model that does not know them by name.
    drop : tuple of str
        Columns of the table that are no features.

    Raises
    ------
    UsageError
        If both are to be read from stdin.
    """

    model: str
    data: str
    named: str | None = None
    trust: tuple[str, ...] = ()
    input_format: str | None = None
    sep: str | None = None
    decimal: str = "."
    features: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.model == self.data == "-":
            raise UsageError("The model and the data cannot both come from stdin. Name a file for one of them.")


@dataclass(frozen=True, kw_only=True)
class PredictJob(ModelJob):
    """The predictions of a model for a table, row by row.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    id_col : str or None
        A column of the table to repeat before the predictions.
    output : Path or None
        None is stdout.
    output_format : str or None
        One of `PREDICTION_FORMATS`; None leaves it to the suffix of `output`.
    new : bool
        Whether an output that is there by then is somebody else's, and stays.

    Raises
    ------
    UsageError
        If a method or format is not known, or two things want stdin or one file.
    """

    method: str = "predict"
    id_col: str | None = None
    output: Path | None = None
    output_format: str | None = None
    new: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.method not in METHODS:
            raise UsageError(f"--method {self.method}: there is no such method. There are {', '.join(METHODS)}.")
        if self.written_as not in PREDICTION_FORMATS:
            what = f"--to {self.output_format}" if self.output_format is not None else f"-o {self.output}"
            raise UsageError(f"{what}: there is no such format.\nPredictions are {', '.join(PREDICTION_FORMATS)}.")
        if self.written_as == "npy" and self.id_col is not None:
            raise UsageError("--id-col: .npy holds one array, without ids. Write csv, jsonl or parquet.")

    @property
    def written_as(self) -> str:
        """The format that predictions are written in."""
        if self.output_format is not None or self.output is None:
            return self.output_format or "csv"
        return self.output.suffix.removeprefix(".").lower()


@dataclass(frozen=True, kw_only=True)
class ScoreJob(ModelJob):
    """How good a model is on a table.

    Parameters
    ----------
    target : tuple of str
        Columns of the table that the model is to predict; empty where the table brings its own.
    weight : str or None
        A column of weights.
    metrics : tuple of str
        Names of scikit-learn's scorers; empty means the model's own ``score``.
    """

    target: tuple[str, ...] = ()
    weight: str | None = None
    metrics: tuple[str, ...] = ()
