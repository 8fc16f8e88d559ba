"""The candidates of an earlier run that another search tries first, and how its ``run.json`` keeps them.

They are kept by value: the earlier run may go on, or be removed, and the search must be resumed with the same ones.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from raysk.history.ranks import TOP, best_candidates
from raysk.util.typed_json import Encoder, decode_params

if TYPE_CHECKING:
    from collections.abc import Mapping

    from raysk.runs.folder import RunFolder


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """The candidates that a search tries first.

    Parameters
    ----------
    text : str
        The run that they are of, as it was written.
    top : int
        How many were asked for.
    run : str
        The folder of that run.
    params : tuple of mapping of str to object
        The parameters of each, the best first.
    """

    text: str
    top: int
    run: str
    params: tuple[Mapping[str, Any], ...]

    @classmethod
    def of(cls, text: str, top: int | None = None) -> Seeds:
        """Read the best candidates of a run.

        Raises
        ------
        InputError
            If there is no such run, or it has no candidate with a score.
        """
        found = best_candidates(text, top or TOP)
        params = tuple(each.params for each in found)
        return cls(text=text, top=top or TOP, run=str(found[0].run.folder), params=params)

    @classmethod
    def kept_by(cls, run: RunFolder) -> Seeds | None:
        """Return the seeds that a search began with; None if it has none."""
        try:
            said = (run.said() or {})["job"]["seeds"]
            params = tuple(map(decode_params, said["params"]))
            return cls(text=str(said["text"]), top=int(said["top"]), run=str(said["run"]), params=params)
        except (LookupError, TypeError, ValueError):
            return None

    def as_record(self) -> dict[str, Any]:
        """Return what `kept_by` reads."""
        return {**vars(self), "params": list(map(Encoder(), self.params))}

    def __str__(self) -> str:
        best = "best candidate" if len(self.params) == 1 else f"{len(self.params)} best candidates"
        return f"{best} of {os.path.relpath(self.run)}"
