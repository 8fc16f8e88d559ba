"""Findings about scores: the result, candidates within noise, unstable folds, training scores far above."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from raysk.history.noise import FEWEST_SPLITS
from raysk.report import commands
from raysk.report.axes import is_number
from raysk.report.finding import Finding
from raysk.report.study import deviation, number
from raysk.report.words import seconds
from raysk.runs.folder import CV, PYTHON_CV
from raysk.util.words import count

if TYPE_CHECKING:
    from raysk.report.study import Study

CHEAPER = 2.0
"""A candidate is worth naming if it takes at most one part in so many of the best one's time: times of fits on a busy
machine differ by tens of percent by themselves."""

SAVED_S = 0.1
"""Seconds of a fit that it must save: less is nothing that anybody waits for."""

UNSTABLE = 0.1
"""Deviation over the splits as a part of the score. At a tenth, the mean of five folds is uncertain by 5 to 10 %;
scikit-learn's own classification examples are at 1 to 3 %."""

UNSTABLE_LOSS = 0.6
"""The same of losses, which end at 0 and have a long tail: on scikit-learn's own examples the logarithmic loss and the
Brier score of a good model deviate by 20 to 55 %."""

FEWEST_OF_SPLIT = 10
"""Candidates that must agree on a bad split."""

MOST_AGREE = 0.9
"""Part of the better half for which the split must be the worst: of 5 splits, chance alone makes it 0.2."""

BAD_SPLIT = 0.05
"""How far the bad split must lie below the next worst, as a part of the score."""

BAD_SPLIT_LOSS = 1.0
"""The same of losses."""

OUTLIER = 2.0
"""The same as a part of the range of the others: of 5 splits, chance alone makes it once in 25 searches, and 1 in 7."""

OVERFIT = 0.1
"""Training above test score, as a part of the larger one. Forests score 1.0 on what they learned, so a gap of a few
percent is usual and harmless."""

OVERFIT_DEVIATIONS = 2.0
"""The same in standard deviations of the test score over the splits: less may be an unlucky split."""

FOLLOWS = 0.4
"""Rank correlation of a parameter with the gap from which on the parameter is named as what moves it."""


def find_result(study: Study) -> Finding:
    """State the result in one sentence."""
    table, row = study.table, study.chosen
    splits, total = study.splits[row], len(study.order)
    done = int(np.isfinite(splits).sum())
    score = f"{study.metric} {number(table.mean[table.metric][row])}"
    spread = f" ± {deviation(table.std[table.metric][row])} over {count(done, 'split')}" if done > 1 else ""
    with_params = f", with {text}" if (text := study.params_text(row)) else ""
    what = "The best" if table.is_whole or study.run.state == "done" else "The best so far"
    whose = f"{what} of {count(total, 'candidate')}" if total > 1 else "The one candidate"
    if study.run.command in {CV, PYTHON_CV}:
        whose = "The estimator"
    title = f"{whose} has {score}{spread}{with_params}."
    evidence = _others(study) if total > 1 else ""
    return Finding("result", title, evidence, _use_of(study), weight=1.0)


def _others(study: Study) -> str:
    """Return how the others did, and how many are within noise of the best."""
    scores = study.scores[study.order]
    text = f"The median candidate has {number(np.median(scores))}, the worst {number(scores[-1])}."
    close = len(study.within_noise)
    if not close:
        return text
    be = "is" if close == 1 else "are"
    return (
        f"{text} {count(close, 'other candidate')} {be} within noise of the best: the difference on equal splits is "
        "no larger than its standard error."
    )


def _use_of(study: Study) -> str:
    run = study.run
    if not (study.table.is_whole or run.state == "done"):
        return "" if run.state == "running" else commands.go_on(run)
    if run.facts.get("model"):
        return commands.on_run("Predict with its model", "predict", run.shown, "new.csv")
    return commands.on_run("Fit it on all data", "refit", run.shown) if commands.source_of(run) else ""


def find_cheaper(study: Study) -> Finding | None:
    """Find a candidate within noise of the best that takes far less time."""
    table, top = study.table, study.top
    cost = table.fit_time + table.score_time
    if study.chosen != top or not np.isfinite(cost[top]):  # a rule has chosen already
        return None
    close = study.within_noise
    cheap = close[(cost[close] * CHEAPER <= cost[top]) & (cost[top] - cost[close] >= SAVED_S)]
    if not len(cheap):
        return None
    row = int(cheap[0])  # they are in order: the best of them
    gap = study.compare(top, row)
    times = f"{seconds(cost[row])} a fit instead of {seconds(cost[top])}"
    title = f"A candidate that takes {times} is within noise of the best."
    evidence = (
        f"Candidate {table.numbers[row]} ({study.params_text(row)}) has {number(study.scores[row])}, "
        f"the best has {number(study.scores[top])}. The paired difference over {gap.splits} splits is "
        f"{number(gap.mean)} with a standard error of {deviation(gap.error)} (corrected for overlapping training sets, "
        "Nadeau and Bengio 2003). Which of the two is better these splits cannot tell."
    )
    weight = 0.5 + 0.2 * (1 - cost[row] / cost[top])
    return Finding("noise", title, evidence, _fit_this(study, row), weight=float(weight))


def _fit_this(study: Study, row: int) -> str:
    source, position = commands.source_of(study.run), int(np.flatnonzero(study.order == row)[0]) + 1
    if source is None:
        return "Take its parameters if time matters."
    which = f"{study.run.shown}#{position}"
    return commands.on_run("Fit it instead, if time matters", "fit", source, "--params", which, "-o", "model.pkl")


def find_unstable(study: Study) -> Finding | None:
    """Find that the best candidate's score depends on the split."""
    row, splits = study.top, study.splits[study.top]
    splits = splits[np.isfinite(splits)]
    mean, error = abs(float(splits.mean())), study.error(row)
    least = UNSTABLE_LOSS if study.is_loss else UNSTABLE
    if len(splits) < FEWEST_SPLITS or not mean or splits.std(ddof=1) < least * mean:
        return None
    is_part = splits.min() >= 0 or splits.max() <= 0  # of a score around 0 parts say nothing
    part = f"{splits.std(ddof=1) / mean:.0%} of the score, " if is_part else ""
    whose = "the best candidate has " if len(study.order) > 1 else ""
    title = f"The score depends on the split: {whose}{number(splits.min())} to {number(splits.max())}."
    evidence = (
        f"The deviation over {len(splits)} splits is {deviation(splits.std(ddof=1))}, {part}"
        f"and the standard error of its mean {deviation(error)}. "
        "Candidates that differ by less cannot be told apart, unless they differ alike on every split."
    )
    advice = "Compare with more splits, or repeated ones (RepeatedKFold)"
    next_step = commands.with_more_folds(study.run, advice, len(splits))
    return Finding("unstable", title, evidence, next_step, weight=0.6)


def find_bad_split(study: Study) -> Finding | None:
    """Find a split on which all of the better candidates do badly."""
    splits = study.splits[study.better_half]
    splits = splits[np.isfinite(splits).all(axis=1)]
    if len(splits) < FEWEST_OF_SPLIT or splits.shape[1] <= FEWEST_SPLITS:
        return None
    means = splits.mean(axis=0)
    worst, others = int(means.argmin()), np.sort(means)[1:]
    gap, agree = others[0] - means[worst], float((splits.argmin(axis=1) == worst).mean())
    least = BAD_SPLIT_LOSS if study.is_loss else BAD_SPLIT
    if agree < MOST_AGREE or gap <= OUTLIER * np.ptp(others) or gap < least * abs(others.mean()):
        return None
    title = f"Split {worst} is bad for all: {number(means[worst])} on average, all others {number(others[0])} or more."
    evidence = (
        f"It is the worst split for {agree:.0%} of the better half of the candidates. The other splits have "
        f"{number(others[0])} to {number(others[-1])} on average."
    )
    next_step = (
        "Look at the rows of that split. If the table is sorted, by time or by source, shuffle it "
        "(cv = KFold(5, shuffle=True, random_state=0)), or keep its groups together (--groups)."
    )
    return Finding("bad-split", title, evidence, next_step, weight=0.75)


def find_overfit(study: Study) -> Finding | None:
    """Find that the best candidate does far better on what it has learned from."""
    train = study.table.train_mean.get(study.table.metric)
    row = study.top
    if train is None or not np.isfinite(train[row]):
        return None
    gap, size = train - study.scores, max(abs(train[row]), abs(study.scores[row]))
    spread = float(study.splits[row].std())
    if gap[row] < OVERFIT * size or gap[row] < OVERFIT_DEVIATIONS * spread:
        return None
    title = (
        f"The best candidate has {number(train[row])} on the rows that it was trained on, and "
        f"{number(study.scores[row])} on others."
    )
    closest = min(study.better_half, key=lambda each: float(gap[each]))
    evidence = f"The gap is {number(gap[row])}, with a deviation of {deviation(spread)} over the splits."
    moved = _what_moves(study, gap)
    if closest != row:
        evidence += (
            f" The smallest gap in the better half is {number(gap[closest])}, of {study.params_text(int(closest))}."
        )
    if moved is not None:
        name, rho = moved
        smaller = "smaller" if rho > 0 else "larger"
        evidence += f" It gets less with {smaller} values of {name} (rank correlation {abs(rho):.2f})."
    advice = (
        "Forests and nearest neighbours remember their rows: with them a gap is usual. Of other models it is "
        "overfitting: more rows, stronger regularisation or simpler models close it"
    )
    advice += f"; begin with {'smaller' if moved[1] > 0 else 'larger'} values of {moved[0]}." if moved else "."
    return Finding("overfit", title, evidence, advice, weight=0.55)


def _what_moves(study: Study, gap: np.ndarray[Any, Any]) -> tuple[str, float] | None:
    """Return the number among the parameters whose ranks go best with those of the gap, and their correlation."""
    found: list[tuple[str, float]] = []
    for name, axis in study.axes.items():
        if axis.is_category:
            continue
        rows = [int(row) for row in study.order if is_number(study.columns[name][row])]
        values = np.array([float(study.columns[name][row]) for row in rows])
        if len(rows) >= FEWEST_OF_SPLIT and np.ptp(values) and np.ptp(gap[rows]):
            found.append((name, float(np.corrcoef(_ranks(values), _ranks(gap[rows]))[0, 1])))
    best = max(found, key=lambda each: abs(each[1]), default=None)
    return best if best is not None and abs(best[1]) >= FOLLOWS else None


def _ranks(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the rank of each value, equal ones by their mean."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: np.ndarray[Any, Any] = (ends - (counts - 1) / 2)[which]
    return ranks
