"""What stands for the objects of a pickle while it is followed, and the ways in which following it fails.

Nothing of the pickle's is imported, made or called.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class Damaged(Exception):  # noqa: N818 - says what the file is
    """No reader of pickles goes on from here."""


class Stops(Damaged):
    """Damaged in such a way that `pickle.load` surely ends here, and not just in a way that nobody writes."""


class Unclear(Exception):  # noqa: N818 - says what the file is
    """A reader of pickles may go on from here, and nobody can tell where it goes."""


@dataclass(eq=False)
class Made:
    """Stands for an imported name, or for the result of calling it.

    Parameters
    ----------
    name : str
        Of the module, the class and the attribute, with dots; "" where it is not known.
    arguments : object
        The arguments of the call; None stands for the name itself.
    state : object
        The state that the pickle gives to a dtype or an array (by ``BUILD``); None if there is none.
    """

    name: str
    arguments: Any = None
    state: Any = None

    @property
    def is_name(self) -> bool:
        """Whether this is an imported name, and not the result of a call."""
        return self.arguments is None and bool(self.name)


ANYTHING = Made("", ())
"""A list, a set, or whatever else nobody looks into."""
WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"
"""The class that announces an array in a file of joblib's."""


class Table(dict[Any, Any]):
    """A dict of the pickle. A key that is no text is some key or other: hashing tuples of tuples may take for ever.

    Attributes
    ----------
    shared : bool
        Whether it was taken out of the memo, and so is in two places.
    fixed : bool
        Whether a dtype or an array is made of it.
    """

    __slots__ = ("fixed", "shared")  # a file may hold millions

    def __init__(self) -> None:
        super().__init__()
        self.shared = self.fixed = False

    def __setitem__(self, key: Any, value: Any) -> None:
        if self.fixed:
            raise Unclear("it changes a type after its use")
        super().__setitem__(key if isinstance(key, str) else object(), value)
