"""``raysk bench`` as a person runs it."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from raysk.bench import report, runner
from raysk.bench.process import descendants
from raysk.cluster import private_ray

pytestmark = pytest.mark.deadline(200)


def rows(ran):
    """Return the report's rows by backend."""
    assert ran.code == 0, ran.err
    assert len(ran.out.splitlines()) == 1
    return {row["backend"]: row for row in ran.summary["results"]}


def test_backends_side_by_side(raysk, folder):
    """Each backend gets a row with its time, its ratios and its memory; a chart is drawn."""
    backends = "raysk,loky,ideal"
    ran = raysk("bench", "short", "--backends", backends, "--scale", "0.01", "--plot", "my chart.svg")
    found = rows(ran)
    assert list(found) == backends.split(",")
    assert {row["units"] for row in found.values()} == {50}
    assert len({str(row["best"]) for name, row in found.items() if name != "ideal"}) == 1
    assert found["raysk"]["best"]["min_samples_leaf"] >= 1
    for row in found.values():
        assert row["error"] is None
        assert row["ratio_to_loky"] == pytest.approx(row["time_s"]["median"] / found["loky"]["time_s"]["median"])
        assert row["all_peak_mb"]["median"] >= row["driver_peak_mb"]["median"] > 0
    assert found["raysk"]["driver_cpu_us"]["median"] > 0
    assert (folder / "my chart.svg").read_text().startswith("<?xml")
    assert [line for line in ran.err.splitlines() if "short raysk" in line]


# not imported here: Dask changes how exceptions are pickled in the whole process
@pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="the bench extra is not installed")
def test_dask_works(raysk):
    """It starts servers of its own, and grows the same trees: else it were an error."""
    row = rows(raysk("bench", "forest", "--backends", "dask", "--scale", "0.0002"))["dask"]
    assert (row["error"], row["units"]) == (None, 10)


SHORTER = "import sys; from raysk.bench import arm, nodes; nodes.BUSY_S = 2.0; arm.main(*sys.argv[1:])"


def test_simulated_nodes(monkeypatch, tmp_path):
    """Fits become sleeps on simulated nodes: no machine this small could do so much in the time."""
    monkeypatch.chdir(tmp_path)  # the installed raysk is measured, not the checkout
    monkeypatch.setattr(runner, "command", lambda _, *arguments: [sys.executable, "-c", SHORTER, *arguments])
    simulate = [{"nodes": 2, "cpus_per_node": 2, "fit_s": 0.1}]
    arms = runner.run(runner.requests(["short"], ["raysk"], simulate=simulate), repeat=1, limit_s=180)
    (row,) = report.report(arms, repeat=1)["results"]
    assert (row["nodes"], row["units"], row["error"]) == (2, 80, None)
    assert 0.25 < row["busy"]["median"] <= 1.0  # more than one CPU's worth
    assert row["time_s"]["median"] > 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["forrest"], ["forrest", "Did you mean forest?"]),
        (["short", "loky"], ["--backends loky"]),
        (["--backends", "loki"], ["loki", "Did you mean loky?"]),
        (["--backends", ""], ["Known: raysk, ray, loky"]),
        (["--nodes", "2"], ["--address"]),
        (["--simulate-nodes", "two"], ["--simulate-nodes 1,5,10"]),
        (["--simulate-nodes", "2", "--backends", "loky"], ["raysk and ray"]),
        (["--simulate-nodes", "2", "--scale", "0.1"], ["--scale", "20 s"]),
        (["lone", "--simulate-nodes", "2"], ["lone", "--simulate-nodes"]),
        (["--fit-ms", "20"], ["--fit-ms", "--simulate-nodes"]),
        (["--scale", "0"], ["--scale 0", "above 0"]),
        (["--scale", "inf"], ["--scale inf", "above 0"]),
        (["--repeat", "0"], ["--repeat 0", "at least 1"]),
        (["--plot", "chart.gif"], [".svg, .png, .html"]),
    ],
)
def test_bad_options(raysk, arguments, words):
    """What makes no sense is said before anything is measured."""
    raysk("bench", *arguments).assert_error(2, *words)


def test_what_cannot_be_reached_is_said_first(raysk):
    """A chart that cannot be written, and a cluster that does not answer, before anything is measured."""
    raysk("bench", "--plot", "no/such/folder/chart.svg").assert_error(3, "no/such/folder")
    raysk("bench", "--address", "127.0.0.1:1").assert_error(4, "No Ray cluster answered at '127.0.0.1:1'")


def test_modules_of_the_folder_are_left_alone(folder):
    """The program's processes do not import what lies around: a person's random.py is theirs."""
    (folder / "random.py").write_text("raise SystemExit('mine')")
    program = "import sys; sys.path.remove(''); sys.argv[0] = 'raysk'; from raysk.cli.app import main; main()"
    command = [sys.executable, "-c", program, "bench", "short", "--backends", "sequential", "--scale", "0.002"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["results"]
    assert (row["error"], row["driver_cpu_us"]) == (None, None)


def test_limited_to_some_nodes_of_a_cluster(raysk, head):
    """With --nodes the workers keep to so many nodes; more than there are is said in the row."""
    arguments = ("--scale", "0.002", "--address", head, "--backends")
    found = rows(raysk("bench", "short", *arguments, "raysk,ray", "--nodes", "1"))
    assert [(row["nodes"], row["error"]) for row in found.values()] == [(1, None)] * 2
    ran = raysk("bench", "short", *arguments, "raysk", "--nodes", "3")
    ran.assert_error(1, "--nodes 3", "has 1")
    assert ran.summary["results"][0]["error"].startswith("--nodes 3")  # the report is there all the same


def test_ctrl_c_ends_what_is_measured(start, eventually):
    """Ctrl-C ends the measurement's processes too, and exits with 130."""
    process = start("bench", "forest", "--backends", "raysk", "--scale", "1")
    eventually(lambda: any(b"ray::Worker" in line for line in _titles(process.pid)), "workers to start")
    started = descendants(process.pid)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    eventually(lambda: not any(_runs(each) for each in started), "all to end")
    private_ray.Private().remove()  # what Ray wrote while it ended, the next start removes
    assert not list(Path("/tmp").glob(f"raysk-{started[0]}-*"))  # noqa: S108 - it is only looked at


def _titles(pid):
    """Return the command lines of what a process started."""
    found = []
    for each in descendants(pid):
        with contextlib.suppress(OSError):
            found.append(Path(f"/proc/{each}/cmdline").read_bytes())
    return found


def _runs(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_an_object_on_stdout(raysk):
    """The JSON says what was measured where."""
    ran = raysk("bench", "short", "--backends", "sequential", "--scale", "0.002", "--json", "-q")
    said = json.loads(ran.out)
    assert said["schema"] == 1
    assert said["machine"]["cpus"] >= 1
    assert said["machine"]["versions"]["scikit-learn"]
    assert ran.err == ""
