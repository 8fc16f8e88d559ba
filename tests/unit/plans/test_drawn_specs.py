"""Searches drawn at random have scikit-learn's own results, whatever is shared or left out; workers are threads.

A failure names its seed: ``drawn_specs.draw(seed)`` is that search.
"""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from drawn_specs import draw
from equal_searches import differences

from raysk.errors import NothingFinished
from raysk.events import WorkDone
from raysk.runs.journal import Journal

SEEDS = range(60)
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("_one_thread")]


@pytest.fixture(scope="module")
def theirs():
    """Return a function that runs a spec by scikit-learn alone, once."""
    done = {}

    def run(seed):
        if seed not in done:
            spec = draw(seed)
            done[seed] = spec.search.fit(spec.X, spec.y, **spec.fit_params)
        return done[seed]

    return run


@pytest.fixture
def ours(fit_on_threads):
    """Return a function that runs a spec by raysk."""
    return lambda spec, **options: fit_on_threads(spec.search, spec.X, spec.y, spec.fit_params, **options)


@pytest.mark.parametrize("seed", SEEDS)
def test_results_are_scikit_learns(seed, ours, theirs):
    """The table, the best and its predictions are equal to the last bit."""
    spec = draw(seed)
    assert differences(ours(spec), theirs(seed), lambda: draw(seed).X) == []


class Interruption:
    """A sink that stands for a person who presses Ctrl-C once so many fits are done."""

    def __init__(self, fits):
        self.left = fits

    def __call__(self, event):
        """Take an event."""
        if isinstance(event, WorkDone):
            self.left -= event.units
            if self.left < 0:
                raise KeyboardInterrupt


@pytest.mark.parametrize("seed", SEEDS[::6])
def test_a_killed_search_resumes(seed, ours, theirs, tmp_path):
    """Interrupted at some fit, and with a journal whose end is torn off, a search goes on to the same results."""
    chance, path = np.random.default_rng(seed), tmp_path / "journal.jsonl"
    with Journal(path) as journal, contextlib.suppress(KeyboardInterrupt, NothingFinished):
        ours(draw(seed), journal=journal, sink=Interruption(chance.integers(20)))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - chance.integers(400)])
    with Journal(path) as journal:
        assert differences(ours(draw(seed), journal=journal), theirs(seed), lambda: draw(seed).X) == []
