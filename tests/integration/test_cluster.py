"""Connecting to Ray, and the Ray that raysk starts by itself."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import raysk
from raysk._compat import ray as ray_private
from raysk.cluster import _ray_agent, connection, connection_errors, private_ray, starting
from raysk.cluster import address as addresses
from raysk.errors import ClusterError, UsageError
from raysk.pool.ray.reservation import Reservation
from raysk.pool.task import Task


@pytest.fixture(autouse=True)
def _no_addresses(monkeypatch):
    for name in addresses.ADDRESS_VARIABLES:
        monkeypatch.delenv(name, raising=False)


def _node(cpus, **more):
    return {"Alive": True, "Resources": ({"CPU": cpus} if cpus else {}) | more}


# --- which cluster


@pytest.mark.parametrize(
    ("given", "environment", "found"),
    [
        (None, {}, None),
        ("local", {}, None),
        ("local", {"RAY_ADDRESS": "a:1"}, None),
        ("", {"RAY_ADDRESS": "a:1"}, "a:1"),
        (None, {"RAY_ADDRESS": "a:1"}, "a:1"),
        (None, {"RAY_ADDRESS": "a:1", "RAYSK_ADDRESS": "b:2"}, "b:2"),
        (None, {"RAY_ADDRESS": "a:1", "RAYSK_ADDRESS": "local"}, None),
        ("c:3", {"RAY_ADDRESS": "a:1", "RAYSK_ADDRESS": "b:2"}, "c:3"),
        ("auto", {}, "auto"),
    ],
)
def test_the_address_given_comes_before_the_environments(given, environment, found, monkeypatch):
    """What is given wins, then RAYSK_ADDRESS, then RAY_ADDRESS; none, or "local", is a Ray of our own."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert addresses.resolve(given) == found


@pytest.mark.parametrize("address", ["nonsense", "host:", ":6379", "host:port", "ray://host"])
def test_what_is_no_address_is_said(address):
    """An address that cannot be one is named, with those that could be."""
    with pytest.raises(ClusterError, match="is not an address") as caught:
        addresses.knock(address)
    assert repr(address) in str(caught.value)
    assert "host:port" in str(caught.value)


@pytest.mark.parametrize(
    "address", ["localhost:1", "ray://localhost:1", "[::1]:1", "no-such-host.invalid:6379", "localhost:99999"]
)
def test_where_nothing_listens_it_is_said_at_once(address):
    """Nobody is waited for where nothing listens; the message says what to do."""
    start = time.monotonic()
    with pytest.raises(ClusterError) as caught:
        addresses.knock(address)
    assert time.monotonic() - start < 5 * addresses.KNOCK_S
    assert f"No Ray cluster answered at {address!r}" in str(caught.value)
    assert "ray start --head" in str(caught.value)


def test_a_cluster_that_is_gone_is_not_waited_for(monkeypatch):
    """``auto`` is the address that `ray start` left behind, unless something else runs that Ray would take."""
    monkeypatch.setattr(ray_private, "last_cluster", lambda: "localhost:1")
    monkeypatch.setattr(ray_private, "runs_here", lambda: False)
    with pytest.raises(ClusterError, match="answered at the last one that was started here, 'localhost:1'"):
        addresses.knock("auto")
    monkeypatch.setattr(ray_private, "runs_here", lambda: True)
    addresses.knock("auto")
    monkeypatch.setattr(ray_private, "last_cluster", lambda: None)
    addresses.knock("auto")


@pytest.mark.parametrize("address", ["auto", "localhost:1"])
def test_ray_is_told_to_be_patient_before_it_is_imported(address, run_python, tmp_path):
    """Ray reads its settings when it is imported; too late, and it ends the person's program when a head is lost."""
    ran = run_python(
        f"""
        import os, sys
        from raysk import errors
        from raysk.cluster import connection as cluster

        class Watch:
            def find_spec(self, name, *_):
                if name == "ray._raylet":
                    print("too late" if cluster.PATIENT.items() - os.environ.items() else "in time")

        def stay_away(*_):  # from the clusters of other tests, which "auto" might find
            raise errors.ClusterError("far enough")

        sys.meta_path.insert(0, Watch())
        cluster.Session = stay_away
        try:
            cluster.Cluster({address!r})
        except errors.ClusterError:
            import ray
        """,
        RAY_TMPDIR=str(tmp_path),
    )
    assert ran.stdout == "in time\n", ran.stderr


def test_the_last_cluster_is_the_one_that_was_started(run_python, tmp_path):
    """Where Ray keeps its files."""
    folder = tmp_path / "ray"
    folder.mkdir()
    folder.joinpath("ray_current_cluster").write_text("192.0.2.1:6379\n")
    code = "from raysk._compat import ray; print(ray.last_cluster(), ray.runs_here() in {True, False})"
    assert run_python(code, RAY_TMPDIR=str(tmp_path)).stdout.split() == ["192.0.2.1:6379", "True"]


def test_what_answers_but_is_no_ray_is_not_waited_for(run_python):
    """Something that takes connections and says nothing is given up after JOIN_S."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        ran = run_python(
            f"""
            import os, time
            from raysk import errors
            from raysk.cluster import connection as cluster, session
            session.JOIN_S = 1.0
            start = time.monotonic()
            try:
                cluster.Cluster("127.0.0.1:{port}")
            except errors.ClusterError as error:
                print(str(error), flush=True)
            os._exit(0)
            """
        )
    assert f"No Ray cluster answered at '127.0.0.1:{port}' (it did not let us in within 1 s)" in ran.stdout, ran.stderr


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("Version mismatch: The cluster was started with:\n    Ray: 2.9\n    Python: 3.9"), "Ray: 2.9"),
        (RuntimeError("Unauthenticated: invalid token"), "RAY_AUTH_TOKEN"),
        (ImportError("no module named grpc"), "raysk[client]"),
        (ConnectionError("nobody is home\nat all"), "(nobody is home)"),
        (ValueError(), "(ValueError)"),
    ],
)
def test_rays_words_become_what_to_do(error, words):
    """Whatever Ray says about a failed connection, the message names the address and the remedy."""
    text = connection_errors.why("a:1", error)
    assert words in text
    assert "'a:1'" in text
    assert len(text.splitlines()) <= 5


def test_auto_where_nothing_runs():
    """Ray's own words for it are about its Python function."""
    text = connection_errors.why("auto", ConnectionError("Could not find any running Ray instance. Please specify ..."))
    assert "No Ray cluster runs on this machine" in text
    assert "Please specify" not in text


def test_a_failed_start_on_this_machine_gives_rays_reason():
    """When our own Ray does not start, its first line says why."""
    assert (
        connection_errors.why(None, OSError("\n no room \n more"))
        == "Ray could not be started on this machine: no room"
    )


# --- what of it


@pytest.mark.parametrize(
    ("nodes", "need", "words"),
    [
        ([], {}, "no CPU to work on"),
        ([_node(0)], {}, "no CPU to work on"),
        ([_node(4), _node(8)], {"cpus": 9}, "--cpus-per-fit 9: the largest node of this cluster has 8 CPUs"),
        ([_node(8, memory=10**9)], {"memory": 2 * 10**9}, "2,000,000,000 bytes .* is 1,000,000,000"),
    ],
)
def test_a_cluster_that_is_too_small_is_said(nodes, need, words):
    """Without room for one worker there is nothing to start."""
    with pytest.raises(ClusterError, match=words):
        Reservation(**need).check(nodes)


@pytest.mark.parametrize(
    ("nodes", "need", "rooms"),
    [
        ([_node(0), _node(1)], {}, [0, 1]),
        ([_node(9)], {"cpus": 4}, [2]),
        ([_node(8, memory=10**9), _node(8)], {"memory": 3 * 10**8}, [3, 0]),
    ],
)
def test_room_for_one_worker_is_enough(nodes, need, rooms):
    """A node has room for as many workers as its CPUs and its memory allow, and one is enough."""
    Reservation(**need).check(nodes)
    assert [Reservation(**need).room(node) for node in nodes] == rooms


def test_workers_as_many_as_have_their_memory_or_are_asked_for(run_python):
    """Where most of the memory is asked for one worker comes, however many CPUs there are.

    With --workers a cluster without room is joined: its autoscaler may bring some.
    """
    done = run_python("""
        import raysk
        from raysk.cluster import Cluster
        from raysk.jobs import Resources
        with raysk.connect("local", cpus_per_fit=1000, workers=1) as cluster:
            import ray
            print(cluster.pool.wanted)
            memory = int(ray.cluster_resources()["memory"])
        with Cluster("local", resources=Resources(memory_per_fit=memory // 4 * 3)) as cluster:
            print(cluster.pool.wanted)
            raysk.fit(__import__("sklearn.dummy").dummy.DummyClassifier(), [[0], [1]], [0, 1])
    """)
    assert (done.stdout, done.returncode) == ("1\n1\n", 0), done.stderr


def test_the_connection_knows_its_size(cluster):
    """Nodes and CPUs are those of the cluster, and the innermost connection is the current one."""
    assert cluster.nodes == 1
    assert cluster.cpus >= 1
    assert cluster.address is None
    assert connection.current() is cluster


@pytest.mark.parametrize("address", ["local", "auto", "localhost:6379"])
def test_a_second_connection_is_refused(cluster, address):
    """Ray connects a program once: another connection is refused in words, and the first one stays."""
    with pytest.raises(UsageError, match="connected to a Ray of its own already"):
        connection.Cluster(address)
    assert connection.current() is cluster


def test_what_fails_in_the_background_is_raised_where_it_is_needed(cluster):
    """What goes wrong while the program does something else is raised when the cluster is asked for."""
    with starting.Starting(address="localhost:1") as start, pytest.raises(UsageError):
        start.result()
    assert connection.current() is cluster


# --- a Ray of our own


OWN = """
    import glob, json, os, signal, sys, tempfile
    from pathlib import Path
    from unittest import mock

    signal.signal(signal.SIGTERM, mine := lambda *_: None)
    import raysk

    def listening():
        "Addresses that this machine listens on, of processes that are children of ours or of Ray."
        ours = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if b"raysk-%d-" % os.getpid() not in (folder / "cmdline").read_bytes():
                    continue
                for link in (folder / "fd").iterdir():
                    ours[os.readlink(link)] = folder.name
            except OSError:
                pass
        found = set()
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and f"socket:[{fields[9]}]" in ours:
                    found.add(fields[1].rpartition(":")[0])
        return sorted(found)

    def on_worker():
        print("a worker's words")
        return os.environ["OMP_NUM_THREADS"], "raysk" in sys.modules

    cluster = raysk.connect(workers=1)
    from raysk.pool import Task  # not before: it imports Ray, which then keeps its token in the home folder

    threads, has_raysk = cluster.pool.submit(Task(function=on_worker)).result(60)
    folders = [cluster._private.folder]
    said = {
        "inside": bool(list(folders[0].iterdir())), "sigterm": signal.getsignal(signal.SIGTERM) is mine,
        "listening": listening(), "threads": threads, "has_raysk": has_raysk,
        "token": os.environ["RAY_AUTH_MODE"] == "token" and len(os.environ["RAY_AUTH_TOKEN"]) >= 32,
    }
    cluster.close()
    try:
        cluster.pool
    except raysk.errors.ClusterError as error:
        said["closed"] = str(error)

    with mock.patch("ray._private.worker.connect", side_effect=RuntimeError("no")):  # its processes run by then
        try:
            raysk.connect()
        except raysk.errors.ClusterError as error:
            said["refused"] = str(error)
    said["left"] = glob.glob(f"{tempfile.gettempdir()}/raysk-{os.getpid()}-*")

    another = raysk.connect(workers=1)  # never closed: the program's end does that
    folders.append(another._private.folder)
    said["again"] = another.pool.submit(Task(function=on_worker)).result(60)[0]
    said |= {"folders": list(map(str, folders)), "home": list(map(str, Path.home().rglob("*")))}
    print(json.dumps(said))
"""


def test_a_ray_of_our_own_keeps_to_itself(run_python):
    """Our own Ray listens here only, asks for a token, writes nothing home or on stdout, and leaves nothing behind.

    All that holds for a second one in the same program too, and nothing is left of one whose start fails.
    """
    ran = run_python(OWN)
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)  # and not a word more
    assert "is closed" in said.pop("closed")
    assert said.pop("refused") == "Ray could not be started on this machine: no"
    listening = said.pop("listening")
    assert listening
    assert set(listening) <= {"0100007F", "0" * 24 + "01000000", "0" * 16 + "FFFF0000" + "0100007F"}
    folders = [Path(folder) for folder in said.pop("folders")]
    assert said == {
        "inside": True,
        "sigterm": True,
        "threads": "1",
        "has_raysk": False,
        "token": True,
        "again": "1",
        "home": [],
        "left": [],
    }
    for folder in folders:
        assert not folder.exists()
        assert not _processes_of(folder)


def test_a_killed_program_takes_its_ray_along(run_python, eventually):
    """When the program is killed the kernel ends its Ray, and the next program removes its folder."""
    ran = run_python(
        """
        import os, signal, raysk
        cluster = raysk.connect(workers=1)
        print(cluster._private.folder, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    folder = Path(ran.stdout.strip())
    assert folder.name.startswith("raysk-"), ran.stderr
    eventually(lambda: not _processes_of(folder), "Ray's processes to end")
    private_ray.Private().remove()
    assert not folder.exists()


def test_what_a_fit_forks_ends_when_told(cluster):
    """A `multiprocessing.Pool` in a fit must not inherit Ray's handler, with which closing it may hang."""

    def handlers():
        out, into = os.pipe()
        if os.fork() == 0:
            os.write(into, repr(signal.getsignal(signal.SIGTERM)).encode())
            os._exit(0)
        os.wait()
        return repr(signal.getsignal(signal.SIGTERM)), os.read(out, 100).decode()

    mine, forked = cluster.pool.submit(Task(function=handlers)).result(60)
    assert "function" in mine
    assert forked == repr(signal.SIG_DFL)


def test_workers_look_for_modules_among_libraries_first(pool):
    """A program's folders come after libraries there: a `pyarrow.py` where somebody works is not the library."""

    def places():
        return sys.path, [finder.folder for finder in sys.meta_path if hasattr(finder, "folder")]

    path, folders = pool.submit(Task(function=places)).result(60)
    assert folders
    assert set(path[-len(folders) :]) == set(folders)


def test_workers_of_a_ray_of_our_own_get_the_cpu_as_this_program_does(pool):
    """Ray would let them yield to everything else; and this program's environment is as it was."""
    assert pool.submit(Task(function=os.nice, args=(0,))).result() == os.nice(0)
    assert "RAY_worker_niceness" not in os.environ


def test_a_ray_of_our_own_starts_no_helpers(cluster):
    """Ray's autoscaler, dashboard and agents are not started: they take seconds, and a private Ray needs none."""
    lines = [line.split(b"\0") for line in _processes_of(cluster._private.folder)]
    scripts = {next((Path(word.decode()).name for word in line if word.endswith(b".py")), "") for line in lines}
    assert "_ray_agent.py" in scripts
    assert not scripts & {"monitor.py", "agent.py", "main.py", "dashboard.py"}


def test_the_stand_in_for_rays_agents(tmp_path, eventually):
    """It says that it listens nowhere, and ends when the node that started it does."""
    script = Path(raysk.__file__).with_name("cluster") / "_ray_agent.py"
    in_background = f'"{sys.executable}" "{script}" "$@" & echo $!; read line'
    arguments = ("agent.py", f"--session-dir={tmp_path}", "--node-id=abc", "--head")
    node = subprocess.Popen(
        ["sh", "-c", in_background, "sh", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    agent = Path("/proc", node.stdout.readline().strip())
    files = [tmp_path / f"{name}_abc" for name in _ray_agent.PORTS]
    eventually(lambda: all(file.exists() for file in files), "the ports to be said")
    assert {file.read_text() for file in files} == {"-1"}
    assert len(list(tmp_path.iterdir())) == len(files)
    assert agent.exists()
    node.communicate("done\n")
    eventually(lambda: not _command_line(agent), "the stand-in to end")


def _processes_of(folder):
    """Return the command lines that name a folder."""
    return [line for line in map(_command_line, Path("/proc").glob("[0-9]*")) if str(folder).encode() in line]


def _command_line(process):
    try:
        return (process / "cmdline").read_bytes()
    except OSError:  # it ended meanwhile
        return b""
