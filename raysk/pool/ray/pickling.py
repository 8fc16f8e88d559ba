"""Ray's pickler, and which code travels to the workers by value: they need not have the files."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, TypeAlias

from ray import cloudpickle

if TYPE_CHECKING:
    from types import ModuleType

Pickler: TypeAlias = cloudpickle.Pickler
"""Takes along the code that other machines lack; Ray's, which knows on the way back what came from here."""

TRAVELLING = (
    *("_compat", "errors", "events", "model_jobs", "jobs", "util"),
    *("plans", "pool", "cluster.nodes", "results.selection"),
)
"""The parts of raysk that are sent to workers: not its public names, which a person's code imports there."""


def travelling() -> list[ModuleType]:
    """Return the modules of raysk that must travel by value."""
    return [importlib.import_module(f"raysk.{name}") for name in TRAVELLING]
