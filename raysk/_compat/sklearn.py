"""Private names of scikit-learn, and its messages that raysk must recognise."""

from __future__ import annotations

import copy
import re
import types
import warnings
from typing import TYPE_CHECKING, Any

from raysk._compat import CompatError, private
from raysk.errors import AllFitsFailed

if TYPE_CHECKING:
    from collections.abc import Callable


def search_parts() -> Any:
    """Return the parts of ``BaseSearchCV.fit`` that scikit-learn keeps to itself, as a namespace."""
    from types import SimpleNamespace

    validation = (
        "_check_method_params",
        "_fit_and_score",
        "_insert_error_scores",
        "_warn_or_raise_about_fit_failures",
    )
    parts = dict(
        zip(validation, private("sklearn.model_selection._validation", *validation), strict=True),
        _fit_context=private("sklearn.base", "_fit_context")[0],
        _MultimetricScorer=private("sklearn.metrics._scorer", "_MultimetricScorer")[0],
        BaseSearchCV=private("sklearn.model_selection._search", "BaseSearchCV")[0],
    )
    methods = (
        "_run_search",
        "_get_scorers",
        "_get_routed_params_for_fit",
        "_check_refit_for_multimetric",
        "_select_best_index",
        "_format_results",
    )
    missing = [name for name in methods if not hasattr(parts["BaseSearchCV"], name)]
    if missing:
        raise CompatError(f"BaseSearchCV of this scikit-learn has no {', '.join(missing)}; raysk needs it.")
    return SimpleNamespace(**{name.lstrip("_"): part for name, part in parts.items()})


def cross_validation_results(out: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what ``cross_validate`` does, of what its function has returned for each fold; without estimators."""
    aggregate, by_name = private(
        "sklearn.model_selection._validation", "_aggregate_score_dicts", "_normalize_score_results"
    )
    needed = ("fit_time", "score_time", "test_scores", "train_scores")
    every = aggregate([{name: each[name] for name in needed if name in each} for each in out])
    results = {name: every[name] for name in ("fit_time", "score_time")}
    train = by_name(every["train_scores"]) if "train_scores" in every else {}
    for name, scores in by_name(every["test_scores"]).items():
        results[f"test_{name}"] = scores
        if name in train:
            results[f"train_{name}"] = train[name]
    return results


def scores_predictions(scorers: Any) -> bool:
    """Tell whether scores are made by scikit-learn's own functions, which look at predictions and nothing else."""
    (base,) = private("sklearn.metrics._scorer", "_BaseScorer")
    functions = [
        getattr(each, "_score_func", None) for each in scorers_by_name(scorers).values() if isinstance(each, base)
    ]
    theirs = all(str(getattr(each, "__module__", "")).startswith("sklearn.") for each in functions)
    return theirs and sees_predictions_only(scorers)


def sees_predictions_only(scorers: Any) -> bool:
    """Tell whether scikit-learn's scorers ask the estimator, and functions get what it predicts: anybody's."""
    known = tuple(private("sklearn.metrics._scorer", "_BaseScorer", "_PassthroughScorer"))
    theirs = (type(each).__module__.startswith("sklearn.") for each in scorers_by_name(scorers).values())
    return all(theirs) and all(isinstance(each, known) for each in scorers_by_name(scorers).values())


def scorers_by_name(scorers: Any) -> dict[str, Any]:
    """Return the scorers of a search, as ``BaseSearchCV._get_scorers`` returns them, by metric."""
    (several,) = private("sklearn.metrics._scorer", "_MultimetricScorer")
    return dict(scorers._scorers) if isinstance(scorers, several) else {"score": scorers}


def scored_by_itself(scorer: Any) -> Any | None:
    """Return the estimator whose own ``score`` a scorer calls; None if it is another scorer."""
    (passthrough,) = private("sklearn.metrics._scorer", "_PassthroughScorer")
    return scorer._estimator if isinstance(scorer, passthrough) else None


def score_function(scorer: Any) -> tuple[Any, int, dict[str, Any]]:
    """Return the function of a scorer that ``make_scorer`` made, its sign and its options; None, 1 and {} of others."""
    (base,) = private("sklearn.metrics._scorer", "_BaseScorer")
    if not isinstance(scorer, base):
        return None, 1, {}
    return scorer._score_func, scorer._sign, scorer._kwargs


def fit_and_score(
    scorer: Any, complain: Callable[[str], None], split: Callable[..., Any] | None = None
) -> tuple[Callable[..., dict[str, Any]], Any]:
    """Return scikit-learn's function that fits and scores, and a scorer for it, which also count a `SystemExit`.

    What it warns of when a scorer raises is also told to `complain`, whatever the person's warning filters are. `split`
    takes the rows of a split, as `telling_of_split` returns it.

    Theirs count an `Exception` of the person's code as a failed fit or score; what would end the program passes them.
    No function of ours stands around the person's code, as it would be seen in the tracebacks that are compared.
    """
    function, score = private("sklearn.model_selection._validation", "_fit_and_score", "_score")
    (several,) = private("sklearn.metrics._scorer", "_MultimetricScorer")
    if isinstance(scorer, several):
        scorer = copy.copy(scorer)
        scorer.__class__ = type(several.__name__, (several,), {"__call__": _catching_all(several.__call__)})
    score = _catching_all(score, warnings=_Warnings(complain))
    return _catching_all(function, _score=score, **_splitting(split)), scorer


def fit_unscored(take: Callable[[Any], None], split: Callable[..., Any] | None = None) -> Callable[..., dict[str, Any]]:
    """Return scikit-learn's function that fits and scores; it hands over what it has fitted instead of scoring it."""

    def hand_over(estimator: Any, *_: Any) -> float:
        take(estimator)
        return 0.0

    (function,) = private("sklearn.model_selection._validation", "_fit_and_score")
    return _catching_all(function, _score=hand_over, **_splitting(split))  # type: ignore[no-any-return]


def telling_of_split(tell: Callable[..., None]) -> Callable[..., Any]:
    """Return scikit-learn's function that takes the rows of a split; it tells of them and of the estimator."""
    (safe_split,) = private("sklearn.model_selection._validation", "_safe_split")

    def split(estimator: Any, X: Any, y: Any, indices: Any, train_indices: Any = None) -> Any:
        taken = safe_split(estimator, X, y, indices, train_indices)
        tell(estimator, *taken, train=train_indices is None)
        return taken

    return split


def _splitting(split: Callable[..., Any] | None) -> dict[str, Any]:
    return {} if split is None else {"_safe_split": split}


class _Warnings:
    """Stands for the module `warnings` in a function, and tells of its warnings besides."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell

    def __getattr__(self, name: str) -> Any:
        return getattr(warnings, name)

    def warn(self, message: str, category: type[Warning] = UserWarning) -> None:
        self._tell(message)
        warnings.warn(message, category, stacklevel=2)


def all_fits_failed(error: ValueError) -> AllFitsFailed | None:
    """Return what scikit-learn's own `ValueError` tells of, with the tracebacks in it; None if it is another."""
    said = str(error)
    if not re.match(r"\s*All the \d+ fits failed", said):
        return None
    _, *parts = re.split(r"^-{80}\n(\d+) fits failed with the following error:\n", said, flags=re.MULTILINE)
    counted = zip(map(int, parts[::2]), parts[1::2], strict=True)
    return AllFitsFailed(said, [text for count, text in counted for _ in range(count)])


def _catching_all(function: Any, **names: Any) -> Any:
    """Return the same function, in which "Exception" means every exception, and these names what is given."""
    if "Exception" not in function.__code__.co_names:
        raise CompatError(f"{function.__qualname__} of this scikit-learn catches no Exception; raysk needs that.")
    found = types.FunctionType(
        function.__code__,
        {**function.__globals__, "Exception": BaseException, **names},
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    found.__kwdefaults__ = function.__kwdefaults__
    return found


NOT_FINITE = r"One or more of the (test|train) scores are non-finite"
"""How scikit-learn begins to warn of scores that are no numbers."""


def tells_of_failures(category: type[Warning], text: str) -> bool:
    """Tell whether a warning of scikit-learn's is about fits, or scores, of a search that failed."""
    if category.__name__ == "FitFailedWarning":
        return True
    return re.match(rf"Scoring failed\.|{NOT_FINITE}", text) is not None


def root_callback_context(search: Any) -> Any | None:
    """Return the context that ``_run_search`` wants from scikit-learn 1.9 on; None before it."""
    if callback_context_class() is None:
        return None
    return search._init_callback_context(max_subtasks=1 + (search.refit is not False))


def check_halving(search: Any, X: Any, y: Any, groups: Any) -> Any:
    """Return a copy of a halving search that knows its resources; raise `ValueError`, as its `fit` would, if it cannot.

    Candidates are not drawn; what depends on their number is only known to `halving_rounds`.
    """
    import numpy as np
    from sklearn.base import is_classifier
    from sklearn.model_selection import check_cv

    if not hasattr(type(search), "_check_input_parameters"):
        raise CompatError(
            f"{type(search).__name__} of this scikit-learn has no _check_input_parameters; raysk needs it."
        )
    twin = copy.copy(search)
    twin.random_state = 0 if isinstance(search.random_state, np.random.RandomState | None) else search.random_state
    twin._checked_cv_orig = check_cv(search.cv, y, classifier=is_classifier(search.estimator))
    twin._n_samples_orig = count_rows(X)
    twin._check_input_parameters(X=X, y=y, split_params={"groups": groups})
    return twin


def halving_rounds(search: Any, X: Any, y: Any, groups: Any) -> list[tuple[int, int]]:
    """Return the number of candidates and the resource of each round that a halving search will have.

    Its own loop runs, on fits that are none: how many candidates stay does not depend on scores.
    """
    import numpy as np

    rounds: list[tuple[int, int]] = []
    params: list[Any] = []

    def evaluate(candidates: Any, _: Any, more_results: Any, **__: Any) -> dict[str, Any]:
        rounds.append((len(candidates), more_results["n_resources"][0]))
        params[:] = candidates
        number = more_results["iter"]
        return {"iter": number, "mean_test_score": np.zeros(len(candidates)), "params": params}

    twin = check_halving(search, X, y, groups)
    twin.n_splits_, twin.verbose = 1, 0
    context = root_callback_context(twin)
    twin._run_search(evaluate, **({} if context is None else {"callback_ctx": context}))
    return rounds


def callback_context_class() -> type | None:
    """Return the class of scikit-learn's callback contexts (from 1.9 on), or None before it."""
    try:
        import sklearn.callback  # noqa: F401 - its presence decides whether the private name must be there
    except ImportError:
        return None
    found: type = private("sklearn.callback._callback_context", "CallbackContext")[0]
    return found


def reduce_callback_context(context: Any) -> Any:
    """Pickle a callback context without its siblings, unless somebody listens.

    In scikit-learn 1.9 each task of a search carries a context that refers, through its parent, to those of all
    other tasks: 81 bytes a sibling, 1.6 MB a task at 20,000 fits, even with no callback set.
    """
    import copyreg

    state = dict(vars(context))
    if not state["_callbacks"]:
        state["_children_map"] = {}
    return copyreg.__newobj__, (type(context),), state  # type: ignore[attr-defined]


def callbacks(part: Any) -> list[Any]:
    """Return the scikit-learn callbacks (1.9) that are set on an estimator; not those on its parts."""
    import inspect

    found = inspect.getattr_static(part, "_skl_callbacks", None)  # a class of the person's may answer any name
    return list(found) if isinstance(found, list | tuple) else []


def take_rows(values: Any, rows: Any) -> Any:
    """Return some rows of an array, a table, a sparse matrix or a list, as scikit-learn takes them."""
    return private("sklearn.utils", "_safe_indexing")[0](values, rows)


def count_rows(values: Any) -> int | None:
    """Return how many rows scikit-learn sees in something; None for what has none."""
    if isinstance(values, str | bytes | dict):
        return None
    try:
        return int(private("sklearn.utils.validation", "_num_samples")[0](values))
    except TypeError:
        return None


def parameter_names(estimator: Any) -> list[str]:
    """Return the parameters that one of scikit-learn's own estimators checks when it is fitted."""
    from sklearn.pipeline import Pipeline

    if not hasattr(Pipeline, "_parameter_constraints"):
        raise CompatError("The estimators of this scikit-learn have no _parameter_constraints; raysk needs them.")
    found = getattr(type(estimator), "_parameter_constraints", {})  # some, as FeatureUnion, check nothing
    return [name for name, each in found.items() if each != "no_validation"]


def parameter_check(estimator: Any, name: str) -> Callable[[Any], bool]:
    """Return what tells whether scikit-learn takes a value for one of `parameter_names`."""
    (make,) = private("sklearn.utils._param_validation", "make_constraint")
    every = [make(each) for each in type(estimator)._parameter_constraints[name]]
    return lambda value: any(each.is_satisfied_by(value) for each in every)


def floats_in_range(estimator: Any, name: str, values: Any) -> Any:
    """Tell of many floats at once, as an array, which lie in a range that scikit-learn takes for a parameter."""
    import numpy as np

    (ranges,) = private("sklearn.utils._param_validation", "Interval")
    found = np.zeros(len(values), bool)
    for each in type(estimator)._parameter_constraints[name]:
        if isinstance(each, ranges) and issubclass(float, each.type):
            left, right = (-np.inf if each.left is None else each.left), (np.inf if each.right is None else each.right)
            found |= (values > left) & (values < right)
            for end in (left, right):
                found |= (values == end) & each.is_satisfied_by(float(end))
    return found


def parameter_refusal(estimator: Any, name: str, value: Any) -> tuple[str, list[str]]:
    """Return scikit-learn's words for a value that it does not take, and the texts that it would take."""
    error, validate, texts = private(
        "sklearn.utils._param_validation", "InvalidParameterError", "validate_parameter_constraints", "StrOptions"
    )
    constraints = type(estimator)._parameter_constraints[name]
    known = [text for each in constraints if isinstance(each, texts) for text in each.options]
    try:
        validate({name: constraints}, {name: value}, caller_name=type(estimator).__name__)
    except error as refused:
        return str(refused), sorted(known)
    raise CompatError(f"scikit-learn takes {name}={value!r}, which its constraints refuse; raysk relies on them.")
