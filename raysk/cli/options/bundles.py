"""Options that several commands share and that say one thing together, read in one place each.

@bundled(given=given_data)
def fit(file: o.File, given: Given | None = None, seed: o.Seed = None): ...

raysk fit FILE --data t.csv --target y --seed 1  ->  fit(FILE, given=Given(...), seed=1)
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, get_type_hints

from raysk.cli.options import data as d  # noqa: TC001 - Typer reads the annotations
from raysk.cli.options import shared as o  # noqa: TC001 - Typer reads the annotations

if TYPE_CHECKING:
    from collections.abc import Callable

    from raysk.data.reading import Given
    from raysk.jobs import Limits, Resources
    from raysk.request.held_out import HoldOut
    from raysk.request.overrides import Overrides
    from raysk.runner.outputs import Outputs


MADE = ("Given", "HoldOut", "Limits", "Outputs", "Overrides", "PredictJob", "Resources", "ScoreJob")
"""What bundles become; the names stand in annotations only."""


def bundled(**readers: Callable[..., Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of each reader in the place of the parameter of that name.

    Parameters
    ----------
    **readers : callable
        Each takes options and returns what the command gets.

    Returns
    -------
    callable
        A decorator.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        bundles = {name: _parameters(reader) for name, reader in readers.items()}
        own = _parameters(command)
        every = [each for name, one in own.items() for each in bundles.get(name, {name: one}).values()]

        @functools.wraps(command)
        def run(**told: Any) -> None:
            parts = {name: {option: told.pop(option) for option in options} for name, options in bundles.items()}
            command(**told, **{name: readers[name](**part) for name, part in parts.items()})

        # Typer reads these two
        run.__signature__ = inspect.Signature(every)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in every}
        return run

    return decorate


def _parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the parameters of a function by name, with annotations that are no text any more."""
    # what bundles become is not imported: that would load what --help has no use for
    hints = get_type_hints(function, localns=dict.fromkeys(MADE, object), include_extras=True)
    named = inspect.signature(function).parameters.values()
    return {each.name: each.replace(annotation=hints[each.name], kind=each.KEYWORD_ONLY) for each in named}


def resources(
    workers: o.Workers = None,
    cpus_per_fit: o.CpusPerFit = 1,
    memory_per_fit: o.MemoryPerFit = None,
    allow_versions: o.AllowVersions = False,
) -> Resources:
    """Return what of the cluster a job uses."""
    from raysk.jobs import Resources
    from raysk.util.values import parse_size

    memory = None if memory_per_fit is None else parse_size(memory_per_fit, "--memory-per-fit")
    return Resources(workers=workers, cpus_per_fit=cpus_per_fit, memory_per_fit=memory, allow_versions=allow_versions)


def limits(
    time_budget: o.TimeBudget = None,
    fit_timeout: o.FitTimeout = None,
    stop_at: o.StopAt = None,
    patience: o.Patience = None,
    max_failures: o.MaxFailures = None,
    refit_on_stop: o.RefitOnStop = False,
) -> Limits:
    """Return when a search ends early; its time is counted from now."""
    from raysk.jobs import Limits
    from raysk.util.values import parse_duration

    budget = None if time_budget is None else parse_duration(time_budget, "--time-budget")
    return Limits(
        time_budget_s=budget,
        fit_timeout_s=None if fit_timeout is None else parse_duration(fit_timeout, "--fit-timeout"),
        stop_at=stop_at,
        patience=patience,
        max_failures=max_failures,
        require_score=True,
        refit_on_stop=refit_on_stop,
    ).begun()


def kept_search(
    output: o.Output = None,
    results: o.Results = None,
    run_dir: o.RunDir = None,
    resume: o.Resume = None,
    resume_anyway: o.ResumeAnyway = False,
    force: o.Force = False,
) -> Outputs:
    """Return where a search is kept."""
    from raysk.errors import UsageError
    from raysk.runner.outputs import Outputs
    from raysk.runs.which import find_search

    if run_dir is not None and resume is not None:
        raise UsageError("--run-dir makes a new run, --resume goes on with an earlier one. Leave one of the two out.")
    if resume_anyway and resume is None:
        raise UsageError("--resume-anyway needs a run to go on with. Name it: --resume RUN")
    earlier = None if resume is None else find_search(resume)
    return Outputs(output=output, results=results, run_dir=run_dir, resume=earlier, anyway=resume_anyway, force=force)


def kept_fit(output: o.Output = None, run_dir: o.RunDir = None, force: o.Force = False) -> Outputs:
    """Return where a fit is kept."""
    from raysk.runner.outputs import Outputs

    return Outputs(output=output, run_dir=run_dir, force=force)


def given_data(
    data: d.Data = None,
    format_: d.Format = None,
    sep: d.Sep = None,
    decimal: d.Decimal = ".",
    target: d.Target = None,
    features: d.Features = None,
    drop: d.Drop = None,
    groups: d.Groups = None,
    weight: d.Weight = None,
    id_col: d.IdCol = None,
    dates: d.Dates = None,
    categorical: d.Categorical = None,
    as_frame: d.AsFrame = False,
) -> Given | None:
    """Return what the options of the panel "Data" say, or None without ``--data``."""
    from raysk.data.reading import Columns, Dialect, Given

    columns = Columns(
        target=tuple(target or ()),
        features=tuple(features or ()),
        drop=tuple(drop or ()),
        groups=groups,
        weight=weight,
        id_col=id_col,
        dates=tuple(dates or ()),
        categorical=tuple(categorical or ()),
    )
    dialect = Dialect(sep=sep, decimal=decimal)
    return Given.of(data, format=format_, dialect=dialect, columns=columns, as_frame=as_frame)


def hold_out(test_size: d.TestSize = None, test_data: d.TestData = None) -> HoldOut | None:
    """Return what is held out of the data, or None if only the file may say so."""
    from raysk.request.held_out import HoldOut

    return HoldOut.of(test_size, test_data)


def fit_overrides(set_: o.Set = None, set_str: o.SetStr = None, seed: o.Seed = None) -> Overrides:
    """Return what the options say over an estimator of the person's."""
    from raysk.request.overrides import Overrides

    return Overrides(set=tuple(set_ or ()), set_str=tuple(set_str or ()), seed=seed)


def search_overrides(
    n_iter: o.NIter = None,
    cv: o.Cv = None,
    scoring: o.Scoring = None,
    seed: o.Seed = None,
    space: o.Space = None,
    set_: o.Set = None,
    set_str: o.SetStr = None,
    no_refit: o.NoRefit = False,
) -> Overrides:
    """Return what the options say over a search of the person's."""
    from raysk.request.overrides import Overrides

    texts = {"set": tuple(set_ or ()), "set_str": tuple(set_str or ()), "space": tuple(space or ())}
    return Overrides(n_iter=n_iter, cv=cv, scoring=scoring, seed=seed, refit=not no_refit, **texts)
