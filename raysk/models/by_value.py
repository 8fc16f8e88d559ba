"""What a person's modules define is saved with a model, by value: it is loaded where those modules are not."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

_saving: Counter[str] = Counter()
"""The modules that `saved_by_value` has registered, by name, and how many runs need that."""

_saving_lock = threading.Lock()


@contextlib.contextmanager
def saved_by_value(modules: Iterable[ModuleType]) -> Iterator[None]:
    """Save what these modules define with a model, for a while; runs may overlap."""
    import cloudpickle

    with _saving_lock:
        known = cloudpickle.list_registry_pickle_by_value()
        ours = [each for each in modules if each.__name__ in _saving or each.__name__ not in known]
        for module in ours:
            _saving[module.__name__] += 1
            cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        with _saving_lock:
            for module in ours:
                _saving[module.__name__] -= 1
                if not _saving[module.__name__]:
                    del _saving[module.__name__]
                    cloudpickle.unregister_pickle_by_value(module)
