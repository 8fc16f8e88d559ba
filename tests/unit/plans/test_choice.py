"""Which plan an estimator is fitted by, why, and what is said of it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from raysk import plans
from raysk.events import Remark
from raysk.plans import callbacks, forest, joblib_backend, one_job, search, single

X, Y = np.arange(20.0).reshape(-1, 1), np.arange(20) % 2


def test_every_plan_before_the_chosen_one_says_why_not():
    """The last one suits what no other does."""
    plan, passed_over = plans.choose(SVC(), {})
    assert plan is single
    assert list(passed_over) == [callbacks, search, forest, one_job, joblib_backend]
    assert passed_over[search] == "it is no search"
    assert passed_over[joblib_backend] == "no part of it has n_jobs"


@pytest.mark.parametrize(
    ("options", "params", "reason"),
    [
        ({"oob_score": True}, {}, "oob_score needs all trees where they are grown"),
        ({"warm_start": True}, {}, "warm_start keeps the trees of the last fit"),
        ({"n_estimators": 1}, {}, "it has no two trees"),
        ({}, {"sample_weight": np.ones(20), "more": 1}, "its fit takes more than sample_weight"),
        ({"random_state": -1}, {}, "its random_state is none"),
    ],
)
def test_why_a_forest_is_not_grown_apart(options, params, reason):
    """It is the reason that a person hears."""
    choice = plans.choose(RandomForestClassifier(**options), params)
    assert choice.plan is joblib_backend
    assert choice.passed_over[forest] == reason


def test_what_a_person_hears(make_pool, launcher):
    """The dispatcher says how an estimator is fitted, also the best one of a search; nothing where that is expected."""
    launcher.by_hand = False
    heard = []
    pool = make_pool(sink=heard.append)
    for estimator in (
        RandomForestClassifier(4),
        GridSearchCV(SVC(), {"C": [1, 2]}, cv=2),
        RandomForestClassifier(4, warm_start=True),
    ):
        plans.fit(pool, estimator, X, Y, {})
    assert [event.text for event in heard if isinstance(event, Remark)] == [
        "SVC has no part to spread: it is fitted on one worker, with all CPUs of the node that are idle.",
        (
            "RandomForestClassifier is fitted through joblib: its parallel calls run on workers "
            "(warm_start keeps the trees of the last fit)."
        ),
    ]
