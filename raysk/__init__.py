"""Run a scikit-learn job - one fit, or a whole parameter search - on Ray.

The command ``raysk`` and these names are two doors of one house: `fit`, `run`, `nested`, `connect`, `export` and
`register`. They, and `Limits`, `Shortcuts`, `Resources`, `Outcome`, `OneStandardError` and the search class
`TPESearchCV`, are loaded when first used.
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
        export,
        fit,
        nested,
        register,
        run,
    )
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
    if name in __all__:
        from raysk import api

        return getattr(api, name)
    raise AttributeError(f"module 'raysk' has no attribute {name!r}")
