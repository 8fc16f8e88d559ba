"""Runs side by side: paired where their splits are of the same rows, and what differs in them."""

from __future__ import annotations

import json
import re

import pytest

from raysk.cli.view.comparison import _names, _paired
from raysk.errors import InputError
from raysk.history.comparison import compare_runs
from raysk.history.run import Run


@pytest.fixture
def make_run(tmp_path):
    """Return a function that leaves a run of one candidate: its scores by the hash of the split."""

    def make(name, scores, *, C=1.0, fixed=None, splits="", table=False, metric="accuracy", **facts):  # noqa: PLR0913
        folder = tmp_path / name
        folder.mkdir()
        best = {"metric": metric, "best_index": 0}
        (folder / "run.json").write_text(json.dumps({"outcome": "done", "best": best, **facts}))
        header = {
            "raysk": "journal",
            "identity": {"data": "abc"},
            "texts": {"estimator": fixed or {}, "splits": {"": splits}},
        }
        result = {"fit_time": 0.5, "score_time": 0.5, "n_test_samples": 5, "fit_error": None}
        lines = [header] + [
            {"fit": f"p {key}", "test_scores": score, "candidate": 0, "split": split, "params": {"C": C}, **result}
            for split, (key, score) in enumerate(scores.items())
        ]
        (folder / "journal.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        if table:
            (folder / "journal.jsonl").unlink()
            cells = ",".join(f"split{split}_test_score" for split in range(len(scores)))
            values = ",".join(map(str, scores.values()))
            mean = sum(scores.values()) / len(scores)
            (folder / "results.csv").write_text(f"mean_test_score,param_C,{cells}\n{mean},{C},{values}\n")
        return Run(folder)

    return make


def test_equal_splits_are_paired(make_run):
    """The difference is that of each split, whatever its number; its error counts the training rows that they share."""
    first = make_run("a", {"s": 0.5, "t": 0.6, "u": 0.7, "v": 0.5})
    second = make_run("b", {"u": 0.9, "s": 0.6, "v": 0.8, "other": 0.1})
    difference = compare_runs(first, second).differences[0]
    assert (difference.splits, difference.not_paired) == (3, None)
    assert difference.mean == pytest.approx(0.2)
    assert difference.standard_error == pytest.approx(0.1 * (1 / 3 + 1 / 2) ** 0.5)  # nobody knows more than 3 folds


def test_the_error_knows_the_sizes_of_splits(make_run):
    """The journal has the rows of a split: a repeated cross-validation has many splits, and no fewer rows in common."""
    scores = {"s": 0.5, "t": 0.6, "u": 0.7}
    first = make_run("a", scores, splits="splits of 80 / 20 rows")
    second = make_run("b", {"s": 0.6, "t": 0.8, "u": 1.0})
    assert compare_runs(first, second).differences[0].standard_error == pytest.approx(0.1 * (1 / 3 + 1 / 4) ** 0.5)


def test_splits_of_an_older_raysk_are_not_known(make_run):
    """Its journal has no numbers of splits, and fits end in any order: which score is of which rows is not known."""
    first, second = (make_run(name, {"s": 0.5, "t": 0.6, "u": 0.7}) for name in "ab")
    journal = second.folder / "journal.jsonl"
    journal.write_text(re.sub(r'"split": \d, ', "", journal.read_text()))
    difference = compare_runs(first, second).differences[0]
    assert "the splits of" in difference.not_paired
    assert difference.standard_error is None


def test_equal_splits_of_other_data(make_run):
    """Rows have the same numbers, as where a column is added; whether they are the same rows nobody knows."""
    scores = {"s": 0.5, "t": 0.6, "u": 0.7}
    runs = [make_run(name, scores) for name in "abc"]
    for run, data in zip(runs[1:], ("xyz", None), strict=True):
        journal = run.folder / "journal.jsonl"
        journal.write_text(journal.read_text().replace('"abc"', json.dumps(data)))
    first, second = compare_runs(*runs).differences
    assert (first.splits, first.same_data, second.same_data) == (3, False, None)
    assert _paired(first) == "3 equal splits by row numbers: the data differ"
    assert compare_runs(runs[0], runs[0]).differences[0].same_data


def test_two_splits_have_no_error(make_run):
    """It would be a guess from one number."""
    found = compare_runs(make_run("a", {"s": 0.5, "t": 0.6}), make_run("b", {"s": 0.6, "t": 0.8})).differences[0]
    assert (found.splits, found.standard_error) == (2, None)
    assert found.mean == pytest.approx(0.15)


@pytest.mark.parametrize(
    ("other", "said", "mean"),
    [
        ({"scores": {"x": 0.7, "y": 0.7}}, "their splits are not of the same rows", 0.2),
        ({"scores": {"s": 0.7, "t": 0.7}, "table": True}, "are not known", 0.2),
        ({"scores": {"s": 0.7, "t": 0.7}, "metric": "r2"}, "their metrics differ: accuracy and r2", None),
    ],
)
def test_other_splits_are_not(make_run, other, said, mean):
    """It is said why; without equal splits there is no error of the difference, and of two metrics no difference."""
    found = compare_runs(make_run("a", {"s": 0.5, "t": 0.5}), make_run("b", **other)).differences[0]
    assert said in found.not_paired
    assert found.mean == pytest.approx(mean)
    assert found.standard_error is None


def test_what_differs_is_named(make_run):
    """Facts of run.json by subject; parameters of the best, or else what the estimator has."""
    versions = {"raysk": "0.1.0", "numpy": "2.0"}
    fixed = {"": "SVC", "C": "1.0", "shrinking": "True", "kernel": "'rbf'"}
    first = make_run("a", {"s": 0.5}, C=2.0, fixed=fixed, versions=versions, git={"commit": "f00", "dirty": False})
    more = {**versions, "numpy": "2.1"}
    second = make_run("b", {"s": 0.5}, C=[1], fixed={**fixed, "shrinking": "False"}, versions=more)
    found = compare_runs(first, second)
    assert found.params() == {"C": [2.0, [1]]}
    assert found.facts["versions"] == {"numpy": ["2.0", "2.1"]}
    assert found.facts["estimator"] == {"shrinking": ["True", "False"]}
    assert found.facts["code"]["git commit"] == ["f00", None]
    assert "data" not in found.facts
    assert json.loads(json.dumps(found.as_object()))["params"] == {"C": [2.0, [1]]}


def test_spaces_are_compared(make_run):
    """Of each parameter of which the searches have other values: those, as tables show them."""
    log = {"text": "loguniform(0.1, 10)", "distribution": "loguniform", "low": 0.1, "high": 10}
    one = {"C": log, "shape": {"values": [{"python": "(1, 2)"}, None]}, "same": {"values": [1]}}
    two = {"C": {"any_of": [log, {"values": [1, "a"]}]}, "same": {"values": [1]}}
    compared = compare_runs(make_run("a", {"s": 0.5}, space=one), make_run("b", {"s": 0.5}, space=two))
    assert compared.facts["space"] == {
        "C": ["loguniform(0.1, 10)", "loguniform(0.1, 10) or [1, a]"],
        "shape": ["[(1, 2), None]", None],
    }


def test_another_candidate_of_a_run(make_run):
    """It is named by its rank, is compared with the best on the same splits, and is told apart from it."""
    run = make_run("a", {"s": 0.5, "t": 0.7})
    other = make_run("b", {"s": 0.4, "t": 0.5}, C=9.0)
    lines = (
        (other.folder / "journal.jsonl")
        .read_text()
        .replace('"candidate": 0', '"candidate": 1')
        .replace('"p ', '"q ')
        .splitlines()
    )
    with (run.folder / "journal.jsonl").open("a") as journal:
        journal.write("\n".join(lines[1:]) + "\n")
    compared = compare_runs(str(run.folder), f"{run.folder}#2")
    assert [(each.number, each.mark, each.params["C"]) for each in compared.contenders] == [
        (0, "", 1.0),
        (1, "#2", 9.0),
    ]
    assert compared.differences[0].mean == pytest.approx(-0.15)
    assert [each["rank"] for each in compared.as_object()["runs"]] == [None, 2]
    assert not compared.facts
    assert _names(compared.contenders) == ["a", "a#2"]
    with pytest.raises(InputError, match="none has rank 3"):
        compare_runs(run, f"{run.folder}#3")


def test_a_run_without_a_score_has_nothing_to_compare(make_run):
    """It is named."""
    with pytest.raises(InputError, match="has no candidate with a score"):
        compare_runs(make_run("a", {"s": 0.5}), make_run("b", {"s": "nan"}))
