"""Tables as lines of text: what goes where there is no room, and how scores are written."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from raysk.cli.view.columns import TextColumn, cut, fit_columns, markdown_lines, table_lines
from raysk.cli.view.comparison import _facts, _lines, _names, _parameters
from raysk.cli.view.results import _text_columns
from raysk.history.candidate_table import CandidateTable
from raysk.history.listing import ListingRequest, list_candidates

ERROR = "sklearn.utils.Bad: a long message with many words in it"


def columns(**request):
    """Return what a person sees of two candidates, of which one failed."""
    scores = {"score": np.array([0.987654, np.nan])}
    table = CandidateTable(
        metric="score",
        metrics=("score",),
        numbers=np.arange(2),
        params=[{"svc__C": 0.123456789, "svc__kernel": "rbf\x1b"}, {"svc__C": 1.0, "svc__kernel": None}],
        names=("svc__C", "svc__kernel"),
        mean=scores,
        std={"score": np.array([0.0123, np.nan])},
        splits={"score": np.full((2, 2), np.nan)},
        fit_time=np.array([0.5, 2.0]),
        score_time=np.full(2, 0.1),
        errors=[None, ERROR],
        pruned=np.zeros(2, bool),
    )
    return _text_columns(list_candidates(table, ListingRequest(**request)), is_chosen=bool(request.get("columns")))


@pytest.mark.parametrize(
    ("width", "names", "gone"),
    [
        (120, ["rank", "mean +- std", "fit_time", "C", "kernel", "error"], []),
        (64, ["rank", "mean +- std", "C", "kernel", "error"], ["fit_time"]),
        (40, ["rank", "mean", "C", "kernel"], ["fit_time", "std", "error"]),
        (24, ["rank", "mean", "C"], ["fit_time", "std", "error", "kernel"]),
        (5, ["mean"], ["fit_time", "std", "error", "kernel", "C", "rank"]),
    ],
)
def test_columns_go_before_a_word_is_folded(width, names, gone):
    """What matters least goes first: times, deviations, errors, the last parameters; no line is wider than its room."""
    kept, left_out = fit_columns(columns(), width)
    assert ([each.name for each in kept], left_out) == (names, gone)
    assert max(map(len, table_lines(kept))) <= max(width, len("0.98765"))


def test_cells_are_short_and_harmless():
    """Scores have equal decimals, floats few digits, errors no module, and control characters are spelled out."""
    assert table_lines(fit_columns(columns(), 75)[0]) == [
        "rank  mean +- std         fit_time         C  kernel   error",
        "   1  0.98765 +- 0.01230     0.5 s  0.123457  rbf\\x1b",
        "                               2 s       1.0  None     Bad: a long…",
    ]
    assert markdown_lines(columns(columns=("mean", "C"), top=1)) == [
        *("| mean | C |", "| ---: | ---: |", "| 0.98765 | 0.123457 |")
    ]


def test_chosen_columns_go_from_the_last():
    """Whoever names columns says with that what matters."""
    kept, gone = fit_columns(columns(columns=("kernel", "fit_time", "mean")), 20)
    assert ([each.name for each in kept], gone) == (["kernel", "fit_time"], ["mean"])


def test_wide_characters_count_twice():
    """As a terminal draws them."""
    lines = table_lines([TextColumn(name="a", cells=["日本", "b"]), TextColumn(name="c", cells=["1", "2"])])
    assert lines == ["a     c", "日本  1", "b     2"]
    assert cut("日本語日本語", 5) == "日本…"
    assert cut("one two three", 9) == "one two…"


def test_runs_stand_below_each_other_where_they_do_not_fit():
    """Only the rows that are too wide, and all in their order."""
    rows = [("time", ["1 s", "2 s"]), ("command", ["search spec.py --seed=1", "search spec.py"])]
    assert list(_lines(["a", "b"], rows, 24)) == [
        "        a    b",
        "  time  1 s  2 s",
        "  command",
        "    a  search spec.py",
        "       --seed=1",
        "    b  search spec.py",
    ]


def test_the_time_in_a_name_goes_where_names_stay_different():
    """A comparison has no room for it."""
    one, other, again = (
        SimpleNamespace(run=SimpleNamespace(name=name, shown=f"runs/{name}"), mark="")
        for name in ("svc-20261129-090533", "my-svc-20261129-090533-2", "svc-20261130-090533")
    )
    assert _names([one, other]) == ["svc", "my-svc"]
    assert _names([one, again]) == ["svc-20261129-090533", "svc-20261130-090533"]
    assert _names([one, one]) == ["runs/svc-20261129-090533"] * 2


def test_values_that_differ_late_are_written_whole():
    """All others have few digits."""
    assert _parameters([0.123456789, ...]) == ["0.123457", "-"]
    assert _parameters([0.123456789, 0.123456788]) == ["0.123456789", "0.123456788"]


def test_parts_that_not_all_runs_have_are_folded():
    """Of another estimator in a pipeline it is said that it is there, and how many parameters it has."""
    lone = {"svc": "SVC", **{f"svc__{letter}": "1" for letter in "abcdef"}}
    facts = {"estimator": {"verbose": ["0", "1"], **{name: [text, None] for name, text in lone.items()}}}
    assert list(_facts(SimpleNamespace(facts=facts, contenders=[1, 2]))) == [
        ("estimator verbose", ["0", "1"]),
        ("estimator svc", ["SVC", "-"]),
        ("other parameters of these", ["6", "-"]),
    ]
