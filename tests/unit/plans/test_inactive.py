"""What the table of ignored parameters says, scikit-learn does: a case a row, bit for bit, warnings included."""

from __future__ import annotations

import inspect
import itertools
import warnings

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.metrics import get_scorer
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from raysk.plans.candidates import Candidates
from raysk.plans.inactive import PENALTY_IS_DEPRECATED, ROWS
from raysk.plans.shared_fits import leaders

ACCURACY = get_scorer("accuracy")
X = np.random.RandomState(0).rand(60, 5)
Y = (4 * X[:, 0] + X[:, 1]).astype(int) % 3
SQUARE = X @ X.T
TEXTS = [" ".join("abcde"[number % 5] * 2 for number in row) for row in (X * 9).astype(int)]

VALUES = {
    "C": (0.2, 7.0),
    "alpha": (0.2, 0.7),
    "batch_size": (10, 37),
    "beta_1": (0.1, 0.8),
    "beta_2": (0.5, 0.9),
    "coef0": (0.5, 2.5),
    "degree": (2, 5),
    "dual": (False, True),
    "early_stopping": (False, True),
    "epsilon": (0.01, 0.5),
    "eta0": (0.1, 0.5),
    "gamma": (0.1, 3.0),
    "intercept_scaling": (0.5, 9.0),
    "iterated_power": (1, 9),
    "l1_ratio": (0.2, 0.9),
    "leaf_size": (2, 30),
    "learning_decay": (0.6, 0.9),
    "learning_offset": (5.0, 20.0),
    "learning_rate": ("constant", "adaptive"),
    "learning_rate_init": (0.01, 0.1),
    "loss": ("hinge", "squared_hinge"),
    "max_fun": (1, 50),
    "max_iter": (2, 50),
    "momentum": (0.1, 0.8),
    "n_iter": (1, 9),
    "n_iter_no_change": (2, 8),
    "n_oversamples": (2, 20),
    "nesterovs_momentum": (False, True),
    "p": (1, 3),
    "penalty": ("l1", "l2"),
    "power_iteration_normalizer": ("LU", "none"),
    "power_t": (0.1, 0.9),
    "quantile": (0.2, 0.8),
    "scoring": ("loss", "accuracy"),
    "shuffle": (False, True),
    "smooth_idf": (False, True),
    "tol": (0.01, 0.5),
    "validation_fraction": (0.1, 0.4),
}
"""Two values of each parameter, both valid, and far apart."""

MORE = {
    "algorithm": ("kd_tree",),
    "early_stopping": (True,),
    "fit_intercept": (True,),
    "kernel": ("poly",),
    "learning_rate": ("invscaling",),
    "loss": ("huber", "quantile"),
    "metric": ("minkowski",),
    "penalty": ("elasticnet",),
}
"""Values with which rows do not hold."""

SMALL = {"hidden_layer_sizes": (4,), "max_iter": 3, "n_components": 2, "n_estimators": 3, "random_state": 0}


def make(kind, **params):
    """Return a small, seeded estimator of a class."""
    names = inspect.signature(kind).parameters
    small = {name: value for name, value in SMALL.items() if name in names}
    if kind is LogisticRegression and "solver" not in params:
        params = {"solver": "saga", "max_iter": 20} | params
    return kind(**small | params)


def outcome(estimator):
    """Return what scikit-learn's fit gives: its outputs and warnings, or its error."""
    data = X
    if "precomputed" in {getattr(estimator, "kernel", None), getattr(estimator, "metric", None)}:
        data = SQUARE
    elif getattr(estimator, "metric", None) == "haversine":
        data = X[:, :2]
    elif isinstance(estimator, TfidfVectorizer):
        data = TEXTS
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            estimator.fit(data, Y)
            names = (
                ("predict", "predict_proba", "decision_function") if hasattr(estimator, "predict") else ("transform",)
            )
            methods = [getattr(estimator, name) for name in names if hasattr(estimator, name)]
            found = [each(data) for each in methods]
        except Exception as error:  # noqa: BLE001 - whatever it is: it must be the same
            return str(error), []
    told = sorted({f"{each.category.__name__}: {each.message}" for each in heard})
    return told, [each.toarray() if hasattr(each, "toarray") else np.asarray(each) for each in found]


@pytest.fixture(autouse=True)
def one_thread():
    """Keep small fits from waiting for threads."""
    with threadpool_limits(1):
        yield


def fits(estimator, candidates):
    """Return how many candidates are fitted."""
    return len({*leaders(estimator, Candidates(candidates), ACCURACY)})


def settings(row):
    """Yield every way in which a row's conditions hold."""
    return (dict(zip(row.when, each, strict=True)) for each in itertools.product(*row.when.values()))


ROW_NAMES = [f"{row.kinds[0].__name__}-{'-'.join(map(str, row.when))}-{number}" for number, row in enumerate(ROWS)]


@pytest.mark.parametrize("row", ROWS, ids=ROW_NAMES)
def test_scikit_learn_ignores_what_a_row_names(row):
    """Two values of it give equal outputs and equal warnings, and are fitted once."""
    fitted = 0
    for kind, when, name in itertools.product(row.kinds, settings(row), row.unused):
        one, other = ({**when, name: value} for value in VALUES[name])
        (told, outputs), (told_too, outputs_too) = outcome(make(kind, **one)), outcome(make(kind, **other))
        assert told == told_too, (kind, one, told)
        assert all(map(np.array_equal, outputs, outputs_too)), (kind, one)
        assert len(outputs) == len(outputs_too)
        fitted += bool(outputs)
        assert fits(make(kind), [one, other]) == 1, (kind, one)
        assert fits(make(kind, **when), [{name: value} for value in VALUES[name]]) == 1
    assert fitted > len(row.kinds) * len(row.unused) / 2  # some metrics and kernels are not for some classes


@pytest.mark.parametrize("row", ROWS, ids=ROW_NAMES)
def test_what_a_row_does_not_name_is_fitted(row):
    """Neither without its conditions, nor a value that scikit-learn refuses."""
    for kind, name in itertools.product(row.kinds, row.unused):
        off = {each: "other" for other in ROWS if kind in other.kinds for each in other.when}
        one, other = ({**off, name: value} for value in VALUES[name])
        assert fits(make(kind), [one, other]) == 2, (kind, one)
        one = {**next(settings(row)), name: VALUES[name][0]}
        for refused in (np.nan, -np.inf, 10**400, *(["nonsense"] if name != "scoring" else [])):  # any text will do
            assert fits(make(kind), [one, {**one, name: refused}]) == 2, (kind, one, refused)


@pytest.mark.parametrize(
    ("estimator", "candidates"),
    [
        (SVC(kernel="linear", gamma=-1.0), [{"gamma": 1.0}, {"C": 1.0}]),  # the estimator's own value is refused
        (SVC(kernel="linear"), [{"gamma": 0.5}, {"gamma": -0.5}]),
        (KNeighborsClassifier(metric="cosine"), [{"p": 2}, {"p": None}]),  # no warning beside metric_params
        (MLPClassifier(solver="lbfgs", random_state=0), [{"beta_1": 0.5}, {"beta_1": 1.0}]),
        (MLPClassifier(solver="lbfgs"), [{"beta_1": 0.5}, {"beta_1": 0.6}]),  # draws its weights
        (LogisticRegression(penalty=None), [{"C": 1.0}, {"C": 2.0}]),  # warns of the second one
        (LogisticRegression(penalty=None), [{"l1_ratio": None}, {"l1_ratio": 0.5}]),
        (LogisticRegression(penalty=None, solver="saga"), [{"C": 3.0}, {"C": 2.0}]),  # draws
        (Ridge(), [{"solver": "saga", "tol": 0.1}, {"solver": "saga", "tol": 0.1}]),  # draws: not even these
        (SGDClassifier(random_state=0), [{"power_t": 0.5}, {"power_t": -0.5}]),  # warned of since 1.8
        (GradientBoostingRegressor(random_state=0, loss="huber"), [{"alpha": 0.5}, {"alpha": 0.6}]),
    ],
)
def test_not_alike(estimator, candidates):
    """Values that fail, warn or may draw are not hidden."""
    assert fits(estimator, candidates) == 2


@pytest.mark.parametrize(
    ("estimator", "candidates"),
    [
        (LogisticRegression(penalty=None), [{"C": 3.0}, {"C": 2.0}]),
        (LogisticRegression(), [{"C": 3.0}, {"C": 3.0}]),
        (SVC(kernel="linear"), [{"gamma": 1.0}, {}, {"gamma": "auto"}]),  # the estimator's own value counts too
        (SVC(kernel="linear", probability=True, random_state=0), [{"gamma": 1.0}, {"gamma": 2.0}]),
        (TransformedTargetRegressor(Ridge(solver="svd")), [{"regressor__tol": 0.1}, {"regressor__tol": 0.2}]),
        (
            make_pipeline(PCA(svd_solver="full"), KNeighborsClassifier(algorithm="brute")),
            [{"pca__tol": 0.1, "kneighborsclassifier__leaf_size": 5}, {"pca__tol": 0.2}],
        ),
        (make_pipeline(TfidfVectorizer(use_idf=False), Ridge()), [{"tfidfvectorizer__smooth_idf": False}, {}]),
        (
            MLPClassifier(random_state=0),
            [{"solver": "adam", "learning_rate": each} for each in ("constant", "invscaling")],
        ),
    ],
)
def test_alike(estimator, candidates):
    """Steps, nested estimators, dtypes among the parameters, and fits that draw nothing without a seed."""
    assert fits(estimator, candidates) == 1


def test_the_text_of_a_warning_decides_for_l1_ratio():
    """Before 1.8 it is the same for all values; later it names the value, unless no penalty is asked for."""
    ratios = [{"l1_ratio": 0.3}, {"l1_ratio": 0.6}]
    assert fits(LogisticRegression(penalty="l2"), ratios) == (2 if PENALTY_IS_DEPRECATED else 1)
    assert fits(LogisticRegression(penalty="elasticnet", solver="saga", random_state=0), ratios) == 2
    assert fits(LogisticRegression(solver="saga", random_state=0), ratios) == (2 if PENALTY_IS_DEPRECATED else 1)


@pytest.mark.parametrize("kind", sorted({kind for row in ROWS for kind in row.kinds}, key=lambda kind: kind.__name__))
def test_drawn_candidates_that_are_fitted_once_are_alike(kind):
    """Rows may hold together, and a parameter that is ignored may be the condition of another."""
    draw = np.random.RandomState(0)
    rows = [row for row in ROWS if kind in row.kinds]
    space = {name: [*VALUES[name]] for row in rows for name in row.unused}
    for row in rows:
        for name, values in row.when.items():
            space[name] = [*space.get(name, ()), *values, *MORE.get(name, ())]
    drawn = [{name: values[draw.randint(len(values))] for name, values in space.items()} for _ in range(2)]
    varied = [(each, name, value) for each in drawn for name in space for value in (*space[name], "refused")]
    candidates = [{**each, name: value} for each, name, value in varied]
    found = leaders(make(kind), Candidates(candidates), ACCURACY)
    for number in np.flatnonzero(found != np.arange(len(found))):
        (told, outputs), (told_too, outputs_too) = (
            outcome(make(kind, **candidates[each])) for each in (number, found[number])
        )
        assert told == told_too, (candidates[number], candidates[found[number]])
        assert len(outputs) == len(outputs_too)
        assert all(map(np.array_equal, outputs, outputs_too)), (candidates[number], candidates[found[number]])
