"""Run a scikit-learn job - one fit, or a whole parameter search - on Ray.

The command ``raysk`` is a shell over three names, loaded when first used: `fit`, `connect` and `register`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from raysk.api import connect, fit, register

__all__ = ["__version__", "connect", "fit", "register"]
__version__ = "0.1.0"


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    if name in {"connect", "fit", "register"}:
        from raysk import api

        return getattr(api, name)
    raise AttributeError(f"module 'raysk' has no attribute {name!r}")
