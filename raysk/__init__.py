"""Run a scikit-learn job - one fit, or a whole parameter search - on Ray.

The command ``raysk`` and these names are two doors of one house: `fit`, `run`, `nested`, `connect` and `register`.
They, and `Limits`, `Shortcuts`, `Resources`, `Outcome`, `OneStandardError` and the search class `TPESearchCV`, are
loaded when first used. `list_runs`, `open_run`, `tag_run` and `remove_run` are about what earlier runs left behind.
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
    from raysk.history.changing import remove_run, tag_run
    from raysk.history.run import open_run
    from raysk.history.summaries import list_runs
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
    "fit",
    "list_runs",
    "nested",
    "open_run",
    "register",
    "remove_run",
    "run",
    "tag_run",
]
__version__ = "0.1.0"


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    if name == "TPESearchCV":
        from raysk.searches.tpe import TPESearchCV

        return TPESearchCV
    if name == "list_runs":
        from raysk.history.summaries import list_runs

        return list_runs
    if name == "open_run":
        from raysk.history.run import open_run

        return open_run
    if name in {"remove_run", "tag_run"}:
        from raysk.history import changing

        return getattr(changing, name)
    if name in __all__:
        from raysk import api

        return getattr(api, name)
    raise AttributeError(f"module 'raysk' has no attribute {name!r}")
