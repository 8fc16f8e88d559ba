"""The names that a model file would import, and the doubts about the file."""

from __future__ import annotations

from dataclasses import dataclass, field

from raysk.models.safe_names import MADE_UP, is_code, may_refer

_MOST_DOUBTS = 20


@dataclass
class Imports:
    """What a model file would import.

    Parameters
    ----------
    names : list of str
        Classes, functions and modules, by their full names, in the order of the file.
    carries_code : bool
        Whether it brings code of its own, as classes of a person's own file that travel by value do.
    scikit_learn : list of str
        The versions of scikit-learn that wrote it, as the estimators in it say.
    doubts : list of str
        Why the file may do more than its names tell; empty if it could be followed to the letter.
    """

    names: list[str] = field(default_factory=list)
    carries_code: bool = False
    scikit_learn: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    _only_for_code: list[str] = field(default_factory=list)

    def refer(self, module: str, attribute: str) -> None:
        """Note a name; and whether only code, which uses what it likes, may have need of it."""
        name = f"{module}.{attribute}"
        self.names.append(name)
        if not may_refer(module, attribute):
            self._only_for_code.append(name)

    def refer_to_module(self, name: str | None) -> None:
        """Note a module; None is one whose name is made up when the file is loaded."""
        self.names.append(name or MADE_UP)
        if name is None:
            self.doubt("it makes up names while it is loaded")
        else:
            self._only_for_code.append(name)

    def add(self, other: Imports) -> None:
        """Note what another reader finds."""
        self.names += other.names
        self._only_for_code += other._only_for_code
        for doubt in other.doubts:
            self.doubt(doubt)

    def doubt(self, reason: str) -> None:
        """Note why the file cannot be judged."""
        line = (reason.splitlines() or [""])[0][:200]
        if line not in self.doubts and len(self.doubts) < _MOST_DOUBTS:
            self.doubts.append(line)

    def settle(self) -> None:
        """Leave out what was noted twice, and judge the names."""
        self.names, self.scikit_learn = list(dict.fromkeys(self.names)), list(dict.fromkeys(self.scikit_learn))
        self.carries_code = any(is_code(name) for name in self.names)
        for name in self._only_for_code:
            written = all(part.isidentifier() for part in name.split("."))
            if not (written and self.carries_code):
                self.doubt(f"it refers to {name}" if written else "a name in it is no name")
