"""`raysk doctor`, and the check of versions before every job: a real cluster, of nodes that are not all alike."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sklearn

DATA = "from sklearn.svm import SVC\nX, y = [[0], [1], [2], [3]] * 9, [0, 1, 0, 1] * 9\n"

MINE = """
import os, sys, time
from pathlib import Path

HERE = os.getpid()

class Mine(SVC):
    def __setstate__(self, state):
        if os.getpid() != HERE:
            Path(TOLD).write_text(str(os.getpid()))
            DOES
        super().__setstate__(state)

model = Mine()
"""
"""An estimator that does something on a node when it is unpickled."""

SEARCH = """
from sklearn.model_selection import GridSearchCV

search = GridSearchCV(SVC(), {"C": [1, 2, 3, 4]}, cv=2)
"""

HELD = """
import os, time
from pathlib import Path
from sklearn.model_selection import GridSearchCV

class Held(SVC):
    def fit(self, X, y):
        Path(GO).with_name(f"fit-{os.getpid()}").touch()
        while not os.path.exists(GO):
            time.sleep(0.02)
        return super().fit(X, y)

search = GridSearchCV(Held(), {"C": [1, 2, 3, 4]}, cv=2, refit=False)
"""
"""A search whose fits wait for a file."""

OTHER = f"""
__file__ = {sklearn.__file__!r}
__path__ = [{str(Path(sklearn.__file__).parent)!r}]
with open(__file__) as file:
    exec(compile(file.read(), __file__, "exec"))
__version__ = "1.0.2"
"""
"""A scikit-learn that says it is another release."""

ON_ALL = {"RAYSK_WORKERS": ""}

NONE = "raise ModuleNotFoundError(\"No module named 'sklearn'\", name='sklearn')"


@contextlib.contextmanager
def joined(head, folder, source=None):
    """Let a node with one CPU join the cluster, whose scikit-learn is what `source` says; yields its process."""
    if source is not None:
        (folder / "sklearn").mkdir(parents=True)
        (folder / "sklearn" / "__init__.py").write_text(source)
        (folder / "scikit_learn-1.0.2.dist-info").mkdir()
        (folder / "scikit_learn-1.0.2.dist-info" / "METADATA").write_text("Version: 1.0.2\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RAY", "PYTHON"))}
    options = ["--num-cpus=1", "--object-store-memory=80000000", "--disable-usage-stats", "--block"]
    ray = os.path.join(os.path.dirname(sys.executable), "ray")  # noqa: PTH118, PTH120 - a symlink must stay one
    log = folder / "log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [ray, "start", f"--address={head}", *options],
            env={**environment, "RAY_AUTH_MODE": "disabled", "PYTHONPATH": str(folder)},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        while "runtime started" not in log.read_text():
            assert process.poll() is None, log.read_text()
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.1)
        yield process
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def other(head, tmp_path_factory):
    """Add a node with another scikit-learn to the cluster, for the tests that come next to one another."""
    with joined(head, tmp_path_factory.mktemp("other"), OTHER):
        yield head


@pytest.fixture
def held(start, folder, eventually):
    """Return a function that keeps so many workers busy with a search, which ends when the file `go` is made."""
    go = folder / "go"

    def hold(address, workers, *options):
        (folder / "held.py").write_text(DATA + HELD.replace("GO", repr(str(go))))
        process = start("search", "held.py", "--address", address, *options, env=ON_ALL)
        eventually(lambda: process.poll() or len(list(folder.glob("fit-*"))) == workers, "all workers to begin a fit")
        return process, go

    yield hold
    go.touch()


def raylet(process):
    """Return the process id of a node's own server, which a ``ray start --block`` has started."""
    for proc in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((proc / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == process.pid and b"raylet/raylet" in (proc / "cmdline").read_bytes():
                return int(proc.name)
    raise AssertionError("no raylet")


# --- one node, like us


def test_a_cluster_that_is_well(raysk, folder, head):
    """Exit 0, and one JSON object with what the nodes have; the file's own classes load there without the file."""
    (folder / "model.py").write_text(DATA + "class Mine(SVC):\n    pass\nmodel = Mine()\n")
    ran = raysk("doctor", "model.py", "--address", head)
    assert ran.code == 0, ran.err
    assert len(ran.out.splitlines()) == 1
    said = ran.summary
    assert (said["schema"], said["ok"], said["address"], said["estimator"]) == (1, True, head, "Mine")
    assert said["findings"] == []
    (node,) = said["nodes"]
    assert node["versions"] == said["here"]
    assert node["versions"]["scikit-learn"] == sklearn.__version__
    assert (node["cpus"], node["cpus_free"], node["unpickles"], node["error"]) == (2, 2, True, None)
    assert 0 < node["memory_free_bytes"] < node["memory_bytes"]
    assert 0 < node["store_free_bytes"] <= node["store_bytes"]
    assert node["shm_bytes"] is None or node["shm_bytes"] >= node["shm_free_bytes"]


def test_this_machine_without_a_cluster(raysk):
    """Without an address it looks at a Ray of its own on this machine."""
    ran = raysk("doctor")
    assert ran.code == 0, ran.err
    assert (ran.summary["address"], len(ran.summary["nodes"])) == (None, 1)


def a_model_that(does):
    """Write a file whose estimator does something on a node, and return where its process writes its number."""
    told = Path("pid").absolute()
    Path("model.py").write_text(DATA + MINE.replace("TOLD", repr(str(told))).replace("DOES", does))
    return told


def test_an_estimator_that_does_not_load_there(raysk, head, eventually):
    """Exit 4 with what went wrong; the facts of the node are there all the same, and nothing goes on running."""
    told = a_model_that("os._exit(1)")
    ran = raysk("doctor", "model.py", "--address", head, "--timeout", "60")
    ran.assert_error(4, "A job would fail", "does not unpickle: its process died")
    (node,) = ran.summary["nodes"]
    assert (ran.summary["ok"], node["unpickles"]) == (False, False)
    assert node["versions"]["numpy"]
    eventually(lambda: not Path("/proc", told.read_text()).exists(), "the process on the node to end")


def test_a_module_that_only_we_have(raysk, folder, head):
    """A library that is installed here and not on the node is named, with what to do about it."""
    library = folder / "site-packages"
    library.mkdir()
    (library / "ours_alone.py").write_text(DATA + "class Ours(SVC):\n    pass\n")
    (folder / "model.py").write_text(DATA + "from ours_alone import Ours\nmodel = Ours()\n")
    path = os.pathsep.join([str(library), os.environ.get("PYTHONPATH", "")])
    ran = raysk("doctor", "model.py", "--address", head, env={"PYTHONPATH": path})
    ran.assert_error(4, "does not unpickle", "Install 'ours_alone' there")
    assert ran.summary["nodes"][0]["missing_module"] == "ours_alone"


def test_it_does_not_wait_for_a_free_cpu(raysk, head, held):
    """While others hold all CPUs the nodes answer; that none is free is said, and is no error."""
    process, _ = held(head, 1, "--cpus-per-fit", "2")
    ran = raysk("doctor", "--address", head)
    assert ran.code == 0, ran.err
    assert ran.summary["nodes"][0]["cpus_free"] == 0
    assert "no CPU is free" in ran.err
    assert process.poll() is None


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--timeout", "0", "--address", "localhost:1"], 2, "--timeout 0"),
        (["nothing.py"], 3, "nothing.py"),
        (["--address", "127.0.0.1:1"], 4, "ray start --head"),
    ],
)
def test_bad_input(raysk, arguments, code, words):
    """Wrong usage, a bad file and an address where nothing listens end with their exit codes."""
    ran = raysk("doctor", *arguments)
    ran.assert_error(code, words)
    assert ran.out == ""


def test_what_cannot_be_sent_is_named(raysk, folder, head):
    """An estimator that cannot even be pickled is bad input, as it is for a job."""
    (folder / "model.py").write_text(DATA + "import threading\nmodel = SVC()\nmodel.lock = threading.Lock()\n")
    raysk("doctor", "model.py", "--address", head).assert_error(3, "SVC", "lock")


# --- nodes that differ


def test_a_node_that_is_left_out_when_it_joins_later(head, held, folder):
    """A node that joins a running job with another scikit-learn is left out, that is said, and the job goes on."""
    process, go = held(head, 2)
    with joined(head, folder / "other", OTHER):
        for line in process.stderr:
            if "left out" in line:
                break
        assert "scikit-learn 1.0.2" in line
        go.touch()
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert '"workers": 2, "nodes": 1' in out


def test_a_node_without_scikit_learn(raysk, folder, head):
    """A node that lacks scikit-learn is named by doctor and by a job, which ends with exit 4."""
    (folder / "spec.py").write_text(DATA + SEARCH)
    with joined(head, folder / "none", NONE):
        ran = raysk("doctor", "--address", head)
        ran.assert_error(4, "no scikit-learn", "no fit can run there")
        assert [node["versions"]["scikit-learn"] for node in ran.summary["nodes"]].count(None) == 1
        ran = raysk("search", "spec.py", "--address", head, "--allow-versions", env=ON_ALL)
        ran.assert_error(4, "no scikit-learn", f"pip install scikit-learn=={sklearn.__version__}")


def test_what_does_not_answer(raysk, folder, head, eventually):
    """A node that hangs and an estimator that never loads are given up after --timeout and named; the rest is told."""
    told = a_model_that("time.sleep(3600)")
    with joined(head, folder) as process:
        stopped = raylet(process)
        os.kill(stopped, signal.SIGSTOP)
        try:
            start = time.monotonic()
            ran = raysk("doctor", "model.py", "--address", head, "--timeout", "25")
            assert time.monotonic() - start < 90
        finally:
            os.kill(stopped, signal.SIGCONT)
    ran.assert_error(4, "no answer within 25 s", "ray status", "does not unpickle: no answer within 25 s")
    assert sorted(node["error"] is None for node in ran.summary["nodes"]) == [False, True]
    eventually(lambda: not Path("/proc", told.read_text()).exists(), "the process on the node to end")


def test_doctor_shows_other_versions(raysk, other):
    """A node with another scikit-learn is an error."""
    ran = raysk("doctor", "--address", other)
    ran.assert_error(4, "scikit-learn 1.0.2", f"pip install scikit-learn=={sklearn.__version__}", "--allow-versions")
    (difference,) = [each for node in ran.summary["nodes"] for each in node["differences"]]
    assert (difference["package"], difference["there"], difference["fatal"]) == ("scikit-learn", "1.0.2", True)


JOBS = [["fit", "held.py:bagging"], ["search", "held.py", "--backend=ray"]]


@pytest.mark.parametrize("command", JOBS, ids=" ".join)
def test_no_job_runs_on_other_versions(raysk, folder, other, command):
    """Every kind of job ends with exit 4 that names the node, both versions and the remedy, whatever is running."""
    more = "from sklearn.ensemble import BaggingClassifier\nbagging = BaggingClassifier(Held(), n_jobs=-1)\n"
    (folder / "held.py").write_text(DATA + HELD.replace("GO", repr(str(folder / "never"))) + more)
    ran = raysk(*command, "--address", other, env=ON_ALL)
    ran.assert_error(4, "scikit-learn 1.0.2", f"{sklearn.__version__} here", "--allow-versions")
    assert ran.out == ""


def test_a_person_may_accept_other_versions(other, held):
    """With --allow-versions the node is used, and it is said that results may differ."""
    process, go = held(other, 3, "--allow-versions")
    go.touch()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert '"workers": 3, "nodes": 2' in out
    assert "scikit-learn 1.0.2" in err
    assert "results may differ" in err
