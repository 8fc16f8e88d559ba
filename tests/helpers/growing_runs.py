"""A run's folder that a test writes, line by line, while somebody reads it."""

from __future__ import annotations

import json

from raysk.history.replay import Replay
from raysk.history.run import Run

HEADER = {"raysk": "journal", "identity": {}}
PARAMS = {"C": 1.0}


def plan(**more):
    """Return an entry of what is planned: three candidates on two splits, at 100 s."""
    counts = {"candidates": 3, "splits": 2, "units": 6, "saved": 0, "resumed": 0, "failed": 0, "scores_failed": 0}
    return {"at": 100.0, "first": 0, "round": None, "fold": None, "varying": ["C"], **counts, **more}


def line(candidate, split, score=0.5, *, key=None, ended=200.0, error=None, worker="n1:3", **more):  # noqa: PLR0913
    """Return a line of a journal."""
    times = {"fit_time": 0.25, "score_time": 0.25, "n_test_samples": 5}
    where = {"candidate": candidate, "split": split, "ended": ended, "worker": worker}
    key = key or f"c{candidate} s{split}"
    return json.dumps({"fit": key, "test_scores": score, "fit_error": error, **times, **where, **more}) + "\n"


class GrowingRun:
    """A run that goes on as a test says, and what is told of it."""

    def __init__(self, path):
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.facts = {"outcome": "running", "job": {"command": "search"}, "metric": "accuracy"}
        self.journal = path / "journal.jsonl"
        self.journal.write_text(json.dumps(HEADER) + "\n")
        self.say()
        self.replay = Replay(Run(path))

    def say(self, **more):
        """Write more into the manifest."""
        self.facts |= more
        (self.path / "run.json").write_text(json.dumps(self.facts))

    def write(self, *lines):
        """Append to the journal."""
        with self.journal.open("a") as file:
            file.write("".join(lines))

    def news(self, kind=object):
        """Return the events that are told now."""
        return [told.event for told in self.replay.news(Run(self.path)) if isinstance(told.event, kind)]
