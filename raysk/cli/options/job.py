"""Options that choose the job: FILE, and changes to the objects in it."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from raysk.cli.options.method import MethodOptions
from raysk.errors import UsageError
from raysk.util.words import printable

if TYPE_CHECKING:
    from raysk.request.overrides import Overrides

PLAN, TIME = "plan", "time"
"""What ``--dry-run`` shows: what would run, which it means without a value; or also how long that takes."""


def check_dry_run(value: str | None) -> str | None:
    """Fail unless a value of ``--dry-run`` is one that there is."""
    if value not in {None, PLAN, TIME}:
        raise UsageError(f"--dry-run={printable(value)}: say --dry-run, or --dry-run={TIME}.")
    return value


File = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="Python file, notebook or pickle: PATH[:NAME], package.module:NAME, or PATH:factory(arg=1).",
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Set a parameter of the estimator; repeatable."),
]
SetStr = Annotated[
    list[str] | None,
    typer.Option(
        "--set-str", metavar="NAME=TEXT", help="Set a parameter to this text, without interpreting it; repeatable."
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(envvar="RAYSK_SEED", metavar="N", help="Set every random_state of the estimator and the search."),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        envvar="RAYSK_STRICT",
        metavar="",
        help="Exit with 5 if fits failed, or with 124 if the time budget ended the search.",
    ),
]
Folds = Annotated[int | None, typer.Option("--cv", envvar="RAYSK_CV", metavar="K", help="Number of folds.")]
TrainScore = Annotated[
    bool,
    typer.Option("--train-score", metavar="", help="Also score each model on the rows that it was fitted on."),
]
DryRun = Annotated[
    str | None,
    typer.Option(
        "--dry-run",
        metavar="[=time]",
        help="Show what would run, and stop. With =time, also estimate how long it takes, from a few timed fits.",
        callback=check_dry_run,
    ),
]


@dataclass(frozen=True, kw_only=True)
class FitOverrides:
    """Options that change an estimator."""

    set_: Set = None
    set_str: SetStr = None
    seed: Seed = None

    def overrides(self) -> "Overrides":
        """Return the changes to make to a copy of the estimator."""
        from raysk.request.overrides import Overrides

        return Overrides(set=tuple(self.set_ or ()), set_str=tuple(self.set_str or ()), seed=self.seed)


@dataclass(frozen=True, kw_only=True)
class FitFlags:
    """What is done with the estimator besides, or instead."""

    dry_run: DryRun = None
    score: Annotated[bool, typer.Option("--score", metavar="", help="Also score the model on its training data.")] = (
        False
    )


@dataclass(frozen=True, kw_only=True)
class SearchChanges(MethodOptions):
    """Options that change a search, whatever becomes of its best candidate."""

    n_iter: Annotated[
        int | None,
        typer.Option(envvar="RAYSK_N_ITER", metavar="N", help="Number of candidates that a random search draws."),
    ] = None
    cv: Folds = None
    scoring: Annotated[
        str | None,
        typer.Option(
            envvar="RAYSK_SCORING",
            metavar="NAME[,NAME]",
            help="Metric. The first of several decides which candidate is best.",
        ),
    ] = None
    seed: Seed = None
    space: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUES",
            help="Search this parameter: C=loguniform:1e-3:1e3, gamma=logspace:-3:3:7, kernel=rbf,linear; repeatable.",
        ),
    ] = None
    set_: Set = None
    set_str: SetStr = None
    select: Annotated[
        str | None,
        typer.Option(
            envvar="RAYSK_SELECT",
            metavar="RULE",
            help="Which candidate is refitted. best: the one with the best score. 1se: the simplest one within one "
            "standard error of it. See: raysk guide less-work.",
        ),
    ] = None
    select_by: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[,NAME]",
            help="What makes a candidate simple, for --select 1se: a small value of NAME, or a large one of -NAME. The "
            "default is a short time to fit.",
        ),
    ] = None

    def overrides(self) -> "Overrides":
        """Return the changes to make to a copy of the search."""
        from raysk.request.overrides import Overrides

        return Overrides(
            n_iter=self.n_iter,
            cv=self.cv,
            scoring=self.scoring,
            seed=self.seed,
            space=tuple(self.space or ()),
            set=tuple(self.set_ or ()),
            set_str=tuple(self.set_str or ()),
            method=self.method(),
            select=self.select,
            select_by=tuple(name.strip() for name in (self.select_by or "").split(",") if name.strip()),
        )


@dataclass(frozen=True, kw_only=True)
class SearchOverrides(SearchChanges):
    """Options that change a search."""

    no_refit: Annotated[
        bool, typer.Option("--no-refit", metavar="", help="Do not fit the best candidate on all data.")
    ] = False

    def overrides(self) -> "Overrides":
        """Return the changes to make to a copy of the search."""
        return replace(super().overrides(), refit=not self.no_refit)
