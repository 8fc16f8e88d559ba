"""A cluster is connected to, or started, while the program does something else."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from raysk.cluster import leaving
from raysk.cluster.connection import Cluster

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self


class Starting:
    """A cluster that is being connected to, or started, while the program does something else.

    A context manager; at its end the cluster is closed, while the program goes on. One that is not there yet by then,
    as when the person's file cannot be read, or a Ray of our own that nobody has asked for yet, is left to the end of
    the program: see `raysk.cluster.leaving`.

    Parameters
    ----------
    then : callable or None
        Called with the cluster once it is there, in the background too; what it raises, `result` raises.
    **options : object
        Of `Cluster`.
    """

    def __init__(self, then: Callable[[Cluster], None] | None = None, **options: Any) -> None:
        self._then = then
        self._asked = False
        self._cluster: Cluster | None = None
        self._error: BaseException | None = None
        self._done = threading.Event()
        threading.Thread(target=self._start, kwargs=options, name="raysk-start", daemon=True).start()

    def _start(self, **options: Any) -> None:
        try:
            self._cluster = Cluster(**options)
            if self._then is not None:
                self._then(self._cluster)
        except BaseException as error:  # noqa: BLE001 - raised in the thread that asks for the result
            self._error = error
        self._done.set()

    def result(self) -> Cluster:
        """Wait for the cluster, or raise what went wrong."""
        self._asked = True
        self._done.wait()
        if self._error is not None:
            raise self._error
        assert self._cluster is not None  # noqa: S101 - it is one or the other
        return self._cluster

    def _is_unused(self) -> bool:
        """Tell whether it is a Ray of our own that nobody has asked for yet: it can end as one that is half started."""
        return self._cluster is not None and self._cluster.is_private and not self._asked

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if not self._done.is_set() or (kind is not None and self._is_unused()):
            leaving.end_at_once()
        elif self._cluster is not None:
            leaving.close_in_background(self._cluster.close)
