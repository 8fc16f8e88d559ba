"""What to type next: a run's own command again, with another search space, or one that begins with its candidates."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from raysk.runs.folder import PYTHON, PYTHON_CV, PYTHON_NESTED, RunFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from raysk.history.run import Run

_OF_THAT_RUN = (
    "--output", "--results", "--run-dir", "--resume", "--resume-anyway", "--force", "--name", "--dry-run", "--stream",
    "--json", "--seed-from", "--quiet", "--verbose", "--debug",
)  # fmt: skip
"""Options that another run must not have: its files are there already, or it is no continuation."""

MORE_FOLDS = 10
"""Folds that are advised where fewer leave too much to chance."""


@dataclass(frozen=True)
class Values:
    """The values that a parameter gets in a search space.

    Parameters
    ----------
    option : str
        As ``--space`` takes it, for example ``loguniform:0.01:100``.
    code : str
        As Python writes it, for example ``loguniform(0.01, 100)``.
    """

    option: str
    code: str


def search_again(run: Run, space: dict[str, Values], words: str, *options: str) -> str:
    """Return words, and the command that searches again with another space; of a run from Python, what to write.

    Parameters
    ----------
    run : Run
    space : dict of str to Values
        By parameter.
    words : str
        What it does, as a sentence without its full stop.
    *options : str
        Others that the command gets.
    """
    base = _search_command(run, space)
    if base is None or any(_has_several(run, name) for name in space):
        return f"{words}. In the search space: " + ", ".join(f"{name!r}: {each.code}" for name, each in space.items())
    entries = [part for name, each in space.items() for part in ("--space", f"{name}={each.option}")]
    return f"{words}:\n{shlex.join([*base, *options, *entries])}"


def with_options(run: Run, words: str, *options: str) -> str:
    """Return words, and the run's own command with these options; of a run from Python, the words."""
    base = _search_command(run, {})
    return f"{words}." if base is None else f"{words}:\n{shlex.join([*base, *options])}"


def with_more_folds(run: Run, words: str, splits: int) -> str:
    """Return words, and the run's own command with more folds if a number says them.

    Of groups or times that a person's own splitter keeps apart, a number of folds would know nothing.
    """
    search = run.facts.get("search")
    said = search.get("cv", "") if isinstance(search, dict) else ""
    is_number = said is None or isinstance(said, int)
    return with_options(run, words, f"--cv={MORE_FOLDS}") if is_number and splits < MORE_FOLDS else f"{words}."


def on_run(words: str, command: str, *arguments: str) -> str:
    """Return words, and a command for a run, as ``raysk fit FILE --params RUN#2``."""
    return f"{words}:\n{shlex.join(['raysk', command, *arguments])}"


def go_on(run: Run) -> str:
    """Return how to go on with a run that is not whole: a program goes on with what it has begun."""
    if run.command in {PYTHON, PYTHON_NESTED, PYTHON_CV}:
        return f"Go on with it: {RunFolder(run.folder).python_call(run.shown)}"
    return on_run("Go on with it", "resume", run.shown)


def source_of(run: Run) -> str | None:
    """Return the file of a search that began in the shell; None for another run."""
    job = run.facts.get("job")
    source = job.get("source") if isinstance(job, dict) else None
    return source if run.command == "search" and isinstance(source, str) else None


def _has_several(run: Run, name: str) -> bool:
    """Tell whether search spaces differ in a parameter, or one lacks it: ``--space`` gives it to all of them."""
    space = run.facts.get("space")
    said = space.get(name) if isinstance(space, dict) else None
    return isinstance(said, dict) and (said.get("conditional") is True or "any_of" in said)


def _search_command(run: Run, space: dict[str, Values]) -> list[str] | None:
    """Return the command of a search, without the options of that run and the entries of the space that change."""
    source, job = source_of(run), run.facts.get("job")
    said = job.get("arguments") if isinstance(job, dict) else None
    if source is None or not isinstance(said, list) or not all(isinstance(each, str) for each in said):
        return None
    gone = tuple(f"--space={name}=" for name in space)
    options = [each for each in said[1:] if each.startswith("--") and each != "--" and not each.startswith(gone)]
    return ["raysk", "search", source, *(each for each in options if each.partition("=")[0] not in _OF_THAT_RUN)]


# --- the values of a parameter ----------------------------------------------------------------------


def listed(values: Sequence[Any]) -> Values | None:
    """Return a list of values; None if ``--space`` cannot say one of them."""
    for write in (str, repr):
        joined = ",".join(map(write, values))
        option = f"choice:{joined}" if ":" in joined else joined
        if _is_read_as(option, values):
            return Values(option, repr(list(values)))
    return None


def _is_read_as(option: str, values: Sequence[Any]) -> bool:
    from raysk.errors import UsageError
    from raysk.request.distributions import parse_space

    try:
        return repr(parse_space(f"name={option}")[1]) == repr(list(values))
    except UsageError:
        return False


def drawn(low: float, high: float, *, is_log: bool, is_integer: bool) -> Values:
    """Return a distribution between two numbers."""
    if is_integer:
        first, last = round(low), round(high) + 1  # randint leaves the upper one out
        return Values(f"randint:{first}:{last}", f"randint({first}, {last})")
    start, end = _round(low, 1 if is_log else 3), _round(high, 1 if is_log else 3)
    if is_log:
        return Values(f"loguniform:{start}:{end}", f"loguniform({start}, {end})")
    return Values(f"uniform:{start}:{end}", f"uniform({start}, {_round(float(end) - float(start), 3)})")


def _round(value: float, digits: int) -> str:
    """Return a number with a few significant digits."""
    return f"{float(f'{value:.{digits}g}'):g}"
