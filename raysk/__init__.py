"""Run a scikit-learn job - one fit, or a whole parameter search - on Ray.

The command ``raysk`` and these names are two doors of one house: `fit`, `run`, `nested`, `connect`, `register`,
`export` and `load_estimators`. They, and `Limits`, `Shortcuts`, `Resources`, `Outcome`, `OneStandardError` and the
search class `TPESearchCV`, are loaded when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from raysk.api import (
        Limits,
        OneStandardError,
        Outcome,
        Resources,
        Shortcuts,
        connect,
        fit,
        nested,
        register,
        run,
    )
    from raysk.exports import export
    from raysk.runner.retained import load_estimators
    from raysk.searches.tpe import TPESearchCV

__all__ = [
    "Limits",
    "OneStandardError",
    "Outcome",
    "Resources",
    "Shortcuts",
    "TPESearchCV",
    "__version__",
    "connect",
    "export",
    "fit",
    "load_estimators",
    "nested",
    "register",
    "run",
]
__version__ = "0.1.0"


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    if name == "TPESearchCV":
        from raysk.searches.tpe import TPESearchCV

        return TPESearchCV
    if name == "export":
        from raysk.exports import export

        return export
    if name == "load_estimators":
        from raysk.runner.retained import load_estimators

        return load_estimators
    if name in __all__:
        from raysk import api

        return getattr(api, name)
    raise AttributeError(f"module 'raysk' has no attribute {name!r}")
