"""The conversation with optuna's TPE: it is asked for candidates and told their scores, and stores nothing."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from raysk.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from raysk.searches.space import Position, Space

RANDOM_FIRST = 10
"""TPE proposes at random until it knows the scores of so many candidates: optuna's own default."""

REPEATS = 10
"""So often TPE is asked again in place of a candidate that it proposed before; then an untried one is drawn."""


def import_optuna() -> Any:
    """Return the module.

    Raises
    ------
    InputError
        If it is not installed, with the command that installs it.
    """
    try:
        import optuna
    except ImportError as error:
        raise InputError(
            "A search by TPE needs optuna, which is not installed here.\nInstall it with: pip install 'raysk[optuna]'"
        ) from error
    return optuna


class Proposals:
    """Candidates that TPE proposes, one after the other.

    Of a finite space no candidate is proposed twice.

    Parameters
    ----------
    space : Space
    seed : int
        Equal seeds, and equal scores told at the same points, give equal candidates.
    """

    def __init__(self, space: Space, seed: int) -> None:
        self._optuna = import_optuna()
        self._space, self._is_finite = space, space.size is not None
        with self._quietly():
            sampler = self._optuna.samplers.TPESampler(seed=seed, n_startup_trials=RANDOM_FIRST)
            self._study = self._optuna.create_study(sampler=sampler, direction="maximize")
        self._rng = np.random.RandomState(seed)
        self._trials: list[Any] = []
        self._tried: set[Position] = set()

    def ask(self) -> dict[str, Any]:
        """Return the parameters of the next candidate."""
        with self._quietly():
            for _ in range(REPEATS):
                trial = self._study.ask()
                position, params = self._space.suggest(trial)
                if not (self._is_finite and position in self._tried):
                    break
                self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)  # as if never asked
            else:
                trial, position, params = self._ask_for_untried()
        self._trials.append(trial)
        self._tried.add(position)
        return params

    def tell(self, number: int, score: float) -> None:
        """Tell the mean score of a candidate; one that has none, as its fits failed, is the worst that can be."""
        with self._quietly():
            self._study.tell(self._trials[number], -math.inf if math.isnan(score) else float(score))

    def _ask_for_untried(self) -> tuple[Any, Position, dict[str, Any]]:
        position, fixed = self._space.draw(self._rng)
        while position in self._tried:
            position, fixed = self._space.draw(self._rng)
        self._study.enqueue_trial(fixed)
        trial = self._study.ask()
        return trial, *self._space.suggest(trial)

    @contextlib.contextmanager
    def _quietly(self) -> Iterator[None]:
        """Keep optuna from telling on stderr of its studies, and of parameters that only some spaces have."""
        before = self._optuna.logging.get_verbosity()
        self._optuna.logging.set_verbosity(self._optuna.logging.ERROR)
        try:
            yield
        finally:
            self._optuna.logging.set_verbosity(before)
