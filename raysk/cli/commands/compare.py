"""``raysk compare``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from raysk.cli.options.output import Debug, Json  # noqa: TC001 - Typer reads the annotations
from raysk.errors import UsageError

FEWEST = 2


@dataclass(frozen=True, kw_only=True)
class Compare:
    """Compare the best candidates of runs, and show in what the runs differ.

    The first run is what the others are compared with. Where splits are of the same rows, the difference is that of
    each split: its mean, and the standard error of that, corrected for the training rows that splits share.

    For example:

      raysk compare svc-20260101-120000 latest

      raysk compare raysk-runs/a raysk-runs/b raysk-runs/c

      raysk compare latest latest#2

      raysk compare a b | jq .differences
    """

    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN RUN...", help="Folders or names of runs, or latest. RUN#2 is the second candidate of one."
        ),
    ]
    as_json: Json = False
    debug: Debug = False

    def run(self) -> None:
        """Read the runs, and show them side by side."""
        from raysk.cli.streams import data_stdout
        from raysk.cli.view.comparison import show_comparison
        from raysk.history.comparison import compare_runs
        from raysk.util.jsonable import to_json

        if len(self.runs) < FEWEST:
            raise UsageError(
                f"One run, {self.runs[0]}: there is nothing to compare it with.\nName two or more; see: raysk runs"
            )
        with data_stdout() as out:
            comparison = compare_runs(*self.runs)
            if self.as_json or not out.is_for_a_person:
                out.write_line(to_json(comparison.as_object()))
            else:
                show_comparison(out, comparison)
