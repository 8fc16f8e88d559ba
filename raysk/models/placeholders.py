"""What stands for the objects of a pickle while it is followed: nothing of them is imported, made or called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(eq=False)
class Made:
    """Stands for an imported name, or for what calling it would give.

    Parameters
    ----------
    name : str
        Of the module, the class and the attribute, with dots; "" where it is not known.
    arguments : object
        What it is called with; None stands for the name itself.
    state : object
        What it was told to be (by ``BUILD``); None if it was not.
    """

    name: str
    arguments: Any = None
    state: Any = None

    @property
    def is_name(self) -> bool:
        """Whether it is what was imported, and not what was made of it."""
        return self.arguments is None and bool(self.name)


ANYTHING = Made("", ())
"""A list, a set, a number with a fraction, or whatever else is not looked into."""
WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"
"""What announces an array in a file of joblib's."""
