"""Estimators whose answer depends on the number of jobs."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import LatentDirichletAllocation
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegressionCV
from sklearn.pipeline import make_pipeline, make_union
from sklearn.utils import all_estimators

from raysk.plans import choose, forest, joblib_backend, one_job, single


def test_every_name_is_one_of_scikit_learns():
    """A class that has gone, or changed its name, is found here."""
    assert {*one_job.ALWAYS, *one_job.WITH_RANDOM_STATE} <= {name for name, _ in all_estimators()}


@pytest.mark.parametrize(
    ("estimator", "plan"),
    [
        (make_pipeline(LatentDirichletAllocation()), one_job),
        (LogisticRegressionCV(random_state=0), joblib_backend),
        (LogisticRegressionCV(random_state=np.random.RandomState(0)), one_job),
        (make_union(RandomForestClassifier(random_state=np.random.RandomState(0))), one_job),
        (RandomForestClassifier(random_state=np.random.RandomState(0)), forest),
        (RandomForestClassifier(random_state=-1), joblib_backend),
        (object(), single),
    ],
)
def test_the_plan(estimator, plan):
    """What the number of jobs would change is not spread; an object without get_params has one plan."""
    assert choose(estimator, {}).plan is plan
