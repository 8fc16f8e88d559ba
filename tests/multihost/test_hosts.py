"""Hosts that die, leave, join and fall silent while a search runs: it ends with the same result, none of it lost."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from raysk.cluster.connection import LEAVE_S
from raysk.pool.dispatch import TICK_S
from raysk.pool.ray.head import LOST_S

CUT_S = 20.0
"""How long a host is cut off, in seconds."""

RAYS_PATIENCE_S = 60.0
"""After so many seconds without a head Ray's own library ends a program, if it is left to itself."""

SLACK_S = 10.0
"""How much longer than its limits something may take on a busy machine, in seconds."""

pytestmark = pytest.mark.deadline(240)


# --- the hosts themselves


def test_hosts_have_what_machines_have(make_hosts):
    """Each host has a name, an address, a /tmp and processes of its own."""
    hosts = make_hosts(2, 1)
    look = "cd /tmp; touch on-$(hostname); echo on-*; ip -brief -4 address show eth0; cat /proc/[0-9]*/comm"
    first, second = (hosts.run(["sh", "-c", look], on=number, stdout=subprocess.PIPE) for number in (1, 2))
    first, second = first.communicate()[0], second.communicate()[0]
    assert first.startswith("on-raysk-host-1\n")
    assert second.startswith("on-raysk-host-2\n")
    assert "10.77.0.1/24" in first
    assert "10.77.0.2/24" in second
    assert (first.count("gcs_server"), second.count("gcs_server")) == (1, 0)
    assert (first.count("raylet"), second.count("raylet")) == (1, 1)


def test_hosts_end_with_who_made_them(tmp_path, eventually):
    """When the program that made hosts is killed, nothing of them is left."""
    source = "import hosts, pathlib, sys; hosts.Hosts(1, 1, pathlib.Path(sys.argv[1])).run(['sleep', '1000']).wait()"
    maker = subprocess.Popen([sys.executable, "-c", source, str(tmp_path)], cwd=Path(__file__).parent)
    eventually(lambda: _processes("sleep", "1000"), "the hosts to be up")
    assert _processes(str(tmp_path))
    maker.send_signal(signal.SIGKILL)
    maker.wait()
    eventually(lambda: not _processes(str(tmp_path)) and not _processes("sleep", "1000"), "everything to end")


# --- faults


def test_a_host_is_killed(make_hosts, start_search):
    """What a host was fitting when it was killed is fitted elsewhere."""
    hosts = make_hosts(3, 2)
    search = start_search(hosts)
    search.wait_until(lambda: 3 in search.held(), "fits that wait on host 3")
    hosts.kill(3)
    search.open(1, 2)
    summary = search.assert_finishes_as_here()
    assert summary["nodes"] == 3  # the most that worked at a time


def test_three_of_ten_hosts_lose_their_power(make_hosts, start_search):
    """Three hosts that go at once, without a word, do not change the result either."""
    hosts = make_hosts(10, 1)
    search = start_search(hosts)
    lost = search.wait_until(lambda: sorted(search.held() - {1})[6:], "fits that wait on most hosts")
    hosts.power_off(*lost)
    search.open(1, 2)
    search.assert_finishes_as_here()


def test_a_host_joins(make_hosts, start_search):
    """A host that joins while a search runs gets fits to do."""
    hosts = make_hosts(2, 2)
    search = start_search(hosts)
    search.wait_until(search.held, "fits that wait")
    (new,) = hosts.add()
    search.wait_until(lambda: new in search.held(), "fits on the new host")
    search.open(1, 2)
    summary = search.assert_finishes_as_here()
    assert summary["nodes"] == 3


@pytest.mark.parametrize("cut_off", [pytest.param(3, id="a worker's"), pytest.param(2, id="the driver's")])
def test_a_network_is_cut_for_a_while(cut_off, make_hosts, start_search):
    """A host, even the one where the search was started, may be cut off for 20 s."""
    hosts = make_hosts(3, 2)
    search = start_search(hosts, on=2)
    search.wait_until(lambda: cut_off in search.held(), "fits that wait on the host")
    hosts.cut(cut_off)
    search.open(1)  # results of these have nowhere to go
    time.sleep(CUT_S)
    hosts.mend(cut_off)
    search.open(2)
    search.assert_finishes_as_here()


# --- the head


def test_the_head_loses_its_power(make_hosts, start_search):
    """A search that was started on another host ends with exit code 4, and is resumed on another cluster."""
    hosts = make_hosts(2, 2)
    search = start_search(hosts, on=2)
    search.wait_until(lambda: search.held() and search.lines, "fits that wait, and some that are done")
    hosts.power_off(1)
    limit_s = LOST_S + TICK_S + LEAVE_S + SLACK_S
    assert search.process.wait(limit_s) == 4, search.error
    message = search.error[search.error.index("Error:") :].splitlines()
    assert f"The cluster was lost: the head has not answered for {LOST_S:g} s." in message[0]
    assert len(message) <= 5
    assert "Go on with: raysk resume run-2\n" in search.error
    assert json.loads((search.run_dir / "run.json").read_text())["outcome"] == "failed"
    kept = len((search.run_dir / "journal.jsonl").read_text().splitlines()) - 1
    assert kept >= 5
    hosts.close()
    search.open(1, 2)
    search.go_on(make_hosts(1, 2))
    assert search.assert_finishes_as_here()["fits_resumed"] == kept


PROGRAM = """
import sys
import waiting
from raysk import cluster, connect, fit
from raysk.errors import ClusterError

waiting.search.set_params(estimator__folder=sys.argv[1])
with connect("auto"):
    cluster.travel_by_value([waiting])  # not before: it imports Ray, which reads then how patient it should be
    try:
        fit(waiting.search, waiting.X, waiting.y)
    except ClusterError as error:
        print(error, flush=True)
sys.stdin.read()
print("I live")
"""


def test_the_head_crashes(make_hosts, raysk_folder, tmp_path, eventually):
    """A program that uses raysk hears of it as an exception, and is not ended by Ray's own library."""
    hosts = make_hosts(1, 2)
    path = os.pathsep.join([raysk_folder, str(Path(__file__).parent)])
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    program = hosts.run([sys.executable, "-c", PROGRAM, str(tmp_path)], env={"PYTHONPATH": path}, **pipes)
    eventually(lambda: list(tmp_path.glob("stage-1-on-*")), "fits that wait")
    hosts.crash(1)
    crashed_at = time.monotonic()
    assert program.stdout.readline() == f"The cluster was lost: the head has not answered for {LOST_S:g} s.\n"
    time.sleep(max(crashed_at + RAYS_PATIENCE_S + TICK_S - time.monotonic(), 0))
    said, _ = program.communicate("", timeout=2 * SLACK_S)
    assert "I live" in said
    assert program.returncode == 0


def _processes(*words):
    """Return the processes of this machine whose command line has all these words."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            line = path.read_text(errors="replace").split("\0")
            found += [line] if set(words) <= set(line) else []
    return found
