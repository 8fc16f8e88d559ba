"""What a report says in words: one finding, with its evidence and what to do next."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """Something that a run shows.

    Parameters
    ----------
    kind : str
        ``result``, ``edge``, ``unimportant``, ``noise``, ``unstable``, ``bad-split``, ``overfit``, ``failures``,
        ``slow``, ``idle`` or ``no-score``.
    title : str
        What it is, in one sentence.
    evidence : str
        The figures that show it.
    next_step : str
        What to do; empty if nothing. A command to type has a line of its own, the last.
    weight : float
        How much it matters, from 0 to 1.
    """

    kind: str
    title: str
    evidence: str
    next_step: str = ""
    weight: float = 0.0

    def record(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {**asdict(self), "command": self.command}

    @property
    def command(self) -> str | None:
        """The command of the next step, if there is one."""
        return next((line for line in self.next_step.splitlines()[-1:] if line.startswith("raysk ")), None)

    @property
    def advice(self) -> str:
        """The next step without its command."""
        lines = self.next_step.splitlines()
        return "\n".join(lines[:-1] if self.command else lines)
