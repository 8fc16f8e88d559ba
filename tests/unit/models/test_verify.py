"""A saved model is loaded back in another process and compared, before success is said."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import DBSCAN
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from raysk.errors import InputError, UserCodeError
from raysk.models import verify
from raysk.models.store import save_model
from raysk.models.verify import Verifier

X, y = load_iris(return_X_y=True)


@pytest.fixture
def check(tmp_path, monkeypatch):
    """Return a function that saves a model and loads it back, from a folder of the person's."""
    folder = tmp_path / "my work"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def run(model, rows=X, suffix=".pkl"):
        path = save_model(model, folder / f"m{suffix}", {})
        with Verifier() as back:
            back.check(path, model, rows)
            return back

    return run


def refused(check, kind, *args, **options):
    """Return the message of the error that a check raises, of at most five lines; the file is kept."""
    with pytest.raises(kind) as caught:
        check(*args, **options)
    assert len(str(caught.value).splitlines()) <= 5
    assert os.path.exists(f"m{options.get('suffix', '.pkl')}")  # noqa: PTH110
    return str(caught.value)


class TestGood:
    def test_an_array(self, check):
        """A model fitted on an array loads back and predicts the same."""
        assert check(SVC().fit(X, y), suffix=".joblib").skipped is None

    def test_a_table_and_several_outputs(self, check):
        """So does one fitted on a table, with several outputs."""
        table = pd.DataFrame(X, columns=list("abcd"))
        check(RandomForestClassifier(3).fit(table, np.c_[y, y > 0]), table)

    def test_nothing_to_compare(self, check):
        """A model that cannot predict new rows is only loaded."""
        check(DBSCAN().fit(X))

    def test_rows_that_cannot_be_taken(self, check):
        """Where the rows cannot be predicted here either, the model is only loaded."""
        check(SVC().fit(X, y), object())

    def test_skops(self, check):
        """A .skops file of known types, here a transformer, loads back."""
        pytest.importorskip("skops.io", reason="needs the extra skops")
        check(StandardScaler().fit(X), suffix=".skops")


class FailsToLoad(BaseEstimator):
    """Loads here only."""

    def __setstate__(self, state):
        raise RuntimeError("no connection to the licence server\nsecond line")


class Killed(BaseEstimator):
    """Takes the process down that loads it."""

    def __setstate__(self, state):
        os.kill(os.getpid(), signal.SIGKILL)


class Forgetful(TransformerMixin, BaseEstimator):
    """Keeps what it learnt where it is not pickled."""

    def fit(self, X, y=None):  # noqa: ARG002, D102
        sys.learnt_by_a_test = 3
        return self

    def transform(self, X):  # noqa: D102
        return X + getattr(sys, "learnt_by_a_test", 0)


class Failing(SVC):
    """Predicts in the process that fitted it."""

    def predict(self, X):  # noqa: D102
        if os.getpid() != int(os.environ["FITTED_BY"]):
            raise KeyError("no such cache")
        return super().predict(X)


@pytest.fixture
def by_value():
    """Let this module's classes travel by value, as those of the person's file do."""
    import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


class TestBad:
    def test_a_module_of_the_folder(self, check, tmp_path, monkeypatch):
        """A model that needs a module of the person's folder is refused: others do not have it. The file is kept."""
        (tmp_path / "my work" / "helpers_here.py").write_text("def shift(X):\n    return X + 1\n")
        monkeypatch.syspath_prepend(tmp_path / "my work")
        import helpers_here

        pipeline = make_pipeline(FunctionTransformer(helpers_here.shift), SVC()).fit(X, y)
        message = refused(check, InputError, pipeline)
        assert "No module named 'helpers_here'" in message
        assert "--no-verify" in message
        del sys.modules["helpers_here"]

    @pytest.mark.usefixtures("by_value")
    def test_it_fails_to_load(self, check):
        """What the model raises when it is loaded is said in a line."""
        message = refused(check, InputError, FailsToLoad())
        assert "RuntimeError: no connection to the licence server" in message
        assert "second" not in message

    @pytest.mark.usefixtures("by_value")
    def test_it_kills_the_process(self, check):
        """A model that takes down the process that loads it is said to do so."""
        assert "SIGKILL" in refused(check, InputError, Killed())

    @pytest.mark.usefixtures("by_value")
    def test_it_fails_to_predict(self, check, monkeypatch):
        """A model that loads but does not predict is the fault of its own code."""
        monkeypatch.setenv("FITTED_BY", str(os.getpid()))
        assert "KeyError: 'no such cache'" in refused(check, UserCodeError, Failing().fit(X, y))

    @pytest.mark.usefixtures("by_value")
    def test_it_predicts_something_else(self, check):
        """A model that predicts other values there than here is refused."""
        message = refused(check, UserCodeError, Forgetful().fit(X))
        assert "transform gives other values" in message
        del sys.learnt_by_a_test


def test_too_large(check, monkeypatch):
    """A model beyond the limit is not loaded back, which is said."""
    monkeypatch.setattr(verify, "MOST_BYTES", 100)
    assert "too large" in check(SVC().fit(X, y)).skipped


def test_too_large_for_the_memory(check, monkeypatch):
    """Nor is one that would take more than its part of the free memory."""
    monkeypatch.setattr(verify, "_free_bytes", lambda: 4000)
    assert "too large" in check(SVC().fit(X, y)).skipped


@pytest.mark.usefixtures("by_value")
def test_it_takes_too_long(check, monkeypatch):
    """A model that does not load in time is given up, and its process ended."""
    monkeypatch.setattr(verify, "PATIENCE_S", 0.2)
    assert "longer than 0.2 s" in refused(check, InputError, SVC().fit(X, y))


def test_left_early():
    """Whoever leaves without the verdict leaves no process behind."""
    with Verifier() as back:
        process = back._process
    assert process.returncode == -signal.SIGKILL


def test_it_is_ready_before_it_is_asked(eventually):
    """What the model needs is imported while it is fitted, at the lowest priority; the wait is for a task."""
    with Verifier() as back:
        back.expect(SVC())
        process = Path("/proc", str(back._process.pid))
        eventually(lambda: "svm/_libsvm." in (process / "maps").read_text(), "scikit-learn's module of the model")
        nice = [(task / "stat").read_text().rpartition(")")[2].split()[16] for task in (process / "task").iterdir()]
        assert "19" in nice
        assert (process / "task" / process.name / "stat").read_text().rpartition(")")[2].split()[16] == "0"


def test_it_ends_with_the_program(eventually):
    """A program that is killed leaves no process that waits for a model."""
    program = "from raysk.models.verify import Verifier; print(Verifier()._process.pid, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        other = Path("/proc", parent.stdout.readline().decode().strip())
        parent.kill()
        eventually(lambda: not other.exists() or " Z " in (other / "stat").read_text(), "its end")
