"""``raysk score``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raysk.cli.options import data as d  # noqa: TC001 - Typer reads the annotations
from raysk.cli.options import shared as o  # noqa: TC001 - Typer reads the annotations
from raysk.cli.options.bundles import bundled

if TYPE_CHECKING:
    from raysk.jobs import ScoreJob


def score_job(
    model: d.Model,
    data: d.Table,
    target: d.Target = None,
    scoring: d.Metrics = None,
    trust: d.Trust = None,
    format_: d.Format = None,
    sep: d.Sep = None,
    decimal: d.Decimal = ".",
    features: d.Features = None,
    drop: d.Drop = None,
    weight: d.Weight = None,
) -> ScoreJob:
    """Return what is to be scored, and how."""
    from raysk.data.dialect import Dialect
    from raysk.data.formats import check_format
    from raysk.jobs import ScoreJob
    from raysk.request.overrides import metric_names
    from raysk.runs.targets import check_apart
    from raysk.runs.which import find_model

    check_format(format_)
    dialect = Dialect(sep=sep, decimal=decimal)
    check_apart({}, {"MODEL": model, "DATA": data})
    return ScoreJob(
        model=find_model(model, "raysk score"),
        named=model,
        data=data,
        trust=tuple(trust or ()),
        input_format=format_,
        sep=dialect.sep,
        decimal=dialect.decimal,
        features=tuple(features or ()),
        drop=tuple(drop or ()),
        target=tuple(target or ()),
        weight=weight,
        metrics=() if scoring is None else tuple(metric_names(scoring)),
    )


@bundled(job=score_job)
def score(
    job: ScoreJob,
    address: d.WorkersAddress = None,
    workers: o.Workers = None,
    cpus_per_fit: o.CpusPerFit = 1,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    debug: o.Debug = False,  # noqa: ARG001 - read by main
) -> None:
    """Score a fitted MODEL on the rows of DATA.

    Without --target, it is the column that MODEL was fitted to predict, where its description and DATA have it.

    For example:

      raysk score model.pkl test.csv --target y | jq .scores

      raysk score model.pkl test.parquet --target y --scoring accuracy,f1_macro

      raysk score latest sklearn:digits --address auto
    """
    from raysk.cli.streams import data_stdout
    from raysk.cli.view.live import View
    from raysk.cli.view.summary import show_summary
    from raysk.jobs import Resources
    from raysk.runner import score as runner
    from raysk.runner.where import Where

    resources = Resources(workers=workers, cpus_per_fit=cpus_per_fit)
    where = None if address is None else Where(address=address, resources=resources, worker_output=verbose)
    with data_stdout() as out:
        with View(quiet=quiet, verbose=verbose).running() as view:
            scored = runner.score(job, where, view)
        summary = {"schema": 1, "model": job.model, "data": job.data, **vars(scored)}
        show_summary(out, summary, as_json=as_json, rows=_rows(summary))


def _rows(summary: dict[str, Any]) -> list[tuple[str, str]]:
    scores = [(name, f"{value:.6g}") for name, value in summary["scores"].items()]
    return [*scores, ("rows", f"{summary['rows']:,}")]
