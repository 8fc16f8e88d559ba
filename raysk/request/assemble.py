"""Make a job from the objects in a file and the options.

    SourceObjects --+-- a *SearchCV object --------------------------+
                    +-- estimator + param_distributions / param_grid +--> copy -> options -> checks -> SearchJob
                    +-- estimator ----------------------------------------> copy -> options -> checks -> FitJob

The person's own objects are never changed.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError
from raysk.jobs import Data, FitJob, Limits, SearchJob, Shortcuts, Verification
from raysk.request.distributions import merge_space, override_space
from raysk.request.earlier import params_for, seeds_for
from raysk.request.facts import describe_data, estimator_facts, is_validation, search_facts
from raysk.request.method import change_method, override_method
from raysk.request.method_checks import check_method
from raysk.request.overrides import (
    Overrides,
    copy_estimator,
    override_estimator,
    override_search,
    read_parameters,
    refuse_search_options,
    scorer_hint,
    unknown_scorer,
)
from raysk.request.parameter_checks import check_values
from raysk.request.pruning_checks import check_pruning
from raysk.request.selection import override_selection
from raysk.request.space_checks import check_space
from raysk.source.file_data import find_data
from raysk.source.objects import (
    as_grids,
    find_estimator,
    find_option,
    find_search,
    find_space,
    grids_of,
    is_estimator,
    is_search,
)
from raysk.source.reference import PICKLES
from raysk.util.values import split_setting
from raysk.util.words import printable, shorten, type_name

if TYPE_CHECKING:
    from raysk.data.reading import DataSource
    from raysk.history.ranks import Candidate
    from raysk.request.held_out import HoldOut
    from raysk.source.objects import SourceObjects

__all__ = ["Overrides", "describe", "fit_job", "search_job"]


def fit_job(
    found: SourceObjects,
    overrides: Overrides,
    *,
    given: DataSource | None = None,
    hold_out: HoldOut | None = None,
    candidate: Candidate | None = None,
) -> FitJob:
    """Make the job of one ``fit``.

    Parameters
    ----------
    found : SourceObjects
    overrides : Overrides
    given : Given or None
        Replaces the file's own data, which is then not loaded.
    hold_out : HoldOut or None
        Replaces what the file holds out.
    candidate : Candidate or None
        Of an earlier run: what is fitted has its parameters, and of a search in the file it is the estimator.

    Returns
    -------
    FitJob
        Its estimator is a search if the file has nothing else.

    Raises
    ------
    InputError
        If there is no estimator or no data.
    UsageError
        If an option does not fit the estimator.
    """
    if candidate is None:
        estimator = find_estimator(found)
    else:
        estimator, overrides = _with_params(found, overrides, candidate)
    if not is_search(estimator):
        refuse_search_options(estimator, overrides)
    estimator = _apply_overrides(estimator, overrides)
    data = _load_data(found, overrides, estimator, given, hold_out)
    return FitJob(estimator=estimator, data=data, source=found.source)


def _with_params(found: SourceObjects, overrides: Overrides, candidate: Candidate) -> tuple[Any, Overrides]:
    """Return the estimator that a candidate's parameters are for, and the options with them."""
    search, space = find_search(found), find_space(found)
    estimator = find_estimator(found) if search is None else search.estimator
    grids = as_grids(space and space[1]) if search is None else grids_of(search)
    replaced = {split_setting(text)[0] for text in (*overrides.set, *overrides.set_str)}
    params = {name: value for name, value in candidate.params.items() if name not in replaced}
    try:
        return estimator, replace(overrides, params=params_for(estimator, params, grids))
    except InputError as error:
        raise InputError(f"--params: {candidate}.\n{error}") from error


def search_job(  # noqa: PLR0913 - what the options of the command line say, by panel
    found: SourceObjects,
    overrides: Overrides,
    *,
    given: DataSource | None = None,
    hold_out: HoldOut | None = None,
    limits: Limits | None = None,
    shortcuts: Shortcuts | None = None,
    verification: Verification | None = None,
    seeds: Sequence[Mapping[str, Any]] = (),
) -> SearchJob:
    """Make the job of a parameter search, from a search object or from loose parts.

    Parameters
    ----------
    found, overrides, given, hold_out
        As for `fit_job`.
    limits : Limits or None
        When the search ends early; None means never.
    shortcuts : Shortcuts or None
        Which of its fits need not be done; None means those that are shared.

    verification : Verification or None
        Which of its fits are done again, as a check; None means none.
    seeds : sequence of mapping of str to object
        The parameters of candidates that it tries first; some values may be `raysk.util.typed_json.Opaque`.

    Raises
    ------
    InputError
        If there is no search, no data, or the parameter space cannot be used.
    UsageError
        If an option does not fit the search.
    """
    search = find_search(found)
    search = _apply_overrides(_build_search(found, overrides) if search is None else search, overrides)
    shortcuts = shortcuts or Shortcuts()
    check_pruning(search, shortcuts)
    first = seeds_for(search, seeds)
    data = _load_data(found, overrides, search, given, hold_out)
    return SearchJob(
        search=search,
        data=data,
        source=found.source,
        limits=limits or Limits(),
        shortcuts=shortcuts,
        verification=verification,
        scoring_is_said=overrides.scoring is not None,
        seeds=first,
    )


def _load_data(
    found: SourceObjects, overrides: Overrides, estimator: Any, given: DataSource | None, hold_out: HoldOut | None
) -> Data:
    data = find_data(found) if given is None else given.load(estimator)
    if data is None:
        raise InputError(f"{found.where} holds no data.\n{_explain_where_data_goes(found)}")
    return data if hold_out is None else hold_out.apply(data, estimator, given=given, seed=overrides.seed)


def _explain_where_data_goes(found: SourceObjects) -> str:
    if found.source.endswith(PICKLES):
        return "Dump a dict with all of it instead: {'search': search, 'X': X, 'y': y} (or 'estimator')."
    if found.path is None and ":" in found.source:
        return "Name a table with --data, or write a file of your own that imports it and names the data X and y."
    return "Name it X and y in the file, or write load_data() that returns X, y; or name a table with --data."


def _apply_overrides(found: Any, overrides: Overrides) -> Any:
    """Return a copy of a search or an estimator with all options applied, checked."""
    if not is_search(found):
        estimator = copy_estimator(found)
        override_estimator(estimator, overrides)
        check_values(estimator, overrides)
        return estimator
    search = change_method(_copy_search(found), overrides.method)
    override_search(search, overrides)
    override_method(search, overrides.method)
    override_space(search, overrides.space)
    override_selection(search, overrides)
    _check_search(search, {split_setting(text)[0] for text in overrides.space})
    check_method(search, overrides.method)
    check_values(search, overrides)
    return search


def _copy_search(search: Any) -> Any:
    twin = copy_estimator(search)
    if twin.estimator is search.estimator:  # a shallow copy
        if not is_estimator(search.estimator):
            raise InputError(_explain_bad_estimator(search))
        twin.estimator = copy_estimator(search.estimator)
    return twin


def _explain_bad_estimator(search: Any) -> str:
    return (
        f"The {type_name(search)}'s estimator is of type {type_name(search.estimator)}, "
        "which is not a scikit-learn object.\n"
        f"Give it an object that has fit and get_params: {type_name(search)}(SVC(), ...)"
    )


def _check_search(search: Any, from_options: Container[str]) -> None:
    if not is_estimator(search.estimator):
        raise InputError(_explain_bad_estimator(search))
    for name in ("param_grid", "param_distributions"):
        if hasattr(search, name):
            check_space(name, getattr(search, name), search.estimator, from_options)
    if not isinstance(getattr(search, "n_iter", 1), Integral):
        raise InputError(f"The search's n_iter is {shorten(repr(search.n_iter))}.\nGive it a number: n_iter=100")
    scoring = search.scoring
    named = [scoring] if isinstance(scoring, str) else scoring if isinstance(scoring, list | tuple) else []
    wrong = unknown_scorer([name for name in named if isinstance(name, str)])
    if wrong is not None:
        raise InputError(f"The search's scoring is {wrong!r}, but {scorer_hint(wrong)}")


def _build_search(found: SourceObjects, overrides: Overrides) -> Any:
    """Make a search from an estimator and a parameter space."""
    from sklearn.model_selection import GridSearchCV, RandomizedSearchCV

    estimator = find_estimator(found)
    space = _merge_space(found, overrides)
    if space is None:
        raise InputError(_explain_no_search(found, estimator))
    name, values = space
    scoring = find_option(found, "scoring")
    several = list(scoring) if isinstance(scoring, Mapping | list | tuple) else []
    refit = str(several[0]) if several else True  # the first decides, as with --scoring a,b
    options = {"cv": find_option(found, "cv"), "scoring": scoring, "refit": refit}
    if name == "param_grid" and overrides.n_iter is None:
        return GridSearchCV(estimator, values, **options)
    n_iter = overrides.method.n_iter  # --n-iter and the seed come with the options
    return RandomizedSearchCV(estimator, values, n_iter=n_iter, **options)


def _merge_space(found: SourceObjects, overrides: Overrides) -> tuple[str, Any] | None:
    """Return name and value of the loose space in the file, with the entries of --space; None if there is neither."""
    space = find_space(found)
    if not overrides.space:
        return space
    name, values = space or ("param_grid", None)
    values = merge_space(values, overrides.space)
    drawn = any(hasattr(entry, "rvs") for grid in as_grids(values) for entry in grid.values())
    return "param_distributions" if drawn else name, values


_OFTEN_SEARCHED = ("C", "alpha", "max_iter", "max_depth", "n_estimators", "n_neighbors", "n_components", "n_clusters")


def _explain_no_search(found: SourceObjects, estimator: Any) -> str:
    example = next((name for name in _OFTEN_SEARCHED if name in read_parameters(estimator)), "NAME")
    return (
        f"{printable(found.source)} holds a {type_name(estimator)}, but no search and no parameter space.\n"
        f"Say --space {example}=1,10,100, or write in the file param_grid = {{'{example}': [1, 10, 100]}}, "
        "param_distributions = {...}\n"
        "or search = GridSearchCV(...); for one fit without a search, use 'raysk fit'."
    )


def describe(
    found: SourceObjects,
    overrides: Overrides | None = None,
    *,
    given: DataSource | None = None,
    job: FitJob | SearchJob | None = None,
) -> dict[str, Any]:
    """Describe for ``raysk inspect`` what a file holds, and what would run.

    Parameters
    ----------
    found : SourceObjects
    overrides : Overrides or None
    given : Given or None
        As for `fit_job`.
    job : FitJob or SearchJob or None
        The job to describe; None means the search in the file or of its parts, or else its estimator.

    Returns
    -------
    dict
        JSON-able: source, path, source_hash, modules, objects, runs (``"search"``, ``"cv"`` or ``"fit"``), estimator,
        search (or None), data (or None). ``load_data()`` is called.

    Raises
    ------
    InputError
        As `fit_job` and `search_job`, but not for missing data.
    """
    if job is None:
        chosen = _guess_what_runs(found, overrides or Overrides())
        data = find_data(found) if given is None else given.load(chosen)
    else:
        chosen, data = job.search if isinstance(job, SearchJob) else job.estimator, job.data
    search = chosen if is_search(chosen) else None
    seeds = len(job.seeds) if isinstance(job, SearchJob) else 0
    estimator = chosen if search is None else search.estimator
    return {
        "source": printable(found.source),
        "path": None if found.path is None else printable(found.path),
        "source_hash": found.source_hash,
        "modules": sorted(module.__name__ for module in found.modules),
        "objects": {name: type_name(value) for name, value in found.names.items() if is_estimator(value)},
        "runs": "fit" if search is None else "cv" if is_validation(search) else "search",
        "estimator": estimator_facts(estimator),
        "search": None if search is None else {**search_facts(search, data), "seeds": seeds or None},
        "data": None if data is None else describe_data(data),
    }


def _guess_what_runs(found: SourceObjects, overrides: Overrides) -> Any:
    """Return the search in the file, or of its parts, or else its estimator, with the options applied."""
    search = find_search(found)
    is_alone = found.chosen is not None and not is_estimator(found.chosen)
    if search is None and not is_alone and _merge_space(found, overrides) is not None:
        search = _build_search(found, overrides)
    return _apply_overrides(find_estimator(found) if search is None else search, overrides)
