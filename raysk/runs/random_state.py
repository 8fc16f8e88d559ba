"""The state of numpy's global generator, as JSON can hold it."""

from __future__ import annotations

from typing import Any


def current_state() -> list[Any]:
    """Return where the generator is."""
    import numpy as np

    name, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002 - scikit-learn's default
    return [name, np.asarray(keys).tolist(), *rest]


def restore_state(state: list[Any]) -> None:
    """Put the generator where it was."""
    import numpy as np

    np.random.set_state(_as_numpy(state))  # noqa: NPY002 - as above


def checked_state(state: Any) -> Any:
    """Return a state if numpy takes it, else None."""
    import numpy as np

    try:
        np.random.RandomState().set_state(_as_numpy(state))
    except (TypeError, ValueError, LookupError, OverflowError):
        return None
    return state


def _as_numpy(state: Any) -> tuple[Any, ...]:
    import numpy as np

    name, keys, *rest = state
    return name, np.array(keys, dtype=np.uint32), *rest
