"""The conversation with optuna's TPE: it is asked for candidates and told their scores, and stores nothing.

    due:  ask 0 .. lag-1                               nothing is known
    hear: scores, in any order
    due:  tell 0, ask lag, tell 1, ask lag+1, ...      candidate i is proposed by the scores of 0 .. i-lag, no others

So the candidates are the same however many workers fit them, and in whatever order they are done.
"""

from __future__ import annotations

import contextlib
import math
import statistics
import time
import warnings
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from raysk.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from raysk.searches.space import Numbers, Position, Space

RANDOM_FIRST = 10
"""TPE proposes at random until it knows the scores of so many candidates: optuna's own default."""

REPEATS = 10
"""So often TPE is asked again in place of a candidate that it proposed before; then an untried one is drawn."""

SLOW_S = 1.0
"""Proposals are spoken of once they have taken this long in all, in seconds: before that nobody waits for them."""


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
    """Candidates that TPE proposes, each once the candidates up to `lag` before it have scores.

    Of a finite space no candidate is proposed twice.

    Parameters
    ----------
    space : Space
    total : int
        Number of candidates.
    lag : int
        Candidate ``i`` is proposed by the scores of those up to ``i - lag``, and of no others.
    seed : int
        Equal seeds and equal scores give equal candidates.
    workers : int
        Number of fits that run at a time, which only a warning depends on.
    first : sequence of mapping of str to object
        Parameters of candidates that come before all others; of equal ones the first; none that is not of the space.
    """

    def __init__(  # noqa: PLR0913 - what a conversation is about
        self,
        space: Space,
        *,
        total: int,
        lag: int,
        seed: int,
        workers: int,
        first: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self.space, self.total, self.lag = space, total, lag
        self._optuna = import_optuna()
        with self._quietly():
            sampler = self._optuna.samplers.TPESampler(seed=seed, n_startup_trials=RANDOM_FIRST)
            self._study = self._optuna.create_study(sampler=sampler, direction="maximize")
        self._rng = np.random.RandomState(seed)
        self._trials: list[Any] = []
        self._tried: set[Position] = set()
        self._scores: dict[int, float] = {}
        self._first = deque(_located(space, first))
        self._workers, self._pace = workers, Pace(workers, lag)

    def warn_of_idle_workers(self, n_splits: int) -> None:
        """Warn if there are more workers than fits at a time."""
        workers, at_a_time = self._workers, min(self.lag, self.total) * n_splits
        if workers > at_a_time:
            warnings.warn(
                f"{workers - at_a_time} of {workers} workers will be idle: with lag={self.lag}, TPE has {at_a_time} "
                f"fits at a time. A lag of {-(-workers // n_splits)} keeps all busy, but later uses what was learned.",
                stacklevel=3,
            )

    def hear(self, number: int, score: float, cost_s: float) -> None:
        """Hear the mean score of a candidate, in any order, and how long its fits took together, in seconds."""
        self._scores[number] = score
        self._pace.hear_cost(cost_s)

    def due(self) -> list[dict[str, Any]]:
        """Return the next candidates, as many as there are scores for; none for the moment, perhaps."""
        new = []
        with self._quietly():
            while len(self._trials) < self.total:
                known = len(self._trials) - self.lag
                if known >= 0 and known not in self._scores:
                    break
                with self._pace.asking():
                    if known >= 0:
                        self._tell(known)
                    new.append(self._ask())
        return new

    def _tell(self, number: int) -> None:
        """Tell the score of a candidate; one that has none, as its fits failed, is the worst that can be."""
        score = self._scores.pop(number)
        self._study.tell(self._trials[number], -math.inf if math.isnan(score) else float(score))

    def _ask(self) -> dict[str, Any]:
        if self._first:
            numbers, params = self._first.popleft()
            trial, position, _ = self._ask_for(numbers)
            return self._add(trial, position, dict(params))  # its own values: some laws give them back but nearly
        for _ in range(REPEATS):
            trial = self._study.ask()
            position, params = self.space.suggest(trial)
            if self.space.size is None or position not in self._tried:
                break
            self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)  # as if never asked
        else:
            trial, position, params = self._ask_for(self._draw_untried())
        return self._add(trial, position, params)

    def _add(self, trial: Any, position: Position, params: dict[str, Any]) -> dict[str, Any]:
        self._trials.append(trial)
        self._tried.add(position)
        return params

    def _draw_untried(self) -> Numbers:
        position, fixed = self.space.draw(self._rng)
        while position in self._tried:
            position, fixed = self.space.draw(self._rng)
        return fixed

    def _ask_for(self, fixed: Numbers) -> tuple[Any, Position, dict[str, Any]]:
        self._study.enqueue_trial(fixed)
        trial = self._study.ask()
        return trial, *self.space.suggest(trial)

    @contextlib.contextmanager
    def _quietly(self) -> Iterator[None]:
        """Keep optuna from telling on stderr of its studies, and of parameters that only some spaces have."""
        before = self._optuna.logging.get_verbosity()
        self._optuna.logging.set_verbosity(self._optuna.logging.ERROR)
        try:
            yield
        finally:
            self._optuna.logging.set_verbosity(before)


def _located(space: Space, candidates: Iterable[Mapping[str, Any]]) -> list[tuple[Numbers, Mapping[str, Any]]]:
    """Return candidates with what a trial has to propose for them: each once, and none that is not of the space."""
    found: list[tuple[Numbers, Mapping[str, Any]]] = []
    for params in candidates:
        numbers = space.numbers_of(params)
        if numbers is not None and numbers not in (other for other, _ in found):
            found.append((numbers, params))
    return found


class Pace:
    """Compares how long a proposal takes with how long workers fit it, by the latest ones, and warns once.

    Parameters
    ----------
    workers : int
    latest : int
        How many candidates are compared.
    """

    def __init__(self, workers: int, latest: int) -> None:
        self._workers, self._asked_s = workers, 0.0
        self._asks: deque[float] = deque(maxlen=latest)
        self._costs: deque[float] = deque(maxlen=latest)
        self._has_warned = False

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """Measure how long a proposal takes."""
        since = time.perf_counter()
        yield
        self._asks.append(time.perf_counter() - since)
        self._asked_s += self._asks[-1]

    def hear_cost(self, cost_s: float) -> None:
        """Hear how long the fits of a candidate took together, in seconds."""
        self._costs.append(cost_s)
        ask_s, fit_s = statistics.fmean(self._asks), statistics.fmean(self._costs) / self._workers
        if self._has_warned or self._asked_s < SLOW_S or ask_s <= fit_s:
            return
        self._has_warned = True
        warnings.warn(
            f"{self._workers} workers wait for TPE: a candidate takes it {1000 * ask_s:.0f} ms to propose, and them "
            f"{1000 * fit_s:.0f} ms to fit. It gets slower with every candidate; a random search has no such limit.",
            stacklevel=2,
        )
