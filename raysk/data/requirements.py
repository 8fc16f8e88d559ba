"""Tell what data an estimator takes: names of columns, documents, numbers only, categories, a target.

scikit-learn's tags answer for one class; a pipeline is asked for its first step, a search for its estimator.
"""

from __future__ import annotations

from typing import Any

from raysk.source.objects import is_estimator, is_search, params_of


def chooses_columns(estimator: Any) -> bool:
    """Return whether a part of an estimator chooses columns, maybe by name."""
    from sklearn.compose import ColumnTransformer

    return any(isinstance(part, ColumnTransformer) for part in (estimator, *params_of(estimator).values()))


def takes_documents(estimator: Any) -> bool:
    """Return whether an estimator takes a sequence of texts or dicts, as `TfidfVectorizer` does, and no table."""
    tags = tags_of(first_step(estimator))
    return tags is not None and (tags.input_tags.string or tags.input_tags.dict) and not tags.input_tags.two_d_array


def refuses_text(estimator: Any) -> bool:
    """Return whether an estimator certainly refuses text: it is scikit-learn's, and has no parts of its own."""
    first = first_step(estimator)
    tags = tags_of(first)
    if tags is None or not is_sklearns(first):
        return False
    predicts = tags.estimator_type is not None or type(first).__module__.startswith("sklearn.preprocessing._data")
    return is_simple(first) and predicts and not (tags.input_tags.categorical or tags.input_tags.string)


def is_sklearns(estimator: Any) -> bool:
    """Return whether the class of an estimator is scikit-learn's own; nobody knows what others refuse."""
    return type(estimator).__module__.startswith("sklearn.")


def is_simple(estimator: Any) -> bool:
    """Return whether an estimator has no parts, no functions, and reliable tags."""
    values = [value for value in params_of(estimator).values() if not isinstance(value, type)]
    tags = tags_of(estimator)
    has_parts = any(callable(value) or hasattr(value, "get_params") for value in values)
    return not has_parts and tags is not None and not tags.no_validation


def kind_of(estimator: Any) -> str | None:
    """Return ``classifier``, ``regressor`` or another kind, as an estimator's tags have it; None where unknown."""
    tags = tags_of(estimator)
    return None if tags is None else str(tags.estimator_type or "") or None


def takes_categories(estimator: Any) -> bool:
    """Return whether the first step takes pandas' categories without an encoder."""
    first = _first_model(estimator)
    if _is_a(first, "xgboost", "XGBModel"):
        return bool(getattr(first, "enable_categorical", False))
    trees = _is_a(first, "sklearn", "BaseHistGradientBoosting") and isinstance(first.categorical_features, str)
    return trees or _is_a(first, "lightgbm", "LGBMModel")


def must_enable_categories(estimator: Any) -> bool:
    """Return whether the first step takes categories only when told to, as XGBoost's does."""
    return _is_a(_first_model(estimator), "xgboost", "XGBModel") and not takes_categories(estimator)


def most_categories(estimator: Any) -> int | None:
    """Return the most categories that a column may have, or None if that is not known."""
    first = _first_model(estimator)
    return int(first.max_bins) if takes_categories(first) and hasattr(first, "max_bins") else None


def takes_sparse(estimator: Any) -> bool:
    """Return whether the first step takes sparse matrices."""
    tags = tags_of(first_step(estimator))
    return tags is not None and bool(tags.input_tags.sparse)


def needs_target(estimator: Any) -> bool:
    """Return whether an estimator cannot be fitted without y."""
    while (inner := _inner_estimator(estimator)) is not None or getattr(estimator, "steps", None):
        estimator = inner if inner is not None else estimator.steps[-1][1]
    tags = tags_of(estimator)
    return tags is not None and bool(tags.target_tags.required)


def first_step(estimator: Any) -> Any:
    """Return the step that sees X first; of an estimator without steps, itself."""
    while True:
        steps = steps_of(estimator)
        inner = _inner_estimator(estimator)
        if inner is None and not steps:
            return estimator
        estimator = inner if inner is not None else steps[0]


def _first_model(estimator: Any) -> Any:
    """Return the step that sees X first, behind a TransformedTargetRegressor, too."""
    first = first_step(estimator)
    return getattr(first, "regressor", None) or first


def _is_a(estimator: Any, library: str, name: str) -> bool:
    """Return whether an estimator is of a class of a library, which need not be installed."""
    return any(
        (base.__module__.partition(".")[0], base.__name__) == (library, name) for base in type(estimator).__mro__
    )


def steps_of(estimator: Any) -> list[Any]:
    """Return the estimators among the steps of a pipeline, or among the transformers of a union, which see the same."""
    parts = getattr(estimator, "steps", None) or getattr(estimator, "transformer_list", None)
    steps = [step for _, step in parts] if isinstance(parts, list) else []
    return [step for step in steps if step is not None and not isinstance(step, str)]


def _inner_estimator(estimator: Any) -> Any | None:
    """Return the estimator of a search."""
    return estimator.estimator if is_search(estimator) and is_estimator(estimator.estimator) else None


def tags_of(estimator: Any) -> Any | None:
    """Return scikit-learn's tags of an estimator; None where there are none."""
    from sklearn.utils import get_tags

    try:
        return get_tags(estimator)
    except Exception:  # noqa: BLE001 - a person's class without scikit-learn's tags
        return None
