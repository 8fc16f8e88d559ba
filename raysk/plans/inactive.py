"""Parameters that a fit does not look at, by the values of others: one table, a row for what one condition turns off.

Listed is only what scikit-learn's code ignores, bit for bit, in all supported versions. A value counts as ignored if
scikit-learn accepts it, and if it makes scikit-learn say nothing, or the same as all other values that the row names: a
warning is passed on once, with the first candidate that is fitted.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.decomposition import PCA, KernelPCA, LatentDirichletAllocation, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.feature_extraction.text import TfidfTransformer, TfidfVectorizer
from sklearn.kernel_approximation import Nystroem
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, Perceptron, Ridge, RidgeClassifier, SGDClassifier, SGDRegressor
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    RadiusNeighborsClassifier,
    RadiusNeighborsRegressor,
)
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR, NuSVC, NuSVR, OneClassSVM

from raysk._compat import sklearn as sklearn_private

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MAX_INT = np.iinfo(np.int32).max
"""libsvm, liblinear and scikit-learn's own loops have C's integers."""

MACHINES = (SVC, SVR, NuSVC, NuSVR, OneClassSVM)
NEIGHBOURS = (KNeighborsClassifier, KNeighborsRegressor, RadiusNeighborsClassifier, RadiusNeighborsRegressor)
NETWORKS = (MLPClassifier, MLPRegressor)
DESCENTS = (SGDClassifier, SGDRegressor)
BOOSTERS = (GradientBoostingClassifier, GradientBoostingRegressor)
HISTOGRAM_BOOSTERS = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)

PENALTY_IS_DEPRECATED = LogisticRegression().penalty == "deprecated"
"""From 1.8 on: an `l1_ratio` that contradicts the penalty is warned of with its value, so that only None is left."""


def _is_given(value: Any) -> bool:
    return value is not None


def _is_not_negative(value: Any) -> bool:
    return bool(value >= 0)


def _is_between(value: Any) -> bool:
    return value is not None and 0 < value < 1


def _is_not_one(value: Any) -> bool:
    return bool(value != 1.0)


@dataclass(frozen=True)
class Row:
    """Parameters that are ignored where all conditions hold.

    Parameters
    ----------
    kinds : tuple of type
        Exactly these classes.
    when : mapping of str to tuple
        The values that other parameters must have.
    unused : tuple of str
    source : str
        Where scikit-learn says so, in a docstring or in code.
    only : callable, optional
        Which of the values that scikit-learn accepts are ignored in silence, or with the same warning; all if absent.
    """

    kinds: tuple[type, ...]
    when: Mapping[str, tuple[Any, ...]]
    unused: tuple[str, ...]
    source: str
    only: Callable[[Any], bool] | None = None

    def ignores(self, estimator: Any, name: str, values: Sequence[Any]) -> np.ndarray[Any, Any]:
        """Tell which values of a parameter may be ignored where the conditions hold."""
        if isinstance(values, array | np.ndarray):  # floats, perhaps a million
            floats = np.asarray(values)
            found: np.ndarray[Any, Any] = np.isfinite(floats) & sklearn_private.floats_in_range(estimator, name, floats)
        else:
            accepts = sklearn_private.parameter_check(estimator, name)
            found = np.array([is_plain(value) and accepts(value) for value in values], bool)
        only = self.only
        if only is not None:
            found &= [bool(each) and only(value) for each, value in zip(found, values, strict=True)]
        return found


SVM = "svm/_classes.py, docstrings: which kernels coef0, degree and gamma are for; libsvm/svm.cpp: Kernel"
KERNELS = "metrics/pairwise.py: KERNEL_PARAMS, by which pairwise_kernels(filter_params=True) leaves out the others"
SGD = "linear_model/_stochastic_gradient.py, docstrings; _sgd_fast.pyx.tp: _plain_sgd"
MLP = "neural_network/_multilayer_perceptron.py, docstrings ('Only used when'); _fit_lbfgs, _fit_stochastic"
GB = "ensemble/_gb.py, docstrings ('Only used if', 'Only if'); BaseGradientBoosting.fit, _get_loss"
HIST = "ensemble/_hist_gradient_boosting/gradient_boosting.py, docstrings ('Only used if early stopping'); fit"
EIGEN = "decomposition/_kernel_pca.py, docstring ('Convergence tolerance for arpack' ...); _fit_transform_in_place"
LOGISTIC = "linear_model/_logistic.py, docstring; LogisticRegression.fit warns, and goes on without"
SVD = "decomposition/_truncated_svd.py, docstring ('Not used by ARPACK', 'Ignored by randomized'); fit_transform"
PCA_ = "decomposition/_pca.py, docstring ('of no use'); _fit_full, _fit_truncated"
RIDGE = "linear_model/_ridge.py, docstring ('For the direct solvers'); _ridge_regression"
LINEAR = "svm/_base.py: _fit_liblinear; svm/_classes.py, docstrings of intercept_scaling and multi_class"
NEIGHBOUR = "neighbors/_base.py: NeighborsBase._fit; docstrings of leaf_size ('passed to BallTree or KDTree') and p"

METRICS = (
    *("braycurtis", "canberra", "chebyshev", "cityblock", "correlation", "cosine", "euclidean", "hamming"),
    *("haversine", "l1", "l2", "manhattan", "nan_euclidean", "sqeuclidean"),
)
"""Those that have no `p`: not "minkowski", nor its other names."""

ITERATION = ("iterated_power", "n_oversamples", "power_iteration_normalizer")
DESCENT = ("batch_size", "learning_rate", "learning_rate_init", "shuffle", "early_stopping", "validation_fraction")
MOMENTUM, ADAM = ("momentum", "nesterovs_momentum"), ("beta_1", "beta_2", "epsilon")
STOPPING = ("validation_fraction", "n_iter_no_change", "tol", "scoring")

ROWS = (
    Row(MACHINES, {"kernel": ("linear", "precomputed")}, ("coef0", "degree", "gamma"), SVM),
    Row(MACHINES, {"kernel": ("rbf",)}, ("coef0", "degree"), SVM),
    Row(MACHINES, {"kernel": ("sigmoid",)}, ("degree",), SVM),
    Row((KernelRidge, KernelPCA, Nystroem), {"kernel": ("linear", "cosine")}, ("coef0", "degree", "gamma"), KERNELS),
    Row((KernelRidge, KernelPCA, Nystroem), {"kernel": ("rbf",)}, ("coef0", "degree"), KERNELS),
    Row((KernelRidge, KernelPCA, Nystroem), {"kernel": ("sigmoid",)}, ("degree",), KERNELS),
    Row((KernelRidge, Nystroem), {"kernel": ("additive_chi2",)}, ("coef0", "degree", "gamma"), KERNELS),
    Row((KernelRidge, Nystroem), {"kernel": ("chi2", "laplacian")}, ("coef0", "degree"), KERNELS),
    Row((KernelPCA,), {"eigen_solver": ("dense",)}, ("iterated_power", "max_iter", "tol"), EIGEN),
    Row((KernelPCA,), {"eigen_solver": ("arpack",)}, ("iterated_power",), EIGEN),
    Row((KernelPCA,), {"eigen_solver": ("randomized",)}, ("max_iter", "tol"), EIGEN),
    Row((KernelPCA,), {"fit_inverse_transform": (False,)}, ("alpha",), "decomposition/_kernel_pca.py, docstring; fit"),
    Row((PCA,), {"svd_solver": ("full", "covariance_eigh")}, (*ITERATION, "tol"), PCA_),
    Row((PCA,), {"svd_solver": ("arpack",)}, ITERATION, PCA_),
    Row((PCA,), {"svd_solver": ("randomized",)}, ("tol",), PCA_),
    Row((TruncatedSVD,), {"algorithm": ("arpack",)}, ("n_iter", *ITERATION[1:]), SVD),
    Row((TruncatedSVD,), {"algorithm": ("randomized",)}, ("tol",), SVD),
    Row(
        (LatentDirichletAllocation,),
        {"learning_method": ("batch",)},
        ("batch_size", "learning_decay", "learning_offset"),
        "decomposition/_lda.py, docstring ('only used in the online learning'); fit, _em_step",
    ),
    Row(
        (LinearDiscriminantAnalysis,),
        {"solver": ("lsqr", "eigen")},
        ("tol",),
        "discriminant_analysis.py, docstring ('Only used if solver is svd'); fit",
    ),
    Row(
        (TfidfTransformer, TfidfVectorizer),
        {"use_idf": (False,)},
        ("smooth_idf",),
        "feature_extraction/text.py: TfidfTransformer.fit makes no idf",
    ),
    Row(NEIGHBOURS, {"algorithm": ("brute",)}, ("leaf_size",), NEIGHBOUR),
    Row(NEIGHBOURS, {"metric": METRICS}, ("p",), NEIGHBOUR, _is_given),  # warned of beside metric_params
    Row((Ridge, RidgeClassifier), {"solver": ("svd", "cholesky")}, ("max_iter", "tol"), RIDGE),
    Row((LinearSVC, LinearSVR), {"fit_intercept": (False,)}, ("intercept_scaling",), LINEAR),
    Row((LinearSVC,), {"multi_class": ("crammer_singer",)}, ("dual", "loss", "penalty"), LINEAR),
    Row(
        (LogisticRegression,),
        {"penalty": (None,) if PENALTY_IS_DEPRECATED else ("l1", "l2", None)},
        ("l1_ratio",),
        LOGISTIC,
        _is_between if PENALTY_IS_DEPRECATED else _is_given,
    ),
    Row((LogisticRegression,), {"penalty": (None,)}, ("C",), LOGISTIC, _is_not_one),
    Row(
        (LogisticRegression,),
        {"solver": ("lbfgs", "newton-cg", "newton-cholesky", "sag", "saga")},
        ("intercept_scaling",),
        LOGISTIC,
    ),
    Row((LogisticRegression,), {"fit_intercept": (False,)}, ("intercept_scaling",), LOGISTIC),
    Row((*DESCENTS, Perceptron), {"penalty": ("l1", "l2", None)}, ("l1_ratio",), SGD),
    Row((*DESCENTS, Perceptron), {"early_stopping": (False,)}, ("validation_fraction",), SGD),
    Row((Perceptron,), {"penalty": (None,)}, ("alpha",), SGD),
    Row(DESCENTS, {"penalty": (None,), "learning_rate": ("constant", "invscaling", "adaptive")}, ("alpha",), SGD),
    Row(DESCENTS, {"learning_rate": ("optimal",)}, ("eta0",), SGD),
    Row(  # a negative one is warned of
        DESCENTS, {"learning_rate": ("constant", "optimal", "adaptive")}, ("power_t",), SGD, _is_not_negative
    ),
    Row(
        (SGDClassifier,),
        {"loss": ("hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron", "squared_error")},
        ("epsilon",),
        SGD,
    ),
    Row((SGDRegressor,), {"loss": ("squared_error",)}, ("epsilon",), SGD),
    Row(NETWORKS, {"solver": ("lbfgs",)}, (*DESCENT, *MOMENTUM, *ADAM, "power_t", "n_iter_no_change"), MLP),
    Row(NETWORKS, {"solver": ("sgd",)}, (*ADAM, "max_fun"), MLP),
    Row(NETWORKS, {"solver": ("adam",)}, (*MOMENTUM, "learning_rate", "power_t", "max_fun"), MLP),
    Row(NETWORKS, {"learning_rate": ("constant", "adaptive")}, ("power_t",), MLP),
    Row(NETWORKS, {"early_stopping": (False,)}, ("validation_fraction",), MLP),
    Row(BOOSTERS, {"n_iter_no_change": (None,)}, ("validation_fraction", "tol"), GB),
    Row((GradientBoostingRegressor,), {"loss": ("squared_error", "absolute_error")}, ("alpha",), GB),
    Row(HISTOGRAM_BOOSTERS, {"early_stopping": (False,)}, STOPPING, HIST),
    Row(
        (HistGradientBoostingRegressor,),
        {"loss": ("squared_error", "absolute_error", "gamma", "poisson")},
        ("quantile",),
        HIST,
    ),
)

KINDS = frozenset(kind for row in ROWS for kind in row.kinds)
"""Classes with a row."""

SEEDLESS: dict[type, tuple[str, tuple[Any, ...]]] = {
    **dict.fromkeys(MACHINES, ("probability", (False, "deprecated"))),  # the text is the default since 1.9
    KernelPCA: ("eigen_solver", ("dense",)),
    LogisticRegression: ("solver", ("lbfgs", "newton-cg", "newton-cholesky")),
    PCA: ("svd_solver", ("full", "covariance_eigh")),
    Ridge: ("solver", ("auto", "svd", "cholesky", "lsqr", "sparse_cg", "lbfgs")),
    RidgeClassifier: ("solver", ("auto", "svd", "cholesky", "lsqr", "sparse_cg", "lbfgs")),
}
"""Class -> the values of a parameter with which a fit draws nothing at random (docstrings of `random_state`)."""


def is_one_of(value: Any, allowed: tuple[Any, ...]) -> bool:
    """Tell whether a value is one of a few, by class too: 0 is not False, and a value may compare as it likes."""
    return any(type(value) is type(each) and value == each for each in allowed)


def is_plain(value: Any) -> bool:
    """Tell whether a value is a text, None, a truth value, or a number that C can take."""
    if value is None or type(value) in {str, bool}:
        return True
    if type(value) is int or isinstance(value, np.integer):
        return abs(int(value)) <= MAX_INT
    return type(value) in {float, np.float64, np.float32} and math.isfinite(value)
