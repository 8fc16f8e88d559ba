"""The live view as text, at three widths, without a terminal: what is shown of a run, and when."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from raysk import events
from raysk.cli.view import lines, words
from raysk.cli.view.console import stderr_console
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
