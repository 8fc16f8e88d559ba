"""What must be asked of the cluster's head, which may have gone.

Ray's own calls wait for as long as the head is silent. So they are made in threads that nobody waits for, not even the
end of the program; an answer is waited for only while it may come at once.
"""

from __future__ import annotations

import threading
import time
from concurrent import futures
from typing import TYPE_CHECKING, Any

from raysk.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWER_S = 0.5
"""How long an answer is waited for, in seconds; it takes some milliseconds."""

LOST_S = 45.0
"""A head that has been silent for so long is lost, in seconds. After a cut of 20 s it is heard again at 26 s, when TCP
tries once more; Ray's own servers give it 60 s, so those on other machines work on until we have given up."""

Nodes = list[dict[str, Any]]


class Head:
    """The head of the cluster that this program is connected to.

    Parameters
    ----------
    ask : callable
        Returns Ray's facts of every node, like `ray.nodes`; may wait for ever.
    """

    def __init__(self, ask: Callable[[], Nodes]) -> None:
        self._ask = ask
        self._said: Nodes | None = None
        self._asked_at = 0.0
        self._answer: futures.Future[Nodes] | None = None
        self._told: futures.Future[None] | None = None
        self._lost = False

    def nodes(self) -> Nodes:
        """Return Ray's facts of the nodes that are alive, as the head says now, or when it last said anything.

        Raises
        ------
        ClusterError
            If it has been silent for `LOST_S`.
        """
        patience_s = 0.0
        if self._answer is None:
            self._answer, self._asked_at = _in_background(self._ask), time.monotonic()
            patience_s = LOST_S if self._said is None else ANSWER_S
        try:
            self._said = [node for node in self._answer.result(patience_s) if node["Alive"]]
        except futures.TimeoutError:
            self._lost = time.monotonic() >= self._asked_at + LOST_S
            if self._lost or self._said is None:
                raise ClusterError(
                    f"the head has not answered for {LOST_S:g} s.\n"
                    "Look at that machine, or start another cluster and run this again."
                ) from None
            return self._said
        self._answer = None
        return self._said

    def tell(self, news: Callable[[], None]) -> None:
        """Make a call that the head must answer; a lost one is told nothing."""
        if self._lost:
            return
        silent = any(call is not None and not call.done() for call in (self._answer, self._told))
        self._told = _in_background(news)
        futures.wait([self._told], 0.0 if silent else ANSWER_S)

    def answers(self, within_s: float) -> bool:
        """Tell whether the head answers within so many seconds."""
        if self._lost:
            return False
        answer = self._answer or _in_background(self._ask)
        futures.wait([answer], within_s)
        return answer.done()


def connected_ray() -> Any:
    """Return Ray while we are connected: any call to it after that would start one, or join somebody else's."""
    import ray

    if not ray.is_initialized():
        raise ClusterError("the connection to Ray is closed.")
    return ray


def connected_head() -> Head:
    """Return the head of the cluster that this program is connected to."""
    return Head(lambda: connected_ray().nodes())


def _in_background(function: Callable[[], Any]) -> futures.Future[Any]:
    result: futures.Future[Any] = futures.Future()

    def call() -> None:
        try:
            result.set_result(function())
        except BaseException as error:  # noqa: BLE001 - raised where the result is taken
            result.set_exception(error)

    threading.Thread(target=call, name="raysk-head", daemon=True).start()
    return result
