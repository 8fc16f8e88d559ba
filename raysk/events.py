"""The events of a run, and the sink that receives them.

The core reports through one `Sink`: a callable that takes an event. The command line turns events into a live
view, plain lines or JSON lines; a notebook may pass a function of its own. Events come from several threads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True, kw_only=True)
class Event:
    """Base of all events."""


@dataclass(frozen=True, kw_only=True)
class ClusterReady(Event):
    """A Ray cluster is there. `address` is None for a private Ray on this machine."""

    address: str | None
    nodes: int
    cpus: int


@dataclass(frozen=True, kw_only=True)
class NodeWork:
    """What the workers of a node do: `up` run there, and `busy` of them have work.

    `node` is what `WorkDone` calls it, `address` what a person does. `memory_bytes` is what the node has, and
    `memory_free_bytes` what was free when one of its workers looked last; None where none has told yet.
    """

    node: str
    address: str
    up: int
    busy: int
    memory_bytes: int | None = None
    memory_free_bytes: int | None = None


def no_nodes() -> tuple[NodeWork, ...]:
    """Return no node: nothing is known of any."""
    return ()


@dataclass(frozen=True, kw_only=True)
class WorkersChanged(Event):
    """Workers came up or were lost: `up` of `wanted` run now, on `nodes` nodes.

    `by_node` may be called now and then, from any thread; it tells what each node does then.
    """

    up: int
    wanted: int
    nodes: int
    by_node: Callable[[], Sequence[NodeWork]] = field(default=no_nodes, compare=False)


@dataclass(frozen=True, kw_only=True)
class WorkerLost(Event):
    """A worker died; what it ran is run again elsewhere. `units` is how much of it there was."""

    node: str
    reason: str
    units: int


@dataclass(frozen=True, kw_only=True)
class Running:
    """A fit that runs, and takes much longer than most; `since` is a time of `time.monotonic`."""

    params: dict[str, Any]
    split: int
    since: float


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What can be said of the work that is left.

    `left_s` is the workers' time it will take, in seconds, by what was measured so far; None where that is unknown.
    `slow` are the fits that run much longer than most, those that have run longest first.
    """

    left_s: float | None = None
    slow: tuple[Running, ...] = ()


def no_outlook() -> Outlook:
    """Return an outlook without any estimate."""
    return Outlook()


@dataclass(frozen=True, kw_only=True)
class WorkPlanned(Event):
    """More work is known: `units` of `unit` ("fit", "tree", "call", "row"). Comes again for each halving round.

    Of the `candidates` x `splits` fits, `saved` need not be done, as they would be done alike, and `resumed` are
    known from an earlier run; of these `failed` failed, and `scores_failed` have no score. `reasons` counts why.
    `varying` names the parameters in which candidates differ. `fold` is the outer fold, from 1, and how many there are.
    `outlook` may be called now and then, from any thread, while the work goes on.
    """

    unit: str
    units: int
    candidates: int = 0
    splits: int = 0
    saved: int = 0
    resumed: int = 0
    failed: int = 0
    scores_failed: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    varying: tuple[str, ...] = ()
    fold: tuple[int, int] | None = None
    outlook: Callable[[], Outlook] = no_outlook


@dataclass(frozen=True, kw_only=True)
class WorkDone(Event):
    """`units` more are done. `busy_s` is the workers' time they took, in seconds.

    Of the fits among them `shared` were contained in others, and `steps_shared` steps of pipelines were not fitted
    again; `resumed` are known from an earlier run. `pruned` fits, which are not among them, need no longer be done.

    Of the fits among them, and those that would be done alike, `failed` failed, and `scores_failed` were fitted but
    have no score that is a finite number. `reasons` counts why, each in one line. `node` names the node that did them;
    see `NodeWork`.
    """

    units: int
    failed: int = 0
    scores_failed: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    busy_s: float = 0.0
    node: str | None = None
    shared: int = 0
    resumed: int = 0
    pruned: int = 0
    steps_shared: int = 0


@dataclass(frozen=True, kw_only=True)
class FitLost(Event):
    """A fit was given up, as it kept killing its worker; it counts as one that failed. `reason` is one line."""

    candidate: int
    params: dict[str, Any]
    split: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class FitFailed(Event):
    """A fit, or its score, failed for a reason that was not seen before in this run; `reason` is one line.

    Comes once a reason. How many fits failed in all is in `WorkDone` and `WorkPlanned`.
    """

    candidate: int
    params: dict[str, Any]
    split: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class CandidateDone(Event):
    """All splits of one candidate are done, or it is given up.

    `score` is the mean test score by the metric that decides (None where none does), `scores` the mean test
    score per metric; `failed` counts splits whose fit failed. `error` is why the first of its fits, or scores, failed.
    `alike` says that it was not fitted itself, as another is fitted alike; `pruned` that it was given up before all its
    splits were done, so that it has no score.
    """

    index: int
    params: dict[str, Any]
    score: float | None
    scores: dict[str, float] = field(default_factory=dict)
    failed: int = 0
    error: str | None = None
    alike: bool = False
    pruned: bool = False


@dataclass(frozen=True, kw_only=True)
class Stopped(Event):
    """The search ends before all fits are done; `reason` is what a summary says, see `raysk.plans.limits`.

    `kept` are the candidates that are done, by the `index` that `CandidateDone` has, in the order of ``cv_results_``.
    """

    reason: str
    kept: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class RefitStarted(Event):
    """The best candidate is being fitted on all data."""

    params: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class FitsVerified(Event):
    """So many fits were done again by scikit-learn alone, and have the same scores to the last bit."""

    fits: int


@dataclass(frozen=True, kw_only=True)
class PhaseStarted(Event):
    """The run enters a phase.

    `name` is what a view shows: "reading FILE", "checking", "connecting", "fitting", "verifying fits", "saving" or
    "verifying". A refit begins with `RefitStarted`.
    """

    name: str


@dataclass(frozen=True, kw_only=True)
class RoundStarted(Event):
    """Round `number` (from 1) of `of` of a halving search begins; each fit gets `amount` of `resource`."""

    number: int
    of: int
    resource: str
    amount: int


@dataclass(frozen=True, kw_only=True)
class Remark(Event):
    """Something a person should know, said once, such as which way a job is spread and why."""

    text: str


class Sink(Protocol):
    """Takes events, from any thread, and returns soon."""

    def __call__(self, event: Event, /) -> None:
        """Take one event."""


def null_sink(event: Event, /) -> None:
    """Ignore the event."""
