"""Options that say when a search ends early."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from raysk.jobs import Limits


@dataclass(frozen=True, kw_only=True)
class FitLimit:
    """When a fit is given up."""

    fit_timeout: Annotated[
        str | None,
        typer.Option(
            envvar="RAYSK_FIT_TIMEOUT",
            metavar="TIME",
            help="Give up a fit that takes longer than this, such as 60s. The fit counts as failed.",
        ),
    ] = None

    def limits(self) -> "Limits":
        """Return the limits of a job whose time is counted from now."""
        from raysk.jobs import Limits
        from raysk.util.values import parse_duration

        return Limits(
            fit_timeout_s=None if self.fit_timeout is None else parse_duration(self.fit_timeout, "--fit-timeout")
        ).begun()


@dataclass(frozen=True, kw_only=True)
class EndOptions(FitLimit):
    """When a search ends early."""

    time_budget: Annotated[
        str | None,
        typer.Option(
            envvar="RAYSK_TIME_BUDGET",
            metavar="TIME",
            help="End the search after this time, such as 90s, 30m or 1h30m. Finished fits count, and the best "
            "candidate is refitted. See: raysk guide limits.",
        ),
    ] = None
    stop_at: Annotated[
        float | None,
        typer.Option(
            metavar="SCORE",
            help="End the search when the mean test score of a candidate reaches this. As in scikit-learn, greater is "
            "better.",
        ),
    ] = None
    patience: Annotated[
        int | None,
        typer.Option(
            envvar="RAYSK_PATIENCE",
            metavar="N",
            help="End the search when N candidates in a row were no better than the best.",
        ),
    ] = None
    max_failures: Annotated[
        int | None,
        typer.Option(
            envvar="RAYSK_MAX_FAILURES",
            metavar="N",
            help="Give up the search, with exit code 1, when more than N fits failed. Finished fits count.",
        ),
    ] = None

    def limits(self) -> "Limits":
        """Return the limits of a search whose time is counted from now."""
        from raysk.util.values import parse_duration

        return replace(
            super().limits(),
            time_budget_s=None if self.time_budget is None else parse_duration(self.time_budget, "--time-budget"),
            stop_at=self.stop_at,
            patience=self.patience,
            max_failures=self.max_failures,
            require_score=True,
        )


@dataclass(frozen=True, kw_only=True)
class LimitOptions(EndOptions):
    """When a search ends early, and what happens then."""

    refit_on_stop: Annotated[
        bool,
        typer.Option(
            "--refit-on-stop",
            envvar="RAYSK_REFIT_ON_STOP",
            metavar="",
            help="Refit the best candidate so far even after Ctrl-C, SIGTERM or too many failures. A second Ctrl-C "
            "ends at once.",
        ),
    ] = False

    def limits(self) -> "Limits":
        """Return the limits of a search whose time is counted from now."""
        return replace(super().limits(), refit_on_stop=self.refit_on_stop)
