"""An option that a command does not have, and which one was meant: the only place that words this.

Names of other tools' options stand here with raysk's own for the same thing; of names that are merely alike, only
those are said that a slip of the fingers explains.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import typer

from raysk.errors import UsageError
from raysk.util.words import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

MEANT = {
    "workers": ("n-jobs", "jobs", "n-workers", "num-workers", "processes", "parallel"),
    "cpus-per-fit": ("cpus", "num-cpus", "threads", "n-threads"),
    "memory-per-fit": ("memory", "mem"),
    "seed": ("random-state", "random-seed"),
    "cv": ("n-splits", "folds", "n-folds", "kfold"),
    "scoring": ("metric", "metrics", "scorer", "score"),
    "n-iter": ("n-trials", "trials", "n-candidates", "iterations"),
    "space": ("param-grid", "grid", "param-distributions", "params"),
    "set": ("param", "params"),
    "output": ("out", "model", "save"),
    "run-dir": ("output-dir", "out-dir"),
    "target": ("label", "labels", "y"),
    "features": ("columns", "x"),
    "sep": ("delimiter", "separator"),
    "drop": ("exclude", "ignore"),
    "time-budget": ("timeout", "max-time", "time-limit"),
    "results": ("csv", "cv-results"),
}
"""raysk's options, and how else they are called."""

OF_PREDICT = {
    "--method predict_proba": ("proba", "predict-proba", "probability", "probabilities", "prob", "probs"),
    "--method decision_function": ("decision-function", "decision"),
    "--method transform": ("transform",),
}
"""Values of an option of ``raysk predict``, and options of that name."""

ALIKE = 0.8
"""Of difflib: ``--scorin`` is as like to ``--scoring`` as 0.92, ``--test-size`` to ``--set-str`` as 0.5."""


def parse(read: Callable[..., Any], context: Any, *args: Any, **named: Any) -> Any:
    """Read a command line; an option that is not known is answered in raysk's words.

    Parameters
    ----------
    read : callable
        Typer's own, with arguments.
    context : typer.Context
        Of the command.

    Raises
    ------
    UsageError
    """
    try:
        return read(*args, **named)
    except typer.TyperException as error:
        option = getattr(error, "option_name", None)
        if option is None or not hasattr(error, "possibilities"):
            raise
        known = [name for param in context.command.params for name in (*param.opts, *param.secondary_opts)]
        raise UsageError(
            f"No such option: {printable(option)}\n{_hint(option, known, context.command_path)}"
        ) from error


def _hint(option: str, known: Iterable[str], command: str) -> str:
    if command.endswith(" predict"):
        for value, others in OF_PREDICT.items():
            if option.lstrip("-").replace("_", "-").lower() in others:
                return f"Did you mean {value}?"
    names = {name.lstrip("-"): name for name in known if name.startswith("--")}
    close = [names[name] for name in meant(option.lstrip("-"), names)]
    return f"Did you mean {' or '.join(close)}?" if close else f"'{command} --help' lists its options."


def meant(typed: str, known: Collection[str]) -> list[str]:
    """Return the options that may be meant by a name, both without dashes.

    Parameters
    ----------
    typed : str
    known : collection of str
        The options that there are.

    Returns
    -------
    list of str
    """
    typed = typed.replace("_", "-").lower()
    called = [name for name, others in MEANT.items() if typed in others and name in known]
    begun = [name for name in known if len(typed) > len("me") and name.startswith(typed)]
    return called or begun or difflib.get_close_matches(typed, known, cutoff=ALIKE)
