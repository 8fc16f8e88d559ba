"""The page about a run: what it says of runs of every kind, and that text of a person stays text."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from made_runs import make_run
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from raysk.errors import InputError
from raysk.history.run import Run
from raysk.report import diagram, plotly_bundle
from raysk.report.reading import read
from raysk.report.writing import page_of, write_report

HOSTILE = "</script><script>document.title='broken'</script><img src=x onerror=document.title='broken'>"
GRID = [{"svc__C": 10.0**c, "svc__kernel": kernel} for c in range(-3, 3) for kernel in ("rbf", "poly")]


def page_of_runs(*runs):
    """Return the page about runs."""
    return page_of([read(run) for run in runs])


def scores_of(params, splits=3):
    """Return scores in which the number matters."""
    return np.arange(len(params) * splits, dtype=float).reshape(len(params), splits) / 100


def figures_of(page):
    """Return the figures of a page by name, as a browser reads them."""
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1])


def sections_of(page):
    """Return the names of a page's sections."""
    return re.findall(r'<section id="([\w-]+)"', page)


def test_equal_scores_are_in_the_order_of_results(tmp_path):
    """The one whose mean is larger in the last digit counts as better, though what is drawn is rounded."""
    scores = np.full((len(GRID), 3), 0.5)
    scores[4] = [0.5 + 2e-16, 0.5, 0.5]
    found = figures_of(write_report([make_run(tmp_path / "first", GRID, scores)]).read_text())["parallel"]
    in_order = sorted(zip(found["ranks"], found["numbers"], strict=True))
    assert [number for _, number in in_order][:3] == [4, 0, 1]


def test_page_of_a_search(tmp_path):
    """A page has all that a search left: result, parameters, splits, work; nothing is loaded from afar."""
    run = make_run(tmp_path / "first", GRID, scores_of(GRID), metric="accuracy", time_s=12.0)
    path = write_report([run])
    page = path.read_text()
    assert path == tmp_path / "first" / "report.html"
    expected = ["result", "time", "parameters", "together", "top", "work", "fit-times", "estimator", "environment"]
    assert sections_of(page) == expected
    assert "raysk search spec.py" in page
    assert "<strong>0.34</strong>" in page  # the mean of 33, 34 and 35
    found = figures_of(page)
    assert [panel["title"].split()[0] for panel in found["figures"]["parameters"]["panels"]] == ["C", "kernel"]
    assert found["figures"]["parameters"]["panels"][0]["xaxis"]["type"] == "log"
    assert found["parallel"]["columns"][-1]["at"][-1] == 0.34
    assert not re.search(r'(?:src|href)="(?!#)', page.partition('id="plotly"')[0])
    assert len(page) < 3_000_000


def test_text_of_a_person_is_text(tmp_path):
    """Names, values, errors and the command are escaped for HTML, for JSON within a script, and for Plotly."""
    params = [{HOSTILE: f"{HOSTILE}{number % 3}", "b": number} for number in range(6)]
    job = {"command": "search", "arguments": ["search", HOSTILE]}
    said = {"job": job, "metric": HOSTILE, "data": {"line": f"data: {HOSTILE}", "source": HOSTILE}}
    errors = {(0, 1): f"ValueError: {HOSTILE}"}
    page = page_of_runs(make_run(tmp_path / "<b>run", params, scores_of(params), errors=errors, **said))
    shown, _, _ = page.partition('<script type="text/plain" id="plotly">')
    assert "<img" not in page.replace("<image", "")
    assert shown.count("</script>") == 1  # of the data
    assert "&lt;/script&gt;" in shown
    assert "ValueError: &lt;/script&gt;" in shown
    figures = figures_of(page)["figures"]
    assert "<" not in json.dumps([each["layout"] for each in figures.values()])
    assert "<" not in json.dumps([[panel["title"], panel["xaxis"]] for panel in figures["parameters"]["panels"]])


@pytest.mark.parametrize(
    ("params", "scores", "missing"),
    [
        pytest.param([{"C": 1.0}], [[0.5, 0.7]], {"time", "parameters", "together"}, id="one-candidate"),
        pytest.param(GRID, np.full((12, 3), np.nan), {"time", "parameters", "together", "top"}, id="no-score"),
        pytest.param([{"C": 1.0, "x": 3}] * 5, scores_of(range(5)), {"parameters", "together"}, id="all-constant"),
        pytest.param([{"C": c, "x": 3} for c in range(5)], scores_of(range(5)), set(), id="one-constant"),
        pytest.param(
            [{"C": value} for value in (1, None, float("nan"), (1, 2), "a", True, SVC(C=3), [1, "b"], float("inf"))],
            scores_of(range(9)),
            set(),
            id="values-of-all-kinds",
        ),
        pytest.param(
            [{"C": 1.0}, {"C": 2.0, "gamma": 0.1}, {"degree": 3}, {}], scores_of(range(4)), set(), id="conditional"
        ),
        pytest.param([{"C": 10.0**-c} for c in range(60)], -(10.0 ** scores_of(range(60))), set(), id="outliers"),
        pytest.param([{"n": str(n)} for n in range(60)], scores_of(range(60)), set(), id="many-categories"),
    ],
)
@pytest.mark.parametrize("done", [True, False], ids=["done", "journal"])
def test_odd_searches(tmp_path, params, scores, missing, done):
    """A page can be made of any search, whole or of what its journal has."""
    run = make_run(tmp_path / "odd", params, scores, done=done)
    if not done and np.isnan(scores).all():
        with pytest.raises(InputError, match="no candidates to show"):
            page_of_runs(run)
        return
    page = page_of_runs(run)
    everything = {"result", "time", "parameters", "together", "top"}
    assert everything - set(sections_of(page)) == missing
    assert ("interrupted" in page) is (not done)
    figures_of(page)  # is JSON: there is no NaN


def test_values_are_written_as_python_writes_them(tmp_path):
    """A tuple, None, NaN and text are told apart."""
    params = [{"C": value} for value in ((1, 2), None, float("nan"), "None")]
    page = page_of_runs(make_run(tmp_path / "odd", params, scores_of(params)))
    column = figures_of(page)["parallel"]["columns"][0]
    assert sorted(column["categories"]) == sorted(["(1, 2)", "None", "nan", "'None'"])


def test_metrics_training_scores_and_rounds(tmp_path):
    """A page has a column for each metric, the training scores, and a section for the rounds of halving."""
    scores = {"f1": scores_of(GRID), "accuracy": scores_of(GRID) / 2}
    rounds = np.array([0] * 8 + [1] * 4)
    train = {f"split{split}_train_f1": np.full(12, 0.9) for split in range(3)} | {"mean_train_f1": np.full(12, 0.9)}
    table = {"iter": rounds, "n_resources": 10 * 3**rounds, **train}
    run = make_run(tmp_path / "first", GRID, scores, table=table, metric="f1", fits_pruned=7)
    page = page_of_runs(run)
    assert {"rounds", "failed"} <= set(sections_of(page))
    assert '<th scope="col">training</th><th scope="col">accuracy</th>' in page
    assert [trace["name"] for trace in figures_of(page)["figures"]["folds"]["data"] if "name" in trace][-1] == (
        "mean of training scores"
    )
    assert "Pruned" in page


def test_failed_fits_are_listed_with_their_messages(tmp_path):
    """Each distinct error has a row: how often it came, and the first candidate."""
    scores = scores_of(GRID)
    scores[2:4] = np.nan
    errors = {(row, split): "ValueError: no" for row in (2, 3) for split in range(3)}
    page = page_of_runs(make_run(tmp_path / "first", GRID, scores, errors=errors))
    assert '<td class="number">6</td><td class="long">ValueError: no</td><td>2</td>' in page


def test_runs_are_compared(tmp_path):
    """A page of several runs has their best scores, how they were reached, and the parameters of the best."""
    first = make_run(tmp_path / "first", GRID, scores_of(GRID), metric="accuracy")
    second = make_run(tmp_path / "second", GRID[:5], scores_of(GRID[:5]) + 0.5, metric="f1", done=False)
    third = make_run(tmp_path / "third", GRID[:2], np.full((2, 3), np.nan))
    page = page_of_runs(first, second, third)
    assert sections_of(page) == ["scores", "progress", "parameters", "commands"]
    assert "different metrics" in page
    titles = {figure["layout"]["yaxis"].get("title", {}).get("text") for figure in figures_of(page)["figures"].values()}
    assert "score" in titles
    assert "accuracy" not in titles
    assert "<td>kernel</td><td>&#x27;poly&#x27;</td><td>&#x27;rbf&#x27;</td>" in page


def test_page_of_a_cross_validation(tmp_path):
    """It has one candidate that is none, no course of scores, and no estimator."""
    run = make_run(tmp_path / "first", [{}], np.array([[0.5, 0.6, 0.7]]))
    manifest = json.loads((run.folder / "run.json").read_text())
    (run.folder / "run.json").write_text(json.dumps({**manifest, "job": {"command": "cv", "arguments": ["a.py"]}}))
    page = page_of_runs(Run(run.folder))
    assert sections_of(page) == ["result", "top", "work", "fit-times", "environment"]
    assert "The estimator has" in page
    said = re.sub(r"<(style|script).*?</\1>|<[^>]*>", "", page, flags=re.DOTALL)
    assert "best" not in said.lower()


def test_the_best_run_is_named(tmp_path):
    """Beside it each other one has its difference, and whether that is more than noise."""
    scores = np.array([[0.5, 0.6, 0.7], [0.4, 0.4, 0.4]])
    noisy = scores + np.array([0.1, 0.05, -0.14])
    runs = [make_run(tmp_path / name, GRID[:2], each) for name, each in [("a", scores), ("b", noisy), ("c", scores)]]
    page = page_of_runs(*runs)
    assert "Beside the best, b" in page
    assert page.count("within noise, over 3 equal splits") == 2
    worse = make_run(tmp_path / "worse", GRID[:2], scores - np.array([0.2, 0.21, 0.22]))
    assert "more than its error, over 3 equal splits" in page_of_runs(runs[0], worse)


def test_outer_folds_have_their_table(tmp_path):
    """A nested cross-validation has no candidates of its own: its folds are shown."""
    folder = tmp_path / "nested"
    for number in (1, 2):
        make_run(folder / f"outer-{number}", GRID, scores_of(GRID))
    said = {"metric": "f1", "folds": [{"test_score": 0.5}, {"test_score": 0.75}, {"test_score": None}]}
    (folder / "run.json").write_text(json.dumps({"outcome": "done", "job": {"command": "nested"}, **said}))
    (folder / "results.csv").write_text("fold,test_score,param_C\n1,0.5,10\n2,0.7499999999,0.1\n")
    page = page_of_runs(Run(folder))
    assert "<strong>0.625</strong>" in page
    assert "± 0.12 · f1, mean over 2 outer folds" in page
    assert sections_of(page) == ["result", "folds", "work", "fit-times", "estimator", "environment"]
    assert "<td>0.75</td>" in page


def test_a_run_without_candidates_is_refused(tmp_path):
    """What is no search has nothing to show; the error says so."""
    (tmp_path / "run.json").write_text(json.dumps({"outcome": "done", "job": {"command": "fit"}}))
    with pytest.raises(InputError, match="no candidates"):
        write_report(tmp_path)


def test_without_plotly_the_error_names_the_command(tmp_path, monkeypatch):
    """A page needs Plotly; where it is not installed, the error says how to install it."""
    run = make_run(tmp_path / "first", GRID, scores_of(GRID))
    monkeypatch.setattr(plotly_bundle.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"pip install 'raysk\[report\]'"):
        write_report(run)
    assert not (run.folder / "report.html").exists()


def test_diagram_is_of_the_unfitted_best_estimator():
    """The diagram has no script, and names of a person are text in it; a search without a refit has one, too."""
    from sklearn.model_selection import GridSearchCV

    X, y = np.eye(8), [0, 1] * 4
    search = GridSearchCV(LogisticRegression(), {"C": [5.0, 7.0]}, cv=2, refit=False).fit(X, y)
    drawn = diagram.diagram_of(search)
    assert "LogisticRegression(C=5.0)" in drawn
    assert "<script" not in drawn
    assert "<body" not in drawn
    assert "<img" not in diagram.diagram_of(SVC(kernel=HOSTILE))
    assert "Not fitted" in diagram.diagram_of(RandomForestClassifier(n_estimators=2).fit(X, y))


def test_model_of_somebody_else_is_not_loaded(tmp_path, monkeypatch):
    """A pickle that others can write is left out with a word; one of our own is loaded and drawn."""
    from raysk.models.store import save_model

    run = make_run(tmp_path / "first", GRID, scores_of(GRID))
    save_model(SVC(C=42.5).fit(np.eye(4), [0, 1, 0, 1]), run.folder / "model.pkl", {})
    monkeypatch.setattr(diagram, "why_not_trusted", lambda _: None)
    assert "SVC(C=42.5)" in page_of_runs(run)
    monkeypatch.setattr(diagram, "why_not_trusted", lambda path: f"{path.name} is writable for everybody")
    page = page_of_runs(run)
    assert "SVC(C=42.5)" not in page
    assert "model.pkl is writable for everybody" in page
