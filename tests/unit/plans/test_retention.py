"""Estimators of the best candidates that are kept, on a pool without Ray."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, ShuffleSplit
from sklearn.tree import DecisionTreeClassifier

from raysk import plans
from raysk.errors import InputError, UsageError
from raysk.events import Remark
from raysk.plans.retention import Retention
from raysk.runner.outputs import Outputs
from raysk.runner.retained import load_estimators
from raysk.runner.saving import Saver
from raysk.runs.folder import MANIFEST, RunFolder
from raysk.runs.overwriting import remove_run

X, Y = make_classification(n_samples=80, flip_y=0.3, random_state=0)
GRID = {"max_depth": [1, 2, 3, None, "none"]}
TREE = DecisionTreeClassifier(random_state=0)


@pytest.fixture
def kept(make_pool, launcher, Events):
    """Return a function that runs a search, and returns what it has kept, by candidate and split."""
    launcher.by_hand, launcher.room = False, 1

    def run(search, top):
        events, found = Events(), {}
        wanted = Retention(top=top, save=lambda number, split, estimator: found.update({(number, split): estimator}))
        plans.fit(make_pool(sink=events), search, X, Y, {}, retention=wanted)
        assert f"Kept {len(found)} estimators" in events.of(Remark)[-1].text
        return found

    return run


@pytest.mark.filterwarnings("ignore")
def test_best_are_kept_as_they_were(kept):
    """Each scores on its split's test rows what the search has found; a candidate that fails is none of the best."""
    search = GridSearchCV(TREE, GRID, cv=ShuffleSplit(3, random_state=0))
    found = kept(search, 2)
    best = np.argsort(search.cv_results_["rank_test_score"], kind="stable")[:2]
    assert {number for number, _ in found} == set(best.tolist())
    assert len(found) == 6
    for split, (train, test) in enumerate(search.cv.split(X, Y)):
        for number in best.tolist():
            estimator = found[number, split]
            assert estimator.score(X[test], Y[test]) == search.cv_results_[f"split{split}_test_score"][number]
            again = clone(estimator).fit(X[train], Y[train])
            assert np.array_equal(again.predict_proba(X), estimator.predict_proba(X))


@pytest.mark.filterwarnings("ignore")
def test_all_candidates_with_a_score(kept):
    """More than there are means all that have a score; of two metrics where none decides the first ranks."""
    search = GridSearchCV(TREE, GRID, cv=2, scoring=["accuracy", "f1"], refit=False)
    assert len(kept(search, 100)) == 8


def test_rounds_have_splits_of_their_own(kept):
    """Of a halving search the best are of the last round, fitted on the rows that it had."""
    search = HalvingGridSearchCV(TREE, {"max_depth": [1, 2, 3]}, cv=2, random_state=0, factor=2)
    found = kept(search, 1)
    assert {number for number, _ in found} == {search.best_index_}


def test_a_candidate_of_several_rounds_is_kept_once(kept):
    """Those that came further are better, whatever they scored on few rows."""
    search = HalvingGridSearchCV(TREE, {"max_depth": [1, 2, 3, 4]}, cv=2, random_state=0, factor=2)
    found = list(dict.fromkeys(number for number, _ in kept(search, 3)))
    results = search.cv_results_
    assert found[0] == search.best_index_
    assert [int(results["iter"][number]) for number in found] == [2, 1, 0]
    assert len({results["params"][number]["max_depth"] for number in found}) == 3


def test_kept_estimators_are_loaded(tmp_path):
    """They are models in the run folder, each with its description; a run that is replaced loses them."""
    folder = RunFolder(tmp_path)
    folder.write_manifest({"outcome": "done"})
    saver = Saver(Outputs(keep_estimators=1, verify=False), lambda _: None)
    wanted = saver.retention(folder)
    for split in range(2):
        wanted.save(7, split, clone(TREE).fit(X, Y))
    assert saver.error is None
    loaded = load_estimators(tmp_path)
    assert list(loaded) == [(7, 0), (7, 1)]
    assert loaded[7, 1].predict(X).shape == Y.shape
    assert (tmp_path / "estimators" / "7-0.json").is_file()
    remove_run(tmp_path)
    (tmp_path / MANIFEST).write_text("{}")
    with pytest.raises(InputError, match="--keep-estimators"):
        load_estimators(tmp_path)


def test_number_is_checked():
    """There is no negative number of candidates."""
    with pytest.raises(UsageError, match="--keep-estimators -1"):
        Outputs(keep_estimators=-1)
