from __future__ import annotations

import pytest

from raysk.errors import ClusterError
from raysk.pool.ray.reservation import Reservation


def test_cpus_and_memory_must_be_on_one_node():
    """Where a node has the CPUs and another one the memory, the error says what those with the CPUs have."""
    nodes = [{"Resources": {"CPU": 8, "memory": 4_000}}, {"Resources": {"CPU": 1, "memory": 64_000}}]
    with pytest.raises(ClusterError, match=r"16,000 bytes.*is 4,000") as caught:
        Reservation(cpus=4, memory=16_000).check(nodes)
    assert "64,000" not in str(caught.value)
    Reservation(cpus=1, memory=16_000).check(nodes)
