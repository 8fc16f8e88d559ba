"""What becomes of a fitted model: checked in another process, written to stdout, looked at without loading it."""

from __future__ import annotations

import json
import os
import pickle
import pty
import subprocess
import sys
import threading

import joblib
import pytest
from sklearn.datasets import load_iris
from sklearn.svm import SVC

MODEL = """
from sklearn.datasets import load_iris
from sklearn.svm import SVC

X, y = load_iris(return_X_y=True)

class Mine(SVC):
    pass

model = Mine(C=3)
"""

VERIFY = {"RAYSK_NO_VERIFY": ""}

# Works where it is fitted, and nowhere else: what is imported by name has to be there.
NEEDS_A_NEIGHBOUR = MODEL.replace("class Mine(SVC):\n    pass", "from elsewhere import Mine")

FAILS = MODEL.replace("    pass", "    def __setstate__(self, state):\n        raise OSError('no licence here')")


class TestOutputIsStdout:
    def test_the_model_is_on_stdout(self, start, folder, head):
        """With -o - stdout is the model, which plain pickle loads, and stderr has the summary as a person reads it."""
        (folder / "model.py").write_text(MODEL)
        process = start("fit", "model.py:model", "-o", "-", "--address", head, text=False)
        out, err = process.communicate(timeout=90)
        assert process.returncode == 0, err
        assert pickle.loads(out).C == 3
        assert b'{"schema"' not in err
        assert b"Mine" in err
        (kept,) = folder.glob("raysk-runs/*/model.pkl")
        assert kept.read_bytes() == out

    def test_into_predict(self, start, folder):
        """The model goes through a pipe into `raysk predict`; nothing else is on it."""
        (folder / "model.py").write_text(MODEL)
        fit = start("fit", "model.py:model", "-o", "-", "-q", "--backend", "threading")
        predict = start("predict", "-", "sklearn:iris", stdin=fit.stdout)
        fit.stdout.close()
        fit.stdout = None
        out, err = predict.communicate(timeout=90)
        assert predict.returncode == 0, err
        X, y = load_iris(return_X_y=True)
        assert out.split()[1:] == [str(label) for label in SVC(C=3).fit(X, y).predict(X)]
        assert fit.communicate(timeout=30)[1] == ""

    @pytest.mark.parametrize("command", ["fit", "search"])
    def test_not_on_a_terminal(self, start, folder, command):
        """A terminal cannot show a model: refused before anything runs."""
        (folder / "model.py").write_text(MODEL + "param_grid = {'C': [1, 2]}\n")
        ours, theirs = pty.openpty()
        process = start(command, "model.py", "-o", "-", stdout=theirs)
        os.close(theirs)
        _, err = process.communicate(timeout=60)
        os.close(ours)
        assert process.returncode == 2
        assert "stdout is a terminal" in err
        assert not (folder / "raysk-runs").exists()

    def test_not_with_stream(self, raysk, folder):
        """Candidates and a model cannot share stdout."""
        (folder / "model.py").write_text(MODEL + "param_grid = {'C': [1, 2]}\n")
        raysk("search", "model.py", "-o", "-", "--stream", "--address", "localhost:1").assert_error(
            2, "--stream", "-o -"
        )


class TestCheck:
    def test_a_model_that_does_not_load(self, raysk, folder):
        """A model that does not load in another process ends with exit 3 and the reason; the file is kept."""
        (folder / "model.py").write_text(FAILS)
        ran = raysk("fit", "model.py:model", "-o", "m.pkl", "--backend", "threading", env=VERIFY)
        ran.assert_error(3, "no licence here", "m.pkl", "--no-verify")
        assert (folder / "m.pkl").exists()
        assert ran.out == ""

    def test_no_verify(self, raysk, folder):
        """With --no-verify it is saved without a word."""
        (folder / "model.py").write_text(FAILS)
        ran = raysk("fit", "model.py:model", "-o", "m.pkl", "--no-verify", "--backend", "threading", env=VERIFY)
        assert ran.code == 0, ran.err

    def test_a_search(self, raysk, folder):
        """The model of a search is checked as well."""
        (folder / "model.py").write_text(FAILS + "param_grid = {'C': [1, 2]}\n")
        ran = raysk("search", "model.py", "--backend", "threading", env=VERIFY)
        ran.assert_error(3, "no licence here")
        assert list(folder.glob("raysk-runs/*/model.pkl"))

    def test_the_folder_is_not_there(self, raysk, folder, head):
        """What lies beside the person's file travels with the model, or the check would find it missing."""
        (folder / "elsewhere.py").write_text("from sklearn.svm import SVC\nclass Mine(SVC):\n    pass\n")
        (folder / "model.py").write_text(NEEDS_A_NEIGHBOUR)
        ran = raysk("fit", "model.py:model", "-o", "m.joblib", "--address", head, env=VERIFY)
        assert ran.code == 0, ran.err
        code = "import joblib; print(joblib.load('m.joblib').C)"
        (folder / "elsewhere.py").unlink()
        done = subprocess.run(
            [sys.executable, "-I", "-c", code], cwd=folder, capture_output=True, text=True, check=True
        )
        assert done.stdout == "3\n"


class TestShow:
    def test_json(self, raysk, folder):
        """In a pipe: format, size, what it would import, and the sidecar, without loading the model."""
        joblib.dump(SVC().fit(*load_iris(return_X_y=True)), folder / "my model.joblib")
        shown = raysk("model", "show", "my model.joblib").summary
        assert shown["format"] == "joblib"
        assert "sklearn.svm._classes.SVC" in shown["imports"]
        assert (shown["missing"], shown["warnings"], shown["sidecar"]) == ([], [], None)

    def test_nothing_runs(self, raysk, folder):
        """A pickle that runs a command is shown with the command's name, and the command does not run."""

        class Evil:
            def __reduce__(self):
                return os.system, ("touch evil",)

        (folder / "m.pkl").write_bytes(pickle.dumps(Evil()))
        ran = raysk("model", "show", "m.pkl")
        assert ran.code == 0
        assert ran.summary["imports"] == ["posix.system"]
        assert "cannot be judged; do not load it unless you trust its maker: it calls posix.system" in ran.err
        assert raysk("model", "show", "m.pkl", "--strict").code == 3
        assert not (folder / "evil").exists()

    def test_stdin(self, raysk, folder):
        """A model on stdin is shown as one in a file; what is none there is said to be so."""
        (folder / "m.pkl").write_bytes(pickle.dumps(SVC()))
        (folder / "text").write_text("hello")
        with (folder / "m.pkl").open("rb") as model, (folder / "text").open("rb") as text:
            ran = raysk("model", "show", "-", "--strict", stdin=model)
            assert ran.code == 0, ran.err
            assert (ran.summary["file"], ran.summary["format"]) == ("-", "pickle")
            ran = raysk("model", "show", "-", stdin=text)
        assert (ran.code, "stdin held something else" in ran.err) == (3, True)

    def test_a_named_pipe(self, raysk, folder):
        """A model that comes through a pipe with a name, as `<(command)` makes one, is shown as well."""
        os.mkfifo(folder / "pipe")
        writer = threading.Thread(target=(folder / "pipe").write_bytes, args=(pickle.dumps(SVC()),), daemon=True)
        writer.start()
        ran = raysk("model", "show", "pipe")
        assert (ran.code, ran.summary["file"]) == (0, "pipe")
        writer.join(10)

    def test_warnings(self, raysk, folder):
        """Other versions, missing packages, and a file that is not the described one are warned of."""
        path = folder / "m.pkl"
        path.write_bytes(b"\x80\x04cno_such_package.models\nThing\n.")
        described = {"kind": "raysk-model", "versions": {"scikit-learn": "0.1"}, "file": {"sha256": "0" * 64}}
        (folder / "m.json").write_text(json.dumps(described))
        ran = raysk("model", "show", "m.pkl")
        assert ran.summary["missing"] == ["no_such_package"]
        assert len(ran.summary["warnings"]) == 4
        for word in ("changed or damaged", "scikit-learn 0.1", "not here: no_such_package", "cannot be judged"):
            assert word in ran.err

    def test_on_a_terminal(self, raysk, start, folder):
        """On a terminal: a table of what a person wants to know first."""
        (folder / "model.py").write_text(MODEL)
        assert raysk("fit", "model.py:model", "-o", "m.pkl", "--backend", "threading").code == 0
        ours, theirs = pty.openpty()
        process = start("model", "show", "m.pkl", stdout=theirs)
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 65536):
                shown += piece
        except OSError:  # the other end is closed
            pass
        os.close(ours)
        assert process.wait(30) == 0
        for word in (b"model.Mine", b"C = 3", b"model.py:model", b"classes", b"sklearn ("):
            assert word in shown

    def test_no_such_file(self, raysk, folder):  # noqa: ARG002 - where it is looked for
        """A missing file is bad input."""
        raysk("model", "show", "no.pkl").assert_error(3, "no.pkl")
