"""Frozen, validated descriptions of a job: what a command parsed, before anything runs.

A job that can be made can be run; what is wrong with one is said here, not three layers down.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


def count_samples(array: Any) -> int | None:
    """Return the number of samples, or None where the object does not tell."""
    shape = getattr(array, "shape", None)
    if shape is not None and len(shape) > 0:
        return int(shape[0])
    return len(array) if hasattr(array, "__len__") else None


@dataclass(frozen=True, kw_only=True)
class Data:
    """The data that an estimator is fitted on.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), or None for unsupervised learning
    fit_params : mapping of str to object
        Passed to ``fit`` as they are: ``groups``, ``sample_weight`` and others.
    feature_names : tuple of str or None
        Of the columns of X, also where X itself has none; None where there are no names.
    target_names : tuple of str or None
        Of the columns that became y.
    target_is_earlier : bool
        Whether these are the ones of an earlier run, and nobody named them now.
    source : str or None
        Where the data is from, without credentials: a table, or a file and the name in it.
    dates : mapping of int to str
        The format of each column of X that was a date before it was a number, by its place.
    given : bool
        Whether ``--data`` names it, and not the person's file.
    passed_over : tuple of str
        What the person's file holds besides that looks like data, by name.
    held_out : Data or None
        What is not fitted, but scored once by the fitted model.

    Raises
    ------
    InputError
        If X is missing, or the lengths of X, y, groups and sample_weight differ.
    """

    X: Any
    y: Any = None
    fit_params: Mapping[str, Any] = field(default_factory=dict)
    feature_names: tuple[str, ...] | None = None
    target_names: tuple[str, ...] | None = None
    target_is_earlier: bool = False
    source: str | None = None
    dates: Mapping[int, str] = field(default_factory=dict)
    given: bool = False
    passed_over: tuple[str, ...] = ()
    held_out: Data | None = None

    def __post_init__(self) -> None:
        if self.X is None:
            raise InputError("There is no data X. Name it X in the file, or write a function load_data().")
        rows = count_samples(self.X)
        named = {"y": self.y, "groups": self.fit_params.get("groups")}
        named["sample_weight"] = self.fit_params.get("sample_weight")
        for name, value in named.items():
            count = None if value is None else count_samples(value)
            if rows is not None and count is not None and rows != count:
                raise InputError(
                    f"X has {rows:,} rows but {name} has {count:,}.\n"
                    f"Give X and {name} the same number of rows, in the same order."
                )


@dataclass(frozen=True, kw_only=True)
class Resources:
    """The share of a cluster that a job uses.

    Parameters
    ----------
    workers : int or None
        How many worker processes; None means as many as the cluster's CPUs allow, growing with it.
    cpus_per_fit : int
        CPUs that each worker reserves, and the limit of its inner threads.
    memory_per_fit : int or None
        Bytes of memory that each worker reserves; None means none in particular.
    nodes : int or None
        How many of the cluster's nodes get workers; None means all.
    allow_versions : bool
        Whether nodes are used whose scikit-learn or numpy is another, although results may differ.
    """

    workers: int | None = None
    cpus_per_fit: int = 1
    memory_per_fit: int | None = None
    nodes: int | None = None
    allow_versions: bool = False

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise UsageError(f"--workers {self.workers}: at least 1 worker is needed.")
        if self.cpus_per_fit < 1:
            raise UsageError(f"--cpus-per-fit {self.cpus_per_fit}: a fit needs at least 1 CPU.")
        if self.memory_per_fit is not None and self.memory_per_fit < 1:
            raise UsageError(f"--memory-per-fit {self.memory_per_fit}: a fit needs at least 1 byte.")


@dataclass(frozen=True, kw_only=True)
class FitJob:
    """One ``fit`` of one estimator (which may be a search).

    Parameters
    ----------
    estimator : estimator
        An unfitted scikit-learn estimator.
    data : Data
    source : str
        Where the estimator came from, as the person wrote it.
    """

    estimator: Any
    data: Data
    source: str


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Conditions that end a fit or a search early, and what happens then.

    Parameters
    ----------
    time_budget_s : float or None
        After this time, in seconds; None means never.
    fit_timeout_s : float or None
        A fit that takes longer than this, in seconds, is given up: it counts as failed, and the search goes on. None
        means never.
    stop_at : float or None
        When the mean test score of a candidate is at least this; None means at no score. Scores are scikit-learn's:
        greater is better.
    patience : int or None
        When so many candidates in a row, as they are done, were no better than the best before; None means never.
    max_failures : int or None
        When more fits than this failed, which is a failure of the job; None allows any number.
    require_score : bool
        Whether a search of which no candidate has a finite score fails: as soon as that shows, or at its end. Without
        it, it ends as scikit-learn's does, with a best candidate that has none.
    refit_on_stop : bool
        Whether the best so far is fitted on all data also when the search is interrupted, or too many fits failed.
    since : float or None
        When the time budget begins, as a time of `time.monotonic`; None means when the search begins.

    Raises
    ------
    UsageError
        If a value is out of range.
    """

    time_budget_s: float | None = None
    fit_timeout_s: float | None = None
    stop_at: float | None = None
    patience: int | None = None
    max_failures: int | None = None
    require_score: bool = False
    refit_on_stop: bool = False
    since: float | None = None

    def __post_init__(self) -> None:
        for option, value in (("--time-budget", self.time_budget_s), ("--fit-timeout", self.fit_timeout_s)):
            if value is not None and (isinstance(value, str) or not value > 0):
                raise UsageError(f"{option} {value}: this must be a number of seconds, more than 0.")
        if self.stop_at is not None and math.isnan(self.stop_at):
            raise UsageError("--stop-at nan: no score is as good as that. Name a number.")
        if self.patience is not None and self.patience < 1:
            raise UsageError(f"--patience {self.patience}: at least 1 candidate must be waited for.")
        if self.max_failures is not None and self.max_failures < 0:
            raise UsageError(f"--max-failures {self.max_failures}: this cannot be negative; 0 ends at the first.")

    def begun(self) -> Limits:
        """Return the same limits, with a time budget that begins now if it has not begun yet."""
        return replace(self, since=time.monotonic()) if self.since is None else self

    @property
    def until(self) -> float | None:
        """When the time budget ends, as a time of `time.monotonic`; None if there is none, or it has not begun."""
        return None if self.time_budget_s is None or self.since is None else self.since + self.time_budget_s

    @property
    def options(self) -> list[str]:
        """The options that set these limits."""
        given = {
            "--time-budget": self.time_budget_s is not None,
            "--fit-timeout": self.fit_timeout_s is not None,
            "--stop-at": self.stop_at is not None,
            "--patience": self.patience is not None,
            "--max-failures": self.max_failures is not None,
            "--refit-on-stop": self.refit_on_stop,
        }
        return [option for option, is_given in given.items() if is_given]

    @property
    def may_end_early(self) -> bool:
        """Whether a search may end before all is done though nothing failed: then the order of its fits counts."""
        return self.time_budget_s is not None or bool(self.by_score)

    @property
    def by_score(self) -> list[str]:
        """Those of the options that need one metric which says what is better."""
        return [option for option in self.options if option in {"--stop-at", "--patience"}]


PRUNING = ("exact", "forgiving", "race")
"""The ways to give candidates up before all their fits are done."""


@dataclass(frozen=True, kw_only=True)
class Shortcuts:
    """Which fits of a search need not be done.

    Parameters
    ----------
    sharing : bool
        Whether what is certain to be equal is fitted once: candidates that differ only in parameters that do not
        matter, fits that others contain, steps of pipelines. The results are the same.
    cache_bytes : int or None
        How much memory a worker uses for the steps that it keeps, in bytes; None means a quarter of its share.
    prune : str or None
        How candidates are given up, one of `PRUNING`; None means that all their fits are done.
    score_max : float or None
        The largest value that the metric can have; None means as scikit-learn's own metrics are known.

    Raises
    ------
    UsageError
        If a value is out of range, or does not belong to another.
    """

    sharing: bool = True
    cache_bytes: int | None = None
    prune: str | None = None
    score_max: float | None = None

    def __post_init__(self) -> None:
        if self.cache_bytes is not None and self.cache_bytes < 0:
            raise UsageError(f"--cache-memory {self.cache_bytes}: this cannot be negative; 0 keeps nothing.")
        if self.prune is not None and self.prune not in PRUNING:
            raise UsageError(f"--prune {self.prune}: there is no such way. There are {', '.join(PRUNING)}.")
        if self.score_max is not None and self.prune != "exact":
            raise UsageError("--score-max is for --prune exact. Add that, or leave it out.")
        if self.score_max is not None and not math.isfinite(self.score_max):
            raise UsageError(f"--score-max {self.score_max}: this must be a number.")

    @property
    def options(self) -> list[str]:
        """The options that set these shortcuts, where they are not the usual ones."""
        given = {
            "--no-sharing": not self.sharing,
            "--cache-memory": self.cache_bytes is not None,
            "--prune": self.prune is not None,
            "--score-max": self.score_max is not None,
        }
        return [option for option, is_given in given.items() if is_given]


@dataclass(frozen=True, kw_only=True)
class Verification:
    """Fits of a search that are done again by scikit-learn alone.

    Parameters
    ----------
    fits : int
        How many of those that are finished, drawn at random.
    cpus : int
        The limit of inner threads, as it is on the workers.
    """

    fits: int
    cpus: int = 1

    def __post_init__(self) -> None:
        if self.fits < 1:
            raise UsageError(f"--verify-fits {self.fits}: at least 1 fit must be done again.")


@dataclass(frozen=True, kw_only=True)
class SearchJob:
    """A parameter search.

    Parameters
    ----------
    search : BaseSearchCV
        The person's search object, unfitted.
    data : Data
    source : str
        Where the search came from, as the person wrote it.
    limits : Limits
    shortcuts : Shortcuts
    verification : Verification or None
        Which of its fits are done again, as a check.
    scoring_is_said : bool
        Whether the metrics are from ``--scoring``, and not the person's own search.
    seeds : tuple of mapping of str to object
        The parameters of candidates that are tried first, as `raysk.request.earlier.seeds_for` returns them.

    Raises
    ------
    UsageError
        If a limit needs one metric, and the search has several of which none decides.
    """

    search: Any
    data: Data
    source: str
    limits: Limits = Limits()
    shortcuts: Shortcuts = Shortcuts()
    verification: Verification | None = None
    scoring_is_said: bool = False
    seeds: tuple[Mapping[str, Any], ...] = ()

    def __post_init__(self) -> None:
        several = isinstance(self.search.scoring, list | tuple | set | dict)
        decides = getattr(self.search.refit, "metric", self.search.refit)  # of a function of ours, as --select has
        if several and not isinstance(decides, str) and self.limits.by_score:
            raise UsageError(no_metric_decides(self.limits))

    @property
    def estimator(self) -> Any:
        """The search, as what is fitted."""
        return self.search


def no_metric_decides(limits: Limits) -> str:
    """Say why a search that has no metric to go by cannot have these limits."""
    return (
        f"{limits.by_score[0]}: none of this search's metrics says which candidate is best.\n"
        "Name one in the search, as in refit='accuracy', or choose one with --scoring accuracy."
    )
