"""What several test files need: time limits, a pool without Ray, and one private Ray for the whole session.

launcher    starts workers that are threads of this process: the pool's rules, tested without Ray
cluster     a warm pool of two workers on a private Ray, started by the first test that asks for it
eventually  waits for a condition, never longer than a deadline
"""

from __future__ import annotations

import json
import os
import queue
import secrets
import signal
import subprocess
import sys
import textwrap
import threading
import time
import traceback
from pathlib import Path
from types import SimpleNamespace

import pytest

# Read by Ray when it is imported: a token of our own, so that nothing is written to the home folder.
os.environ.setdefault("RAY_AUTH_MODE", "token")
os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))

DEADLINE_S = 180
"""A test that takes longer than this, in seconds, fails instead of hanging; the slowest takes 15-50 s."""

PATIENCE_S = 60
"""How long a test waits for one thing to happen, in seconds; usually it takes milliseconds."""


RAYS = {"_session_cluster": "cluster", "head": "head"}
"""Fixtures that start a Ray for the whole session, and the groups of tests that use them: each runs in one process."""


def pytest_configure(config):
    config.addinivalue_line("markers", "deadline(seconds): how long this test may take before it fails")


def pytest_collection_modifyitems(items):
    """Keep tests of one Ray in one process (``--dist loadgroup``), so that it is started once."""
    for item in items:
        for fixture, group in RAYS.items():
            if fixture in item.fixturenames and not item.get_closest_marker("xdist_group"):
                item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(autouse=True)
def _cannot_hang(request):
    """Fail a test that runs past its deadline: SIGALRM interrupts whatever the main thread waits for."""
    marker = request.node.get_closest_marker("deadline")
    seconds = marker.args[0] if marker else DEADLINE_S

    def late(_signal, frame):
        where = "".join(traceback.format_stack(frame)[-3:])
        pytest.fail(f"the test did not end within {seconds} s; it was here:\n{where}")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _eventually(condition, what="the condition to hold"):
    """Return the condition's first true value; fail when it does not come in time."""
    deadline = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {PATIENCE_S} s in vain for {what}"
        time.sleep(0.005)
    return value


@pytest.fixture(scope="session")
def eventually():
    return _eventually


# --- a pool without Ray


class Call:
    """One task that a fake worker was asked for; the test, or the worker's thread, answers it."""

    def __init__(self, worker, message, refs, drop, done):
        from raysk.pool.shared import unpack

        self.worker, self.refs, self.drop, self.lenders = worker, dict(refs), list(drop), 0
        worker.store.update(refs)
        for key in drop:
            worker.store.pop(key, None)
        self.key, self.function, self.args, self.units, self.patience_s = unpack(message, worker.store.__getitem__)
        self._done = done

    def answer(self, value, wall_s=0.001):
        """Reply with a value: for a task with units, a list of one value per unit that is done."""
        self._reply(value, wall_s=wall_s)

    def fail(self, error, frames=()):
        """Reply with an exception."""
        self._reply(error, ok=False, frames=frames)

    def run(self):
        """Call the function, as a worker does."""
        start = time.perf_counter()
        try:
            value = self.function(*self.args) if self.units is None else list(self.function(*self.args, self.units))
        except BaseException as error:  # noqa: BLE001 - as on a worker, every end is an answer
            self.fail(error, list(traceback.extract_tb(error.__traceback__)))
        else:
            self.answer(value, wall_s=time.perf_counter() - start)

    def pass_over(self):
        """Reply that it was not run, since it was withdrawn."""
        self._done(None)

    def gone(self, reason):
        """Tell the pool that the worker is gone."""
        from raysk.pool.reply import Gone

        if (done := self._take()) is not None:
            done(Gone(reason))

    def _take(self):
        """Make sure that a call is answered once, whoever comes first."""
        with self.worker.lock:
            if self in self.worker.running:
                self.worker.running.remove(self)
                return self._done
        return None

    def _reply(self, content, **fields):
        if (done := self._take()) is not None:
            done(reply_of(content, **fields))


def reply_of(content, *, ok=True, frames=(), wall_s=0.001):
    """Return what the pool gets to hear of a worker."""
    from raysk.pool.reply import Packed, Reply

    return Reply.of(Packed(content).message(ok=ok, frames=list(frames), wall_s=wall_s, cpu_s=wall_s))


class Question:
    """A worker is asked what is done of a task."""

    def __init__(self, key, done):
        self.key, self.say = key, done

    def tell(self, values):
        """Answer with the values of the units that are done."""
        self.say(reply_of(values))


class Withdrawal:
    """A worker is asked to give tasks back."""

    def __init__(self, worker, keys, done):
        self.worker, self.keys, self.say = worker, keys, done

    def allow(self):
        """Give back what is not begun; what was sent for it is answered with nothing."""
        with self.worker.lock:
            calls = [call for call in self.worker.running[1:] if call.key in self.keys]
            self.worker.running = [call for call in self.worker.running if call not in calls]
        self.say([call.key for call in calls])
        for call in calls:
            call.pass_over()


class FakeWorker:
    """A worker in this process. Its thread runs what it is asked for, or the test answers by hand."""

    def __init__(self, launcher, number, *, by_hand):
        self.number, self.launcher = number, launcher
        self.lock = threading.Lock()
        self.store, self.running, self.calls = {}, [], []
        self.dead = self.killed = False
        self._todo = queue.SimpleQueue()
        if not by_hand:
            threading.Thread(target=self._work, daemon=True).start()

    def call(self, message, refs, drop, done, lenders=0):
        """Take a task; see `raysk.pool.launcher.RemoteWorker`."""
        from raysk.pool.reply import Gone

        call = Call(self, message, refs, drop, done)
        call.lenders = lenders
        with self.lock:
            dead = self.dead
            if not dead:
                self.running.append(call)
        if dead:
            done(Gone("it was dead already"))
        elif call.function is int:  # the empty task that asks whether a worker is alive
            call.run()
        else:
            self.calls.append(call)
            self.launcher.calls.put(call)
            self._todo.put(call)

    def news(self, key, done):
        """Be asked what is done of a task; the test answers."""
        self.launcher.asked.put(Question(key, done))

    def withdraw(self, keys, done):
        """Be asked to give tasks back: those not begun, where no test answers (`launcher.withdrawn`)."""
        if self.launcher.withdrawn is not None:
            self.launcher.withdrawn.put(Withdrawal(self, keys, done))
            return
        Withdrawal(self, keys, done).allow()

    def kill(self):
        """End on purpose."""
        self.killed = True
        self.die("killed")

    def die(self, reason="its process died"):
        """End, with whatever is running; who asks later hears of it then, as with Ray."""
        with self.lock:
            self.dead, running = True, list(self.running)
        for call in running:
            call.gone(reason)
        self._todo.put(None)

    def _work(self):
        while (call := self._todo.get()) is not None:
            if self.launcher.dies_of(call):
                self.die()
            elif not self.dead and call in self.running:
                call.run()


class FakeLauncher:
    """Starts fake workers; the test decides how many there is room for and how starts end."""

    def __init__(self):
        self.room = 2
        self.by_hand = True
        self.launched = []
        self.calls, self.asked, self.withdrawn = queue.Queue(), queue.Queue(), None
        self.refuse = ""
        self.node = "node-{}"
        self.hold = False
        self.held = []
        self.puts = []
        self.dies_of = lambda _call: False
        self.slots_error = None
        self.admission = SimpleNamespace(judged=lambda hello: hello, unheard=set(), left_out=set(), addresses={})

    def launch(self, up):
        """Start a worker: it comes up at once, never (`refuse`), or when the test says so (`hold`)."""
        from raysk.pool.reply import Gone

        worker = FakeWorker(self, len(self.launched), by_hand=self.by_hand)
        self.launched.append(worker)
        if self.hold:
            self.held.append(up)
        else:
            up(Gone(self.refuse) if self.refuse else self.node.format(worker.number))
        return worker

    def slots(self):
        """Say how many workers there is room for."""
        if self.slots_error is not None:
            raise self.slots_error
        return self.room

    def put(self, value):
        """Keep an object; its reference is the object."""
        from raysk.pool.shared import Shared

        self.puts.append(value)
        return Shared(f"key-{len(self.puts)}", value)

    def next_question(self):
        """Return the next question that any worker was asked."""
        return self.asked.get(timeout=PATIENCE_S)

    def next_call(self):
        """Return the next call that any worker got."""
        return self.calls.get(timeout=PATIENCE_S)


@pytest.fixture
def launcher():
    return FakeLauncher()


@pytest.fixture
def make_pool(launcher):
    """Make pools on the fake launcher, and close them at the end."""
    from raysk.pool import Pool

    made = []

    def make(**options):
        made.append(Pool(launcher, **options))
        return made[-1]

    yield make
    launcher.slots_error = None
    for pool in made:
        pool.close()


class Events:
    """A sink that keeps what it hears, and may act on it."""

    def __init__(self):
        self.heard = []
        self.act = lambda _event: None

    def __call__(self, event):
        """Take an event."""
        self.heard.append(event)
        self.act(event)

    def of(self, kind):
        """Return the events of a class so far."""
        return [event for event in self.heard if isinstance(event, kind)]


@pytest.fixture(name="Events")
def _events_class():
    """Return the class of a sink that keeps what it hears."""
    return Events


@pytest.fixture
def _as_a_worker(monkeypatch):
    """Let a real worker be made in this process; it changes nothing that lasts."""
    from raysk.pool.ray.worker import THREAD_VARIABLES, Worker
    from raysk.util import nested

    for name in (*THREAD_VARIABLES, nested.WORKER):
        monkeypatch.setenv(name, os.environ.get(name, "1"))
    monkeypatch.setattr(Worker, "_limit_threads", lambda _: None)


@pytest.fixture(scope="session")
def forking():
    """Return a function that runs raysk in a fork of one process, and returns its exit code; see `forking`."""
    program = Path(__file__).with_name("integration") / "forking.py"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAY", "PYTHONDONT"))}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, str(program)], env={**kept, "NO_COLOR": "1"}, **pipes) as process:

        def run(folder, arguments, **more):
            job = {"folder": str(folder), "arguments": arguments, **more}
            print(json.dumps(job), file=process.stdin, flush=True)
            return json.loads(process.stdout.readline())

        yield run
        process.stdin.close()


# --- one private Ray for the session


@pytest.fixture(scope="session")
def _session_cluster():
    import raysk

    events = Events()
    with raysk.connect("local", workers=2, sink=events) as cluster:
        yield SimpleNamespace(cluster=cluster, events=events)


@pytest.fixture(scope="module")
def _travels(request):
    """Send what the test module defines by value: workers cannot import it."""
    from joblib.externals.loky import cloudpickle_wrapper

    from raysk.cluster import travel_by_value

    travel_by_value([request.module])
    lokys = sys.modules[cloudpickle_wrapper.dumps.__module__]  # part of joblib up to 1.5, a package of its own since
    lokys.register_pickle_by_value(request.module)


@pytest.fixture
def cluster(_session_cluster, _travels):
    """Lend the cluster with two warm workers; its pool must survive every test."""
    pool = _session_cluster.cluster.pool
    yield _session_cluster.cluster
    assert _session_cluster.cluster.pool is pool
    assert pool._thread.is_alive(), "this test ended the pool"


@pytest.fixture
def pool(cluster):
    return cluster.pool


@pytest.fixture
def events(_session_cluster):
    """Collect what the cluster's sink hears during the test."""
    found = _session_cluster.events
    found.heard.clear()
    yield found
    found.act = lambda _event: None


@pytest.fixture
def run_python(tmp_path):
    """Return a function that runs a program of its own, in a home folder of its own, and returns what it prints."""
    home = tmp_path / "home"
    home.mkdir()

    def run(source, **environment):
        import raysk

        kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY")}
        path = os.pathsep.join([str(Path(raysk.__file__).parents[1]), kept.get("PYTHONPATH", "")])
        script = tmp_path / "script.py"
        script.write_text(textwrap.dedent(source))
        return subprocess.run(
            [sys.executable, str(script)],
            env={**kept, "HOME": str(home), "PYTHONPATH": path, **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S - 10,
            check=False,
        )

    return run


@pytest.fixture
def executioner(tmp_path):
    """Kill the process that writes its id into the file `pid` of the test's folder."""
    marker = tmp_path / "pid"

    def kill():
        _eventually(marker.exists, "a process to kill")
        os.kill(int(marker.read_text()), signal.SIGKILL)

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    yield
    thread.join(PATIENCE_S)


def _meet(folder, count):
    """Return this process's id, once as many processes as asked for are here: none of them answers twice."""
    Path(folder, str(os.getpid())).touch()
    deadline = time.monotonic() + 60
    while len(list(Path(folder).iterdir())) < count:
        if time.monotonic() > deadline:
            raise TimeoutError("the other workers did not come")
        time.sleep(0.01)
    return os.getpid()


@pytest.fixture
def worker_pids(pool, tmp_path_factory):
    """Return a function that tells the process ids of the workers."""
    from raysk.cluster import travel_by_value
    from raysk.pool import Task

    travel_by_value([sys.modules[__name__]])

    def pids():
        folder = tmp_path_factory.mktemp("pids")
        _eventually(lambda: pool.up == pool.wanted, "all workers")
        futures = [pool.submit(Task(function=_meet, args=(str(folder), pool.wanted))) for _ in range(pool.wanted)]
        return {future.result(timeout=PATIENCE_S) for future in futures}

    return pids
