"""What every fit of a search needs, and how one is done on a worker.

Shared once for a search, data and function in one object: each object costs every worker a look into the store.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from sklearn import clone, config_context, get_config

from raysk._compat import sklearn as sklearn_private
from raysk.errors import error_text
from raysk.plans import relayed_warnings
from raysk.plans.contained_fits import fit_family
from raysk.plans.growing import Nursery
from raysk.plans.schedule import ProposedFit, fits_of
from raysk.plans.shared_steps import NoSharing, SharedSteps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from raysk.plans.contained_fits import Copy
    from raysk.plans.schedule import Unit

Done: TypeAlias = "tuple[dict[str, Any], Sequence[Any]]"
"""The result of a fit, and the warnings that it gave."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Fits and scores candidates on splits.

    Parameters
    ----------
    arguments : mapping of str to object
        Those of scikit-learn's own function that all fits have in common, but for the next three.
    estimator : estimator
        Cloned for every fit.
    X, y : array-like
        All rows.
    config, filters : mapping, list
        scikit-learn's configuration and Python's warning filters, as they are in the driver.
    nursery : Nursery
        On a worker: the forests of the round before, if the round's go on from them.
    """

    arguments: Mapping[str, Any]
    estimator: Any
    X: Any
    y: Any
    config: Mapping[str, Any]
    filters: Sequence[Any]
    nursery: Nursery = field(default_factory=Nursery)

    @classmethod
    def of(cls, search: Any, estimator: Any, data: tuple[Any, Any], routed: Any, scorers: Any) -> Evaluation:
        """Return what the fits of a search need; the parameters are those of the search plan's."""
        arguments = {
            "scorer": scorers,
            "fit_params": routed.estimator.fit,
            "score_params": routed.scorer.score,
            "return_train_score": search.return_train_score,
            "return_n_test_samples": True,
            "return_times": True,
            "return_parameters": False,
            "return_estimator": getattr(search, "return_estimator", False),
            "error_score": search.error_score,
            "verbose": search.verbose,
        }
        X, y = data
        here = {"config": get_config(), "filters": list(warnings.filters)}
        return cls(arguments=arguments, estimator=estimator, X=X, y=y, **here)

    @property
    def fit_params(self) -> Mapping[str, Any]:
        """What goes to the estimator's ``fit`` besides X and y."""
        return self.arguments["fit_params"]  # type: ignore[no-any-return]

    def _fresh(self) -> Any:
        """Return an estimator for a fit to set its parameters on."""
        return clone(self.estimator)

    def __call__(self, round_: tuple[Any, ...], units: Sequence[Unit]) -> Iterator[Done | tuple[Done, ...]]:
        """Do these units of a round.

        It has candidates; splits; where forests go on, the chain of each candidate; and a cache, or None, for the steps
        that candidates have in common.

        Yields scikit-learn's result and the warnings of each fit, of a unit of several fits as many in a tuple. A
        result has besides, where a scorer raised, what it raised: one line, as ``score_error``; ``is_copy``, if it is
        that of a fit cut to size; and ``steps_shared``, how many steps were not fitted again.
        """
        candidates, splits, chains, cache = round_
        self.nursery.keep_only(chains)
        steps = NoSharing() if cache is None else SharedSteps(cache, self.arguments["scorer"])
        complaints: list[str] = []
        fit_and_score, scorer = sklearn_private.fit_and_score(
            self.arguments["scorer"], complaints.append, steps.take_split
        )

        def arguments_of(fit: int) -> dict[str, Any]:
            candidate, split = divmod(fit, len(splits))
            train, test = splits[split]
            return {
                **self.arguments,
                "scorer": scorer,
                "train": train,
                "test": test,
                "parameters": fit.params if isinstance(fit, ProposedFit) else candidates[candidate],
                "split_progress": (split, len(splits)),
                "candidate_progress": (candidate, len(candidates)),
            }

        def do(fit: int, copy: Copy | None = None) -> Done:
            estimator = self._fresh()
            if copy:
                estimator = copy.stand_in(estimator)
            elif chains:
                candidate, split = divmod(fit, len(splits))
                estimator = self.nursery.stand_in(estimator, (chains[candidate], split))
            result = fit_and_score(estimator, self.X, self.y, **arguments_of(fit))
            if copy:
                result |= {"fit_time": copy.fit_time, "is_copy": True}
            if complaints:
                result["score_error"] = error_text(complaints[0])
                complaints.clear()
            if steps.reused:
                result["steps_shared"], steps.reused = steps.reused, 0
            return result, relayed_warnings.pop_warnings(heard) if heard else ()

        def do_family(fits: tuple[int, ...]) -> tuple[Done, ...]:
            members = [candidates[fit // len(splits)] for fit in fits]
            arguments = arguments_of(fits[0])
            copies = fit_family(self._fresh, self.X, self.y, members, arguments, steps.take_split)
            return tuple(map(do, fits, copies))

        with config_context(**self.config), relayed_warnings.listening(self.filters) as heard:
            for unit in units:
                with steps.on_split(fits_of(unit)[0] % len(splits)):
                    done = do_family(unit) if isinstance(unit, tuple) else do(unit)
                yield done
