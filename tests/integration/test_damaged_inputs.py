"""100 damaged inputs: whatever a person's file has become, raysk says so in five lines and ends with the right code."""

from __future__ import annotations

import json
import random

import pytest
from damage import INPUT, USAGE
from damaged_files import a_pickle, beside, data
from damaged_runs import FINISHED, HARMLESS, damaged_journal, journal, manifest, python

SEED = 20261124
FAMILIES = {a_pickle: 20, data: 25, python: 20, beside: 10, journal: 15, manifest: 10}
CASES = [(family, number) for family, count in FAMILIES.items() for number in range(count)]
AS_A_PERSON = [(a_pickle, 0), (data, 0), (python, 0)]
"""These are also run as a person runs them."""

LONGEST_LINE = 1000
SAME = ("best_params", "best_score", "best_index", "candidates", "fits", "fits_failed")


@pytest.fixture(scope="module")
def finished(forking, tmp_path_factory):
    """Return the files of a finished run, and what it found."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "spec.py").write_text(FINISHED)
    code = forking(folder, ["search", "spec.py", "--no-verify", "--run-dir", "run"])
    assert code == 0, (folder / "ERR").read_text()
    files = {path.name: path.read_bytes() for path in (folder / "run").iterdir()}
    files["run.json"] = files["run.json"].replace(json.dumps(str(folder)).encode(), b'"."')
    return files, json.loads((folder / "OUT").read_text())


@pytest.fixture
def make(request, tmp_path):
    """Return a function that makes a case, in a folder."""

    def make(family, number):
        rng = random.Random(f"{SEED} {family.__name__} {number}")  # noqa: S311 - no secret
        of_a_run = family in {journal, manifest}
        case = family(rng, request.getfixturevalue("finished")[0]) if of_a_run else family(rng)
        write(case, tmp_path)
        return case

    return make


def write(case, folder):
    """Write the files of a case."""
    for name, content in case.files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)


@pytest.fixture
def forked(make, forking, tmp_path, Ran):
    """Return a function that makes a case and runs it."""

    def run(family, number):
        case = make(family, number)
        code = forking(tmp_path, case.command)
        return case, Ran(code, *((tmp_path / name).read_text(errors="replace") for name in ("OUT", "ERR")))

    return run


def _named(value):
    return getattr(value, "__name__", str(value))


@pytest.mark.parametrize(("family", "number"), CASES, ids=_named)
def test_a_damaged_input(family, number, forked):
    """It ends with a code for bad input, in five lines and without a traceback, or it was not damaged enough."""
    assert_said_well(*forked(family, number))


@pytest.mark.parametrize(("family", "number"), AS_A_PERSON, ids=_named)
def test_as_a_person_runs_it(family, number, make, start, Ran):
    """The same holds for a program that is started for one of them."""
    case = make(family, number)
    process = start(*case.command, cwd="..")
    out, err = process.communicate(timeout=60)
    assert_said_well(case, Ran(process.returncode, out, err))


@pytest.mark.parametrize("how", HARMLESS, ids=_named)
def test_a_journal_that_can_be_read(how, forking, finished, tmp_path):
    """A search whose journal lost its end, or has lines twice or in another order, finds what it would have found."""
    files, found = finished
    case = damaged_journal(random.Random(SEED), files, how)  # noqa: S311 - no secret
    write(case, tmp_path)
    assert forking(tmp_path, case.command) == 0, (tmp_path / "ERR").read_text()
    summary = json.loads((tmp_path / "OUT").read_text())
    assert {name: summary[name] for name in SAME} == {name: found[name] for name in SAME}
    assert (tmp_path / "run" / "results.csv").exists()


def assert_said_well(case, ran):
    """Assert that a command ended as it may, and that what it said is fit to be read."""
    told = f"{case.what}: raysk {' '.join(case.command)} ended with {ran.code}\n{ran.err[-3000:]}"
    assert ran.code in case.codes, told
    assert "Traceback (most recent call last)" not in ran.err, told
    if ran.code:
        said = ran.err[max(ran.err.find("Error:"), 0) :].strip()  # before it is what the run has told of
        lines = [line for line in said.splitlines() if not line.startswith(("╭", "╰"))]  # Typer's frame
        assert 1 <= len(lines) <= 5, told
        assert max(map(len, lines)) <= LONGEST_LINE, told
    if ran.code in {USAGE, INPUT}:
        assert "Error:" in ran.err or "Usage:" in ran.err, told
