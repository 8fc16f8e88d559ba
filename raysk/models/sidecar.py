"""The sidecar of a model file: JSON that describes the model, so that nobody has to load it for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raysk.models.sidecar_types import check_types
from raysk.util.jsonable import plain, plain_parameter, read_object
from raysk.util.provenance import SCHEMA, now, versions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Marks a .json file as ours, so that a person's own model.json is never written over.
_KIND = "raysk-model"
_MOST_BYTES = 2**28

# How much of a version must be the same for a model to mean the same: scikit-learn promises nothing between two
# releases; code that travels by value is bytecode of one Python minor release; numpy's arrays changed with its majors.
_PARTS_THAT_MATTER = {"scikit-learn": 3, "python": 2, "numpy": 1}


def sidecar_path(path: Path) -> Path:
    """Return where the sidecar of a model file is: ``model.json`` for ``model.pkl``."""
    return path.with_suffix(".json")


def read_sidecar(path: Path) -> dict[str, Any] | None:
    """Return the sidecar of a model file, or None if there is none of ours, or it is of another file.

    Values of another type than raysk writes are None: somebody or something has changed the file.
    """
    described = _read(path)
    name = _name_in(described)
    return None if name not in {None, path.name} and path.with_name(str(name)).exists() else described


def described_model(path: Path) -> str | None:
    """Return the name of the model that the sidecar in this model's place describes; None if it is not ours."""
    return _name_in(_read(path))


def _name_in(described: Mapping[str, Any] | None) -> str | None:
    name: str | None = ((described or {}).get("file") or {}).get("name")
    return name


def _read(path: Path) -> dict[str, Any] | None:
    described = read_object(sidecar_path(path), _MOST_BYTES)
    return check_types(described) if described is not None and described.get("kind") == _KIND else None


def describe_model(estimator: Any) -> dict[str, Any]:
    """Describe the estimator itself; None stands for what it does not have."""
    kind = type(estimator)
    return {
        "schema": SCHEMA,
        "kind": _KIND,
        "created": now(),
        "versions": versions("scikit-learn", "numpy", "cloudpickle"),
        "estimator": f"{kind.__module__}.{kind.__qualname__}",
        "parameters": _parameters(estimator),
        "source": None,
        "source_hash": None,
        "data": None,
        "scores": None,
        "feature_names_in": _whole(_fitted(estimator, "feature_names_in_")),
        "n_features_in": plain(_fitted(estimator, "n_features_in_")),
        "classes": _whole(_fitted(estimator, "classes_")),
    }


def _parameters(estimator: Any) -> Any:
    try:
        return plain_parameter(estimator.get_params())
    except Exception:  # noqa: BLE001 - the person's class may have none, or fail; the model is saved already
        return None


def _fitted(estimator: Any, name: str) -> Any:
    try:
        return getattr(estimator, name, None)
    except Exception:  # noqa: BLE001 - a property of the person's class; the model is worth more than this line
        return None


def _whole(names: Any) -> Any:
    """Return names as a list, however many there are: they are read back."""
    return plain(names.tolist() if hasattr(names, "tolist") else names)


def version_differences(saved: Mapping[str, Any]) -> dict[str, tuple[str, str | None]]:
    """Compare the versions that a model was saved with to those here.

    Parameters
    ----------
    saved : mapping of str to str
        The sidecar's ``versions``.

    Returns
    -------
    dict of str to (str, str or None)
        For each package whose difference matters: the version then, and the one here (None: not installed).
    """
    here = versions("scikit-learn", "numpy")
    return {
        name: (str(saved[name]), here[name])
        for name, parts in _PARTS_THAT_MATTER.items()
        if saved.get(name) and _start(saved[name], parts) != _start(here[name], parts)
    }


def _start(version: Any, parts: int) -> list[str]:
    return str(version).split(".")[:parts]
