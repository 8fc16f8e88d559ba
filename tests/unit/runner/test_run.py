"""One job from start to end, on a pool without Ray: what it returns, what it leaves behind, what it tells."""

from __future__ import annotations

import contextlib
import json
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.svm import SVC

from raysk.errors import ClusterError, InputError, NoScore, TooManyFailures, UsageError
from raysk.events import PhaseStarted, Remark, WorkPlanned
from raysk.history.changing import tag_run
from raysk.history.run import open_run
from raysk.history.summaries import duration_s
from raysk.jobs import Data, FitJob, Limits, SearchJob
from raysk.runner.outputs import Outputs
from raysk.runner.run import Work, run
from raysk.runner.where import Where
from raysk.runs.lookup import find_search
from raysk.searches.cross_validation import CrossValidation
from raysk.source.objects import SourceObjects

X, Y = np.arange(40.0).reshape(-1, 1), np.arange(40) % 2
SPACE = {"strategy": ["most_frequent", "prior", "uniform"], "random_state": [0]}
FILES = {"run.json", "journal.jsonl", "results.csv", "model.pkl", "model.json"}


@pytest.fixture
def here(make_pool, launcher):
    """Return a place to run whose workers are threads of this process."""
    launcher.by_hand = False
    made = []

    class Here(Where):
        @contextlib.contextmanager
        def starting(self, sink):
            if not made:
                made.append(make_pool(sink=sink))
            running = SimpleNamespace(pool=made[0], address=None, nodes=1, cpus=2)
            yield SimpleNamespace(result=lambda: running)

        def send(self, modules):
            pass

    return Here()


@pytest.fixture
def events(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return []


def work(job_of=SearchJob, *, limits=None, needs_score=True, held_out=None, **what):
    data = Data(X=X, y=Y, held_out=held_out)
    more = {} if limits is None else {"limits": limits}
    job = job_of(data=data, source="spec.py", **more, **what)
    return lambda _: Work(job=job, found=SourceObjects(source="spec.py", path=None, names={}), needs_score=needs_score)


def search(**more):
    return GridSearchCV(DummyClassifier(), SPACE, cv=2, **more)


def remarks(events):
    return [event.text for event in events if isinstance(event, Remark)]


def manifest(folder):
    return json.loads((folder / "run.json").read_text())


def outputs(**said):
    return Outputs(verify=False, **said)


def test_a_search_from_start_to_end(here, events, tmp_path):
    """The outcome, the manifest and the files say the same; the table is scikit-learn's."""
    where_to = outputs(run_dir=tmp_path / "run", output=tmp_path / "m.pkl", results=tmp_path / "t.csv")
    rest = Data(X=X, y=Y)
    outcome = run(work(search=search(), held_out=rest), here, where_to, call={"command": "search"}, sink=events.append)
    theirs = search().fit(X, Y)
    for name in ("mean_test_score", "std_test_score", "rank_test_score"):
        assert np.array_equal(outcome.estimator.cv_results_[name], theirs.cv_results_[name])
    assert outcome.best["best_params"] == theirs.best_params_
    assert (outcome.fits, outcome.failed, outcome.state, outcome.stopped) == (6, 0, "done", None)
    assert outcome.test_score == theirs.score(X, Y)
    assert (outcome.run_dir, outcome.model) == (tmp_path / "run", tmp_path / "m.pkl")
    assert outcome.outputs == (str(tmp_path / "m.pkl"), str(tmp_path / "t.csv"))
    assert {path.name for path in outcome.run_dir.iterdir()} == FILES - {"model.pkl", "model.json"}
    said = manifest(outcome.run_dir)
    assert (said["outcome"], said["fits"], said["model"]) == ("done", 6, str(outcome.model))
    assert said["job"] == {"command": "search", "folder": str(tmp_path)}
    assert said["data"] == json.loads(json.dumps(outcome.data))
    assert said["space"]["strategy"] == {"values": ["most_frequent", "prior", "uniform"], "conditional": False}
    assert [(each["candidates"], each["splits"], each["units"]) for each in said["planned"]] == [(3, 2, 6)]
    assert "progress" not in said
    phases = [event.name for event in events if isinstance(event, PhaseStarted)]
    assert phases == ["connecting", "fitting", "saving"]
    assert outcome.data["line"] in remarks(events)


def test_without_outputs_nothing_is_left(here, events, tmp_path):
    """Without a folder the outcome has the counts and nothing of files."""
    outcome = run(work(FitJob, estimator=search()), here, sink=events.append)
    assert (outcome.fits, outcome.run_dir, outcome.model, outcome.data) == (6, None, None, None)
    assert not list(tmp_path.iterdir())


def test_a_plain_fit_has_no_journal_and_no_table(here, events, tmp_path):
    """Of one fit the model and the manifest stay."""
    outcome = run(work(FitJob, estimator=SVC()), here, outputs(run_dir=tmp_path / "run"), sink=events.append)
    assert {path.name for path in outcome.run_dir.iterdir()} == {"run.json", "model.pkl", "model.json"}
    assert outcome.best is None


def test_a_search_is_stopped_and_goes_on(here, events, tmp_path):
    """A limit ends it with what is done and says how to go on; the resumed run has all, as one that never stopped."""

    def many():
        return GridSearchCV(DummyClassifier(strategy="uniform"), {"random_state": range(200)}, cv=2)

    limited = work(search=many(), limits=Limits(stop_at=0.0))
    first = run(limited, here, outputs(run_dir=tmp_path / "run"), sink=events.append)
    assert (first.stopped, first.early, first.state) == ("stop-at", None, "done")
    assert first.fits < 400
    assert remarks(events)[-1] == "Finished fits are kept. Go on with: raysk resume run --stop-at N"
    earlier = find_search(str(tmp_path / "run"))
    run(limited, here, outputs(resume=earlier), sink=events.append)
    assert not any("No fit was left" in said for said in remarks(events))  # the limit was met already
    second = run(work(search=many()), here, outputs(resume=earlier), sink=events.append)
    assert "Going on with run" in remarks(events)
    assert (second.resumed, second.fits, second.stopped) == (first.fits, 400, None)
    expected = many().fit(X, Y).cv_results_["mean_test_score"]
    assert np.array_equal(second.estimator.cv_results_["mean_test_score"], expected)
    took = duration_s(open_run(str(tmp_path / "run")))
    assert took > first.time_s + second.time_s  # of both
    crashed = {
        **manifest(tmp_path / "run"),
        "outcome": "running",
        "started": "2020-01-01T00:00:00+00:00",
        "ended": None,
    }
    (tmp_path / "run" / "run.json").write_text(json.dumps(crashed))
    third = run(work(search=many()), here, outputs(resume=earlier), sink=events.append)
    assert third.resumed == 400
    assert "No fit was left to do: the journal has them all" in remarks(events)
    assert duration_s(open_run(str(tmp_path / "run"))) < took + 60  # not the years since the crash


class Breaks(DummyClassifier):
    """Fails by one of its strategies."""

    def fit(self, X, y):
        """Fit."""
        if self.strategy != "prior":
            raise ValueError("no")
        return super().fit(X, y)


@pytest.mark.filterwarnings("ignore:.*fits failed")
def test_too_many_failures(here, launcher, events, tmp_path):
    """All is written before the error is raised; each reason is told once, with how often."""
    launcher.room = 1  # the candidate that works is done when the other one fails
    failing = GridSearchCV(Breaks(), {"strategy": ["prior", "uniform"]}, cv=2)
    limited = work(search=failing, limits=Limits(max_failures=0))
    outcome = run(limited, here, outputs(run_dir=tmp_path / "run"), sink=events.append)
    assert (outcome.stopped, outcome.state, manifest(outcome.run_dir)["outcome"]) == (
        "max-failures",
        "failed",
        "failed",
    )
    assert (outcome.run_dir / "results.csv").is_file()
    with pytest.raises(TooManyFailures):
        outcome.raise_error()


@pytest.mark.filterwarnings("ignore")
def test_no_score_fails_the_job_only_where_one_is_needed(here, events, tmp_path):
    """The command line needs one; scikit-learn leaves it to the person."""
    for needs_score in (True, False):
        nan = GridSearchCV(DummyClassifier(), SPACE, cv=2, scoring=nan_score)
        job = work(search=nan, needs_score=needs_score)
        outcome = run(job, here, outputs(run_dir=tmp_path / str(needs_score)), sink=events.append)
        assert isinstance(outcome.early, NoScore) == needs_score
        assert outcome.model is None


def nan_score(*_):
    """Have no score."""
    return np.nan


def test_a_run_keeps_its_name_and_tags(here, events):
    """The folder has the name, too; a tag that comes while it runs stays, and so do all when it goes on."""

    def tag(event):
        if isinstance(event, WorkPlanned):
            tag_run("latest", "while it ran")

    named = outputs(name="my svm", tags=("paper",))
    outcome = run(work(search=search()), here, named, sink=tag)
    assert outcome.run_dir.name.startswith("my-svm-")
    assert (manifest(outcome.run_dir)["name"], manifest(outcome.run_dir)["outcome"]) == ("my svm", "done")
    assert manifest(outcome.run_dir)["tags"] == ["paper", "while it ran"]
    tag_run("my svm", "paper", remove=True)
    run(work(search=search()), here, outputs(resume=find_search("my svm"), tags=("more",)), sink=events.append)
    assert manifest(outcome.run_dir)["tags"] == ["while it ran", "more"]
    run(work(search=search()), here, outputs(resume=find_search("my svm"), name="other"), sink=events.append)
    assert open_run("other").folder == outcome.run_dir
    for wrong in ({"name": ""}, {"name": "latest"}, {"name": "a#1"}, {"tags": (" a",)}, {"tags": "paper"}):
        with pytest.raises(UsageError):
            outputs(**wrong)


def test_what_is_refused_changes_nothing(here, events, tmp_path):
    """An earlier run keeps its manifest when another search would go on with it."""
    run(work(search=search()), here, outputs(run_dir=tmp_path / "run"), sink=events.append)
    before = manifest(tmp_path / "run")
    other = GridSearchCV(DummyClassifier(constant=1), SPACE, cv=2)
    with pytest.raises(InputError, match="cannot be resumed: other estimator"):
        run(work(search=other), here, outputs(resume=find_search(str(tmp_path / "run"))), sink=events.append)
    assert manifest(tmp_path / "run") == before


def test_another_backend_is_not_counted(events, tmp_path):
    """scikit-learn's own fit runs on it; nobody counts, and there is no journal."""
    where = Where(backend="threading")
    outcome = run(work(search=search()), where, outputs(run_dir=tmp_path / "run"), sink=events.append)
    assert (outcome.workers, outcome.fits, outcome.cluster) == (None, 0, {})
    assert {path.name for path in outcome.run_dir.iterdir()} == FILES - {"journal.jsonl"}


def test_what_checks_the_model_is_started_first(events, monkeypatch):
    """Another Python gets ready before Ray is started and the job read; it ends with the run."""
    processes = []
    popen = subprocess.Popen
    monkeypatch.setattr(
        subprocess, "Popen", lambda *args, **more: processes.append(popen(*args, **more)) or processes[0]
    )

    class NoRay(Where):
        def starting(self, _):
            assert processes[0].poll() is None
            raise ClusterError("no Ray")

    with pytest.raises(ClusterError):
        run(work(search=search()), NoRay(), Outputs(), sink=events.append)
    assert processes[0].poll() is not None


def test_interrupted_before_a_candidate_is_done(here, events, tmp_path):
    """Fits are in the journal: how to go on is said, and there is a table without rows."""

    class Cut(GridSearchCV):
        def _run_search(self, _):
            raise KeyboardInterrupt

    run(work(search=search()), here, outputs(run_dir=tmp_path / "run"), sink=events.append)
    cut = Cut(DummyClassifier(), [{"strategy": ["prior"]}, {"constant": [1]}], cv=2)
    with pytest.raises(KeyboardInterrupt):
        run(work(search=cut), here, outputs(resume=find_search(str(tmp_path / "run"))), sink=events.append)
    assert remarks(events)[-1] == "Finished fits are kept. Go on with: raysk resume run"
    table = (tmp_path / "run" / "results.csv").read_text()
    assert table == "rank_test_score,mean_test_score,std_test_score,param_strategy,param_constant,params\n"
    assert manifest(tmp_path / "run")["outcome"] == "interrupted"


def test_the_workers_of_a_run_are_told_of_the_run_alone(here, events):
    """Two runs on one pool are counted apart."""
    first, second = (run(work(FitJob, estimator=search()), here, sink=events.append) for _ in range(2))
    assert (first.fits, second.fits) == (6, 6)
    assert sum(isinstance(event, WorkPlanned) and bool(event.candidates) for event in events) >= 2


def test_an_estimator_with_results_of_its_own_is_no_search(tmp_path, here):
    """RidgeCV and others have `cv_results_` too: they are fitted, saved, and have no best candidate."""
    job = work(FitJob, estimator=RidgeCV(store_cv_results=True))
    outcome = run(job, here, outputs(run_dir=tmp_path / "run"))
    assert outcome.best is None
    assert outcome.model is not None


def test_a_cross_validation_leaves_its_folds_and_goes_on(here, events, tmp_path):
    """Its table has a row a fold; a run that goes on does no fit again, and a search does not take it for its own."""
    theirs = cross_validate(DummyClassifier(), X, Y, cv=4, return_train_score=True)
    validation = work(search=CrossValidation(DummyClassifier(), cv=4, return_train_score=True), needs_score=False)
    call = {"command": "cv", "arguments": ["cv", "model.py"]}
    where_to = outputs(run_dir=tmp_path / "run", results=tmp_path / "folds.jsonl")
    first = run(validation, here, where_to, call=call, sink=events.append)
    assert (first.state, first.fits, first.model) == ("done", 4, None)
    rows = [json.loads(line) for line in (tmp_path / "folds.jsonl").read_text().splitlines()]
    assert [row["test_score"] for row in rows] == theirs["test_score"].tolist()
    assert list(rows[0]) == ["fold", "test_score", "train_score", "fit_time", "score_time"]
    said = manifest(tmp_path / "run")
    assert [fold["train_score"] for fold in said["folds"]] == theirs["train_score"].tolist()
    assert said["scores"]["test_score"]["mean"] == said["best"]["best_score"] == theirs["test_score"].mean()

    journal = tmp_path / "run" / "journal.jsonl"
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:3]))  # two folds are left
    again = run(validation, here, outputs(resume=find_search("run/run.json", "cv")), call=call, sink=events.append)
    assert (again.fits, again.resumed) == (4, 2)
    assert np.array_equal(again.estimator.results_["test_score"], theirs["test_score"])
    with pytest.raises(InputError, match="'raysk cv', not of 'raysk search'"):
        find_search("run/run.json", "search")


def test_a_cross_validation_that_is_interrupted_has_no_table(here, events, tmp_path):
    """There is nothing to put into it before all folds are done; the journal goes on."""

    class Cut(CrossValidation):
        def _run_search(self, evaluate_candidates):
            super()._run_search(evaluate_candidates)
            raise KeyboardInterrupt

    class Early(CrossValidation):
        def _run_search(self, _):
            raise KeyboardInterrupt

    run(work(search=Cut(DummyClassifier(), cv=2)), here, outputs(run_dir=tmp_path / "run"), sink=events.append)
    (tmp_path / "run" / "results.csv").unlink()
    earlier = find_search(str(tmp_path / "run"))
    with pytest.raises(KeyboardInterrupt):
        run(work(search=Early(DummyClassifier(), cv=2)), here, outputs(resume=earlier), sink=events.append)
    assert not (tmp_path / "run" / "results.csv").exists()
    assert remarks(events)[-1].startswith("Finished fits are kept.")


def test_folds_without_a_score_are_no_failure(here, launcher, events, tmp_path):
    """As in scikit-learn: what fails is told of, and its score is NaN."""
    launcher.room = 1  # two threads that listen to warnings mix up the filters of their process
    some = [(np.arange(0, 40, 2), [1]), (np.arange(40), np.arange(40))]  # the first has one class only
    model = DummyClassifier(strategy="constant", constant=1)
    with pytest.warns(FitFailedWarning, match="1 fits failed"):
        outcome = run(
            work(search=CrossValidation(model, cv=some), needs_score=False),
            here,
            outputs(run_dir=tmp_path / "run"),
            call={"command": "raysk.cross_validate"},
            sink=events.append,
        )
    assert (outcome.state, outcome.failed, outcome.early) == ("done", 1, None)
    assert "constant target value" in manifest(tmp_path / "run")["folds"][0]["error"]
    assert find_search(str(tmp_path / "run"), "cv").python_call("run") == (
        "raysk.cross_validate(estimator, X, y, resume='run')"
    )
