"""Which workers may join: those that compute what this machine would.

A worker tells its versions in the answer that says it is up, so asking costs no job any time, and nodes that join
while it runs are asked too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from raysk.events import Remark, null_sink
from raysk.pool.reply import Gone
from raysk.util.versions import compare, consequence, installed_versions, join_differences, remedy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from raysk.events import Sink
    from raysk.util.versions import Difference


@dataclass(frozen=True)
class Refused(Gone):
    """A worker is up that must not be used; `reason` is the whole message. `late` if its node joined later."""

    late: bool = False


class Admission:
    """Judges workers by what they say when they come up; used by the pool's collector thread only.

    Parameters
    ----------
    nodes : iterable of str
        Nodes that are there at the start. One of these that differs is an error; one that joins later is left
        out, and the job goes on without it.
    allow_versions : bool
        Whether the person accepts that results may differ.
    sink : callable

    Attributes
    ----------
    unheard, left_out : set of str
        Nodes there at the start of which no worker has come up; nodes that are not used.
    addresses : dict of str to str
        Of the nodes of which one has.
    """

    def __init__(self, nodes: Iterable[str], *, allow_versions: bool = False, sink: Sink = null_sink) -> None:
        self._nodes = frozenset(nodes)
        self.unheard = set(self._nodes)
        self._allow_versions = allow_versions
        self._sink = sink
        self._here = installed_versions()
        self._said: set[str] = set()
        self.left_out: set[str] = set()
        self.addresses: dict[str, str] = {}

    def judged(self, hello: Mapping[str, Any]) -> str | Refused:
        """Return the node of a worker that may join, or why it must not.

        Parameters
        ----------
        hello : mapping
            See `raysk.pool.ray.worker.Worker.hello`.
        """
        node, name = str(hello["node"]), f"Node {hello['address']} ({hello['host']})"
        self.unheard.discard(node)
        self.addresses[node] = str(hello["address"])
        found = compare(self._here, hello["versions"], hello["errors"], allow_versions=self._allow_versions)
        fatal = [each for each in found if each.fatal]
        if not fatal:
            self._remark(name, [each for each in found if each.results])
            return node
        late = node not in self._nodes
        if late and node not in self.left_out:
            self.left_out.add(node)
            self._sink(Remark(text=f"{name} has {join_differences(fatal)}: it is left out"))
        return Refused(_refusal(name, fatal), late=late)

    def _remark(self, name: str, differences: list[Difference]) -> None:
        """Say once what may change results, for one node of those that differ alike."""
        said = join_differences(differences) if differences else ""
        if said and said not in self._said:
            self._said.add(said)
            self._sink(Remark(text=f"{name} has {said}: results may differ"))


def _refusal(name: str, fatal: list[Difference]) -> str:
    what = f"{name} has {join_differences(fatal)}: {consequence(fatal)}."
    return f"{what}\n{remedy(fatal)}\n'raysk doctor' looks at every node."
