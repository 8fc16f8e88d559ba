"""joblib's backend "raysk", and the connection that it uses."""

from __future__ import annotations

from typing import Any

from raysk.cluster.borrowing import standing_pool
from raysk.util import nested as nested_calls


def register() -> None:
    """Register the joblib backend "raysk".

    After it, ``joblib.parallel_config(backend="raysk")`` sends the parallel calls of any library built on joblib to
    Ray: to the cluster of the `connect` block that is running, else to one that is connected to when first needed,
    as `connect` does without arguments, and kept until the program ends.
    """
    import joblib

    joblib.register_parallel_backend("raysk", _backend)


def _backend(**options: Any) -> Any:
    """Make joblib's backend; connects first, since Ray reads our settings when it is imported."""
    if nested_calls.stays_here():
        return nested_calls.backend(**options)
    standing_pool()
    from raysk.plans.joblib_backend import RayskBackend

    return RayskBackend(standing_pool, **options)
