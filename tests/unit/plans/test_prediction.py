"""Blocks of rows through a model, here and on the pool: order kept, few in memory."""

import functools

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from raysk.events import WorkDone
from raysk.plans import prediction

X, y = load_digits(return_X_y=True)
FOREST = RandomForestClassifier(10, random_state=0).fit(X, y)


def blocks(table, size, ids=None):
    """Yield blocks of so many rows."""
    for start in range(0, table.shape[0], size):
        part = slice(start, start + size)
        some = table.iloc[part] if hasattr(table, "iloc") else table[part]
        yield some, None if ids is None else ids[part]


@pytest.fixture(params=["here", "on_pool"])
def run(request, launcher, make_pool):
    """Return a function that predicts blocks, in this process or on two workers."""
    if request.param == "here":
        return prediction.here
    launcher.by_hand = False
    return functools.partial(prediction.on_pool, make_pool(workers=2))


@pytest.mark.parametrize("size", [97, 1000, 5000])
@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_equal_to_scikit_learn(run, method, size):
    """Whatever the size of the blocks, a forest's answer is scikit-learn's own, row for row, beside its ids."""
    ids = np.arange(len(X)).astype(str)
    pairs = list(run(FOREST, method, blocks(X, size, ids)))
    assert np.array_equal(np.concatenate([values for _, values in pairs]), getattr(FOREST, method)(X))
    assert np.array_equal(np.concatenate([some for some, _ in pairs]), ids)


@pytest.mark.parametrize("make", [pd.DataFrame, sparse.csr_matrix, sparse.csr_array])
def test_kinds_of_tables(run, make):
    """Frames and sparse matrices are cut as arrays are."""
    table = make(X)
    model = SVC().fit(table, y)
    values = np.concatenate([values for _, values in run(model, "predict", blocks(table, 700))])
    assert np.array_equal(values, model.predict(table))


def test_blocks_are_read_as_they_are_needed(launcher, make_pool):
    """On the pool, no more blocks are read ahead than keep the workers busy: a table may be of any length."""
    launcher.by_hand = False
    pool = make_pool(workers=2)
    read = []

    def endless():
        while True:
            read.append(len(read))
            yield X[:300], None

    pairs = prediction.on_pool(pool, FOREST, "predict", endless())
    for _ in range(20):
        next(pairs)
    ahead = 2 * pool.wanted + prediction.AHEAD  # tasks: each worker runs one and has one in its queue
    assert len(read) <= 20 + ahead
    pairs.close()


def test_one_block_keeps_all_workers_busy(launcher, make_pool):
    """A table of a single block is cut into pieces for all workers, none of them tiny."""
    launcher.by_hand = False
    sizes = [len(values) for _, values in prediction.on_pool(make_pool(workers=2), FOREST, "predict", [(X, None)])]
    assert len(sizes) == 4
    assert min(sizes[:-1]) >= prediction.LEAST_ROWS


def test_order_is_kept_when_the_last_is_first(launcher, make_pool):
    """Pieces that come back in another order are handed on in the table's."""
    pool = make_pool(workers=2)
    pairs = prediction.on_pool(pool, FOREST, "predict", blocks(X, 300, np.arange(len(X))))
    first_two = []

    def answer():
        calls = [launcher.next_call(), launcher.next_call()]
        for call in reversed(calls):
            call.run()
        first_two.extend(calls)

    import threading

    thread = threading.Thread(target=answer)
    thread.start()
    ids, values = next(pairs)
    thread.join()
    assert ids[0] == 0
    assert np.array_equal(values, FOREST.predict(X[: len(values)]))
    pairs.close()


def test_a_lost_worker_costs_nothing(launcher, make_pool):
    """A worker that dies has its rows predicted by another; the answer and its order are the same."""
    launcher.by_hand = False
    died = []
    launcher.dies_of = lambda call: len(call.args) == 3 and not died and not died.append(call)
    values = [values for _, values in prediction.on_pool(make_pool(workers=2), FOREST, "predict", blocks(X, 300))]
    assert died
    assert np.array_equal(np.concatenate(values), FOREST.predict(X))


def test_the_models_error_is_raised(run):
    """What the model raises ends the run, here and on a worker."""
    with pytest.raises(ValueError, match="NaN"):
        list(run(SVC().fit(X, y), "predict", blocks(np.full((10, 64), np.nan), 5)))


def test_rows_are_counted(launcher, make_pool):
    """The sink hears of every row that is done."""
    launcher.by_hand = False
    for predict in (functools.partial(prediction.here), None):
        events = []
        pool = make_pool(workers=2, sink=events.append)
        if predict is None:
            list(prediction.on_pool(pool, FOREST, "predict", blocks(X, 300)))
        else:
            list(predict(FOREST, "predict", blocks(X, 300), events.append))
        assert sum(event.units for event in events if isinstance(event, WorkDone)) == len(X)


class TestScoring:
    """Scorers call the model's methods; those of the twin work on the pool."""

    @pytest.fixture
    def pool(self, launcher, make_pool):
        """Return a pool of two workers."""
        launcher.by_hand = False
        return make_pool(workers=2)

    @pytest.mark.parametrize("scoring", ["accuracy", "neg_log_loss", "roc_auc_ovr", None])
    def test_forest(self, pool, scoring):
        """Every scorer gives what it gives without the pool, and the model stays as it is."""
        twin = prediction.predicting_on_pool(pool, FOREST)
        assert check_scoring(FOREST, scoring)(twin, X, y) == check_scoring(FOREST, scoring)(FOREST, X, y)
        assert "predict" not in vars(FOREST)

    def test_search(self, pool):
        """So do a search's."""
        search = GridSearchCV(SVC(), {"C": [1, 2]}, cv=2).fit(X[:300], y[:300])
        assert prediction.predicting_on_pool(pool, search).score(X, y) == search.score(X, y)

    def test_several_outputs(self, pool):
        """Probabilities of several outputs come back as one array each."""
        model = RandomForestClassifier(3, random_state=0).fit(X, np.c_[y, y % 2])
        for ours, theirs in zip(
            prediction.predicting_on_pool(pool, model).predict_proba(X), model.predict_proba(X), strict=True
        ):
            assert np.array_equal(ours, theirs)

    def test_what_a_model_does_not_have(self, pool):
        """The twin has the methods that the model has, and no others."""
        twin = prediction.predicting_on_pool(pool, StandardScaler().fit(X))
        assert not hasattr(twin, "predict")
        assert np.array_equal(twin.transform(X), StandardScaler().fit(X).transform(X))
