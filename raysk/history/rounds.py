"""The rounds of a search by halving, as ``run.json`` has planned them: a journal alone does not tell them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from raysk.runs.records import ODD

if TYPE_CHECKING:
    from raysk.history.run import Run


class PlannedRound(NamedTuple):
    """One round: `number` from 0, as ``iter`` of scikit-learn; its candidates' numbers; what each of them may spend."""

    number: int
    candidates: range
    amount: int


def planned_rounds(run: Run) -> list[PlannedRound]:
    """Return the rounds that a run has told of so far; none if it is no search by halving, or is damaged."""
    planned = run.facts.get("planned")
    found = []
    try:
        for each in planned if isinstance(planned, list) else ():
            if each["round"] is None or each["fold"] is not None:
                return []
            first, amount = int(each["first"]), int(each["round"]["amount"])
            candidates = range(first, first + int(each["candidates"]))
            found.append(PlannedRound(int(each["round"]["number"]) - 1, candidates, amount))
    except ODD:
        return []
    return found


def round_of(candidate: int, rounds: list[PlannedRound]) -> PlannedRound | None:
    """Return the round that has a candidate; None if that is not told yet."""
    return next((each for each in rounds if candidate in each.candidates), None)
