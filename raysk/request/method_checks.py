"""Refuse a search by halving or TPE that cannot run, by what is known without its data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raysk.errors import InputError, UsageError
from raysk.request.method import HALVING, SAMPLES, TPE, method_of
from raysk.request.parameter_checks import refusal
from raysk.source.objects import grids_of, params_of
from raysk.util.words import join_names, shorten, suggestion, type_name

if TYPE_CHECKING:
    from raysk.request.method import Method


def check_method(search: Any, method: Method) -> None:
    """Raise for a search by halving or TPE that cannot run.

    Raises
    ------
    InputError
    UsageError
        If what is wrong is from an option.
    """
    way = method_of(search)
    if way == TPE:
        search.checked_space()
    elif way == HALVING:
        _check_metric(search)
        _check_resource(search, InputError if method.resource is None else UsageError)
        _check_amounts(search, UsageError if method.of_halving or method.name else InputError)


def _check_metric(search: Any) -> None:
    if isinstance(search.scoring, list | tuple | set | dict):
        raise InputError(
            f"A {type_name(search)} takes one metric, and this search has {join_names(map(str, search.scoring))}.\n"
            "Choose one with --scoring, or as scoring in the file."
        )
    if callable(search.refit):
        raise InputError(
            f"A {type_name(search)} chooses the best of its last round, and never calls a function given as refit.\n"
            "Leave refit out, or use another method."
        )


def _check_resource(search: Any, error: type[InputError | UsageError]) -> None:
    resource = search.resource
    if resource == SAMPLES:
        return
    said, known = (
        f"--resource {resource}" if error is UsageError else f"resource={resource!r}",
        params_of(search.estimator),
    )
    if resource not in known:
        raise error(
            f"{said}: {type_name(search.estimator)} has no such parameter.\n"
            f"{suggestion(str(resource), [SAMPLES, *known], 'resources')}"
        )
    if any(resource in grid for grid in grids_of(search)):
        raise error(f"{said}: this parameter is searched. Take it out of the space, or choose another resource.")
    if search.max_resources == "auto":
        raise error(
            f"{said}: it has no largest value, as the estimator's own is {shorten(repr(known[resource]))}.\n"
            f"Say it with --max-resources, or with --set {resource}=100."
        )
    if (reason := refusal(search.estimator, resource, search.max_resources)) is not None:
        raise error(f"{said}: {reason}")


def _check_amounts(search: Any, error: type[InputError | UsageError]) -> None:
    first, last = search.min_resources, search.max_resources
    if isinstance(first, int) and isinstance(last, int) and first > last:
        raise error(f"--min-resources {first}: this is more than the last round may have, --max-resources {last}.")
    if first == getattr(search, "n_candidates", None) == "exhaust":
        raise error(
            "--min-resources exhaust: it depends on the number of candidates, and that on it.\n"
            "Say the number of candidates with --n-iter."
        )
