"""The job of ``raysk cv``: which estimator, which folds, which metrics."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold, RepeatedKFold, RepeatedStratifiedKFold
from sklearn.svm import SVC

from raysk.errors import UsageError
from raysk.request.assemble import describe
from raysk.request.overrides import Overrides
from raysk.request.validation import validation_job
from raysk.source.objects import SourceObjects

X = np.arange(40.0).reshape(20, 2)
Y = np.array([0, 1] * 10)


def holding(**names):
    return SourceObjects(source="model.py", path=None, names={"X": X, "y": Y, "model": SVC(), **names})


def search_of(overrides=None, *, repeats=None, **names):
    return validation_job(holding(**names), overrides or Overrides(), repeats=repeats).search


def refused(*args, **said):
    with pytest.raises(UsageError) as caught:
        search_of(*args, **said)
    assert len(str(caught.value).splitlines()) <= 5
    return str(caught.value)


def test_options_come_before_the_file():
    """Cv and scoring are the file's, unless an option says otherwise; the person's estimator stays as it is."""
    model, cv = SVC(), KFold(3)
    search = search_of(model=model, cv=cv, scoring=["accuracy", "f1"])
    assert (search.cv, search.scoring) == (cv, ["accuracy", "f1"])
    assert search_of().cv is None
    said = Overrides(cv=4, scoring="f1,roc_auc", set=("C=3",), seed=7)
    search = search_of(said, model=model, cv=cv)
    assert (search.cv, search.scoring) == (4, ["f1", "roc_auc"])
    assert (search.estimator.C, search.estimator.random_state, model.C) == (3, 7, 1.0)
    assert search_of(Overrides(scoring="f1")).scoring == "f1"
    assert "accuracy" in refused(Overrides(scoring="acuracy"))


def test_folds_are_repeated_as_a_number_of_them_would_be_drawn():
    """Stratified for classes, plain for numbers; as many as --cv or the file says, with the seed."""
    search = search_of(Overrides(seed=3), repeats=2, cv=4)
    assert type(search.cv) is RepeatedStratifiedKFold
    assert (search.cv.get_n_splits(), search.cv.random_state, search.repeats) == (8, 3, 2)
    search = search_of(repeats=3, model=Ridge())
    assert type(search.cv) is RepeatedKFold
    assert (search.cv.get_n_splits(), search.cv.random_state) == (15, None)
    assert search_of(Overrides(cv=2), repeats=2, cv=KFold(3)).cv.get_n_splits() == 4


def test_what_is_refused():
    """A search is for raysk nested; a splitter's own folds are not replaced; no folds are none."""
    grid = GridSearchCV(SVC(), {"C": [1, 2]})
    assert "raysk nested" in refused(model=grid)
    assert type(search_of(search=grid).estimator) is SVC  # the model beside it is meant
    assert "KFold" in (text := refused(repeats=2, cv=KFold(3)))
    assert "--cv K" in text
    assert "--repeats 0" in refused(repeats=0)


def test_what_runs_is_told():
    """A dry run knows one candidate and its folds."""
    job = validation_job(holding(cv=4), Overrides())
    said = describe(holding(), job=job)
    assert said["runs"] == "cv"
    assert (said["search"]["candidates"], said["search"]["splits"], said["search"]["fits"]) == (1, 4, 4)
