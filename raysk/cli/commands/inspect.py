"""``raysk inspect``, and ``--dry-run`` of the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from raysk.cli.options.data import DataOptions
from raysk.cli.options.job import File  # noqa: TC001 - Typer reads the annotations
from raysk.cli.options.output import Debug, Json  # noqa: TC001 - Typer reads the annotations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from raysk.cli.streams import DataOut
    from raysk.data.reading import DataSource
    from raysk.history.ranks import Candidate
    from raysk.jobs import FitJob, SearchJob
    from raysk.runner.where import Where
    from raysk.source.objects import SourceObjects


@dataclass(frozen=True, kw_only=True)
class Inspect(DataOptions):
    """Show the contents of FILE and the job that would run, without starting Ray.

    For example:

      raysk inspect spec.py

      raysk inspect 'sklearn.svm:SVC(C=10)'

      raysk inspect model.pkl | jq .estimator

      raysk inspect 'sklearn.svm:SVC()' --data train.csv --target price
    """

    file: File
    as_json: Json = False
    debug: Debug = False

    def run(self) -> None:
        """Describe the file and its job."""
        from raysk.cli.streams import data_stdout

        given = self.given()
        with data_stdout() as out:
            show(out, self.file, as_json=self.as_json, given=given)


def show(
    out: DataOut,
    file: str,
    where: Where | None = None,
    *,
    as_json: bool,
    make_job: Callable[[SourceObjects], FitJob | SearchJob] | None = None,
    given: DataSource | None = None,
    quiet: bool = False,
    plan: str | None = None,
    outer: int | None = None,
    candidate: Candidate | None = None,
) -> None:
    """Write what is found in a file and what would run to stdout; fails as the job would if it could not be made.

    With a job, also what it would do: `plan` is what ``--dry-run`` says, `outer` the number of outer folds, and
    `candidate` the one of an earlier run whose parameters are fitted.
    """
    from raysk.cli.options.job import TIME
    from raysk.cli.view.live import View
    from raysk.cli.view.summary import show_summary
    from raysk.request import assemble
    from raysk.runner.run import read_file
    from raysk.source import loader
    from raysk.util.words import pairs

    with View(quiet=quiet, still=True).running() as view:
        if make_job is None or where is None:
            found, job = loader.load(file), None
        else:
            found, job = read_file(file, make_job, where)
        if found.remark is not None:
            view.say(found.remark)
        facts = {**assemble.describe(found, given=given, job=job), "plan": None}
        if job is not None and where is not None:
            from raysk.runner.dry_run import plan_job

            facts["plan"] = plan_job(job, where, outer=outer, is_timed=plan == TIME, sink=view)
    rows = list(_rows(facts))
    if candidate is not None:
        rows.insert(0, ("candidate", f"{candidate.described}: {', '.join(pairs(candidate.params))}"))
        facts["candidate"] = candidate.as_record()
    show_summary(out, {"schema": 1, **facts}, as_json=as_json, rows=rows)


def _rows(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Flatten nested facts into rows, leaving out what is not known."""
    from raysk.cli.view.plan import plan_rows
    from raysk.util.names import short_names
    from raysk.util.words import join_names

    for name, value in facts.items():
        if name == "plan" and value is not None:
            yield from (row for row in plan_rows(value, (facts["search"] or {}).get("rounds")) if row[1])
            continue
        if name == "parameters" and "space" in facts:  # how many values there are; a person reads which
            continue
        if name == "space":
            yield from ((f"space {short}", value[whole]) for whole, short in short_names(value).items())
            continue
        if name == "rounds" and value is not None:
            yield f"{prefix}{name}", ", ".join(f"{each['candidates']:,} x {each['resources']:,}" for each in value)
        elif isinstance(value, dict):
            yield from _rows(value, f"{prefix}{name} ")
        elif value is not None and value != []:
            text = join_names(map(str, value)) if isinstance(value, list | tuple) else str(value)
            yield f"{prefix}{name}", text[:12] if name.endswith("_hash") else text
