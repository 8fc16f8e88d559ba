"""``raysk refit``."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raysk.cli import settings
from raysk.cli.commands.resume import enter
from raysk.cli.options.cluster import ClusterOptions
from raysk.cli.options.data import HoldOutOptions
from raysk.cli.options.job import FitFlags, FitOverrides
from raysk.cli.options.output import FitOutput, Talk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from raysk.history.ranks import Candidate

CARRIED = {"file", "seed", "set_", "set_str", *(field.name for field in fields(HoldOutOptions))}
"""Parameters of the search that say what is fitted. Where it runs, and what it writes, is a matter of now."""

WRITTEN = {"format_", "sep", "decimal"}
"""Parameters that say how a table is written: they hold for another one of the same suffix."""

HELD_OUT = {"test_size", "test_data"}
"""Of these one is enough: the one that is given takes the place of the other, too."""

OUTPUTS, TABLES = ("output", "run_dir"), ("data", "test_data")


@dataclass(frozen=True, kw_only=True)
class Refit(Talk, FitOutput, ClusterOptions, HoldOutOptions, FitOverrides, FitFlags):
    """Fit a candidate of an earlier search again, on its own file and data or on others.

    Options of the search that say what is fitted hold again; options that are given now take their place.

    For example:

      raysk refit latest --rank 2 -o second.pkl

      raysk refit latest --data new.csv

      raysk refit raysk-runs/spec-20261124-101500 --test-size 0.2
    """

    context: typer.Context
    earlier: Annotated[
        str, typer.Argument(metavar="RUN", help="Folder or name of the search, or latest for the newest one here.")
    ]
    rank: Annotated[
        int | None, typer.Option(metavar="N", help="Which candidate: 1, the default, is the best. RUN#N says the same.")
    ] = None

    def run(self) -> None:
        """Start the fit, with the parameters that the search had and those that are given."""
        from raysk.history.ranks import candidate_of

        candidate = candidate_of(self.earlier, self.rank)
        job = _how_it_was_started(candidate)
        root = self.context.find_root()
        now = {name: value for name, value in self.context.params.items() if settings.is_typed(self.context, name)}
        if Path(job["folder"]) != Path.cwd():
            now = _made_absolute(now)
            run = shlex.quote(str(candidate.run.folder))
            enter(job["folder"], f"Fit it with a file that is here: raysk fit FILE --params {run}#{candidate.rank}")
        with refitted(root, job["arguments"], now, f"{candidate.run.folder}#{candidate.rank}") as fit:
            fit.command.invoke(fit)


def _how_it_was_started(candidate: Candidate) -> Mapping[str, Any]:
    """Return the ``job`` of a run's manifest; fail if a program started it, or the manifest is gone."""
    from raysk.errors import InputError
    from raysk.runs.folder import RunFolder

    run = candidate.run
    otherwise = f"raysk fit FILE --params {shlex.quote(f'{run.shown}#{candidate.rank}')}"
    if RunFolder(run.folder).began_in_python:
        raise InputError(
            f"The run in {run.shown!r} was started from Python, where its estimator and data are. Fit it there:\n"
            f"estimator.set_params(**raysk.top_params({run.shown!r}, {candidate.rank})[-1]).fit(X, y)\n"
            f"or with a file: {otherwise}"
        )
    try:
        job: Mapping[str, Any] = RunFolder(run.folder).read_manifest()["job"]
    except InputError as error:
        said = str(error).splitlines()[0]
        raise InputError(f"{said}\nName the file that it is to be fitted with: {otherwise}") from error
    return job


def refitted(root: Any, then: list[str], now: Mapping[str, Any], params: str) -> Any:
    """Return the context of the fit: what the command line of the search said holds without options now.

    Parameters
    ----------
    root : typer.Context
        Of the whole program.
    then : list of str
        The command line of the search.
    now : mapping of str to object
        The parameters of ``raysk refit`` that were typed.
    params : str
        For ``--params``.
    """
    command, *arguments = then
    with root.command.commands[command].make_context(command, [*arguments], parent=root, default_map={}) as search:
        saved = {name: value for name, value in settings.given(search).items() if name in CARRIED}
    fit = root.command.commands["fit"]
    every = {**_still_holding(saved, now), **now, "params": params}
    for name in ("set_", "set_str"):
        every[name] = [*(saved.get(name) or ()), *(now.get(name) or ())]
    names = {param.name for param in fit.params}
    said = settings.spelled(fit, {name: value for name, value in every.items() if name in names})
    return fit.make_context("fit", said, parent=root)


def _still_holding(saved: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of the search that those of now leave as they were."""
    gone = HELD_OUT if HELD_OUT & now.keys() else set()
    if "data" in now and Path(now["data"]).suffix != Path(saved.get("data") or "").suffix:
        gone = gone | WRITTEN
    return {name: value for name, value in saved.items() if name not in gone}


def _made_absolute(now: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters whose paths mean the same in another folder."""
    made = dict(now)
    for name in {*OUTPUTS, *TABLES} & now.keys():
        text = str(now[name])
        path, colon, rest = text.partition(":") if name in TABLES else (text, "", "")
        if text != "-" and (name in OUTPUTS or os.path.lexists(path)):
            made[name] = os.path.abspath(path) + colon + rest  # noqa: PTH100 - a link stays one
    return made
