"""``raysk init``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from raysk.cli.options.data import DataOptions
from raysk.cli.options.output import Debug, Force, Json  # noqa: TC001 - Typer reads the annotations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from raysk.starter import Draft


@dataclass(frozen=True, kw_only=True)
class Init(DataOptions):
    """Write a first file that runs as it is: spec.py, model.py, pipeline.py or notebook.ipynb.

    With --data it is written for that table: its columns by what they hold, a model and values to search that suit.

    For example:

      raysk init

      raysk init --data train.csv -y churned

      raysk init notebook --data houses.parquet -y price --drop comment -o houses.ipynb

      raysk init fit -o - | less
    """

    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="search: a search of parameters. fit: one model. pipeline: the parts of both, by name. notebook: a "
            "search in a notebook.",
            show_default=True,
        ),
    ] = "search"
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="PATH", help="Path of the file. The default depends on KIND; - writes to stdout."
        ),
    ] = None
    force: Force = False
    as_json: Json = False
    debug: Debug = False

    def run(self) -> None:
        """Write the file, and say what to type next."""
        from raysk.cli.streams import data_stdout
        from raysk.cli.view.summary import show_summary
        from raysk.runner.outputs import is_stdout
        from raysk.runs.overwriting import refuse_existing
        from raysk.starter import draft, file_name
        from raysk.util.writing import check_output, encoded, write_bytes

        given, name = self.given(), file_name(self.kind)
        path = None if is_stdout(self.output) else self.output or Path(name)
        if path is not None:
            check_output(path, kinds=[Path(name).suffix])
            refuse_existing([path], force=self.force)
        with data_stdout() as out:
            made = draft(self.kind, given, name if path is None else str(path))
            if path is None:
                out.write_line(made.text.rstrip("\n"))
                return
            write_bytes(path, encoded(made.text), new=not self.force)
            facts = {"schema": 1, "file": str(path), **made.facts, "next": made.next}
            show_summary(out, facts, as_json=self.as_json, rows=list(_rows(str(path), made)))


def _rows(path: str, made: Draft) -> Iterator[tuple[str, str]]:
    """Yield what a person wants to know."""
    from raysk.util.words import join_names, printable

    facts = made.facts
    yield "wrote", path
    if facts["target"] is not None:
        yield "predicts", f"{printable(facts['target'])} ({facts['task']}, scored by {facts['scoring']})"
        yield from ((kind, join_names(names)) for kind, names in facts["columns"].items() if names)
    if facts["left_out"]:
        yield "left out", "\n".join(f"{printable(name)}: {reason}" for name, reason in facts["left_out"].items())
    yield "next", made.next
