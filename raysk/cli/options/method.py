"""Options that say how a search chooses its candidates."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from raysk.request.method import Method

option = partial(typer.Option, rich_help_panel="Method")


@dataclass(frozen=True, kw_only=True)
class MethodOptions:
    """How a search chooses its candidates."""

    method_name: Annotated[
        str | None,
        option(
            "--method",
            metavar="NAME",
            help="Choose candidates by halving (scikit-learn's successive halving), or by tpe (optuna's TPE). The "
            "default is what the file says: a grid, or at random. See: raysk guide less-work.",
        ),
    ] = None
    resource: Annotated[
        str | None,
        option(
            metavar="NAME",
            help="Halving: what grows from round to round, n_samples or a parameter such as n_estimators.",
        ),
    ] = None
    factor: Annotated[
        float | None,
        option(metavar="N", help="Halving: 1 of N candidates stays in each round, with N times the resource."),
    ] = None
    min_resources: Annotated[
        str | None,
        option(metavar="N", help="Halving: resource of the first round, a number, or smallest or exhaust."),
    ] = None
    max_resources: Annotated[
        int | None,
        option(
            metavar="N",
            help="Halving: resource of the last round. The default is all rows, or the estimator's own value.",
        ),
    ] = None
    lag: Annotated[
        int | None,
        option(metavar="N", help="TPE: number of candidates fitted at a time. The default is 10, for any cluster."),
    ] = None

    def method(self) -> "Method":
        """Return how candidates are chosen."""
        from raysk.request.method import Method

        return Method(
            name=self.method_name,
            resource=self.resource,
            factor=self.factor,
            min_resources=self.min_resources,
            max_resources=self.max_resources,
            lag=self.lag,
        )
