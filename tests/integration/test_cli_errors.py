"""Bad input to the command line: exit codes, and messages of at most five lines."""

from __future__ import annotations

import pickle
import socket

import pytest

SEARCH = """
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.svm import SVC

X, y = load_iris(return_X_y=True)
search = RandomizedSearchCV(SVC(), {"C": [0.1, 1.0, 10.0]}, n_iter=2, random_state=0, cv=2)
"""

ESTIMATOR = """
from sklearn.svm import SVC
X, y = [[0], [1], [2], [3]], [0, 1, 0, 1]
model = SVC()
"""

FAILING = SEARCH.replace("SVC()", "Bad()").replace(
    "X, y =", "class Bad(SVC):\n    def fit(self, *_): raise ValueError('no good')\n\nX, y ="
)

CASES = {
    "no such file": ("fit", "modle.py", [], 3, ["modle.py", "model.py"], ESTIMATOR),
    "syntax error": ("fit", "model.py", [], 3, ["model.py:1", "def"], "def f(:\n"),
    "exception at import": ("fit", "model.py", [], 3, ["ZeroDivisionError", "line 1"], "1 / 0\n"),
    "exit at import": ("fit", "model.py", [], 3, ["SystemExit"], "raise SystemExit(0)\n"),
    "exit in a splitter": (
        "search",
        "model.py",
        [],
        1,
        ["SystemExit: 0", "model.py:8 in split"],
        SEARCH.replace("cv=2", "cv=Leaves(2)").replace(
            "X, y =",
            """from sklearn.model_selection import KFold
class Leaves(KFold):
    def split(self, *_, **__): raise SystemExit(0)
X, y =""",
        ),
    ),
    "no estimator": ("fit", "model.py", [], 3, ["no estimator"], "x = 1\n"),
    "two estimators": (
        "fit",
        "model.py",
        [],
        3,
        ["a (SVC)", "b (SVR)", "model.py:a"],
        "from sklearn.svm import SVC, SVR\na, b = SVC(), SVR()\nX, y = [[1]], [1]\n",
    ),
    "unknown attribute": ("fit", "model.py:modle", [], 3, ["modle", "model"], ESTIMATOR),
    "unknown parameter": ("fit", "model.py", ["--set", "gama=1"], 2, ["gama", "gamma"], ESTIMATOR),
    "parameter without value": ("fit", "model.py", ["--set", "gamma"], 2, ["gamma"], ESTIMATOR),
    "not a scikit-learn object": ("fit", "model.py:model", [], 3, ["int"], "model = 3\nX, y = [[1]], [1]\n"),
    "lengths differ": ("fit", "model.py", [], 3, ["4 rows", "3"], ESTIMATOR.replace("[0, 1, 0, 1]", "[0, 1, 0]")),
    "no data": ("fit", "model.py", [], 3, ["X"], "from sklearn.svm import SVC\nmodel = SVC()\n"),
    "empty list in a grid": (
        "search",
        "model.py",
        [],
        3,
        ["'C'", "empty"],
        ESTIMATOR + "param_grid = {'C': []}\n",
    ),
    "n-iter 0": ("search", "model.py", ["--n-iter", "0"], 2, ["--n-iter 0"], SEARCH),
    "unknown scorer": ("search", "model.py", ["--scoring", "acuracy"], 2, ["acuracy", "accuracy"], SEARCH),
    "n-iter for a grid": (
        "search",
        "model.py",
        ["--n-iter", "5"],
        2,
        ["GridSearchCV"],
        SEARCH + "search = GridSearchCV(SVC(), {'C': [1]})\n",
    ),
    "unknown address": ("search", "model.py", ["--address", "nowhere"], 4, ["nowhere", "host:port"], SEARCH),
    "model without refit": ("search", "model.py", ["--no-refit", "-o", "m.pkl"], 2, ["--no-refit", "m.pkl"], SEARCH),
    "output in no folder": ("search", "model.py", ["-o", "not/here.pkl"], 3, ["not"], SEARCH),
    "budget that is no time": ("search", "model.py", ["--time-budget", "soon"], 2, ["soon", "1h30m"], SEARCH),
    "table in the sidecar's place": (
        "search",
        "model.py",
        ["-o", "m.pkl", "--results", "m.json"],
        2,
        ["--results m.json", "m.pkl"],
        SEARCH,
    ),
    "name that is too long": ("search", "model.py", ["-o", "n" * 300 + ".pkl"], 3, ["too long", "another"], SEARCH),
    "unknown table": ("search", "model.py", ["--results", "table.xyz"], 2, [".csv"], SEARCH),
    "unknown backend": ("search", "model.py", ["--backend", "lokey"], 2, ["lokey", "loky"], SEARCH),
    "no workers": ("search", "model.py", ["--workers", "0"], 2, ["--workers 0"], SEARCH),
    "unknown backend of a dry run": ("fit", "model.py", ["--dry-run", "--backend", "lokey"], 2, ["lokey"], ESTIMATOR),
    "wrong value": (
        "search",
        "model.py",
        ["--space", "kernel=rfb,linear"],
        2,
        ["kernel=rfb", "Did you mean rbf"],
        SEARCH,
    ),
    "wrong value of a dry run": ("fit", "model.py", ["--dry-run", "--set", "kernel=lin"], 2, ["linear?"], ESTIMATOR),
    "wrong value in the file": ("fit", "model.py", [], 3, ["C=-1", "range"], ESTIMATOR.replace("SVC()", "SVC(C=-1)")),
    "missing value": (
        "fit",
        "model.py",
        [],
        3,
        ["'0'", "row 2", "Imputer"],
        ESTIMATOR.replace("[1]", "[float('nan')]"),
    ),
    "metric of another kind": ("search", "model.py", ["--scoring", "f1"], 2, ["--scoring f1", "f1_macro"], SEARCH),
    "another tool's option": ("fit", "model.py", ["--n-jobs", "2"], 2, ["--n-jobs", "--workers?"], ESTIMATOR),
    "unknown option": ("search", "model.py", ["--scorng", "f1"], 2, ["--scorng", "--scoring"], SEARCH),
}


WITH_RAY = {"no such file", "unknown parameter"}
"""The others need no Ray that is being started meanwhile, which takes seconds of CPU: what they say is the same."""


@pytest.mark.parametrize("name", CASES)
def test_bad_input_names_the_value_and_what_to_do(raysk, folder, name):
    """Bad input ends with its exit code and at most five lines that name the value and what to look at."""
    command, source, options, code, words, text = CASES[name]
    (folder / "model.py").write_text(text)
    chosen = name in WITH_RAY or {"--address", "--backend"} & set(options)
    ran = raysk(command, source, *options, *([] if chosen else ["--backend", "threading"]))
    ran.assert_error(code, *words)
    assert ran.out == ""
    assert code == 1 or not (folder / "raysk-runs").exists()


def test_what_another_backend_cannot_do_is_refused(raysk, folder):
    """It has no journal to go on with, counts no failures, tells of no candidates, and needs no cluster."""
    (folder / "model.py").write_text(SEARCH)
    search = ("search", "model.py", "--backend", "threading")
    ran = raysk(*search, "--run-dir", "run")
    assert ran.code == 0, ran.err
    (folder / "run" / "journal.jsonl").touch()  # as if raysk's own plan had run
    before = {path.name: path.read_bytes() for path in (folder / "run").iterdir()}
    for options in (["--resume", "run"], ["--strict"], ["--stream"], ["--address", "local"]):
        raysk(*search, *options).assert_error(2, options[0], "threading")
    raysk("resume", "run", "--n-iter", "3").assert_error(2, "--resume", "threading")
    assert before == {path.name: path.read_bytes() for path in (folder / "run").iterdir()}


def test_every_fit_failed_on_another_backend(raysk, folder):
    """What was raised is said as raysk's own plans say it."""
    (folder / "model.py").write_text(FAILING)
    ran = raysk("search", "model.py", "--backend", "threading")
    ran.assert_error(1, "All 4 fits failed; 4 of them with", "ValueError: no good", "raysk fit")


@pytest.mark.parametrize("content", [b"", b"garbage", pickle.dumps(list(range(1000)))[:50]])
def test_a_damaged_pickle_is_bad_input(raysk, folder, content):
    """An empty, wrong or truncated pickle ends with exit 3."""
    (folder / "model.pkl").write_bytes(content)
    raysk("fit", "model.pkl", "--backend", "threading").assert_error(3, "model.pkl")


def test_nothing_listens(raysk, folder):
    """An address where nothing listens ends with exit 4, the address, and how to start a cluster."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        (folder / "model.py").write_text(SEARCH)
        raysk("search", "model.py", "--address", address).assert_error(4, address, "ray start --head")


def test_an_unpicklable_object_is_named(raysk, folder):
    """An estimator that cannot travel ends with a message that says so, and no traceback of ours."""
    (folder / "model.py").write_text(
        ESTIMATOR + "import threading\nclass Own(SVC): pass\nmodel = Own()\n"
        "model.lock = threading.Lock()\nmodel.kernel = threading.Lock()\n"
    )
    ran = raysk("fit", "model.py", threads=True)
    ran.assert_error(3, "Own", "lock")


def test_their_code_fails_with_their_frames_only(raysk, folder, head):
    """An exception in the person's fit shows their lines, not scikit-learn's nor ours."""
    (folder / "model.py").write_text(
        "from sklearn.base import BaseEstimator\n"
        "class Mine(BaseEstimator):\n"
        "    def fit(self, X, y=None):\n"
        "        return self.deeper()\n"
        "    def deeper(self):\n"
        "        raise KeyError('oh')\n"
        "model = Mine()\n"
        "X = [[1.0], [2.0]]\n"
    )
    ran = raysk("fit", "model.py", "--address", head)
    ran.assert_error(1, "KeyError: 'oh'", "model.py:4 in fit", "model.py:6 in deeper")
    assert "worker.py" not in ran.err


def test_all_fits_failed(raysk, folder):
    """When every fit fails, the common reason is said in a line and the exit code is 1."""
    (folder / "model.py").write_text(FAILING)
    ran = raysk("search", "model.py", threads=True)
    ran.assert_error(1, "All 4 fits failed", "ValueError: no good")
    assert "raysk resume" not in ran.err


def test_a_fit_that_kills_its_worker(raysk, folder, head):
    """It is given up after three times, and the message says what to try."""
    (folder / "model.py").write_text(
        "import os\n"
        "from sklearn.svm import SVC\n"
        "class Mine(SVC):\n"
        "    def fit(self, X, y):\n"
        "        os._exit(1)\n"
        "model = Mine()\n"
        "X, y = [[1.0], [2.0]], [0, 1]\n"
    )
    ran = raysk("fit", "model.py", "--address", head)
    ran.assert_error(1, "The fit was given up: its worker died 3 times", "--memory-per-fit", "-v")


def test_debug_shows_every_frame(raysk, folder):
    """Also of an error in the command line itself, or in the settings, before there are any options."""
    for arguments in (["inspect", "nothing.py"], ["inspect", "--nope"], ["inspect", "nothing.py", "--format=x"]):
        assert "Traceback" not in raysk(*arguments).err
        assert "Traceback" in raysk(*arguments, "--debug").err
    (folder / "pyproject.toml").write_text("[tool.raysk]\nadress = 'auto'\n")
    assert "Traceback" in raysk("inspect", "nothing.py", "--debug").err
    assert raysk("inspect", "--debug", "--help").code == 0
