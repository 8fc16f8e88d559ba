"""When a search ends though not all is done: what the limits may be, and when each is reached."""

from __future__ import annotations

import math

import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from raysk.errors import TooManyFailures, UsageError
from raysk.events import CandidateDone
from raysk.jobs import Data, Limits, SearchJob
from raysk.plans.limits import Enough, Watch

DATA = Data(X=[[0.0], [1.0]], y=[0, 1])


def heard(limits, *scores, failed=0):
    """Return the watch over a search whose candidates had these scores, in the order in which they were done."""
    watch = Watch(limits)
    for index, score in enumerate(scores):
        watch.hear_candidate(CandidateDone(index=index, params={}, score=score, failed=failed))
    return watch


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"stop_at": math.nan}, "--stop-at"),
        ({"patience": 0}, "--patience 0"),
        ({"max_failures": -1}, "--max-failures -1"),
    ],
)
def test_limits_that_make_no_sense(limits, words):
    """A limit that could never, or always, be reached is wrong usage."""
    with pytest.raises(UsageError, match=words):
        Limits(**limits)


@pytest.mark.parametrize("limits", [Limits(stop_at=0.9), Limits(patience=3)])
@pytest.mark.parametrize("refit", [False, lambda _: 0])
def test_a_limit_by_score_needs_a_metric_that_decides(limits, refit):
    """With several metrics of which none decides, a limit by score is refused before anything runs."""
    several = GridSearchCV(SVC(), {"C": [1]}, scoring=["accuracy", "f1"], refit=refit)
    with pytest.raises(UsageError, match="refit='accuracy'"):
        SearchJob(search=several, data=DATA, source="s", limits=limits)
    SearchJob(search=several, data=DATA, source="s", limits=Limits(max_failures=1))
    SearchJob(search=several.set_params(refit="f1"), data=DATA, source="s", limits=limits)
    SearchJob(search=several.set_params(refit=refit, scoring=None), data=DATA, source="s", limits=limits)


def test_a_score_is_reached():
    """A search ends at the first candidate that is as good as was asked for; losses are negative."""
    assert heard(Limits(stop_at=0.9), 0.5, math.nan, 0.89).reason is None
    assert heard(Limits(stop_at=0.9), 0.5, 0.9).reason == "stop-at"
    assert heard(Limits(stop_at=-2.0), -3.0, -1.5).reason == "stop-at"


def test_patience_ends():
    """Candidates that are no better than the best, failed ones too, are counted in a row; a round begins anew."""
    assert heard(Limits(patience=2), 0.5, 0.4, 0.6, 0.6).reason is None
    assert heard(Limits(patience=2), 0.5, 0.5, math.nan).reason == "patience"
    watch = heard(Limits(patience=2), 0.5, 0.4)
    watch.begin_round(candidates=9, splits=1, workers=2)
    watch.hear_candidate(CandidateDone(index=2, params={}, score=0.1))
    assert watch.reason is None


def test_a_score_that_is_not_there():
    """Where a scoring function turns out to give no score that decides, a limit by score is refused; failures pass."""
    assert heard(Limits(patience=9), None, failed=2).reason is None
    assert heard(Limits(max_failures=9), None).reason is None
    with pytest.raises(UsageError, match="--patience"):
        heard(Limits(patience=9), None)


def test_failures_are_allowed_up_to_a_number():
    """More failures than allowed end a search, even with its last fit, with an error that holds what was raised."""
    watch = Watch(Limits(max_failures=2))
    watch.hear_failures(["one", "two"])
    watch.end_round(all_done=True)
    watch.hear_failures(["three"])
    with pytest.raises(Enough) as caught:
        watch.end_round(all_done=True)
    reason, error = watch.verdict(caught.value)
    assert reason == "max-failures"
    assert isinstance(error, TooManyFailures)
    assert error.extent == "3 fits failed, more than --max-failures 2"
    assert str(error).endswith("three")


def test_a_limit_that_leaves_nothing_out_is_none():
    """A search whose last candidate reaches the score has not ended early, but its next round does not begin."""
    watch = heard(Limits(stop_at=0.5), 0.6)
    watch.end_round(all_done=True)
    with pytest.raises(Enough) as caught:
        watch.end_round(all_done=False)
    assert watch.verdict(caught.value) == ("stop-at", None)


def test_an_interrupt_is_raised_again():
    """What is no limit ends the program as it would have."""
    end = KeyboardInterrupt()
    assert Watch(Limits()).verdict(end) == ("interrupted", end)
