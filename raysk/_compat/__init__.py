"""Private names and message texts of other libraries, which these libraries may change at any time.

One module a library; callers import the module under a name that says ``private``::

    from raysk._compat import sklearn as sklearn_private

A name that has moved raises a `CompatError` at once, not in a slow or wrong run later: Ray's own joblib backend lost
its main optimisation to one swallowed ImportError. Each text is recognised by one function, with a test that makes the
installed version of the library say it.
"""

from __future__ import annotations

from typing import Any


class CompatError(ImportError):
    """A private name that raysk relies on is gone: a version that raysk does not know."""


def private(module: str, *names: str) -> list[Any]:
    """Return private names of a module, or say which version does not have them."""
    import importlib
    from importlib.metadata import version

    found = importlib.import_module(module)
    missing = [name for name in names if not hasattr(found, name)]
    if missing:
        package = {"sklearn": "scikit-learn"}.get(module.split(".", maxsplit=1)[0], module.split(".", maxsplit=1)[0])
        raise CompatError(f"{module} of {package} {version(package)} has no {', '.join(missing)}; raysk needs it.")
    return [getattr(found, name) for name in names]
