"""The panel "Shortcuts": which fits of a search need not be done."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from raysk.jobs import Shortcuts

option = partial(typer.Option, rich_help_panel="Shortcuts")


@dataclass(frozen=True, kw_only=True)
class ShortcutOptions:
    """Which fits of a search need not be done."""

    prune: Annotated[
        str | None,
        option(
            envvar="RAYSK_PRUNE",
            metavar="HOW",
            help="Give up candidates before all their fits are done. exact: those that cannot win. forgiving, race: "
            "those that hardly will. See: raysk guide less-work.",
        ),
    ] = None
    score_max: Annotated[
        float | None,
        option(metavar="SCORE", help="The largest value of your own metric, for --prune exact."),
    ] = None
    no_sharing: Annotated[
        bool,
        option(
            "--no-sharing",
            envvar="RAYSK_NO_SHARING",
            metavar="",
            help="Do every fit by itself, even where its result is certain from another one.",
        ),
    ] = False
    cache_memory: Annotated[
        str | None,
        option(
            envvar="RAYSK_CACHE_MEMORY",
            metavar="SIZE",
            help="Memory of each worker for fitted pipeline steps, such as 500MB. Default: a quarter of its share.",
        ),
    ] = None

    def shortcuts(self) -> "Shortcuts":
        """Return which fits need not be done."""
        from raysk.jobs import Shortcuts
        from raysk.util.values import parse_size

        cache_bytes = None if self.cache_memory is None else parse_size(self.cache_memory, "--cache-memory")
        return Shortcuts(
            sharing=not self.no_sharing, cache_bytes=cache_bytes, prune=self.prune, score_max=self.score_max
        )
