"""--select and --select-by: what they make of a search, and what is refused before anything runs."""

from __future__ import annotations

import pytest
from scipy.stats import uniform
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV
from sklearn.svm import SVC

from raysk.errors import UsageError
from raysk.request.overrides import Overrides, override_search
from raysk.request.selection import override_selection
from raysk.results.selection import OneStandardError

SPACE = {"C": [1, 10], "kernel": ["linear", "rbf"]}


def selected(search, **said):
    overrides = Overrides(**said)
    override_search(search, overrides)
    override_selection(search, overrides)
    return search.refit


def test_the_rule_of_a_search():
    """The space says in which order values stand that are no numbers; the first metric decides."""
    refit = selected(GridSearchCV(SVC(), SPACE), select="1se", select_by=("kernel", "-C"), scoring="f1_macro,accuracy")
    values = {"kernel": ["linear", "rbf"], "C": [1, 10]}
    assert refit == OneStandardError(order=("kernel", "-C"), metric="f1_macro", values=values)
    drawn = selected(RandomizedSearchCV(SVC(), {"C": uniform(1, 9)}), select="1se", select_by=("C",))
    assert drawn == OneStandardError(order=("C",))


def test_best_is_scikit_learns_choice():
    """`best` replaces a function; without the option the person's own stays."""
    rule = OneStandardError(metric="f1")
    assert selected(GridSearchCV(SVC(), SPACE, refit=rule), select="best") is True
    assert selected(GridSearchCV(SVC(), SPACE, refit=rule, scoring=["f1", "accuracy"]), select="best") == "f1"
    assert selected(GridSearchCV(SVC(), SPACE, refit=max)) is max


def test_a_rule_follows_the_metric():
    """--scoring gives a file's own rule the metric to go by."""
    search = GridSearchCV(SVC(), SPACE, refit=OneStandardError(metric="f1"), scoring=["f1", "accuracy"])
    assert selected(search, scoring="accuracy") == OneStandardError()
    assert selected(search, scoring="roc_auc,f1") == OneStandardError(metric="roc_auc")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"select": "2se"}, "there is no such rule"),
        ({"select_by": ("C",)}, "--select 1se"),
        ({"select": "best", "select_by": ("C",)}, "--select 1se"),
        ({"select": "1se", "refit": False}, "--no-refit"),
        ({"select": "1se", "select_by": ("-Kernel",)}, "Did you mean kernel"),
    ],
)
def test_what_is_refused(said, words):
    """Options that contradict each other, or name what is not searched."""
    with pytest.raises(UsageError, match=words):
        selected(GridSearchCV(SVC(), SPACE), **said)


def test_halving_chooses_by_itself():
    """scikit-learn's halving asks no function."""
    with pytest.raises(UsageError, match="last round"):
        selected(HalvingGridSearchCV(SVC(), SPACE), select="1se")
