"""Options that go on from the candidates of an earlier run."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from raysk.errors import UsageError

if TYPE_CHECKING:
    from raysk.history.ranks import Candidate
    from raysk.history.seeds import Seeds
    from raysk.runs.folder import RunFolder


@dataclass(frozen=True, kw_only=True)
class ParamsOption:
    """The candidate whose parameters are set before a fit."""

    params: Annotated[
        str | None,
        typer.Option(
            metavar="RUN[#RANK]",
            help="Set the parameters of a candidate of an earlier search: its folder or name, or latest. The best "
            "one, or that of a rank: latest#2. --set wins over it.",
        ),
    ] = None

    def candidate(self) -> "Candidate | None":
        """Return the candidate; None where no run is named."""
        from raysk.history.ranks import candidate_of

        return None if self.params is None else candidate_of(self.params, option="--params")


@dataclass(frozen=True, kw_only=True)
class SeedOptions:
    """The candidates that a search tries first."""

    seed_from: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="Try the best candidates of an earlier search first: its folder or name, or latest. A random search "
            "draws fewer then. See: raysk guide results.",
            rich_help_panel="Method",
        ),
    ] = None
    seed_top: Annotated[
        int | None,
        typer.Option(metavar="N", help="How many of them; the default is 10.", rich_help_panel="Method"),
    ] = None

    def seeds(self, earlier: "RunFolder | None") -> "Seeds | None":
        """Return the candidates; None where no run is named.

        A run that goes on has those that it began with, unless others are asked for now.
        """
        if self.seed_top is not None and self.seed_from is None:
            raise UsageError("--seed-top says how many candidates of an earlier run. Name it: --seed-from RUN")
        if self.seed_top is not None and self.seed_top < 1:
            raise UsageError(f"--seed-top {self.seed_top}: at least 1 candidate is needed.")
        if self.seed_from is None and earlier is None:
            return None
        from raysk.history.ranks import TOP
        from raysk.history.seeds import Seeds

        kept = None if earlier is None else Seeds.kept_by(earlier)
        if self.seed_from is None or (kept and (kept.text, kept.top) == (self.seed_from, self.seed_top or TOP)):
            return kept
        return Seeds.of(self.seed_from, self.seed_top)
