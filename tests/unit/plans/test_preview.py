"""What a search would do, known before it runs: the counts are those of the run, and nothing is fitted."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - makes the halving searches importable
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from raysk.errors import Unpicklable
from raysk.jobs import Shortcuts
from raysk.plans.preview import Preview, measure, preview
from raysk.runner.outcome import Tally
from raysk.searches.cross_validation import CrossValidation

X, Y = make_classification(n_samples=80, n_features=6, random_state=0)
ALIKE = {"kernel": ["linear", "rbf"], "gamma": [0.1, 1, 10], "C": [1, 2]}
PIPELINE = make_pipeline(StandardScaler(), LogisticRegression())

SEARCHES = {
    "plain": GridSearchCV(LogisticRegression(), {"C": [0.1, 1, 10]}, cv=3),
    "alike": GridSearchCV(SVC(), ALIKE, cv=2),
    "contained": GridSearchCV(
        RandomForestClassifier(random_state=0), {"n_estimators": [2, 3], "max_depth": [1, 2]}, cv=3
    ),
    "drawn": RandomizedSearchCV(LogisticRegression(), {"C": loguniform(0.1, 10)}, n_iter=4, random_state=0),
    "steps": GridSearchCV(PIPELINE, {"logisticregression__C": [0.1, 1]}, cv=2),
    "one candidate": CrossValidation(LogisticRegression(), cv=4),
}


def look(search, *, fit_params=None, **shortcuts):
    return preview(search, X, Y, fit_params or {}, shortcuts=Shortcuts(**shortcuts), workers=2)


@pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)
def test_counts_are_those_of_the_run(fit_on_threads, search):
    """Fits, those that are saved, and those that others contain."""
    said = look(search)
    assert not hasattr(search, "n_splits_")  # it is as it was
    tally = Tally()
    fit_on_threads(search, X, Y, {}, sink=tally)
    counts = tally.counts
    assert (said.fits, said.saved, said.contained) == (counts.fits, counts.saved, counts.shared)
    assert said.units == counts.fits - counts.saved - counts.shared
    assert said.steps_in_common == (counts.steps_shared > 0)


def test_without_sharing_nothing_is_saved():
    """So it is told, too."""
    said = look(SEARCHES["alike"], sharing=False)
    assert (said.saved, said.units) == (0, 24)


def test_halving_is_told_of_by_its_first_round():
    """Its candidates are all there; how dear later rounds are nobody has tried."""
    search = HalvingGridSearchCV(LogisticRegression(), {"C": [0.1, 1, 10, 100]}, min_resources=20, cv=2)
    assert (look(search).candidates, look(search).units) == (4, 8)


def test_tpe_is_told_of_by_its_first_proposals():
    """Later candidates are counted though nobody knows them."""
    pytest.importorskip("optuna")
    from raysk.searches.tpe import TPESearchCV

    space = {"C": loguniform(0.1, 10)}
    said = look(TPESearchCV(LogisticRegression(), space, n_iter=50, lag=4, cv=2, random_state=0))
    assert (said.candidates, said.fits, said.units) == (50, 100, 100)
    assert 0 < said.time(limit_s=0.0).timed < 100


def test_a_node_gets_what_is_measured():
    """Data, in the main; what cannot be sent is said at once."""
    said = look(SEARCHES["plain"], fit_params={"sample_weight": np.ones(80)})
    arrays = X.nbytes + Y.nbytes + 80 * 8
    assert arrays < said.node_bytes < arrays + 20_000
    assert measure(np.zeros(1000)) > 8000
    with pytest.raises(Unpicklable):
        look(GridSearchCV(LogisticRegression(), {"C": [1]}, scoring=Unsendable()))


class Unsendable:
    """A scorer that no worker can get."""

    def __call__(self, *_):
        """Score."""
        return 0.0

    def __reduce__(self):
        raise TypeError("it stays here")


class Drawn:
    """Stands for a planned round: units take what is said."""

    def __init__(self, *took_s):
        self._took_s = took_s

    def timed(self):
        """Yield what units take."""
        return ((each, int(each == 4.0)) for each in self._took_s)


def timed(*took_s, units=100, **said):
    counts = dict.fromkeys(("saved", "contained", "node_bytes"), 0)
    found = Preview(candidates=units, splits=1, units=units, steps_in_common=False, round=Drawn(*took_s), **counts)
    return found.time(**said)


def test_the_estimate_is_the_mean_and_its_range_by_t():
    """Units are drawn without repeats: what is known of all of them has no range."""
    said = timed(1.0, 2.0, 3.0, 4.0)
    assert (said.timed, said.of, said.failed, said.unit_s, said.slowest_s) == (4, 100, 1, 2.5, 4.0)
    assert said.work_s == 250
    half = 2.353363 * np.std([1, 2, 3, 4], ddof=1) / 2 * math.sqrt(0.96) * 100  # Student's t: 0.95, three degrees
    assert said.work_high_s - said.work_s == pytest.approx(half, rel=1e-5)
    assert said.work_low_s == pytest.approx(250 - half, rel=1e-5)
    assert timed(1.0, 9.0).work_low_s == 10.0  # what was seen is certain
    every = timed(1.0, 2.0, units=2)
    assert (every.work_low_s, every.work_s, every.work_high_s) == (3.0, 3.0, 3.0)


def test_it_stops_when_time_is_over_or_the_range_is_narrow():
    """After one unit nothing is known of the range."""
    said = timed(1.0, 2.0, 3.0, limit_s=0.0)
    assert said.timed == 1
    assert math.isnan(said.work_high_s)
    assert timed(*[1.0, 1.1] * 50, units=1000).timed == 30


def test_what_is_timed_is_drawn_with_a_fixed_seed():
    """The same units each time; those that fail are counted."""
    search = GridSearchCV(LogisticRegression(), {"C": [-1.0, 1.0, 2.0]}, cv=2)
    said = look(search, sharing=False).time()
    assert (said.timed, said.of, said.failed) == (6, 6, 2)
    units = look(search).round
    assert [next(units.timed())[1] for _ in range(2)] in ([0, 0], [1, 1])
