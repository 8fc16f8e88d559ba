"""The lines of a journal: how a result is written, and which lines are believed."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Result = dict[str, Any]
    """What scikit-learn's own function returns for one fit."""

FIELDS = ("test_scores", "train_scores", "fit_time", "score_time", "n_test_samples", "fit_error", "score_error")
"""The fields of a result that are written: all that ``cv_results_`` is made of, and the error of a scorer."""

SCORES = ("test_scores", "train_scores")
NOT_FINITE = {"nan", "inf", "-inf"}
"""Text that stands for a score: JSON has no such numbers."""

MOST_SAMPLES = 2**63
ODD = (KeyError, TypeError, ValueError, OverflowError)
"""Errors that reading a damaged line may raise."""


def to_line(record: Mapping[str, Any]) -> str:
    """Return a line of JSON."""
    return json.dumps(record, allow_nan=False) + "\n"


def parse_line(text: bytes) -> dict[str, Any]:
    """Return the JSON object of a line; an empty one if it holds none."""
    try:
        record = json.loads(text, parse_constant=_no_json)
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def encode_result(result: Result) -> dict[str, Any]:
    """Return the fields of a result that are written, as JSON can hold them."""
    kept = {name: result[name] for name in FIELDS if name in result}
    kept["n_test_samples"] = int(result["n_test_samples"])
    return kept | {name: _each(_score_out, kept[name]) for name in SCORES if name in kept}


def decode_result(record: Mapping[str, Any]) -> Result:
    """Return the result that a record holds.

    Raises
    ------
    KeyError, TypeError, ValueError, OverflowError
        If it holds none.
    """
    kept = {name: record[name] for name in FIELDS if name in record}
    kept["fit_time"], kept["score_time"] = _seconds(record["fit_time"]), _seconds(record["score_time"])
    if type(record["n_test_samples"]) is not int or not 0 <= record["n_test_samples"] < MOST_SAMPLES:
        raise ValueError("no number of samples")
    if not (isinstance(record["fit_error"], str | None) and isinstance(record.get("score_error"), str | None)):
        raise TypeError("an error that is no text")
    return kept | {name: _each(_score_in, record[name]) for name in SCORES if name in record or name == "test_scores"}


@dataclass(frozen=True)
class Wanted:
    """The scores that a search has for each fit.

    Parameters
    ----------
    metrics : frozenset of str or None
        The names of several; None for one without a name.
    train : bool
        Whether for the training rows too.
    free : bool
        Whether the person's own function makes them, of which nobody knows the names before; `metrics` is not looked
        at then.
    """

    metrics: frozenset[str] | None = None
    train: bool = False
    free: bool = False

    def among(self, results: Iterable[tuple[str, Result]]) -> Iterator[tuple[str, Result]]:
        """Yield the results of such a search; others are damaged, and would break its table."""
        found = list(results)
        metrics = _most_common(result for _, result in found) if self.free else self.metrics
        for key, result in found:
            if not self.train:
                result.pop("train_scores", None)
            names = [_metrics(result[name]) for name in SCORES if name in result]
            failed = self.free and result["fit_error"] is not None and set(names) == {None}  # its score is a number
            if len(names) == 1 + self.train and (failed or set(names) == {metrics}):
                yield key, result


def _most_common(results: Iterable[Result]) -> frozenset[str] | None:
    names = Counter(_metrics(result["test_scores"]) for result in results if result["fit_error"] is None)
    return names.most_common(1)[0][0] if names else None


def _metrics(scores: Any) -> frozenset[str] | None:
    return frozenset(scores) if isinstance(scores, dict) else None


def _no_json(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _each(function: Any, scores: Any) -> Any:
    return {name: function(score) for name, score in scores.items()} if isinstance(scores, dict) else function(scores)


def _score_out(score: Any) -> float | str:
    """Write a score as JSON can: exactly, and NaN and infinities as text."""
    value = float(score)
    return value if math.isfinite(value) else repr(value)


def _score_in(score: Any) -> float:
    return float(score) if score in NOT_FINITE else _number(score)


def _seconds(time: Any) -> float:
    if (value := _number(time)) < 0:
        raise ValueError("no time")
    return value


def _number(value: Any) -> float:
    if type(value) not in {int, float} or not math.isfinite(value):
        raise ValueError("no number")
    return float(value)
