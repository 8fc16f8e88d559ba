"""The live view as text, at three widths, without a terminal: what is shown of a run, and when."""

from __future__ import annotations

import io
import math

import pytest
from rich.console import Console

from raysk import events
from raysk.cli.view import lines, words
from raysk.cli.view.console import Stderr, stderr_console
from raysk.cli.view.live import View
from raysk.cli.view.scores import MOST_STRETCHES
from raysk.cli.view.state import State
from raysk.util.names import short_names

LONG = "histgradientboostingclassifier__"
BEST = {"simpleimputer__strategy": "median", f"{LONG}learning_rate": 0.0412345678, f"{LONG}max_iter": 100}


def drawn(state, width=80, now=100.0, *, stopping=False):
    """Return the lines that a state has on a terminal of this width."""
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=True, color_system=None)
    console.print(lines.draw(state, width, now, stopping=stopping))
    return [line.rstrip() for line in file.getvalue().splitlines()]


def told(*said, until=None, budget_s=None):
    """Return a state that was told these events, one a second from 1 on."""
    state = State(until=until, budget_s=budget_s)
    for now, event in enumerate(said, 1):
        state.take(event, float(now))
    return state


def planned(**more):
    fields = {"unit": "fit", "units": 1500, "candidates": 300, "splits": 5, "varying": tuple(BEST)[:2]}
    return events.WorkPlanned(**{**fields, **more})


SEARCH = (
    events.PhaseStarted(name="fitting"),
    events.WorkersChanged(up=2, wanted=2, nodes=1),
    planned(),
    events.WorkDone(units=620, busy_s=190.0, failed=3),
    events.CandidateDone(index=7, params=BEST, score=0.97333),
)


class TestBest:
    def test_only_what_varies_by_its_short_name(self):
        """The best candidate is told by what varies in this search, by the shortest names that tell them apart."""
        assert "best 0.9733 strategy=median learning_rate=0.0412346" in drawn(told(*SEARCH))

    def test_names_that_are_alike(self):
        """Names that end alike get as much of what is before as tells them apart."""
        names = ["a__svc__C", "b__svc__C", "b__gamma", "gamma_"]
        assert list(short_names(names).values()) == ["a__svc__C", "b__svc__C", "gamma", "gamma_"]

    @pytest.mark.parametrize("width", [120, 80, 40])
    def test_every_width(self, width):
        """No line is longer than the terminal, and no word is cut."""
        shown = drawn(told(*SEARCH), width)
        assert max(map(len, shown)) <= width - lines.ECHO
        assert {"strategy=median", "learning_rate=0.0412346"} <= {word for line in shown for word in line.split()}

    def test_over_rounds_of_halving(self):
        """The best of a round stays until the next one has a candidate; the round and its rows are said."""
        second = events.RoundStarted(number=2, of=3, resource="n_samples", amount=30)
        shown = drawn(told(events.RoundStarted(number=1, of=3, resource="n_samples", amount=10), *SEARCH, second))
        assert any("round 2 of 3, 30 rows" in line for line in shown)
        assert any("best of round 1 0.9733" in line for line in shown)


class TestTimes:
    def test_a_budget_bounds_the_rest(self):
        """The time budget is shown, and nothing is said to take longer than it lasts."""
        state = told(*SEARCH[:3], events.WorkDone(units=10, busy_s=100.0), until=130.0, budget_s=1800.0)
        assert any("29:30 of 0:30:00" in line and "ETA 0:30" in line for line in drawn(state))

    def test_nothing_is_known_yet(self):
        """Before there is work, only the phase is shown: no empty bar, and no time that nobody knows."""
        state = told(events.PhaseStarted(name="connecting"), events.WorkersChanged(up=0, wanted=2, nodes=0))
        assert drawn(state, now=3.0) == ["0 of 2 workers", "connecting  0:02"]

    def test_slow_fits(self):
        """Of slow fits it is said how long one takes."""
        assert words.pace(10, 50.0, 100.0, "fit") == "10.0 s/fit"
        assert words.pace(100, 50.0, 100.0, "fit") == "2.0 fits/s"
        assert words.pace(1, 4.0, 0.1, "fit") == "0.2 fits/s"  # workers were still to come

    def test_fits_that_run_long(self):
        """Fits that run much longer than most are named, with what varies."""
        slow = events.Running(params=BEST, split=2, since=33.0)
        plan = planned(outlook=lambda: events.Outlook(left_s=None, slow=(slow,)))
        state = told(*SEARCH[:2], plan, events.WorkDone(units=1))
        assert any("running 1:07: strategy=median" in line and "split 2" in line for line in drawn(state))

    def test_the_rest_is_dearer(self):
        """Where what is left costs more than what is done, the time left is that of its cost."""
        plan = planned(units=100, outlook=lambda: events.Outlook(left_s=900.0))
        state = told(plan, events.WorkDone(units=50, busy_s=100.0))
        assert state.eta_s(101.0) == pytest.approx(900.0)

    def test_workers_that_are_still_to_come(self):
        """The time before a worker was up says nothing of how fast fits are."""
        none, two = (events.WorkersChanged(up=up, wanted=2, nodes=1) for up in (0, 2))
        state = told(planned(units=4, candidates=0), none, two, events.WorkDone(units=2))
        assert state.eta_s(5.0) == pytest.approx(2.0)


class TestPhases:
    def test_refit(self):
        """During the refit the search's bar stays full, and its own progress has a bar of its own."""
        refit = (events.RefitStarted(params=BEST), events.WorkPlanned(unit="tree", units=50), events.WorkDone(units=20))
        shown = drawn(told(*SEARCH, events.WorkDone(units=880), *refit))
        assert any("1500/1,500" in line or "1,500/1,500" in line for line in shown)
        assert any(line.startswith("refitting") for line in shown)
        assert any("20/50" in line for line in shown)

    @pytest.mark.parametrize("name", ["reading spec.py", "checking", "saving", "verifying"])
    def test_each_has_its_name(self, name):
        """What is neither bar nor best is said by its name."""
        assert drawn(told(events.PhaseStarted(name=name)), now=5.0)[-1] == f"{name}  0:04"

    def test_stopping(self):
        """Once it is told to end, the view says so, whatever the run is at."""
        assert drawn(told(*SEARCH), stopping=True)[-1] == "stopping"
        saving = told(*SEARCH, events.PhaseStarted(name="saving"))
        assert drawn(saving, now=10.0, stopping=True)[-1].startswith("saving")

    def test_control_characters(self):
        """What a person's names hold does not steer the terminal."""
        best = events.CandidateDone(index=0, params={"simpleimputer__strategy": "\x1b[2J"}, score=0.5)
        assert not any("\x1b[2J" in line for line in drawn(told(*SEARCH[:4], best)))


class TestWords:
    def test_values_end_at_words(self):
        """A long value is cut behind a word."""
        assert (
            words.brief_value("one two three four five six seven eight nine ten")
            == "one two three four five six seven eight…"
        )

    def test_wrap(self):
        """Pieces are put into lines whole, and cut only where one is longer than a line."""
        assert words.wrap(["aaa", "bbb", "ccc"], 7) == ["aaa bbb", "ccc"]
        assert words.wrap(["a_very_long_name=1"], 10, indent="  ") == ["a_very_", "  long_", "  name=1"]


def test_names_are_no_emoji(capsys):
    """What a message names, such as ``spec.py:X:``, stays what it is."""
    stderr_console().say("spec.py:X: column '0' has no value")
    assert "spec.py:X: column" in capsys.readouterr().err


def candidates(*scores, **more):
    """Return that candidates are done, with these scores."""
    params = [{**BEST, f"{LONG}learning_rate": 0.01 * number} for number in range(len(scores))]
    return [
        events.CandidateDone(index=at, params=each, score=score, **more)
        for at, (each, score) in enumerate(zip(params, scores, strict=True))
    ]


def node(number, busy, *, gib=None):
    """Return what a node does; of its 64 GiB so many are used."""
    memory = {} if gib is None else {"memory_bytes": 64 * 2**30, "memory_free_bytes": (64 - gib) * 2**30}
    return events.NodeWork(node=f"n{number}", address=f"10.0.0.{number}", up=8, busy=busy, **memory)


def on_nodes(*found):
    return events.WorkersChanged(up=8 * len(found), wanted=8 * len(found), nodes=len(found), by_node=lambda: found)


class TestTop:
    def test_the_five_best(self):
        """The best five are shown with what varies in them, the best first; of equal ones the first candidate."""
        shown = drawn(told(*SEARCH[:4], *candidates(0.5, 0.9, 0.7, 0.9, 0.1, 0.8, 0.6, math.nan, None)))
        begin = next(at for at, line in enumerate(shown) if line.startswith("best"))
        assert [line.split()[:2] for line in shown[begin : begin + 5]] == [
            *(["best", "0.9000"], ["2", "0.9000"], ["3", "0.8000"], ["4", "0.7000"], ["5", "0.6000"]),
        ]
        assert shown[begin].endswith("learning_rate=0.01")
        assert shown[begin + 1].endswith("learning_rate=0.03")
        assert len({line.index("learning_rate") for line in shown[begin : begin + 5]}) == 1

    @pytest.mark.parametrize("width", [80, 40])
    def test_a_line_each(self, width):
        """The others take a line each, which is cut where the terminal ends."""
        shown = drawn(told(*SEARCH[:4], *candidates(0.1, 0.2, 0.3)), width)
        assert [line.split()[0] for line in shown[-2:]] == ["2", "3"]
        assert max(map(len, shown)) <= width - lines.ECHO

    def test_nothing_to_compare(self):
        """One candidate has no others, and no course of scores; those that are fitted alike are shown once."""
        assert drawn(told(planned(candidates=1), *candidates(0.5)))[-1].startswith("best")
        alike = told(planned(), *candidates(0.5), *candidates(0.5, 0.5, alike=True))
        assert alike.candidates_done == 3
        assert drawn(alike)[-1].startswith("best")

    def test_nothing_moves_when_a_round_begins(self):
        """A new round of halving is judged by itself; its list keeps the lines that the last one had."""
        first, second = (events.RoundStarted(number=n, of=2, resource="n_samples", amount=10 * n) for n in (1, 2))
        before = told(first, planned(), *candidates(0.6, 0.7, 0.8))
        after = told(first, planned(), *candidates(0.6, 0.7, 0.8), second, planned(), *candidates(0.4))
        assert len(drawn(after)) == len(drawn(before)) - 1  # the course of scores begins anew
        assert after.best.score == 0.4

    def test_a_million_candidates(self):
        """What is known of scores does not grow with the candidates."""
        state = State()
        for number in range(100_000):
            state.course.add(number % 7 + number / 100_000)
            state.top.add(events.CandidateDone(index=number, params={}, score=float(number % 1000)))
        assert len(state.course.best) <= MOST_STRETCHES
        assert [each.index for each in state.top.rows] == [999, 1999, 2999, 3999, 4999]
        assert len(state.course.within(20)) == 20
        assert max(state.course.within(20)) == max(state.course.best)


class TestCourse:
    def test_characters(self):
        """Scores are drawn from the lowest to the highest, in the order of the candidates."""
        shown = drawn(told(planned(), *candidates(0.0, 0.5, 1.0, 0.25)))
        assert "scores 0.0000 to 1.0000 ▁▅█▃" in shown or "scores 0.0000 to 1.0000 ▁▄█▃" in shown

    def test_equal_scores(self):
        """Where all are equal there is a line in the middle."""
        assert "scores 0.5000 to 0.5000 ▄▄▄" in drawn(told(planned(), *candidates(0.5, 0.5, 0.5)))

    def test_ascii(self):
        """A terminal whose encoding has no other characters gets none."""
        state = told(*SEARCH, *candidates(0.1, 0.9, 0.2))
        file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
        console = Console(file=file, width=60, force_terminal=True, color_system=None)
        console.print(lines.draw(state, 60, 9.0, is_ascii=console.options.ascii_only))
        file.flush()
        assert b"scores 0.1000 to 0.9733 #_*.\n" in file.buffer.getvalue()


class TestNodes:
    def test_a_row_each(self):
        """With several nodes each has a row: its busy workers, its fits, its memory."""
        done = events.WorkDone(units=1200, node="n2")
        shown = drawn(told(on_nodes(node(1, 8), node(2, 7, gib=12)), planned(units=5000), done))
        assert "10.0.0.1  8 of 8 busy      0 fits" in shown
        assert "10.0.0.2  7 of 8 busy  1,200 fits  12.0 of 64.0 GiB" in shown

    def test_one_node(self):
        """A single node has none: the line above says it all."""
        assert not any("10.0.0.1" in line for line in drawn(told(on_nodes(node(1, 8)), planned())))

    def test_many_nodes(self):
        """Of many nodes the first have a row, and the others one together."""
        shown = drawn(told(on_nodes(*(node(number, 4) for number in range(100))), planned()))
        assert shown[-1] == "and 85 more nodes: 340 of 680 busy"


@pytest.mark.parametrize("width", [80, 40])
@pytest.mark.parametrize("height", range(1, 30))
def test_no_more_lines_than_the_terminal_has(width, height):
    """Whatever there is to show, a live view that is too tall would scroll; the phase is always shown."""
    slow = tuple(events.Running(params=BEST, split=2, since=1.0) for _ in range(2))
    plan = planned(outlook=lambda: events.Outlook(slow=slow))
    state = told(on_nodes(node(1, 8), node(2, 7)), plan, SEARCH[3], *candidates(0.1, 0.2, 0.3, 0.4, 0.5, 0.6))
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=True, color_system=None)
    console.print(lines.draw(state, width, 100.0, height=height, stopping=True))
    shown = file.getvalue().splitlines()
    assert len(shown) <= height
    assert shown[-1] == "stopping"
    whole = len(drawn(state, width, stopping=True))
    assert len(shown) == min(height, whole)


def test_a_terminal_that_becomes_narrower():
    """It breaks the lines that stand there: the rows that they take more are erased, or they would stay for good."""
    view, file = View(), io.StringIO()
    for event in (*SEARCH, *candidates(0.1, 0.2)):
        view(event)
    for width, rows in ((80, 0), (80, 0), (100, 0), (45, None), (45, 0)):
        view._console = Stderr(file=file, width=width, height=24, force_terminal=True)
        file.truncate(0)
        before = view._drawn[1]
        view._render()
        expected = sum(max(length - 1, 0) // width for length in before) if rows is None else rows
        assert file.getvalue().count("\x1b[1A") == expected
        assert rows is not None or expected > 0
