"""Searches drawn at random have scikit-learn's own results, whatever is shared or left out; workers are threads.

A failure names its seed: ``drawn_specs.draw(seed)`` is that search.
"""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from drawn_specs import draw
from equal_searches import differences

from raysk.errors import NothingFinished, UsageError
from raysk.events import WorkDone
from raysk.jobs import PRUNING, Shortcuts
from raysk.runs.journal import Journal

SEEDS = range(40)
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


@pytest.mark.parametrize("seed", SEEDS[1::2])
def test_the_best_of_a_pruned_search_is_scikit_learns(seed, ours, theirs):
    """Whatever cannot win is given up: the best and its model are equal, and so are all scores that are there."""
    pruned = best_of(lambda: ours(draw(seed), shortcuts=Shortcuts(prune="exact")))
    if pruned is not None:
        assert differences(pruned, theirs(seed), lambda: draw(seed).X, table=False) == []
        for name, scores in pruned.cv_results_.items():
            if name.startswith("split") and name.endswith("_score"):
                given_up = np.isnan(scores) & np.array(pruned.cv_results_["pruned"])
                assert np.array_equal(
                    scores, np.where(given_up, np.nan, theirs(seed).cv_results_[name]), equal_nan=True
                )


def best_of(run):
    """Return a search that was pruned; None if that is refused, as it is for metrics that have no maximum."""
    try:
        return run()
    except UsageError as error:
        assert "--prune exact" in str(error)  # noqa: PT017 - a refusal is one of two good ends
        return None


@pytest.mark.parametrize("prune", [None, *PRUNING])
@pytest.mark.parametrize("seed", SEEDS[5::20])
def test_the_number_of_workers_changes_nothing(seed, prune, ours):
    """The same search on 1, 2 and 4 workers: equal tables, but for folds that a candidate given up may have or lack."""
    runs = [
        best_of(lambda workers=workers: ours(draw(seed), workers=workers, shortcuts=Shortcuts(prune=prune)))
        for workers in (1, 2, 4)
    ]
    for other in runs[1:]:
        if other is not None:
            assert differences(other, runs[0], lambda: draw(seed).X, table=prune != "exact") == []


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


@pytest.mark.parametrize("prune", [None, "exact"])
@pytest.mark.parametrize("seed", SEEDS[::6])
def test_a_killed_search_resumes(seed, prune, ours, theirs, tmp_path):
    """Interrupted at some fit, and with a journal whose end is torn off, a search goes on to the same results."""
    shortcuts = Shortcuts(prune=prune)
    chance, path = np.random.default_rng(seed), tmp_path / "journal.jsonl"
    with Journal(path) as journal, contextlib.suppress(KeyboardInterrupt, NothingFinished, UsageError):
        ours(draw(seed), journal=journal, shortcuts=shortcuts, sink=Interruption(chance.integers(20)))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - chance.integers(400)])
    with Journal(path) as journal:
        resumed = best_of(lambda: ours(draw(seed), journal=journal, shortcuts=shortcuts))
    if resumed is not None:
        assert differences(resumed, theirs(seed), lambda: draw(seed).X, table=prune is None) == []
