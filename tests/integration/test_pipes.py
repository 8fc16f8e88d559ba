"""raysk in pipes and on terminals: what goes to which stream, whatever becomes of the streams. Real subprocesses."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pickle
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading

import pytest
from sklearn.datasets import load_iris
from sklearn.svm import SVC
from typer.main import get_command

from raysk.cli.app import app

SPEC = """
import os
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

print("printed at import")
os.write(1, b"written to descriptor 1\\n")

class Chatty(SVC):
    def fit(self, X, y):
        print("printed by a worker")
        return super().fit(X, y)

X, y = load_iris(return_X_y=True)
search = GridSearchCV(Chatty(), {"C": [-1.0, 1.0, 10.0]}, cv=3)
"""

SLOW = SPEC.replace("return super()", "__import__('time').sleep(0.1); return super()").replace(
    "[-1.0, 1.0, 10.0]", "list(range(1, 9))"
)

# Its fits wait for a file: what workers print arrives a while later, as Ray passes it on.
WAITING = (
    SPEC.replace("return super()", "wait(); return super()")
    + """
def wait(seconds=30):
    import time
    deadline = time.monotonic() + seconds
    while not os.path.exists("GO") and time.monotonic() < deadline:
        time.sleep(0.01)
"""
)

# A fit that needs no Ray: what goes to which stream is the same for all jobs.
FIT = ["fit", "sklearn.svm:SVC()", "--data", "sklearn:iris", "--backend", "threading", "--no-verify"]

COLOUR = re.compile(rb"\x1b\[[0-9;]*m")
ANIMATION = re.compile(rb"\x1b\[(\?25|\d*[A-K])")


def strict_json(line):
    """Read JSON as others do, who know no NaN."""
    return json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def commands():
    """Return the words of every command."""
    found, groups = [[]], [([], get_command(app))]
    while groups:
        words, group = groups.pop()
        for name, command in getattr(group, "commands", {}).items():
            found.append([*words, name])
            groups.append(([*words, name], command))
    return found


@pytest.fixture
def spec(folder):
    path = folder / "spec.py"
    path.write_text(SPEC)
    return path


@pytest.fixture
def coloured(start):
    """Return a function that runs a command without NO_COLOR, and returns what it writes, as bytes."""

    def run(*args, **options):
        environment = {"NO_COLOR": "", "TERM": "xterm-256color", **options.pop("env", {})}
        process = start(*args, env=environment, text=False, **options)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    return run


@pytest.fixture
def on_terminal(start):
    """Return a function that runs a command with streams on a terminal, and returns what that and stdout got."""

    def run(*args, streams=("stderr",), width=80, **env):
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
        environment = {"NO_COLOR": "", "TERM": "xterm-256color", **env}
        process = start(*args, text=False, env=environment, **dict.fromkeys(streams, theirs))
        os.close(theirs)
        seen = []
        reader = threading.Thread(target=lambda: seen.extend(_read(ours)), daemon=True)
        reader.start()
        out, _ = process.communicate(timeout=60)
        reader.join(30)
        os.close(ours)
        assert process.returncode == 0, b"".join(seen)
        return b"".join(seen), out

    return run


def _read(descriptor):
    """Yield what a terminal gets, until nobody writes to it any more."""
    with contextlib.suppress(OSError):  # as Linux says so
        while content := os.read(descriptor, 65536):
            yield content


# --- stdout is data, stderr is conversation


def test_a_stream_in_a_pipe(start, folder, head):
    """Every line of stdout is JSON with NaN as null, also when the person's file and, with -v, workers print."""
    (folder / "spec.py").write_text(WAITING.replace("GO", str(folder / "go")))
    process = start("search", "spec.py", "--stream", "-v", "--no-refit", "--address", head)
    said = []
    while not said or "printed by a worker" not in said[-1]:
        said.append(process.stderr.readline())
        assert said[-1], said
    (folder / "go").touch()
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    *lines, summary = map(strict_json, out.splitlines())
    assert {line["params"]["C"]: line["score"] is None for line in lines} == {-1.0: True, 1.0: False, 10.0: False}
    assert (summary["schema"], summary["fits_failed"]) == (1, 3)
    assert {"printed at import\n", "written to descriptor 1\n"} <= set(said)


def test_quiet(raysk):
    """With -q a job that goes well says nothing on stderr."""
    ran = raysk(*FIT, "-q")
    assert (ran.code, ran.err) == (0, "")
    assert strict_json(ran.out)["estimator"] == "SVC"


@pytest.mark.usefixtures("model")
def test_options_may_stand_anywhere(on_terminal):
    """On a terminal stdout is a table; --json, before or after the argument, makes it the object that a pipe gets."""
    table, _ = on_terminal("model", "show", "model.pkl", streams=["stdout"])
    assert b"imports" in table
    assert not table.startswith(b"{")
    before, _ = on_terminal("model", "show", "--json", "model.pkl", streams=["stdout"])
    after, _ = on_terminal("model", "show", "model.pkl", "--json", streams=["stdout"])
    assert strict_json(before) == strict_json(after)
    assert strict_json(after)["schema"] == 1


# --- colours and animation


@pytest.mark.parametrize("force", ["", "1"])
def test_no_escape_codes_in_files(coloured, folder, force):
    """Pipes and files get no escape codes; FORCE_COLOR colours what is said, never data, and never animates."""
    env = {"FORCE_COLOR": "1"} if force else {}
    code, out, err = coloured(*FIT, env=env)
    assert code == 0, err
    assert b"\x1b" not in out
    assert not ANIMATION.search(err)
    assert bool(COLOUR.search(coloured("fit", "nothing.py", env=env)[2])) == bool(force)
    assert b"\x1b" not in err or force
    assert not list(folder.glob("nothing*"))


def test_a_live_view_though_stdout_is_a_pipe(on_terminal):
    """A terminal on stderr is alive while stdout is a pipe; NO_COLOR takes the colours only."""
    seen, out = on_terminal(*FIT, NO_COLOR="1")
    assert strict_json(out)["estimator"] == "SVC"
    assert ANIMATION.search(seen)
    assert not COLOUR.search(seen)


def test_a_dumb_terminal(on_terminal, spec):
    """A terminal that knows no escape codes gets none."""
    seen, _ = on_terminal("search", spec.name, *FIT[4:], streams=["stdout", "stderr"], TERM="dumb")
    assert b"printed at import" in seen
    assert b"best accuracy" in seen
    assert b"\x1b" not in seen


def test_what_would_steer_the_terminal(on_terminal, folder):
    """Escape codes in what a pickle would import, or in its sidecar, are spelled out."""
    (folder / "evil.pkl").write_bytes(b"cos\x1b]0;title\x07\nsystem\n(tR.")
    (folder / "evil.json").write_text(json.dumps({"kind": "raysk-model", "versions": {"scikit-learn": "1\x1b[2J"}}))
    seen, _ = on_terminal("model", "show", "evil.pkl", streams=["stdout", "stderr"])
    assert rb"os\x1b]0;title\x07.system" in seen
    assert seen.count(rb"1\x1b[2J") == 2
    assert b"\x1b[2J" not in seen
    assert b"\x1b]" not in seen


@pytest.mark.parametrize("args", [["model", "show", "model.pkl"], ["search", "-h"]], ids=" ".join)
@pytest.mark.usefixtures("model")
def test_a_narrow_terminal(on_terminal, args):
    """On 40 columns no line is longer than that."""
    seen, _ = on_terminal(*args, streams=["stdout"], width=40, COLUMNS="")
    lines = COLOUR.sub(b"", seen).decode().splitlines()
    assert len(lines) > 3
    assert max(map(len, lines)) <= 40


# --- streams that close, signals


def test_the_reader_of_stderr_is_gone(start, spec, head):
    """When nobody reads stderr any more the job still finishes, and stdout is whole."""
    ours, theirs = os.pipe()
    os.close(ours)
    process = start("search", spec.name, "-v", "--no-verify", "--address", head, stderr=theirs)
    os.close(theirs)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert strict_json(out)["fits"] == 9


@pytest.mark.parametrize("stderr", ["&-", "/dev/full"])
def test_stderr_takes_nothing(folder, spec, stderr):
    """A job that is started with stderr closed, and stdin, or on a full disk, finishes, and stdout is whole."""
    command = [sys.executable, "-m", "raysk", "search", spec.name, *FIT[4:]]
    shell = ["sh", "-c", f'exec "$@" <&- 2>{stderr}', "sh", *command]
    done = subprocess.run(shell, cwd=folder, stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    assert strict_json(done.stdout)["fits"] == 9


@pytest.mark.usefixtures("model")
def test_stdout_on_a_full_disk(raysk):
    """What cannot be written is bad luck of the file's: exit 3, in a few words."""
    with open("/dev/full", "w") as full:  # noqa: PTH123 - no file, but a device
        raysk("predict", "model.pkl", "sklearn:iris", stdout=full).assert_error(3, "stdout", "No space left")


def test_a_signal_that_was_ignored_stays_so(start, folder, head):
    """Started with SIGINT ignored, as a shell starts jobs in the background, a search does not end by it."""
    (folder / "slow.py").write_text(SLOW)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = start("search", "slow.py", "--stream", "--no-refit", "--address", head)
    finally:
        signal.signal(signal.SIGINT, before)
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    summary = strict_json(out.splitlines()[-1])
    assert (summary["stopped"], summary["fits"]) == (None, 24)


def test_nobody_is_asked(start, folder):
    """Without a terminal nothing is asked for, though stdin stays open: what is missing is an error."""
    (folder / "out.pkl").touch()
    for args in (["fit"], ["predict", "model.pkl"], ["fit", "spec.py", "-o", "out.pkl"]):
        process = start(*args, stdin=subprocess.PIPE)
        assert process.wait(60) == 2
        assert process.stdout.read() == ""
    prompts = [param for words in commands() for param in command_of(words).params if getattr(param, "prompt", None)]
    assert prompts == []


def command_of(words):
    """Return the command of these words."""
    command = get_command(app)
    for word in words:
        command = command.commands[word]
    return command


# --- help, names, locales


def test_help_everywhere(raysk):
    """Every command knows -h."""
    every = commands()
    assert ["model", "show"] in every
    for words in every:
        ran = raysk(*words, "-h")
        assert (ran.code, ran.err) == (0, "")
        assert f"Usage: {' '.join(['raysk', *words])}" in ran.out


def test_no_secret_is_an_option(raysk):
    """No command takes a token, a password or a key as an option."""
    every = {option for words in commands() for param in command_of(words).params for option in param.opts}
    assert "--address" in every
    assert not [option for option in every if re.search("token|password|passwd|secret|key|credential", option)]
    ran = raysk("fit", "model.py", "--token", "s3cret", "--dry-run")
    assert (ran.code, ran.out) == (2, "")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["serch", "spec.py"], ["search"]),
        (["fit", "spec.py", "--dry-run", "--adress", "auto"], ["--address"]),
    ],
)
def test_the_nearest_name(raysk, args, words):
    """An unknown command or option ends with the nearest that there is; attributes and columns are tested elsewhere."""
    raysk(*args).assert_error(2, *words)


def test_names_of_files(raysk, folder):
    """Names of files with spaces, colons, quotes and bytes that are no text are taken as they are."""
    odd = os.fsdecode(b"it's a:b \xff")
    X, y = load_iris(return_X_y=True)
    (folder / f"{odd}.pkl").write_bytes(pickle.dumps(SVC().fit(X, y)))
    (folder / f"{odd}.csv").write_text("\n".join(",".join(map(str, row)) for row in X))
    ran = raysk("predict", f"{odd}.pkl", f"{odd}.csv", "-o", f"out {odd}.csv")
    assert ran.code == 0, ran.err
    assert strict_json(ran.out)["rows"] == 150
    assert (folder / f"out {odd}.csv").read_text().count("\n") == 151
    raysk("predict", f"{odd}.pkl", f"{odd}.csv", "-o", f"out {odd}.csv").assert_error(2, "already exists")


def test_the_plain_locale(raysk, folder):
    """With LC_ALL=C, and not in Python's UTF-8 mode, texts of any language and names of any bytes do no harm."""
    odd = os.fsdecode(b"it's a:b \xff.py")
    (folder / odd).write_text(SPEC.replace("printed at import", "gr\N{LATIN SMALL LETTER U WITH DIAERESIS}n"))
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ran = raysk("search", f"{odd}:search", *FIT[4:], env=plain)
    assert ran.code == 0, ran.err
    assert strict_json(ran.out)["fits"] == 9
    assert "Usage: raysk search" in raysk("search", "--help", env=plain).out


def test_completion_is_quick(folder):
    """The Tab key is answered without a library that takes long to import: within 0.2 s where this was written."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    asked = {"_RAYSK_COMPLETE": "complete_bash", "COMP_WORDS": "raysk search spec.py --ad", "COMP_CWORD": "3"}
    (folder / "pyproject.toml").write_text("[tool.raysk]\nbroken\n")
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "raysk"],
        cwd=folder,
        env={**kept, **asked},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == ["--address"]
    imported = {name.split(".")[0] for name in re.findall(r"^import time:.*\| +(\S+)$", done.stderr, re.MULTILINE)}
    assert "raysk" in imported
    assert not imported & {"ray", "sklearn", "numpy", "pandas", "joblib", "scipy"}
