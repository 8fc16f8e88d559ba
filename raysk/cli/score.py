"""``raysk score``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from raysk.cli import options as o  # noqa: TC001 - Typer reads the annotations
from raysk.errors import InputError, UsageError
from raysk.jobs import Resources

if TYPE_CHECKING:
    from raysk.cli.loaded import Loaded
    from raysk.jobs import Data


def score(
    model: o.Model,
    data: o.Table,
    target: o.Target = None,
    scoring: o.Metrics = None,
    trust: o.Trust = None,
    format_: o.Format = None,
    features: o.Features = None,
    drop: o.Drop = None,
    weight: o.Weight = None,
    address: o.WorkersAddress = None,
    workers: o.Workers = None,
    cpus_per_fit: o.CpusPerFit = 1,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    debug: o.Debug = False,  # noqa: ARG001 - read by main
) -> None:
    """Score a fitted MODEL on the rows of DATA.

    For example:

      raysk score model.pkl test.csv --target y | jq .scores

      raysk score model.pkl test.parquet --target y --scoring accuracy,f1_macro

      raysk score model.pkl sklearn:digits --address auto
    """
    from raysk.cli.loaded import Loaded, workers_at
    from raysk.cli.render import View, show_summary
    from raysk.cli.streams import data_stdout
    from raysk.plans.rows import predicting_on_pool
    from raysk.spec.data import Columns
    from raysk.spec.formats import check_format
    from raysk.spec.overrides import metric_names

    if model == data == "-":
        raise UsageError("The model and the data cannot both come from stdin. Name a file for one of them.")
    check_format(format_)
    names = [] if scoring is None else metric_names(scoring)
    columns = Columns(target=tuple(target or ()), features=tuple(features or ()), drop=tuple(drop or ()), weight=weight)
    resources = Resources(workers=workers, cpus_per_fit=cpus_per_fit)
    with data_stdout() as out:
        begin, view = time.perf_counter(), View(quiet=quiet, verbose=verbose)
        with workers_at(address, resources, view, worker_output=verbose) as start, view.running():
            loaded = Loaded(model, trust or ())
            held = _data(loaded, data, format_, columns)
            asked = loaded.model if start is None else predicting_on_pool(loaded.pool_of(start), loaded.model)
            scores = _scores(loaded, asked, held, names, data)
        summary = {"schema": 1, "model": model, "data": data, "estimator": loaded.kind, "rows": int(held.X.shape[0])}
        summary |= {"scores": scores, "time_s": time.perf_counter() - begin}
        show_summary(out, summary, as_json=as_json, rows=_rows(summary))


def _data(loaded: Loaded, text: str, format_: str | None, columns: Any) -> Data:
    """Read the whole table, labels as the model knows them."""
    from raysk.spec.checks import check_target
    from raysk.spec.data import TEXT, read_table

    dtypes = dict(loaded.features.dtypes)
    if getattr(getattr(loaded.model, "classes_", None), "dtype", None) is not None:
        kind = loaded.model.classes_.dtype.kind
        dtypes |= dict.fromkeys(columns.target, TEXT) if kind in "OUS" else {}
    table = read_table(text, format=format_, dtypes=dtypes)
    held = loaded.split(table, columns)
    if held.y is None:
        check_target(loaded.model, table)
    return held


def _scores(loaded: Loaded, model: Any, data: Data, names: list[str], text: str) -> dict[str, float]:
    """Return each metric's value; the model's own ``score`` where none is named."""
    from sklearn.metrics import check_scoring

    from raysk.cli.render import what_was_raised

    weight = data.fit_params.get("sample_weight")
    more = {} if weight is None else {"sample_weight": weight}
    with loaded.refusing(text):
        if not names:
            return {"score": float(model.score(data.X, data.y, **more))}
        found = check_scoring(model, scoring=names, raise_exc=False)(model, data.X, data.y, **more)
    for name, value in found.items():
        if isinstance(value, str):  # what it raised
            raised = what_was_raised(value)[:300]
            raise InputError(f"--scoring {name}: it cannot be computed for this {loaded.kind} and {text}.\n{raised}")
    return {name: float(value) for name, value in found.items()}


def _rows(summary: dict[str, Any]) -> list[tuple[str, str]]:
    scores = [(name, f"{value:.6g}") for name, value in summary["scores"].items()]
    return [*scores, ("rows", f"{summary['rows']:,}")]
