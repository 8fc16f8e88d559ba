"""``--dry-run`` on the command line, and what it says."""

from __future__ import annotations

import pytest

from raysk.cli.app import app
from raysk.cli.options.command import _with_values
from raysk.cli.view.plan import duration, plan_rows, size
from raysk.errors import UsageError

PLAN = {
    "outer": None,
    "candidates": 300,
    "splits": 5,
    "fits": 1500,
    "saved": 240,
    "contained": 0,
    "to_do": 1260,
    "steps_in_common": False,
    "node_bytes": 1_258_291,
    "workers": 4,
    "time": None,
}
TIME = {
    "timed": 20,
    "of": 1260,
    "failed": 0,
    "unit_s": 0.5,
    "slowest_s": 3.0,
    "work_s": 630.0,
    "work_low_s": 400.0,
    "work_high_s": 860.0,
    "wall_s": 157.5,
    "wall_low_s": 100.0,
    "wall_high_s": 215.0,
    "confidence": 0.9,
    "took_s": 10.2,
    "cpu_share": 0.97,
}


def rows(**other):
    return [f"{name}: {text}" for name, text in plan_rows({**PLAN, **other}) if text]


def test_an_option_whose_value_may_be_missing():
    """It takes no FILE for its value, and nothing after a double dash is an option."""
    assert list(_with_values(["--dry-run", "spec.py"])) == ["--dry-run=plan", "spec.py"]
    assert list(_with_values(["--dry-run=time", "--", "--dry-run"])) == ["--dry-run=time", "--", "--dry-run"]


@pytest.mark.parametrize("command", ["search", "fit", "nested", "cv"])
def test_another_value_is_refused(command):
    """The two that there are are named."""
    with pytest.raises(UsageError, match="--dry-run=fast: say --dry-run, or --dry-run=time"):
        app([command, "--dry-run=fast", "spec.py"], prog_name="raysk")


def test_one_fit_shares_no_candidates():
    """Of a fit the data and the estimator go to a node."""
    nothing = dict.fromkeys(("candidates", "splits", "saved", "contained", "to_do"))
    assert rows(**nothing)[0] == "shared: 1.2 MiB a node, pickled as it is sent: data, estimator"
    assert rows()[2].endswith("data, splits, candidates, estimator")


def test_what_would_run():
    """Fits, what need not be done, what is sent, who works."""
    assert rows() == [
        "plan: 300 candidates x 5 splits = 1,500 fits",
        "not done: 240 equal to others",
        "shared: 1.2 MiB a node, pickled as it is sent: data, splits, candidates, estimator",
        "workers: 4",
    ]
    assert "plan: 3 outer folds x 300 candidates x 5 splits = 4,500 fits" in rows(outer=3, fits=4500)
    assert "workers: as many as the cluster has room for" in rows(workers=None)
    assert rows(candidates=None)[0].startswith("shared: ")
    first, *_ = plan_rows(PLAN, [{}, {}])
    assert first[1].startswith("in the first of 2 rounds: ")


def test_how_long():
    """An estimate has its range and what it is based on; one fit tells of no range."""
    said = rows(time=TIME)
    assert "time: about 2 min 38 s on 4 workers, probably 1 min 40 s to 3 min 35 s (90%)" in said
    assert "by: 20 of 1,260 timed here, one at a time, in 10 s: 0.5 s each, the slowest 3 s" in said
    assert any("dear and rare" in row for row in said)
    one = {**TIME, "timed": 1, "wall_low_s": None, "wall_high_s": None, "failed": 1}
    assert any("may be far off" in row for row in rows(time=one))
    assert any(row.endswith("; 1 fit failed") for row in rows(time=one))
    assert any(row.endswith("; they had a CPU 40% of the time") for row in rows(time={**TIME, "cpu_share": 0.4}))
    assert any("on one worker, probably 6 min 40 s" in row for row in rows(time=TIME, workers=None))
    assert any("as all were timed" in row for row in rows(time={**TIME, "timed": 1260}))


def test_sizes_and_durations():
    """As a person says them."""
    assert [size(each) for each in (1, 900, 2048, 3 * 2**30)] == ["1 byte", "900 bytes", "2.0 KiB", "3.0 GiB"]
    said = [duration(each) for each in (0.0213, 9.96, 45.2, 60, 3725, 90_000)]
    assert said == ["0.021 s", "10 s", "45 s", "1 min", "1 h 2 min", "1 d 1 h"]
