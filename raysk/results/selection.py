"""The simplest candidate within one standard error of the best, as a function for a search's ``refit``.

A saved model holds this function, and loads where there is no raysk: the module imports nothing of raysk, and is saved
by value (see `raysk.runner.saving`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, kw_only=True)
class OneStandardError:
    """Chooses the simplest candidate whose mean score is within one standard error of the best; for ``refit``.

    Parameters
    ----------
    order : sequence of str
        Parameters that say what is simpler, the most important one first: a smaller value is simpler, with "-" before
        the name a larger one. Empty: the candidate that took the shortest mean time to fit is the simplest. Times
        differ from run to run, and so may that choice.
    metric : str or None
        Which of several metrics decides. None means that there is only one.
    values : mapping of str to sequence
        The values of parameters that are not all numbers, simplest first. Where one is not named here, its values come
        in the order in which candidates have them, which for a grid is that of its list.

    Notes
    -----
    The rule is that of Breiman, Friedman, Olshen and Stone (Classification and Regression Trees, 1984, 3.4.3). The
    standard error is that of the best candidate's mean over the k splits, std(ddof=1) / sqrt(k), as for glmnet's
    ``lambda.1se``; scikit-learn's example "Balance model complexity and cross-validated score" allows a whole standard
    deviation. A candidate without a finite mean score is never chosen, unless there is no other. Candidates that lack a
    parameter of `order` are less simple than those that have it. Of equally simple ones the best is chosen.
    """

    order: Sequence[str] = ()
    metric: str | None = None
    values: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if isinstance(self.order, str):
            raise TypeError(f"order={self.order!r}: give a list of names, as order={self.order.split(',')!r}.")

    def __call__(self, cv_results: Mapping[str, Any]) -> int:
        """Return the index of the candidate, as ``refit`` of a search has to."""
        within = self._within(cv_results)
        means, keys = self._means(cv_results), self._simplicity(cv_results)
        return min(within, key=lambda index: (*(key[index] for key in keys), -means[index], index), default=0)

    def explain(self, cv_results: Mapping[str, Any]) -> dict[str, Any]:
        """Describe what the candidate was chosen from.

        Returns
        -------
        dict
            ``order``, None for the fit time; ``top_score`` and ``top_index`` of the best candidate, its
            ``standard_error``, and how many candidates are ``within`` it.
        """
        means, best = self._means(cv_results), self._best(cv_results)
        return {
            "order": list(self.order) or None,
            "top_score": None if best is None else means[best],
            "top_index": best,
            "standard_error": None if best is None else self._standard_error(cv_results, best),
            "within": len(self._within(cv_results)),
        }

    def _column(self, cv_results: Mapping[str, Any], kind: str) -> list[float]:
        name = f"{kind}_{self.metric or 'score'}"
        if name not in cv_results:
            metrics = [each.removeprefix("mean_test_") for each in cv_results if each.startswith("mean_test_")]
            raise ValueError(f"{self!r}: this search has the metrics {', '.join(metrics)}. Name one: metric=...")
        return [float(value) for value in cv_results[name]]

    def _means(self, cv_results: Mapping[str, Any]) -> list[float]:
        return self._column(cv_results, "mean_test")

    def _best(self, cv_results: Mapping[str, Any]) -> int | None:
        """Return the best candidate, the first of several; None where no score is finite."""
        means = self._means(cv_results)
        finite = [index for index, mean in enumerate(means) if math.isfinite(mean)]
        return max(finite, key=means.__getitem__, default=None)

    def _standard_error(self, cv_results: Mapping[str, Any], index: int) -> float:
        """Return that of a candidate's mean; 0 with one split, of which nobody knows how far it is off."""
        end = f"_test_{self.metric or 'score'}"
        splits = sum(name.startswith("split") and name.endswith(end) for name in cv_results)
        deviation = self._column(cv_results, "std_test")[index]  # ddof=0
        return deviation / math.sqrt(splits - 1) if splits > 1 else 0.0

    def _within(self, cv_results: Mapping[str, Any]) -> list[int]:
        """Return the candidates within one standard error of the best."""
        best = self._best(cv_results)
        if best is None:
            return []
        means = self._means(cv_results)
        least = means[best] - self._standard_error(cv_results, best)
        return [index for index, mean in enumerate(means) if math.isfinite(mean) and mean >= least]

    def _simplicity(self, cv_results: Mapping[str, Any]) -> list[Sequence[Any]]:
        """Return keys by which candidates are sorted, the simplest first."""
        if not self.order:
            return [list(cv_results["mean_fit_time"])]
        return [_places(cv_results["params"], name, self.values) for name in self.order]


def _places(
    candidates: Sequence[Mapping[str, Any]], name: str, values: Mapping[str, Sequence[Any]]
) -> list[tuple[bool, float]]:
    """Return where each candidate stands by one parameter; last where it has none."""
    sign, name = (-1.0, name[1:]) if name.startswith("-") else (1.0, name)
    present = [each[name] for each in candidates if name in each]
    if all(map(_is_number, present)):
        return [(name not in each, sign * float(each.get(name, 0))) for each in candidates]
    texts = list(dict.fromkeys(repr(value) for value in (*values.get(name, ()), *present)))
    return [(name not in each, sign * texts.index(repr(each[name])) if name in each else 0.0) for each in candidates]


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not math.isnan(value)
