"""What `RUN#2` means, and the best candidates of a run, which another search keeps as its seeds."""

from __future__ import annotations

import csv
import json
import os

import numpy as np
import pytest
from made_runs import make_run as made_run

import raysk
from raysk.errors import InputError, UsageError
from raysk.history.candidates import open_search, read_candidates
from raysk.history.comparison import compare_runs
from raysk.history.ranks import best_candidates, candidate_of
from raysk.history.seeds import Seeds
from raysk.results.candidates import write_results
from raysk.runs.folder import JOURNAL, MANIFEST, RESULTS, RunFolder
from raysk.util.typed_json import Opaque

ROWS = [
    (0.5, {"C": 1, "shape": {"python": "(1, 2)"}}),
    (0.9, {"C": 2.0, "shape": None}),
    ("", {"C": 3, "shape": None}),
    (0.9, {"C": 4, "shape": {"object": "RBF(1)"}}),
]


ROUNDS = [
    {"first": 0, "candidates": 3, "fold": None, "round": {"number": 1, "of": 3, "resource": "n_samples", "amount": 10}},
    {"first": 3, "candidates": 2, "fold": None, "round": {"number": 2, "of": 3, "resource": "n_samples", "amount": 30}},
]
"""What `run.json` says of the first two rounds of a search by halving; another may have begun."""


@pytest.fixture
def make_run(tmp_path, monkeypatch):
    """Return a function that leaves a search with this table; `raysk-runs` is where we are."""
    monkeypatch.chdir(tmp_path)

    def make(name="first", rows=ROWS, started="2026-01-01", command="search", columns=(), **facts):
        folder = tmp_path / "raysk-runs" / name
        folder.mkdir(parents=True)
        facts = {"outcome": "done", "started": started, "job": {"command": command}, "metric": "accuracy"} | facts
        (folder / MANIFEST).write_text(json.dumps(facts))
        with (folder / RESULTS).open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["mean_test_score", "split0_test_score", *columns, "params"])
            table.writerows([score, score, *more, json.dumps(params)] for score, params, *more in rows)
        return folder

    return make


def test_each_rank_is_of_one_candidate(make_run):
    """Equal scores are told apart by their numbers; what has no score has no rank; values have their types."""
    make_run()
    found = [candidate_of(text) for text in ("first", "first#2", "raysk-runs/first#3")]
    assert [(each.number, each.rank, each.score) for each in found] == [(1, 1, 0.9), (3, 2, 0.9), (0, 3, 0.5)]
    assert [each.params for each in found] == [
        {"C": 2.0, "shape": None},
        {"C": 4, "shape": Opaque("RBF(1)")},
        {"C": 1, "shape": (1, 2)},
    ]
    assert str(found[1]) == "candidate 3 of raysk-runs/first, rank 2 by accuracy (0.9)"
    assert candidate_of("first", 2) == found[1]
    assert raysk.top_params("first", 2) == [dict(each.params) for each in found[:2]]


@pytest.mark.parametrize(
    ("text", "rank", "error", "words"),
    [
        ("first#4", None, InputError, "3 candidates with a score, so none has rank 4"),
        ("first#0", None, UsageError, "is a rank, 1 for the best"),
        ("first#x", None, UsageError, "first#2"),
        ("first#", None, UsageError, "what follows # is a rank"),
        ("first#1", 2, UsageError, "so does --rank 2"),
        ("first", 0, UsageError, "--rank 0: ranks begin with 1"),
        ("furst#2", None, InputError, "Did you mean"),
    ],
)
def test_a_rank_that_there_is_not(make_run, text, rank, error, words):
    """It is said what there is, or what to type."""
    make_run()
    with pytest.raises(error, match=words) as raised:
        candidate_of(text, rank)
    assert len(str(raised.value).splitlines()) <= 5


def test_a_run_whose_name_has_a_mark(make_run):
    """What exists by the whole name wins."""
    make_run("first#2", rows=[(0.1, {"C": 7})])
    make_run()
    assert candidate_of("first#2").params == {"C": 7}
    assert candidate_of("raysk-runs/first#2#1").params == {"C": 7}


def test_latest_is_the_newest_that_has_tried_something(make_run):
    """A fit, and a search that has just begun, are passed over: they have no candidates."""
    with pytest.raises(InputError, match=r"no search in .* that has tried a candidate"):
        candidate_of("latest")
    make_run("old", rows=[(0.1, {"C": 7})])
    make_run("new", started="2026-01-02")
    begun = make_run("begun", rows=[], started="2026-01-03", outcome="running")
    (begun / JOURNAL).write_text("")
    make_run("fit", started="2026-01-04", command="fit")
    assert candidate_of("latest#2").run.name == "new"
    with pytest.raises(InputError, match=r"run of 'raysk fit', which has no candidates"):
        candidate_of("fit")
    make_run("cv", started="2026-01-05", command="raysk.cross_validate")
    assert (candidate_of("latest").run.name, open_search("latest").name) == ("new", "begun")
    with pytest.raises(InputError, match=r"run of 'raysk.cross_validate', which has no candidates"):
        candidate_of("cv")


def test_the_latest_must_be_the_persons_own(make_run):
    """Parameters may name files to load; a run that is named is used."""
    make_run().chmod(0o777)
    with pytest.raises(
        InputError, match=r"may be somebody else's(.|\n)*Name the run that you mean: --params raysk-runs"
    ):
        candidate_of("latest", option="--params")
    assert candidate_of("first").rank == 1


def test_the_rank_of_what_the_run_chose(make_run):
    """A run may choose by another rule than the best score."""
    make_run(best={"best_index": 0})
    assert [candidate_of("first", rank).chosen for rank in (1, 2)] == [3, 3]
    make_run("other", best={"best_index": 2})
    assert candidate_of("other").chosen is None


def test_of_halving_the_last_round_comes_first(make_run):
    """As scikit-learn chooses in it; a candidate has one rank, whatever rounds it was in."""
    told = [(0.9, 1, 0, 10), (0.8, 2, 0, 10), (0.7, 1, 1, 20)]
    rows = [(score, {"C": C, "n": spent}, number, spent, C, spent) for score, C, number, spent in told]
    make_run(rows=rows, columns=["iter", "n_resources", "param_C", "param_n"])
    table = read_candidates(open_search("first"))
    assert table.numbers[table.one_row_each()].tolist() == [2, 1]
    assert [each.number for each in best_candidates("first")] == [2, 1]


def test_no_score_at_all(make_run):
    """There is nothing to begin with."""
    make_run(rows=[("", {"C": 1})])
    assert read_candidates(open_search("first")).one_row_each().tolist() == [0]
    with pytest.raises(InputError, match="no candidate with a score"):
        best_candidates("first")


def test_seeds_are_kept_by_value(make_run, tmp_path):
    """What a search began with comes back from its manifest, whatever became of the earlier run."""
    make_run()
    seeds = Seeds.of("first", 2)
    (tmp_path / MANIFEST).write_text(json.dumps({"job": {"seeds": seeds.as_record()}}))
    assert Seeds.kept_by(RunFolder(tmp_path)) == seeds
    assert [each["C"] for each in seeds.params] == [2.0, 4]
    for damaged in ({}, {"job": None}, {"job": {"seeds": 3}}, {"job": {"seeds": {"text": "a", "top": "x"}}}):
        (tmp_path / MANIFEST).write_text(json.dumps(damaged))
        assert Seeds.kept_by(RunFolder(tmp_path)) is None


@pytest.mark.parametrize("best", [3, "x", [], {"best_index": []}, {"best_index": True}])
def test_a_damaged_best(make_run, best):
    """What `run.json` says of the best is passed over if it is odd."""
    assert candidate_of(make_run(best=best).name).number == 1
    assert compare_runs("first", "first").differences[0].mean == 0


def test_halving_that_was_cut_off(tmp_path):
    """Its journal has the rounds of `run.json`: the last comes first, and each candidate has one rank."""
    params = [{"C": each} for each in (1, 2, 3, 2, 1, 1)]
    scores = [[0.9], [0.8], [0.7], [0.6], [0.5], [1.0]]
    run = made_run(tmp_path / "run", params, scores, done=False, planned=ROUNDS)
    table = read_candidates(run)
    assert (table.rounds.tolist(), table.resources.tolist()) == ([0, 0, 0, 1, 1], [10, 10, 10, 30, 30])
    assert [each.params["C"] for each in best_candidates(run)] == [2, 1, 3]
    assert compare_runs(run, run).contenders[0].number == 3


def test_halving_that_ended_early_has_numbers_of_its_own(tmp_path):
    """Its table leaves out what was not done: the rows of its splits are found by the round."""
    params = [{"C": each} for each in (1, 2, 3, 1, 2)]
    scores = np.array([[0.9, 0.9], [0.8, 0.8], [0.7, 0.7], [np.nan, 0.6], [0.5, 0.6]])
    run = made_run(tmp_path / "run", params, scores, done=False, planned=ROUNDS)
    rows = [0, 1, 2, 4]
    table = {"iter": [0, 0, 0, 1], "n_resources": [10, 10, 10, 30], "params": [params[row] for row in rows]}
    columns = {"mean_test_score": scores[rows].mean(axis=1), "std_test_score": [0.0] * 4}
    columns |= {f"split{split}_test_score": scores[rows, split] for split in range(2)}
    write_results({name: np.array(each) for name, each in {**columns, **table}.items()}, run.folder / RESULTS)
    os.utime(run.folder / JOURNAL, (0, 0))
    contender = compare_runs(run, run).contenders[0]
    assert (contender.number, sorted(contender.scores.values())) == (3, [0.5, 0.6])


def test_halving_in_the_midst_of_a_round(tmp_path):
    """Candidates that are not done have no rank, and stand behind all others."""
    params = [{"C": each} for each in (1, 2, 3, 2, 1)]
    scores = [[0.9, 0.9], [0.8, 0.8], [0.7, 0.7], [0.6, np.nan], [0.5, np.nan]]
    run = made_run(tmp_path / "run", params, scores, done=False, planned=ROUNDS)
    assert read_candidates(run).order().tolist() == [0, 1, 2, 3, 4]
    assert [each.params["C"] for each in best_candidates(run)] == [1, 2, 3]
    assert compare_runs(run, run).contenders[0].mean == pytest.approx(0.9)


@pytest.mark.parametrize("planned", [None, [3], [{}], [{**ROUNDS[0], "first": 9}], [{**ROUNDS[0], "round": {}}]])
def test_rounds_that_are_not_known(tmp_path, planned):
    """The candidates are those of any other search."""
    run = made_run(tmp_path / "run", [{"C": 1}, {"C": 2}], [[0.9], [0.8]], done=False, planned=planned)
    table = read_candidates(run)
    assert (table.rounds, len(table)) == (None, 2)
