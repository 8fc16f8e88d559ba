"""Tell the features and the target of a fitted model, from itself and from its sidecar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raysk.data.reading import Features, recorded_features

if TYPE_CHECKING:
    from collections.abc import Mapping


def features_of(model: Any, sidecar: Mapping[str, Any] | None) -> Features:
    """Return the features of a fitted model.

    The model's own names come first. Its sidecar also knows the types of columns, and names of columns that the model
    saw as an array. It is not believed if its number of features differs.
    """
    recorded = recorded_features(sidecar)
    names, count = _read_attribute(model, "feature_names_in_"), _read_attribute(model, "n_features_in_")
    if names is not None:
        own = tuple(str(name) for name in names)
        return recorded if recorded and recorded.names == own else Features(names=own, dtypes={}, as_frame=True)
    if recorded is None or (recorded.names is not None and count not in {None, len(recorded.names)}):
        return Features(names=None, dtypes={}, as_frame=False)
    return recorded


def recorded_target(sidecar: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return the names of the columns that a model predicts, as its sidecar records them; else none."""
    y = ((sidecar or {}).get("data") or {}).get("y") or {}
    return tuple(y.get("columns") or ())


def _read_attribute(model: Any, name: str) -> Any:
    try:
        return getattr(model, name, None)
    except Exception:  # noqa: BLE001 - a property of the person's class
        return None
