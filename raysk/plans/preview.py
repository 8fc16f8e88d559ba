"""What a search would do, known before a worker is started: how many fits, what they share, and about how long.

The search's own code runs up to where its first fit would be handed out, so the numbers are those of the run itself.

    preview -> Preview              candidates, splits, units to do, bytes a node
    Preview.time -> Timing          some units, drawn at random, done in this process -> mean x all, and its range
"""

from __future__ import annotations

import copy
import math
import time
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
from scipy import stats
from threadpoolctl import threadpool_limits

from raysk.events import null_sink
from raysk.plans import search as search_plan
from raysk.plans.rounds import Rounds
from raysk.plans.schedule import fits_of
from raysk.pool.shared import contents, translate_pickling_errors
from raysk.util.exits import Ordered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from raysk.jobs import Shortcuts
    from raysk.plans.candidates import Candidates
    from raysk.plans.round_results import RoundResults
    from raysk.plans.schedule import Schedule, Unit

LIMIT_S = 10.0
"""After this time, in seconds, no other unit is drawn: a person waits for the answer."""

ENOUGH, CLOSE = 30, 0.05
"""So many units are enough if the range is within this part of the estimate."""

CONFIDENCE = 0.9
"""How often the true value is in the range, if what was not drawn is like what was."""

WARM_UP_S = 1.0
"""The first unit is done twice if it takes less, in seconds: at first it also pays for imports."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How long the fits of a search take, by those that were timed.

    Parameters
    ----------
    timed, of : int
        Units that were timed, and that there are: fits, or several of which one contains the others.
    failed : int
        Of the fits that were timed.
    unit_s, slowest_s : float
        Their mean, and the longest.
    work_s, work_low_s, work_high_s : float
        What all units take one after the other: the estimate, and its range; that is NaN after a single one.
    took_s : float
        How long it took to find out.
    cpu_share : float
        How much of that this process had a CPU: less than all where others keep the machine busy, or fits wait.
    """

    timed: int
    of: int
    failed: int
    unit_s: float
    slowest_s: float
    work_s: float
    work_low_s: float
    work_high_s: float
    took_s: float
    cpu_share: float


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a search would do; of halving, in its first round.

    Parameters
    ----------
    candidates, splits : int
    saved, contained : int
        Fits that need not be done, as others are done alike, or contain them.
    units : int
        What is left to do: fits, or several of which one contains the others.
    steps_in_common : bool
        Whether workers fit steps of pipelines once for several candidates.
    node_bytes : int
        What each node gets once: data, candidates, splits and estimator.
    round : _Round
    """

    candidates: int
    splits: int
    saved: int
    contained: int
    units: int
    steps_in_common: bool
    node_bytes: int
    round: _Round

    @property
    def fits(self) -> int:
        """All fits, those that need not be done included."""
        return self.candidates * self.splits

    def time(self, *, cpus: int = 1, limit_s: float = LIMIT_S) -> Timing:
        """Do some units, drawn at random, in this process, and tell how long all of them take.

        Parameters
        ----------
        cpus : int
            The limit of inner threads, as it is on the workers.
        limit_s : float
            After this time, in seconds, no other unit is begun.
        """
        begin, cpu_begin = time.perf_counter(), time.process_time()
        took: list[float] = []
        failed = 0
        with threadpool_limits(cpus), joblib.parallel_config(backend="sequential"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for seconds, failures in self.round.timed():
                took.append(seconds)
                failed += failures
                if time.perf_counter() - begin >= limit_s or (len(took) >= ENOUGH and _is_close(took, self.units)):
                    break
        mean, half = _mean_and_half(took, self.units)
        took_s, cpu_s = time.perf_counter() - begin, time.process_time() - cpu_begin
        return Timing(
            timed=len(took),
            of=self.units,
            failed=failed,
            unit_s=mean,
            slowest_s=max(took),
            work_s=mean * self.units,
            work_low_s=max((mean - half) * self.units, sum(took)),
            work_high_s=(mean + half) * self.units,
            took_s=took_s,
            cpu_share=min(cpu_s / took_s, 1.0),
        )


def _mean_and_half(took: Sequence[float], units: int) -> tuple[float, float]:
    """Return the mean of what units took, and how far the mean of all may be from it, by Student's t."""
    count, mean = len(took), float(np.mean(took))
    if count == units:
        return mean, 0.0
    if count == 1:
        return mean, math.nan
    error = float(np.std(took, ddof=1)) / math.sqrt(count) * math.sqrt(1 - count / units)  # drawn without repeats
    return mean, float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1)) * error


def _is_close(took: Sequence[float], units: int) -> bool:
    mean, half = _mean_and_half(took, units)
    return half <= CLOSE * mean


def preview(  # noqa: PLR0913 - those of scikit-learn's fit, and what of the run counts
    search: Any, X: Any, y: Any, fit_params: Mapping[str, Any], *, shortcuts: Shortcuts, workers: int
) -> Preview:
    """Return what a search would do; it is as it was after that, but for a random generator that it holds.

    Parameters
    ----------
    search : BaseSearchCV
    X, y, fit_params
        As for its ``fit``.
    shortcuts : Shortcuts
        Which fits need not be done. What pruning saves nobody knows before.
    workers : int
        How many there will be.

    Raises
    ------
    Exception
        What the search itself would raise before its first fit.
    """
    pool: Any = _Scales(workers)
    said: dict[str, Any] = {"fit_best": _never, "shortcuts": shortcuts, "rounds": _PlannedRounds}
    try:
        search_plan.fit(pool, copy.copy(search), X, y, fit_params, **said)
    except _Planned as end:
        return end.round.preview(pool.bytes)
    raise ValueError("No fits were planned.")


def measure(value: Any) -> int:
    """Return how many bytes an object takes in the store of a node.

    Raises
    ------
    Unpicklable
        If it cannot be sent to the workers.
    """
    with translate_pickling_errors():
        content, buffers = contents(value)
    return content.nbytes + sum(buffer.nbytes for buffer in buffers)


class _Scales:
    """A pool that weighs what it is given, and does nothing."""

    def __init__(self, workers: int) -> None:
        self.wanted, self.sink, self.bytes = workers, null_sink, 0

    def share(self, value: Any) -> Any:
        self.bytes += measure(value)
        return value

    def release(self, shared: Iterable[Any], *, now: bool = False) -> None:
        """Do nothing."""


class _Planned(Ordered):
    """Leaves a search whose first round is planned."""

    def __init__(self, planned: _Round) -> None:
        super().__init__()
        self.round = planned


class _PlannedRounds(Rounds):
    """Rounds of which the first ends before it begins."""

    def run(
        self,
        board: RoundResults,
        candidates: Candidates | range,
        schedule: Schedule,
        chains: Sequence[int] = (),
        *,
        has_common_steps: bool = False,
    ) -> None:
        """Tell what would be done."""
        self.pool.share((candidates, board.splits, chains))
        raise _Planned(
            _Round(
                evaluation=self.data.shared,
                content=(candidates, board.splits, chains, None),
                saved=len(board.candidates) * len(board.splits) - len(board.fits),
                units=list(_all_units(schedule)),
                has_common_steps=has_common_steps,
            )
        )


def _all_units(schedule: Schedule) -> Iterator[Unit]:
    while schedule.left:
        yield from schedule.take(schedule.left, None)


@dataclass(frozen=True, kw_only=True)
class _Round:
    """The first round of a search, planned.

    Parameters
    ----------
    evaluation, content : Evaluation, tuple
        What does units of a round, and what it needs to know of the round.
    saved : int
    units : list of Unit
        Those that can be done now; where candidates are proposed by the scores of others, the first ones.
    has_common_steps : bool
    """

    evaluation: Any
    content: tuple[Any, ...]
    saved: int
    units: list[Unit]
    has_common_steps: bool

    def preview(self, node_bytes: int) -> Preview:
        """Return what is known of the search by its round."""
        candidates, splits, *_ = self.content
        fits = sum(len(fits_of(unit)) for unit in self.units)
        to_come = len(candidates) * len(splits) - self.saved - fits  # by proposals
        return Preview(
            candidates=len(candidates),
            splits=len(splits),
            saved=self.saved,
            contained=fits - len(self.units),
            units=len(self.units) + to_come,
            steps_in_common=self.has_common_steps,
            node_bytes=node_bytes,
            round=self,
        )

    def timed(self) -> Iterator[tuple[float, int]]:
        """Do units one by one, drawn with a fixed seed; yields how many seconds each took, and how often it failed."""
        order = np.random.default_rng(0).permutation(len(self.units))
        for place, number in enumerate(order.tolist()):
            found = self._time(self.units[number])
            yield self._time(self.units[number]) if place == 0 and found[0] < WARM_UP_S else found

    def _time(self, unit: Unit) -> tuple[float, int]:
        begin = time.perf_counter()
        (done,) = self.evaluation(self.content, [unit])
        took_s = time.perf_counter() - begin
        results = [result for result, _ in (done if isinstance(unit, tuple) else (done,))]
        return took_s, sum(result["fit_error"] is not None for result in results)


def _never(*_: Any) -> None:
    raise AssertionError("unreachable")  # a search that is only planned fits nothing
