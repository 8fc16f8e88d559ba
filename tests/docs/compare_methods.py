"""Compares the ways to search at equal fit time: prints the table of the guide, in Markdown.

Run by hand, which takes about six minutes and needs optuna:

    python tests/docs/compare_methods.py

For each data set and seed, a random search of CANDIDATES candidates says how much fit time all others may use. Each of
these gets as many candidates as that pays for. Compared is the candidate that each of them chooses: its mean score
on all folds, and its score on data that was held out. The time it takes to choose candidates does not count.

A fit that was done once is remembered with the time it took, so that all methods pay the same for it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from scipy import stats
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - makes the halving searches importable
from sklearn.model_selection import (
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    StratifiedKFold,
    cross_val_score,
    train_test_split,
)
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

import raysk
from raysk import plans
from raysk.pool import Pool

SEEDS = range(10)
CANDIDATES = 50
TRIES = 4
"""So many sizes of a search are tried to use up the fit time."""

KNOWN = {}
"""What fits have left behind and how long they took, by class, parameters and rows."""

spent_s = 0.0


class Remembered:
    """An estimator that fits nothing twice; what it costs is counted each time."""

    def fit(self, X, y):
        """Fit, or take what an equal fit has left."""
        global spent_s  # noqa: PLW0603 - fits run in threads of one program
        key = (type(self), str(sorted(self.get_params().items())), hashlib.sha256(X.tobytes()).digest())
        if key not in KNOWN:
            start = time.perf_counter()
            super().fit(X, y)
            KNOWN[key] = (time.perf_counter() - start, dict(vars(self)))
        took_s, state = KNOWN[key]
        vars(self).update(state)
        spent_s += took_s
        return self


class Machine(Remembered, SVC):
    pass


class Boosting(Remembered, GradientBoostingClassifier):
    pass


DATA = {
    "digits, support vector machine": (
        load_digits,
        Machine(),
        {"C": stats.loguniform(1e-2, 1e4), "gamma": stats.loguniform(1e-6, 1e0), "class_weight": [None, "balanced"]},
    ),
    "breast cancer, gradient boosting": (
        load_breast_cancer,
        Boosting(n_estimators=8, random_state=0),
        {
            "learning_rate": stats.loguniform(1e-2, 1e0),
            "max_depth": stats.randint(1, 7),
            "subsample": stats.uniform(0.3, 0.7),
            "max_features": stats.uniform(0.05, 0.95),
            "min_samples_leaf": stats.randint(1, 30),
        },
    ),
}


def random(estimator, space, count, **options):
    """Return a random search."""
    return RandomizedSearchCV(estimator, space, n_iter=count, **options)


def halving(estimator, space, count, **options):
    """Return a search that gives more rows to the better candidates."""
    return HalvingRandomSearchCV(estimator, space, n_candidates=count, min_resources="exhaust", **options)


def tpe(estimator, space, count, **options):
    """Return a search by TPE."""
    return raysk.TPESearchCV(estimator, space, n_iter=count, **options)


METHODS = {
    "--prune exact": (random, raysk.Shortcuts(prune="exact")),
    "--prune forgiving": (random, raysk.Shortcuts(prune="forgiving")),
    "--prune race": (random, raysk.Shortcuts(prune="race")),
    "--method halving": (halving, None),
    "--method tpe": (tpe, None),
}


def run(search, shortcuts, X, y):
    """Fit a search on one worker of this process; return it and its fit time, the refit not counted."""
    global spent_s  # noqa: PLW0603 - as above
    spent_s = 0.0
    launcher = _tests().FakeLauncher()
    launcher.by_hand, launcher.room = False, 1
    pool = Pool(launcher)
    try:
        plans.fit(pool, search.set_params(refit=False), X, y, {}, shortcuts=shortcuts)
    finally:
        pool.close()
    return search, spent_s


def _tests():
    """Return the tests' own module with workers that are threads."""
    if "workers_as_threads" not in sys.modules:
        spec = importlib.util.spec_from_file_location("workers_as_threads", Path(__file__).parents[1] / "conftest.py")
        sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[spec.name])
    return sys.modules["workers_as_threads"]


def within(make, shortcuts, budget_s, X, y):
    """Return the largest search that was found to need no more fit time than there is, and its size."""
    count, largest = CANDIDATES, None
    for _ in range(TRIES):
        search, needed_s = run(make(count), shortcuts, X, y)
        if needed_s <= budget_s and (largest is None or count > largest[1]):
            largest = search, count
        if 0.95 * budget_s < needed_s <= budget_s:
            break
        count = max(int(count * min(budget_s / needed_s, 4) * 0.98), 1)
    return largest


def judged(search, folds, train, held_out):
    """Return the mean score of what a search chose on all folds, and its score on data that was held out."""
    best = clone(search.estimator).set_params(**search.best_params_)
    return cross_val_score(best, *train, cv=folds).mean(), clone(best).fit(*train).score(*held_out)


def compare(load, estimator, space, seed):
    """Return by method the number of candidates and the two scores of the one that was chosen."""
    X, y = load(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=300, stratify=y, random_state=seed)
    train, held_out = (X_train, y_train), (X_test, y_test)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    options = {"cv": folds, "random_state": seed}
    search, budget_s = run(random(estimator, space, CANDIDATES, **options), None, *train)
    found = {"random": (CANDIDATES, *judged(search, folds, train, held_out))}
    for name, (make, shortcuts) in METHODS.items():
        largest = within(lambda count, make=make: make(estimator, space, count, **options), shortcuts, budget_s, *train)
        if largest is not None:
            found[name] = (largest[1], *judged(largest[0], folds, train, held_out))
    return found


def rows(found):
    """Yield a row of the table for each method."""
    for name in ("random", *METHODS):
        pairs = [(each[name], each["random"]) for each in found if name in each]
        counts = [own[0] for own, _ in pairs]
        yield [
            f"`{name}`" if name != "random" else name,
            f"{np.median(counts):.0f}",
            *(compared(pairs, at) for at in (1, 2)),
        ]


def compared(pairs, at):
    """Return in words how a score is, and how often it is better than, as good as and worse than that of random."""
    own, others = (np.array([pair[which][at] for pair in pairs]) for which in (0, 1))
    gained = own - others
    if not gained.any():
        return f"{own.mean():.4f}"
    signs = [int((np.sign(np.round(gained, 9)) == sign).sum()) for sign in (1, 0, -1)]
    return f"{own.mean():.4f} ({signs[0]}-{signs[1]}-{signs[2]})"


def main():
    """Print a table for each data set."""
    warnings.simplefilter("ignore")
    for title, (load, estimator, space) in DATA.items():
        KNOWN.clear()
        start = time.perf_counter()
        found = [compare(load, estimator, space, seed) for seed in SEEDS]
        print(f"\n**{title}**\n\n| method | candidates | mean score of the folds | score on held-out data |")  # noqa: T201
        print("|---|---|---|---|")  # noqa: T201
        for row in rows(found):
            print(f"| {' | '.join(row)} |")  # noqa: T201
        print(f"{title}: {time.perf_counter() - start:.0f} s, {len(KNOWN):,} fits", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
