"""Searches drawn by a seeded generator, to be run twice: by scikit-learn alone, and by raysk.

    spec = draw(17)         the same search each time: a failure is repeated by its number
    spec.search.fit(spec.X, spec.y, **spec.fit_params)

A spec is a data set, an estimator, perhaps in a pipeline, a space, a splitter and scorers, each drawn from a table
below. Whatever is written here draws no random numbers of its own: two runs have equal results.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse
from awkward_parts import Adding, CallCounter, Doubling, first_adder, second_adder, state_score
from scipy import stats
from sklearn import ensemble, feature_selection, linear_model, neighbors, neural_network, svm, tree
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.metrics import fbeta_score, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    ParameterGrid,
    PredefinedSplit,
    RandomizedSearchCV,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedKFold,
)
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

MOST_CANDIDATES = 9
ROWS = 72
WORDS = [
    "a",
    "an",
    "apple",
    "pear",
    "plum",
    "the",
    "red",
    "green",
    "blue",
    "sky",
    "tree",
    "river",
    "stone",
    "of",
    "and",
    "or",
    "bird",
    "fish",
]


class Piece(NamedTuple):
    """A part of a spec.

    Parameters
    ----------
    make : callable
        Makes the estimator.
    space : dict of str to list
        What its parameters may be; the first is always searched, and further ones now and then.
    laws : dict of str to scipy law
        What a random search draws some of them from.
    invalid : dict of str to object
        Values with which a fit fails.
    """

    make: Any
    space: dict[str, list[Any]]
    laws: dict[str, Any] = {}  # noqa: RUF012 - never changed
    invalid: dict[str, Any] = {}  # noqa: RUF012 - as above


@dataclass
class Spec:
    """A search and what it is fitted on."""

    seed: int
    search: Any
    X: Any
    y: Any
    fit_params: dict[str, Any] = field(default_factory=dict)


# --- data


def tables(rng, y):
    """Return a matrix that tells something of y, and has two columns that are equal and one that says nothing."""
    X = rng.standard_normal((ROWS, 6)) + 0.8 * np.asarray(y, float).reshape(ROWS, -1)[:, :1]
    X[:, 4], X[:, 5] = X[:, 3], 1.0
    return X


def texts(rng, y):
    """Return texts whose words tell something of y."""
    words = np.array(WORDS)
    picked = [rng.choice(len(words) - 6 * int(y[row] > np.median(y)), size=12) for row in range(ROWS)]
    return [" ".join(words[each]) for each in picked]


def frame(rng, y):
    """Return a data frame with numbers, of which some are missing, and words."""
    X = pd.DataFrame(tables(rng, y)[:, :3], columns=["height", "width", "depth"])
    X.loc[rng.choice(ROWS, 6, replace=False), "width"] = np.nan
    return X.assign(colour=rng.choice(["red", "green", "blue"], ROWS))


def targets(rng, task):
    """Return y for a task."""
    if task == "classes":
        return rng.integers(0, 2, ROWS)
    if task == "three classes":
        return np.array(["x", "y", "z"])[np.arange(ROWS) % 3]
    shape = (ROWS, 2) if task == "outputs" else ROWS
    return np.round(rng.standard_normal(shape), 2) + 2.0


# --- estimators


def forests(kind):
    """Return ensembles whose larger ones contain smaller ones."""
    seeded = {"random_state": 0}
    few = {"n_estimators": [1, 2, 4, 7]}
    law = {"n_estimators": stats.randint(1, 8)}
    bad = {"n_estimators": 0}
    trees = few | {
        "max_depth": [2, None],
        "max_features": [1, 1.0],
        "ccp_alpha": [0.0, 0.02],
        "bootstrap": [True, False],
    }
    boosted = few | {
        "subsample": [1.0, 0.6],
        "learning_rate": [0.1, 1.0],
        "max_features": [None, 2],
        "max_depth": [1, 3],
    }
    histogram = {
        "max_iter": [1, 3, 5],
        "max_leaf_nodes": [3, 8],
        "l2_regularization": [0.0, 1.0],
        "min_samples_leaf": [5, 20],
    }
    bags = few | {"max_samples": [0.5, 1.0], "bootstrap_features": [False, True], "oob_score": [False, True]}
    return [
        Piece(lambda: getattr(ensemble, f"RandomForest{kind}")(**seeded), trees, law, bad),
        Piece(lambda: getattr(ensemble, f"ExtraTrees{kind}")(**seeded), trees, law, bad),
        Piece(lambda: getattr(ensemble, f"GradientBoosting{kind}")(**seeded), boosted, law, bad),
        Piece(
            lambda: getattr(ensemble, f"HistGradientBoosting{kind}")(early_stopping=False, **seeded),
            histogram,
            {"max_iter": stats.randint(1, 6)},
            {"max_iter": 0},
        ),
        Piece(lambda: getattr(ensemble, f"AdaBoost{kind}")(**seeded), few | {"learning_rate": [1.0, 0.3]}, law, bad),
        Piece(lambda: getattr(ensemble, f"Bagging{kind}")(**seeded), bags, law, bad),
    ]


def trees(kind):
    """Return a tree that is pruned."""
    space = {
        "ccp_alpha": [0.0, 0.005, 0.02, 0.1],
        "max_depth": [None, 4],
        "max_features": [None, 2],
        "min_samples_leaf": [1, 5],
    }
    laws, bad = {"ccp_alpha": stats.uniform(0, 0.05)}, {"ccp_alpha": -1.0}
    return [Piece(lambda: getattr(tree, f"DecisionTree{kind}")(random_state=0), space, laws, bad)]


def others(kind):
    """Return estimators with parameters that others make inactive."""
    machine, near, net = {"Classifier": "C", "Regressor": "R"}[kind], f"KNeighbors{kind}", f"MLP{kind}"
    penalties = {
        "l1_ratio": [0.1, 0.5, 0.9],
        "penalty": ["l2", "elasticnet"],
        "eta0": [0.01, 0.1],
        "power_t": [0.25, 0.5],
    }
    kernels = {"gamma": [0.1, 1.0, "scale"], "kernel": ["linear", "rbf", "poly"], "degree": [2, 3], "coef0": [0.0, 1.0]}
    closeness = {"p": [1, 2, 3], "metric": ["minkowski", "euclidean"], "n_neighbors": [1, 5], "leaf_size": [5, 30]}
    nets = {"momentum": [0.5, 0.9], "solver": ["lbfgs", "sgd", "adam"], "power_t": [0.5, 0.7], "beta_1": [0.9, 0.5]}
    return [
        Piece(
            lambda: getattr(linear_model, f"SGD{kind}")(random_state=0, max_iter=20), penalties, {}, {"l1_ratio": 2.0}
        ),
        Piece(getattr(svm, f"SV{machine}"), kernels, {"gamma": stats.loguniform(0.01, 1)}, {"gamma": -1.0}),
        Piece(getattr(neighbors, near), closeness, {}, {"p": -1}),
        Piece(
            lambda: getattr(neural_network, net)(hidden_layer_sizes=(4,), max_iter=8, random_state=0),
            nets,
            {},
            {"momentum": 2.0},
        ),
    ]


CLASSIFIERS = [
    *(forests("Classifier") + trees("Classifier") + others("Classifier")),
    Piece(
        lambda: linear_model.LogisticRegression(solver="saga", max_iter=15, random_state=0),
        {"C": [0.1, 1.0, 1.0], "l1_ratio": [0.0, 0.5, 1.0], "tol": [1e-4, 1e-2], "warm_start": [False, True]},
        {"C": stats.loguniform(0.1, 10)},
        {"C": -1.0},
    ),
]
REGRESSORS = [*forests("Regressor"), *trees("Regressor"), *others("Regressor")]
OF_OUTPUTS = [
    *(forests("Regressor")[:2] + trees("Regressor")),
    Piece(neighbors.KNeighborsRegressor, {"n_neighbors": [1, 3], "p": [1, 2], "weights": ["uniform", "distance"]}),
    Piece(linear_model.Ridge, {"alpha": [0.1, 1.0, 1.0], "fit_intercept": [True, False]}, {"alpha": stats.uniform()}),
]
ESTIMATORS = {"classes": CLASSIFIERS, "three classes": CLASSIFIERS, "numbers": REGRESSORS, "outputs": OF_OUTPUTS}


# --- steps before them


def writing(transformer):
    """Return a transformer that writes into its input where it can."""
    return transformer.set_params(copy=False)


STEPS = [
    Piece(StandardScaler, {"with_mean": [True, False]}),
    Piece(lambda: writing(StandardScaler()), {"with_std": [True, False]}),
    Piece(lambda: writing(MinMaxScaler()), {"feature_range": [(0, 1), (0, 2)]}, {}, {"feature_range": (1, 0)}),
    Piece(lambda: PCA(random_state=0), {"n_components": [1, 2, 3], "whiten": [True, False]}, {}, {"n_components": 1.0}),
    Piece(
        lambda: PCA(svd_solver="randomized", random_state=0),
        {"n_components": [1, 2], "iterated_power": [1, "auto"]},
    ),
    Piece(
        lambda: FeatureUnion([("pca", PCA(2, random_state=0)), ("scaled", writing(StandardScaler()))]),
        {"pca__n_components": [1, 3], "scaled": ["passthrough", "drop"], "transformer_weights": [None, {"pca": 2.0}]},
    ),
    Piece(
        lambda: ColumnTransformer([("a", StandardScaler(), [0, 1]), ("b", PCA(1), slice(2, 5))]),
        {"a__with_mean": [True, False], "remainder": ["drop", "passthrough"]},
    ),
    Piece(Doubling, {"times": [1, 2, 1]}),
    Piece(Adding, {"number": [0, 1, 1.0]}),
    Piece(CallCounter, {"weight": [0.5, 1.0]}),
]
SELECTION = Piece(
    lambda: feature_selection.SelectKBest(feature_selection.f_regression),
    {"k": [1, 2, 4, "all"], "score_func": [feature_selection.f_regression, feature_selection.r_regression]},
    {"k": stats.randint(1, 7)},
    {"k": -1},
)
OF_CLASSES = Piece(
    lambda: feature_selection.SelectKBest(feature_selection.f_classif), {"k": [1, 2, 3, 5, "all"]}, {}, {"k": -3}
)
ADDERS = Piece(first_adder, {"": [first_adder(), second_adder(), "passthrough"]})
SPARSE_STEPS = [
    Piece(lambda: TruncatedSVD(2, random_state=0), {"n_iter": [1, 3]}),
    Piece(lambda: StandardScaler(with_mean=False), {"with_std": [True, False]}),
]
TEXT_STEPS = [
    Piece(
        TfidfVectorizer,
        {"ngram_range": [(1, 1), (1, 2)], "min_df": [1, 1.0, 3], "sublinear_tf": [True, False]},
        {},
        {"min_df": 100},
    ),
    Piece(CountVectorizer, {"binary": [True, False], "stop_words": [None, ["a", "the"]], "max_features": [3, 10]}),
]


def by_column():
    """Return what makes numbers of a data frame."""
    numbers = Pipeline([("filled", SimpleImputer()), ("scaled", StandardScaler())])
    words = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer([("numbers", numbers, ["height", "width", "depth"]), ("words", words, ["colour"])])


FRAME_STEPS = [
    Piece(
        by_column,
        {
            "numbers__filled__strategy": ["mean", "median"],
            "numbers__scaled__with_std": [True, False],
            "words__drop": [None, "first"],
            "words": ["drop", "passthrough"],
        },
        {},
        {"numbers__filled__strategy": "none"},
    )
]

# --- splitters and scorers

SPLITTERS = [
    lambda _: 3,
    lambda _: KFold(3, shuffle=True, random_state=1),
    lambda _: GroupKFold(3),
    lambda _: ShuffleSplit(3, test_size=0.4, random_state=2),
    lambda _: RepeatedKFold(n_splits=2, n_repeats=2, random_state=3),
    lambda _: PredefinedSplit(np.arange(ROWS) % 4 - 1),
    lambda task: StratifiedKFold(3) if "classes" in task else list(KFold(2).split(np.zeros(ROWS))) * 2,
]


def counting(estimator, X, y):
    """Score an estimator by what it is made of and by how it predicts: a callable with two metrics."""
    return {"state": state_score(estimator, X, y), "right": float(np.mean(estimator.predict(X) == y))}


SCORINGS = {
    "classes": [
        {},
        {"scoring": "roc_auc"},
        {"scoring": ["accuracy", "f1_macro"], "refit": "f1_macro"},
        {"scoring": {"a": "balanced_accuracy", "b": make_scorer(fbeta_score, beta=2, zero_division=0)}, "refit": "b"},
        {"scoring": "neg_log_loss", "refit": False},
        {"scoring": state_score},
        {"scoring": counting, "refit": "right"},
        {"refit": lambda results: int(np.argmin(results["rank_test_score"]))},
    ],
    "numbers": [
        {},
        {"scoring": "neg_mean_squared_error"},
        {"scoring": ["r2", "neg_median_absolute_error", "neg_max_error"], "refit": "r2"},
        {"scoring": state_score},
    ],
}
SCORINGS["three classes"] = [{}, {"scoring": ["accuracy", "recall_macro"], "refit": "recall_macro"}]
SCORINGS["outputs"] = SCORINGS["numbers"][:2] + SCORINGS["numbers"][3:]


# --- drawing


def draw(seed: int) -> Spec:
    """Return the search that a seed says; of each call a new one."""
    pick, rng = random.Random(seed), np.random.default_rng(seed)  # noqa: S311 - no secret
    task = pick.choice(list(ESTIMATORS))
    y = targets(rng, task)
    of_y = np.unique(y, return_inverse=True)[1] if y.dtype.kind == "U" else y
    shape = pick.choice(["table", "table", "table", "sparse", "texts", "frame"])
    if shape == "texts" and y.ndim == 1:
        X, steps = texts(rng, of_y), [pick.choice(TEXT_STEPS)]
    elif shape == "frame":
        X, steps = frame(rng, of_y), [*FRAME_STEPS, *some(pick, STEPS, 1)]
    elif shape == "sparse":
        X, steps = (
            scipy.sparse.csr_matrix(np.where(np.abs(X := tables(rng, of_y)) > 0.4, X, 0)),
            some(pick, SPARSE_STEPS, 1),
        )
    else:
        X, steps = tables(rng, of_y), some(pick, [*STEPS, ADDERS], 2)
    if pick.random() < 0.4 and y.ndim == 1 and shape != "texts":
        steps.append(OF_CLASSES if "classes" in task else SELECTION)
    estimator, space = compose(pick, task, steps, dense=shape in {"table", "frame"})
    search = searched(pick, estimator, space, task)
    search.set_params(cv=pick.choice(SPLITTERS)(task), return_train_score=pick.random() < 0.4)
    search.set_params(error_score=pick.choice([np.nan, np.nan, -7.0]))
    return Spec(seed, search, X, y, fit_params(pick, rng, search))


def some(pick, pieces, most):
    """Return some of the pieces."""
    return pick.sample(pieces, pick.randint(0, most))


def compose(pick, task, steps, *, dense):
    """Return an estimator, alone or in a pipeline, and its space: by parameter a pair of values and law."""
    pieces = (
        ESTIMATORS[task] if dense else [each for each in ESTIMATORS[task] if "Hist" not in type(each.make()).__name__]
    )
    piece = pick.choice(pieces)
    estimator, space = piece.make(), narrowed(pick, piece, "")
    if task == "numbers" and pick.random() < 0.3:
        estimator = TransformedTargetRegressor(estimator, func=np.log1p, inverse_func=np.expm1)
        space = {f"regressor__{name}": values for name, values in space.items()}
    if not steps:
        return estimator, space
    named = [(f"step{number}", piece) for number, piece in enumerate(steps)]
    space = {f"last__{name}": values for name, values in space.items()}
    for name, each in named:
        space |= narrowed(pick, each, name)
    return Pipeline([*((name, each.make()) for name, each in named), ("last", estimator)]), space


def narrowed(pick, piece, prefix):
    """Return part of a piece's space, under the name of its step; now and then with a value that fails."""
    first, *rest = piece.space
    names = [first, *pick.sample(rest, min(len(rest), pick.randint(0, 2)))]
    space = {}
    for name in names:
        values = pick.sample(piece.space[name], min(len(piece.space[name]), 4 if name == first else 2))
        if name in piece.invalid and pick.random() < 0.2:
            values = [*values, piece.invalid[name]]
        space["__".join(part for part in (prefix, name) if part)] = (values, piece.laws.get(name))
    return space


def searched(pick, estimator, space, task):
    """Return a search over part of a space that is small enough."""
    options = pick.choice(SCORINGS[task])
    lists = {name: values for name, (values, _) in space.items()}
    if pick.random() < 0.4:
        laws = {name: law or values for name, (values, law) in space.items()}
        return RandomizedSearchCV(estimator, laws, n_iter=pick.randint(5, MOST_CANDIDATES), random_state=4, **options)
    while len(ParameterGrid(lists)) > MOST_CANDIDATES:
        name = max(lists, key=lambda each: (len(lists[each]), each))
        lists[name] = lists[name][:-1]
    grid = [lists, {name: values[:1] for name, values in lists.items()}] if pick.random() < 0.2 else lists
    return GridSearchCV(estimator, grid, **options)


def fit_params(pick, rng, search):
    """Return groups where the splitter wants them, and now and then weights where the estimator takes them."""
    params = {}
    if isinstance(search.cv, GroupKFold):
        params["groups"] = np.arange(ROWS) % 8
    last = search.estimator.steps[-1][1] if isinstance(search.estimator, Pipeline) else search.estimator
    if pick.random() < 0.3 and isinstance(last, (ensemble.RandomForestClassifier, tree.DecisionTreeClassifier)):
        name = "last__sample_weight" if isinstance(search.estimator, Pipeline) else "sample_weight"
        params[name] = rng.uniform(0.5, 2, ROWS)
    return params
