"""What is fitted: the three workloads of the 2020 article "Easy Distributed Scikit-Learn with Ray", and some of ours.

The article's spaces, sizes and data (scikit-learn's digits, 1,797 x 64) are exact at scale 1.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FOLDS = 5
WIDE_BYTES = 10**9
WIDE_COLUMNS = 500
LONE_ROWS = 200_000
FEW_ROWS = 2_000
DIGITS = 1_797
BOOSTED_ROWS = 4_000
TEXTS = 2_000
FEW_TEXTS = 200


@dataclass(frozen=True, kw_only=True)
class Work:
    """One workload at one size.

    Parameters
    ----------
    estimator : estimator
        Unfitted.
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
    units : int
        How many trees or fits it is.
    prune : str or None
        How raysk gives candidates up, see `raysk.jobs.Shortcuts`; then only the best one is compared.
    """

    estimator: Any
    X: Any
    y: Any
    units: int
    prune: str | None = None


@dataclass(frozen=True, kw_only=True)
class Workload:
    """How to make a workload.

    Parameters
    ----------
    unit : str
        What it consists of: "tree" or "fit".
    units : int
        How many there are at scale 1.
    unit_s : float
        About how long one takes on one CPU, in seconds; only to choose a size for a machine.
    make : callable
        Takes the number of units wanted and the scale, returns a `Work`.
    shrinks_rows : bool
        Whether a smaller scale means fewer rows instead of fewer units.
    lone : bool
        Whether it is one fit, which may use the threads of the whole machine. Its last bits depend on how many these
        are, so answers are not compared; `ideal` is scikit-learn alone, in one process.
    """

    unit: str
    units: int
    unit_s: float
    make: Callable[[int, float], Work]
    shrinks_rows: bool = False
    lone: bool = False

    def at(self, scale: float) -> Work:
        """Return the workload at a scale; 1 is the full size."""
        return self.make(self.units if self.shrinks_rows else max(round(self.units * scale), 2 * FOLDS), scale)

    def small(self, units: int) -> Work:
        """Return a cheap workload of the same kind, for starting and warming up."""
        if self.lone:
            return self.make(1, 0.0)
        return _forest(units, 0.0) if self.unit == "tree" else _short(units, 0.0)

    def scale_for(self, cpus: int, time_s: float) -> float:
        """Return the scale at which the workload takes about this long on so many CPUs; at most 1."""
        return min(1.0, cpus * time_s / (self.units * self.unit_s))


def _digits(rows: int | None = None) -> tuple[Any, Any]:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return X[:rows], y[:rows]


def _forest(units: int, scale: float) -> Work:  # noqa: ARG001 - every maker is given it
    from sklearn.ensemble import RandomForestClassifier

    X, y = _digits()
    forest = RandomForestClassifier(n_estimators=units, random_state=0)
    return Work(estimator=forest, X=np.vstack([X, X]), y=np.hstack([y, y]), units=units)


def _random(units: int, scale: float) -> Work:  # noqa: ARG001 - as above
    from sklearn.model_selection import RandomizedSearchCV
    from sklearn.svm import SVC

    space = {
        "C": np.logspace(-6, 6, 30),
        "gamma": np.logspace(-8, 8, 30),
        "tol": np.logspace(-4, -1, 30),
        "class_weight": [None, "balanced"],
    }
    n_iter = max(units // FOLDS, 1)
    search = RandomizedSearchCV(SVC(), space, n_iter=n_iter, cv=FOLDS, random_state=0, refit=False)
    return Work(estimator=search, **dict(zip("Xy", _digits(), strict=True)), units=n_iter * FOLDS)


def _grid(units: int, scale: float) -> Work:  # noqa: ARG001 - as above
    from sklearn.svm import SVC

    space = {
        "C": np.logspace(-6, 6, 10),
        "gamma": np.logspace(-8, 8, 5),
        "tol": np.logspace(-4, -1, 10),
        "kernel": ["linear", "poly", "rbf", "sigmoid"],
        "class_weight": [None, "balanced"],
    }
    return _search_over(SVC(), space, units, *_digits())


def _short(units: int, scale: float) -> Work:  # noqa: ARG001 - as above
    from sklearn.tree import DecisionTreeClassifier

    space = {
        "min_samples_split": range(2, 22),
        "min_samples_leaf": range(1, 11),
        "max_features": [None, "sqrt", 0.5, 0.25, 0.1],
        "ccp_alpha": np.logspace(-5, -2, 20),  # more than 1,000 candidates, for longer runs
    }
    return _search_over(DecisionTreeClassifier(random_state=0), space, units, *_digits(400))


def _wide(units: int, scale: float) -> Work:
    from sklearn.naive_bayes import GaussianNB

    rows = max(int(WIDE_BYTES * scale / (8 * WIDE_COLUMNS)), 100)
    X = np.random.default_rng(0).standard_normal((rows, WIDE_COLUMNS))
    space = {"var_smoothing": np.logspace(-9, 0, 40)}
    return _search_over(GaussianNB(), space, units, X, (X[:, 0] > 0).astype(int))


def _boosting(units: int, scale: float) -> Work:
    from sklearn.ensemble import HistGradientBoostingClassifier

    X, y = _two_classes(LONE_ROWS, 30, scale)
    return Work(estimator=HistGradientBoostingClassifier(random_state=0), X=X, y=y, units=units)


def _logistic(units: int, scale: float) -> Work:
    from sklearn.linear_model import LogisticRegression

    X, y = _two_classes(LONE_ROWS // 2, 200, scale)
    X *= np.geomspace(0.25, 4, X.shape[1])  # on columns of one scale it is done in 5 iterations
    return Work(estimator=LogisticRegression(), X=X, y=y, units=units)


def _refit(units: int, scale: float) -> Work:
    """Make a search whose only candidate is fitted on a few rows before it is refitted on all of them."""
    from sklearn.model_selection import GridSearchCV

    work, rows = _boosting(units, scale), np.arange(FEW_ROWS)
    search = GridSearchCV(work.estimator, {"max_leaf_nodes": [31]}, cv=[(rows[::2], rows[1::2])])
    return replace(work, estimator=search)


def _contained_forest(units: int, scale: float) -> Work:
    """Make a grid in which a fifth of the fits contain all others."""
    from sklearn.ensemble import RandomForestClassifier

    space = {"n_estimators": _sizes(), "max_features": ["sqrt", "log2"], "min_samples_leaf": [1, 5]}
    X, y = _digits(max(round(DIGITS * scale), FEW_TEXTS))
    return _search_over(RandomForestClassifier(random_state=0), space, units, X, y)


def _contained_boosting(units: int, scale: float) -> Work:
    """Make the same with boosting."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    space = {"max_iter": _sizes(), "learning_rate": [0.1, 0.02], "max_leaf_nodes": [7, 31]}
    X, y = _two_classes(BOOSTED_ROWS, 20, scale)
    estimator = HistGradientBoostingClassifier(early_stopping=False, random_state=0)
    return _search_over(estimator, space, units, X, y)


def _sizes() -> list[int]:
    return [int(size) for size in np.linspace(100, 1000, 5)]


def _steps(units: int, scale: float) -> Work:
    """Make the grid of scikit-learn's tutorial on texts: 48 candidates, 4 ways to count words and 8 to weigh them."""
    from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
    from sklearn.linear_model import SGDClassifier
    from sklearn.pipeline import Pipeline

    steps = [("vect", CountVectorizer()), ("tfidf", TfidfTransformer()), ("clf", SGDClassifier(random_state=0))]
    space = {
        "vect__ngram_range": [(1, 1), (1, 2)],
        "vect__min_df": [1, 2],
        "tfidf__use_idf": [True, False],
        "clf__alpha": [1e-5, 1e-4, 1e-3],
        "clf__penalty": ["l2", "elasticnet"],
    }
    return _search_over(Pipeline(steps), space, units, *_texts(max(round(TEXTS * scale), FEW_TEXTS)))


def _texts(count: int) -> tuple[list[str], Any]:
    """Make texts of 100 words, as frequent as those of a language, on four subjects that prefer some of the words."""
    rng = np.random.default_rng(0)
    words = np.array([f"word{number}" for number in range(20_000)])
    frequency = 1 / np.arange(3, 3 + len(words))
    subjects = [rng.permutation(frequency) * 0.1 + frequency for _ in range(4)]
    y = np.arange(count) % len(subjects)
    return [" ".join(rng.choice(words, 100, p=subjects[of] / subjects[of].sum())) for of in y], y


def _pruned(units: int, scale: float) -> Work:
    """Make the article's random search, of which raysk leaves out what cannot win."""
    return replace(_random(units, scale), prune="exact")


def _two_classes(rows: int, columns: int, scale: float) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((max(round(rows * scale), FEW_ROWS), columns))
    noise = rng.standard_normal(len(X))
    return X, (X[:, 0] + X[:, 1] * X[:, 2] + noise > 0).astype(int)


def _search_over(estimator: Any, space: dict[str, Any], units: int, X: Any, y: Any) -> Work:
    """Return a grid search; one of fewer fits than the grid has gets candidates drawn from it, each once."""
    from sklearn.model_selection import GridSearchCV, ParameterGrid, ParameterSampler

    grid: Any = {name: list(values) for name, values in space.items()}
    wanted, count = max(units // FOLDS, 1), len(ParameterGrid(grid))
    if wanted < count:
        grid = [
            {name: [value] for name, value in candidate.items()}
            for candidate in ParameterSampler(grid, wanted, random_state=0)
        ]
    search = GridSearchCV(estimator, grid, cv=FOLDS, refit=False)
    return Work(estimator=search, X=X, y=y, units=min(wanted, count) * FOLDS)


WORKLOADS = {
    "forest": Workload(unit="tree", units=45_000, unit_s=0.006, make=_forest),
    "random": Workload(unit="fit", units=1_500, unit_s=0.35, make=_random),
    "grid": Workload(unit="fit", units=20_000, unit_s=0.2, make=_grid),
    "short": Workload(unit="fit", units=5_000, unit_s=0.004, make=_short),
    "wide": Workload(unit="fit", units=200, unit_s=1.5, make=_wide, shrinks_rows=True),
    "contained-forest": Workload(unit="fit", units=100, unit_s=1.5, make=_contained_forest, shrinks_rows=True),
    "contained-boosting": Workload(unit="fit", units=100, unit_s=0.9, make=_contained_boosting, shrinks_rows=True),
    "steps": Workload(unit="fit", units=240, unit_s=0.37, make=_steps, shrinks_rows=True),
    "pruned": Workload(unit="fit", units=1_500, unit_s=0.35, make=_pruned),
    "lone-boosting": Workload(unit="fit", units=1, unit_s=5.0, make=_boosting, shrinks_rows=True, lone=True),
    "lone-logistic": Workload(unit="fit", units=1, unit_s=0.5, make=_logistic, shrinks_rows=True, lone=True),
    "lone-refit": Workload(unit="fit", units=1, unit_s=5.0, make=_refit, shrinks_rows=True, lone=True),
}
PUBLISHED = ("forest", "random", "grid")
GROUPS = {
    "contained": ("contained-forest", "contained-boosting"),
    "lone": tuple(name for name, workload in WORKLOADS.items() if workload.lone),
}
"""Names for several workloads."""


def answer(fitted: Any, *, best_only: bool = False) -> tuple[list[Any], dict[str, Any] | None]:
    """Return what two backends must agree on.

    Parameters
    ----------
    fitted : estimator
        A forest or a search.
    best_only : bool
        Whether only the best candidate of a search counts.

    Returns
    -------
    pieces : list
        One for each unit, in order: the digest of a tree, or a score; of the best candidate its number and its score.
    best : dict or None
        The best parameters of a search.
    """
    if not hasattr(fitted, "cv_results_"):
        return [tree_digest(tree) for tree in fitted.estimators_], None
    results = fitted.cv_results_
    splits = np.column_stack([results[f"split{split}_test_score"] for split in range(fitted.n_splits_)])
    pieces = [int(fitted.best_index_), float(fitted.best_score_)] if best_only else splits.ravel().tolist()
    return pieces, _plain(fitted.best_params_)


def answer_of_scores(work: Work, scores: Sequence[float]) -> tuple[list[Any], dict[str, Any]]:
    """Return the same of the scores of all fits of a search, in order."""
    means = np.average(np.reshape(scores, (-1, FOLDS)), axis=1)
    best = int(np.argmax(means))
    pieces = [best, float(means[best])] if work.prune else list(scores)
    return pieces, _plain(candidates(work.estimator)[best])


def candidates(search: Any) -> list[dict[str, Any]]:
    """Return the candidates of a search."""
    from sklearn.model_selection import ParameterGrid, ParameterSampler

    if hasattr(search, "param_distributions"):
        return list(ParameterSampler(search.param_distributions, search.n_iter, random_state=search.random_state))
    return list(ParameterGrid(search.param_grid))


def _plain(params: dict[str, Any]) -> dict[str, Any]:
    """Return parameters with Python's numbers instead of numpy's."""
    return {name: getattr(value, "tolist", lambda value=value: value)() for name, value in params.items()}


def tree_digest(tree: Any) -> str:
    """Return a digest of a fitted tree's structure."""
    state = tree.tree_.__getstate__()
    # by field: the bytes between the fields of a node are nobody's
    fields = [np.ascontiguousarray(state["nodes"][name]) for name in state["nodes"].dtype.names]
    return hashlib.sha256(b"".join(array.tobytes() for array in [*fields, state["values"]])).hexdigest()


def digest(pieces: Sequence[Any]) -> str:
    """Return one digest of all pieces of an answer."""
    return hashlib.sha256(repr(list(pieces)).encode()).hexdigest()
