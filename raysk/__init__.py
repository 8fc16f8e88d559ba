"""Run a scikit-learn job - one fit, or a whole parameter search - on Ray.

The command ``raysk`` and these names are two doors of one house: `fit`, `run`, `cross_validate`, `nested`, `dry_run`,
`connect` and `register`. They, `Limits`, `Shortcuts`, `Resources`, `Outcome`, `OneStandardError`, the search class
`TPESearchCV`, and what earlier runs are read, shown and passed on with - `list_runs`, `open_run`, `tag_run`,
`remove_run`, `read_candidates`, `compare_runs`, `top_params`, `load_estimators`, `findings_of`, `write_report`,
`export` - are loaded when first used.
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
    from raysk.cross_validation import cross_validate
    from raysk.exports import export
    from raysk.history.candidates import read_candidates
    from raysk.history.changing import remove_run, tag_run
    from raysk.history.comparison import compare_runs
    from raysk.history.ranks import top_params
    from raysk.history.run import open_run
    from raysk.history.summaries import list_runs
    from raysk.report.findings import findings_of
    from raysk.report.writing import write_report
    from raysk.runner.dry_run import dry_run
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
    "compare_runs",
    "connect",
    "cross_validate",
    "dry_run",
    "export",
    "findings_of",
    "fit",
    "list_runs",
    "load_estimators",
    "nested",
    "open_run",
    "read_candidates",
    "register",
    "remove_run",
    "run",
    "tag_run",
    "top_params",
    "write_report",
]
__version__ = "0.1.0"

_ELSEWHERE = {
    "list_runs": "raysk.history.summaries",
    "remove_run": "raysk.history.changing",
    "tag_run": "raysk.history.changing",
    "export": "raysk.exports",
    "load_estimators": "raysk.runner.retained",
    "findings_of": "raysk.report.findings",
    "write_report": "raysk.report.writing",
    "cross_validate": "raysk.cross_validation",
    "dry_run": "raysk.runner.dry_run",
    "top_params": "raysk.history.ranks",
    "TPESearchCV": "raysk.searches.tpe",
    "compare_runs": "raysk.history.comparison",
    "open_run": "raysk.history.run",
    "read_candidates": "raysk.history.candidates",
}
"""Public names that are not in `raysk.api`, and their modules."""


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    if name in _ELSEWHERE:
        import importlib

        return getattr(importlib.import_module(_ELSEWHERE[name]), name)
    if name in __all__:
        from raysk import api

        return getattr(api, name)
    raise AttributeError(f"module 'raysk' has no attribute {name!r}")
