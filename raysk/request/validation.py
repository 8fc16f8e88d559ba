"""Make the job of ``raysk cv``: the cross-validation of the estimator in a file.

SourceObjects --> estimator, cv, scoring --> copy -> options -> CrossValidation -> SearchJob
"""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any

from raysk.errors import UsageError
from raysk.jobs import Limits, SearchJob
from raysk.request.assemble import fit_job
from raysk.request.overrides import Overrides, metric_names
from raysk.source.objects import find_option, is_search
from raysk.util.words import printable, type_name

if TYPE_CHECKING:
    from raysk.data.reading import DataSource
    from raysk.jobs import Data
    from raysk.source.objects import SourceObjects

FOLDS = 5
"""scikit-learn's own number."""


def validation_job(  # noqa: PLR0913 - what the options of the command line say
    found: SourceObjects,
    overrides: Overrides,
    *,
    given: DataSource | None = None,
    limits: Limits | None = None,
    repeats: int | None = None,
    train_score: bool = False,
) -> SearchJob:
    """Make the job of a cross-validation.

    Parameters
    ----------
    found, overrides, given, limits
        As for `raysk.request.assemble.search_job`.
    repeats : int or None
        How many times the folds are drawn; None means once, as the file or ``--cv`` says.
    train_score : bool
        Whether each model is also scored on the rows that it was fitted on.

    Raises
    ------
    InputError
        If there is no estimator or no data.
    UsageError
        If the estimator is a search, or an option does not fit.
    """
    from raysk.searches.cross_validation import CrossValidation

    said = Overrides(seed=overrides.seed, set=overrides.set, set_str=overrides.set_str)
    job = fit_job(found, said, given=given)
    if is_search(job.estimator):
        raise UsageError(
            f"{printable(found.source)} holds a {type_name(job.estimator)}, which 'raysk cv' does not take.\n"
            "Cross-validate the search with 'raysk nested', or name an estimator: FILE:NAME."
        )
    cv = find_option(found, "cv") if overrides.cv is None else overrides.cv
    if repeats is not None:
        cv = _repeated(cv, repeats, overrides.seed, job.estimator, job.data)
    search = CrossValidation(
        job.estimator,
        cv=cv,
        scoring=find_option(found, "scoring") if overrides.scoring is None else _named(overrides.scoring),
        return_train_score=train_score,
        repeats=repeats or 1,
    )
    return SearchJob(
        search=search,
        data=job.data,
        source=job.source,
        limits=limits or Limits(),
        scoring_is_said=overrides.scoring is not None,
    )


def _named(text: str) -> Any:
    names = metric_names(text)
    return names[0] if len(names) == 1 else names


def _repeated(cv: Any, repeats: int, seed: int | None, estimator: Any, data: Data) -> Any:
    """Return the splitter that draws the folds again and again which `check_cv` would make of a number.

    Raises
    ------
    UsageError
        If there is no number of folds, or a splitter's own folds would be lost.
    """
    from sklearn.base import is_classifier
    from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold, StratifiedKFold, check_cv

    if repeats < 1:
        raise UsageError(f"--repeats {repeats}: the folds must be drawn at least once.")
    if cv is not None and not isinstance(cv, Integral):
        raise UsageError(
            f"--repeats {repeats}: the file's cv is a {type_name(cv)}, which draws folds in its own way.\n"
            "Say how many folds with --cv K, or leave --repeats out."
        )
    folds = FOLDS if cv is None else int(cv)
    chosen = check_cv(folds, data.y, classifier=is_classifier(estimator))
    kind = RepeatedStratifiedKFold if isinstance(chosen, StratifiedKFold) else RepeatedKFold
    return kind(n_splits=folds, n_repeats=repeats, random_state=seed)
