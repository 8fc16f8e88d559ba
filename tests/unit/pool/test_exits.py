"""Code of the person's that would end the program ends a fit, and signals end the program."""

from __future__ import annotations

import signal
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV

from raysk.cli import signals
from raysk.plans.evaluation import Evaluation
from raysk.plans.limits import Enough
from raysk.pool.assignment import Entry, Slot
from raysk.pool.ray.worker import _answer
from raysk.pool.reply import Packed, Reply
from raysk.pool.task import Task
from raysk.source import loader
from raysk.util import exits

X, Y = np.arange(12.0).reshape(6, 2), np.array([0, 1, 0, 1, 0, 1])
ENDS = [SystemExit(0), SystemExit("enough"), KeyboardInterrupt(), GeneratorExit(), BaseException("mine")]


class Quits(ClassifierMixin, BaseEstimator):
    """A classifier that raises in one of its methods."""

    def __init__(self, where=None, end=None):
        self.where = where
        self.end = end

    def fit(self, X, y):  # noqa: ARG002 - as scikit-learn calls it
        """Fit, or raise."""
        self._raise("fit")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        """Predict, or raise."""
        self._raise("predict")
        return np.zeros(len(X), int)

    def _raise(self, where):
        if self.where == where:
            raise self.end


def quitting_scorer(estimator, X, y):  # noqa: ARG001 - as scikit-learn calls it
    if estimator.end is not None:
        raise estimator.end
    return 0.5


def evaluated(estimator, scoring, **options):
    """Return what a worker finds out of one fit, and what it warns of."""
    search = GridSearchCV(estimator, {}, scoring=scoring, return_train_score=True, refit=False, **options)
    none = SimpleNamespace(fit={}, score={})
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        routed = SimpleNamespace(estimator=none, scorer=none)
        evaluation = Evaluation.of(search, estimator, (X, Y), routed, search._get_scorers()[0])
        ((result, heard),) = evaluation(([{}], [(np.arange(4), np.arange(4, 6))], (), None), [0])
    return result, [str(warning) for warning, *_ in heard]


SCORINGS = {
    "own": quitting_scorer,
    "one": "accuracy",
    "several": {"quits": quitting_scorer, "predicts": make_scorer(accuracy_score), "own": lambda *_: 0.5},
    "default": None,
}


@pytest.mark.parametrize("end", ENDS, ids=repr)
@pytest.mark.parametrize("where", ["fit", "predict", "scorer"])
@pytest.mark.parametrize("scoring", SCORINGS)
def test_it_is_a_failed_fit_or_score(end, where, scoring):
    """Scores and warnings are those of scikit-learn where an ordinary error is raised instead."""
    like = RuntimeError("like it")
    ours, our_warnings = evaluated(Quits(where, end), SCORINGS[scoring])
    theirs, their_warnings = evaluated(Quits(where, like), SCORINGS[scoring])
    for key in ("test_scores", "train_scores"):
        assert repr(ours[key]) == repr(theirs[key])
    assert (ours["fit_error"] is None) == (theirs["fit_error"] is None) == (where != "fit")
    said = [*our_warnings, ours["fit_error"] or ""]
    assert len(our_warnings) == len(their_warnings)
    raised = bool(our_warnings) or where == "fit"
    assert (type(end).__name__ in "".join(said)) == raised
    assert "_compat" not in "".join(said)  # no function of ours is in the tracebacks


def test_it_is_raised_where_errors_are():
    """With error_score="raise" it leaves the fit; what the worker answers is an ordinary error with its place."""
    end = SystemExit(3)
    ok, content, raised = _answer(lambda: evaluated(Quits("fit", end), "accuracy", error_score="raise"))
    error = content.unpacked()
    assert not ok
    assert isinstance(error, RuntimeError)
    assert "SystemExit: 3" in str(error)
    assert raised["frames"][-1].name == "_raise"


class Unreadable:
    """What quits where it is unpickled."""

    def __reduce__(self):
        return sys.exit, (4,)


def test_unpickling_a_result_may_not_end_the_pool():
    """The thread that hands results out lives on, and the task fails."""
    reply = Reply.of(Packed(Unreadable()).message(ok=True, frames=[], wall_s=0.0, cpu_s=0.0))
    value, error = Entry.of(Task(function=int), None).outcome(reply, Slot())
    assert value is None
    assert isinstance(error, RuntimeError)
    assert "SystemExit: 4" in str(error)


@pytest.fixture
def handled():
    """Let signals have our handlers."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signals._end) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.usefixtures("handled")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_passes(number):
    """A real Ctrl-C or SIGTERM is what it was, also around the person's code."""
    kind = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: SystemExit}[number]
    with pytest.raises(kind) as caught, exits.Contained():
        signal.raise_signal(number)
    assert isinstance(caught.value, exits.Ordered)
    assert getattr(caught.value, "code", 143) == 143


@pytest.mark.usefixtures("handled")
@pytest.mark.parametrize("end", ENDS, ids=repr)
def test_what_no_signal_raised_is_the_codes(end):
    """The driver tells the person's own exits from signals; a limit's end is ours."""
    with pytest.raises(RuntimeError, match=type(end).__name__), exits.Contained():
        raise end
    with pytest.raises(Enough), exits.Contained():
        raise Enough("patience")
    with pytest.raises(ZeroDivisionError), exits.Contained():
        raise ZeroDivisionError


@pytest.mark.parametrize("end", ENDS[:3], ids=repr)
def test_other_programs_have_their_own_signals(end):
    """In a program with other handlers nothing is changed: an exit may be its handler's."""
    with pytest.raises(type(end)), exits.Contained():
        raise end


@pytest.mark.usefixtures("handled")
@pytest.mark.parametrize("source", ["model.py", "model.py:make()"])
def test_a_signal_is_no_fault_of_the_file_that_is_read(tmp_path, monkeypatch, source):
    """SIGTERM while the person's file runs ends the program, and is no exit that the file asked for."""
    end = "signal.raise_signal(signal.SIGTERM)"
    body = f"def make():\n    {end}\n" if "make" in source else end
    (tmp_path / "model.py").write_text(f"import signal\n{body}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    with pytest.raises(exits.Terminated):
        loader.load(source)
    sys.modules.pop("raysk_user_model", None)
