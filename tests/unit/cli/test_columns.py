"""Tables as lines of text: what goes where there is no room, and how scores are written."""

from __future__ import annotations

import numpy as np
import pytest

from raysk.cli.view.columns import TextColumn, cut, fit_columns, markdown_lines, table_lines
from raysk.cli.view.comparison import _lines
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
    """Only the rows that are too wide."""
    rows = [("time", ["1 s", "2 s"]), ("command", ["search spec.py --seed=1", "search spec.py"])]
    assert list(_lines(["a", "b"], rows, 24)) == [
        "  command",
        "    a  search spec.py",
        "       --seed=1",
        "    b  search spec.py",
        "        a    b",
        "  time  1 s  2 s",
    ]
