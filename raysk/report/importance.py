"""Which parameters mattered: the variance of the score, shared out by a random forest on the candidates.

F. Hutter, H. Hoos, K. Leyton-Brown: An Efficient Approach for Assessing Hyperparameter Importance, ICML 2014, fit a
random forest to (parameters -> score) and take the functional ANOVA of what it predicts. Here the share of a
parameter is its total effect in that decomposition, alone and together with others, by the estimator of
M. Jansen (Computer Physics Communications 117, 1999): half the mean square of how a candidate's prediction changes
when this one parameter gets the value of another candidate. With main effects only, two parameters that matter
together, as C and gamma of an SVC, would seem to matter little.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from raysk.report.axes import ABSENT, columns_of, is_number
from raysk.util.words import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from raysk.history.candidates import CandidateTable
    from raysk.report.axes import Axis

FEWEST = 20
"""Candidates: a forest on fewer finds patterns in noise. With several parameters, `PER_PARAMETER` of each, too."""

PER_PARAMETER = 5
"""Candidates for each parameter."""

LEAST_EXPLAINED = 0.3
"""Out-of-bag R2 of the forest below which its shares are those of noise: of pure noise it is about 0 or negative."""

TREES = 64
"""Shares change by less than 0.02 with more trees; 64 on 2,000 candidates of 10 parameters take half a second."""

MOST_ROWS = 2000
"""Candidates that the forest learns from; of more, this many at even distances."""

EXCHANGES = 4
"""How often each candidate gets another's value of a parameter."""

MOST_CATEGORIES = 32
"""Categories with a column of their own; of more, each gets a number in the order of their mean scores."""

_FENCE = 3.0
"""Scores lower than the first quartile by more than so many interquartile ranges count as that low (Tukey's far
outliers): one error of 1e12 would leave no variance for anything else."""

METHOD = (
    "A random forest learns the score from the parameters of the candidates. The share of a parameter is the part of "
    "the variance of the forest's prediction that this parameter makes, alone and together with others "
    "(functional ANOVA, after Hutter, Hoos and Leyton-Brown, 2014). What parameters make together counts for each of "
    "them, so that shares may add up to more than 100 %."
)


@dataclass(frozen=True, kw_only=True)
class Importance:
    """How much each parameter mattered.

    Parameters
    ----------
    method : str
        How the shares were found, in words.
    shares : mapping of str to float
        From 0 to 1, the largest first; empty if they would mean nothing.
    explained : float or None
        The out-of-bag R2 of the forest; None if there is no forest.
    doubt : str or None
        Why there are no shares.
    candidates : int
        How many have a score.
    """

    method: str = METHOD
    shares: Mapping[str, float] = field(default_factory=dict)
    explained: float | None = None
    doubt: str | None = None
    candidates: int = 0


def importance(
    table: CandidateTable,
    axes: Mapping[str, Axis],
    columns: Mapping[str, Sequence[Any]] | None = None,
    rows: np.ndarray[Any, Any] | None = None,
) -> Importance:
    """Return how much of the score's variance each parameter makes.

    Parameters
    ----------
    table : CandidateTable
    axes : mapping of str to Axis
        Of the parameters that are looked at.
    columns : mapping of str to sequence, or None
        What `raysk.report.axes.columns_of` returns, if it is there already.
    rows : ndarray of int, or None
        The candidates that are looked at; None means all. Those without a score are not.

    Returns
    -------
    Importance
        The same for the same table.
    """
    columns = columns_of(table) if columns is None else columns
    scores = table.mean[table.metric]
    rows = np.flatnonzero(np.isfinite(scores)) if rows is None else rows[np.isfinite(scores[rows])]
    needed = max(FEWEST, PER_PARAMETER * len(axes))
    if len(rows) < needed or not axes:
        few = f"{count(len(rows), 'candidate')} with a score are too few for {count(len(axes), 'parameter')}"
        doubt = f"{few}: it takes {needed}." if axes else "No parameter varies."
        return Importance(doubt=doubt, candidates=len(rows))
    total = len(rows)
    rows = rows[np.linspace(0, total - 1, min(total, MOST_ROWS)).round().astype(int)]
    target = _fenced(scores[rows])
    blocks = {name: _encode([columns[name][row] for row in rows], target) for name in axes}
    if table.resources is not None:  # of halving: what a candidate was fitted with is no choice, but moves the score
        blocks[""] = table.resources[rows, None].astype(float)
    return _shared_out(blocks, target, total)


def _shared_out(blocks: Mapping[str, np.ndarray[Any, Any]], target: np.ndarray[Any, Any], total: int) -> Importance:
    """Fit the forest, and share out the variance of what it predicts."""
    if np.ptp(target) == 0:
        return Importance(doubt="All candidates have the same score.", candidates=total)
    X = np.hstack(list(blocks.values())).astype(np.float32)
    forest, explained = _fit_forest(X, target)
    if explained < LEAST_EXPLAINED:
        doubt = (
            f"A forest on the parameters explains {max(explained, 0):.0%} of the differences between the scores of "
            f"{count(total, 'candidate')}, which is too little to say what mattered."
        )
        return Importance(doubt=doubt, explained=explained, candidates=total)
    shares = _total_effects(forest, X, {name: block.shape[1] for name, block in blocks.items()})
    shares.pop("", None)
    ordered = dict(sorted(shares.items(), key=lambda item: -item[1]))
    return Importance(shares=ordered, explained=explained, candidates=total)


def _fenced(scores: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    low, high = np.quantile(scores, [0.25, 0.75])
    fenced: np.ndarray[Any, Any] = np.maximum(scores, low - _FENCE * (high - low)) if high > low else scores
    return fenced


def _encode(values: Sequence[Any], target: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a parameter's values as columns of numbers: the numbers, and a column for each other value there is.

    A candidate without the parameter gets the value of another one: a mark would tell the forest what another
    parameter, by which it does not have this one, has done.
    """
    there = [value for value in values if value is not ABSENT]
    if not there:
        return np.zeros((len(values), 1))
    drawn = np.random.RandomState(0).randint(len(there), size=len(values))
    filled = [there[other] if value is ABSENT else value for value, other in zip(values, drawn, strict=True)]
    columns = []
    if any(map(is_number, filled)):
        numbers = np.array([float(value) if is_number(value) else np.nan for value in filled])
        columns.append(np.where(np.isnan(numbers), np.nanmedian(numbers), numbers))
    keys = np.array(["" if is_number(value) else repr(value) for value in filled])
    others = sorted(set(keys.tolist()) - {""})
    if len(others) > MOST_CATEGORIES:
        means = {key: float(target[keys == key].mean()) for key in others}
        columns.append(np.array([means.get(key, 0.0) for key in keys]))
    else:
        columns += [(keys == key).astype(float) for key in others]
    return np.stack(columns, axis=1)


def _fit_forest(X: np.ndarray[Any, Any], target: np.ndarray[Any, Any]) -> tuple[Any, float]:
    """Return a forest and its out-of-bag R2."""
    import warnings

    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(
        n_estimators=TREES, min_samples_leaf=2, max_features=0.7, bootstrap=True, oob_score=True, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a candidate that is in every tree's sample: its part of the R2 is small
        forest.fit(X, target)
    return forest, float(forest.oob_score_)


def _total_effects(forest: Any, X: np.ndarray[Any, Any], widths: Mapping[str, int]) -> dict[str, float]:
    """Return each block's total effect as a part of the variance of the prediction."""
    rng = np.random.RandomState(0)
    rows = np.arange(len(X)) if len(X) <= MOST_ROWS // EXCHANGES else rng.permutation(len(X))[: MOST_ROWS // EXCHANGES]
    base = forest.predict(X[rows])
    variance = float(forest.predict(X).var())
    others = [rng.randint(len(X), size=len(rows)) for _ in range(EXCHANGES)]
    effects, first = {}, 0
    for name, width in widths.items():
        changed = np.repeat(X[None, rows], EXCHANGES, axis=0)
        for copy, other in zip(changed, others, strict=True):
            copy[:, first : first + width] = X[other, first : first + width]
        predicted = forest.predict(changed.reshape(-1, X.shape[1])).reshape(EXCHANGES, -1)
        effects[name] = min(1.0, float(((predicted - base) ** 2).mean() / 2 / variance)) if variance else 0.0
        first += width
    return effects
