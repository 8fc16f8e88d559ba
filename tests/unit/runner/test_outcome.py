"""What a run did: counted from events, and told of a finished search as scikit-learn has it."""

import math
from dataclasses import replace

import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import Ridge
from sklearn.metrics import f1_score, make_scorer, mean_squared_error
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from raysk import events
from raysk.errors import InputError, NoScore
from raysk.jobs import Limits
from raysk.plans.limits import Enough, Watch
from raysk.results.scores import best_of, has_score, metric_name
from raysk.runner.outcome import Outcome, Tally
from raysk.runner.record import facts_of

X, y = load_iris(return_X_y=True)


def searched(**more):
    """Return a finished search of scikit-learn's own."""
    return GridSearchCV(SVC(), {"C": [0.1, 1.0, 10.0]}, cv=3, **more).fit(X, y)


class TestTally:
    def test_counts(self):
        """Fits, failures and reasons add up; candidates that are alike count with theirs; a refit does not."""
        told = []
        tally = Tally(told.append)
        params = {"C": 1}
        said = [
            events.WorkPlanned(
                unit="fit", units=4, candidates=4, splits=2, saved=2, resumed=2, failed=1, reasons={"a": 1}
            ),
            events.FitFailed(candidate=0, params=params, split=0, reason="a"),
            events.WorkDone(units=3, scores_failed=1, reasons={"b": 1}),
            events.CandidateDone(index=0, params=params, score=math.nan, error="a"),
            events.CandidateDone(index=1, params=params, score=0.5, alike=True),
            events.FitLost(candidate=3, params=params, split=1, reason="c"),
            events.WorkDone(units=1, failed=1, reasons={"a": 1}),
            events.Stopped(reason="patience", kept=(0, 1)),
            events.RefitStarted(params=params),
            events.WorkPlanned(unit="fit", units=1),
            events.WorkDone(units=1),
        ]
        for event in said:
            tally(event)
        done = tally.counts
        assert told == said
        assert (done.fits, done.failed, done.scores_failed, done.saved, done.resumed) == (2 + 3 + 1 + 2, 2, 1, 2, 2)
        assert (done.reasons, done.errors, done.candidates) == ({"a": 2, "b": 1}, {0: "a"}, 2)
        assert (done.stopped, done.kept, len(done.lost), len(done.failures)) == ("patience", (0, 1), 1, 1)

    def test_halving_varies_what_its_rounds_vary(self):
        """The last round may have one candidate, in which nothing varies."""
        tally = Tally()
        for varying in (("C", "gamma"), ("gamma",), ()):
            tally(events.WorkPlanned(unit="fit", units=2, candidates=2, splits=1, varying=varying))
        assert tally.counts.varying == ("C", "gamma")

    def test_nothing_happened(self):
        """Before anything happens all is nothing, and all candidates count as kept."""
        assert (Tally().counts.fits, Tally().counts.kept, Tally().counts.stopped) == (0, None, None)


class TestBest:
    def test_one_metric(self):
        """Mean and spread of the best are those of cv_results_, train scores only where they were asked for."""
        search = searched(return_train_score=True)
        best, results = best_of(search), search.cv_results_
        assert best["metric"] == "accuracy"
        assert (best["best_score"], best["best_params"]) == (search.best_score_, search.best_params_)
        assert best["best_score_std"] == results["std_test_score"][search.best_index_]
        assert best["best_train_score"] == results["mean_train_score"][search.best_index_]
        assert best_of(searched())["best_train_score"] is best["scores"] is None

    def test_several_metrics(self):
        """All of them are told of the candidate that is best by the one that decides."""
        search = searched(scoring=["accuracy", "f1_macro"], refit="f1_macro")
        best = best_of(search)
        assert (best["metric"], best["best_score"]) == ("f1_macro", search.best_score_)
        accuracy = search.cv_results_["mean_test_accuracy"][search.best_index_]
        assert best["scores"]["accuracy"]["mean"] == accuracy

    @pytest.mark.filterwarnings("ignore")
    def test_no_score(self):
        """Where every mean is NaN nothing is best, though scikit-learn has an index; one finite mean is enough."""
        search = searched(scoring="f1")
        assert not has_score(search)
        assert set(best_of(search).values()) == {"f1", None}
        search.cv_results_["mean_test_score"][1] = 0.5
        assert has_score(search)

    def test_a_person_chooses(self):
        """A function that chooses the best may go by anything, and several metrics of which none decides by any."""
        assert has_score(searched(refit=lambda _: 0))
        search = searched(scoring=["accuracy", "f1_macro"], refit=False)
        assert has_score(search)
        assert best_of(search)["best_index"] is None

    @pytest.mark.parametrize(
        ("estimator", "scoring", "name"),
        [
            (SVC(), None, "accuracy"),
            (make_pipeline(Ridge()), None, "r2"),
            (SVC(), "f1_macro", "f1_macro"),
            (SVC(), make_scorer(f1_score, average="macro"), "f1_score"),
            (Ridge(), make_scorer(mean_squared_error, greater_is_better=False), "neg_mean_squared_error"),
            (SVC(), lambda *_: 1.0, "<lambda>"),
        ],
    )
    def test_names(self, estimator, scoring, name):
        """A metric is called as scikit-learn or the person calls it."""
        assert metric_name(GridSearchCV(estimator, {}, scoring=scoring)) == name


def without_score(watch, count, reason="ValueError: no"):
    """Let a watch hear of candidates that have no score."""
    for number in range(count):
        watch.hear_score(events.CandidateDone(index=number, params={}, score=math.nan, error=reason))
    return watch


class TestNoScore:
    @pytest.mark.parametrize(
        ("limits", "workers", "count", "reason"),
        [
            (Limits(require_score=True), 2, 10, "no-score"),
            (Limits(require_score=True), 2, 9, None),
            (Limits(require_score=True), 30, 29, None),
            (Limits(require_score=True), 30, 30, "no-score"),
            (Limits(), 2, 50, None),
            (Limits(require_score=True, max_failures=100), 2, 50, None),
        ],
    )
    def test_first_candidates(self, limits, workers, count, reason):
        """Ten whole candidates, or one a worker, without a score end the search, unless the person allows failures."""
        watch = Watch(limits)
        watch.begin_round(candidates=60, splits=5, workers=workers)
        assert without_score(watch, count).reason == reason

    def test_two_reasons_or_one_score(self):
        """Where reasons differ, or one candidate has a score, the search goes on."""
        watch = Watch(Limits(require_score=True))
        without_score(without_score(watch, 9), 5, "TypeError: other")
        assert watch.reason is None
        watch = Watch(Limits(require_score=True))
        watch.hear_score(events.CandidateDone(index=0, params={}, score=0.5))
        assert without_score(watch, 50).reason is None

    def test_what_is_said(self):
        """The message has how many, why, and how to go on all the same, in five lines."""
        watch = Watch(Limits(require_score=True))
        watch.begin_round(candidates=60, splits=5, workers=2)
        without_score(watch, 10)
        reason, error = watch.verdict(Enough("no-score"))
        assert (reason, type(error)) == ("no-score", NoScore)
        assert "first 10 of 60 candidates" in str(error)
        assert "ValueError: no" in str(error)
        assert "--max-failures 300" in str(error)
        assert len(str(error).splitlines()) <= 5


def test_an_outcome_says_how_its_run_ended():
    """What could not be written is raised before what ended the job; a search without a score cannot go on."""
    unwritten, stop = InputError("full"), KeyboardInterrupt()
    done = Outcome(estimator=SVC())
    done.raise_error()
    assert (done.state, done.can_go_on, done.best) == ("done", False, None)
    assert Outcome(estimator=SVC(), stopped="time-budget").can_go_on
    failed = Outcome(estimator=SVC(), early=NoScore("No candidate", None, ""))
    assert (failed.state, failed.can_go_on) == ("failed", False)
    interrupted = Outcome(estimator=SVC(), early=stop, unwritten=unwritten)
    assert (interrupted.state, interrupted.can_go_on) == ("interrupted", True)
    with pytest.raises(InputError, match="full"):
        interrupted.raise_error()
    with pytest.raises(KeyboardInterrupt):
        replace(interrupted, unwritten=None).raise_error()


def test_a_fit_is_one_fit():
    """Whatever its estimator counts: trees, or calls of joblib; a search counts its own."""
    fits = [facts_of(Outcome(estimator=estimator, fits=100))["fits"] for estimator in (SVC(), searched())]
    assert fits == [1, 100]
