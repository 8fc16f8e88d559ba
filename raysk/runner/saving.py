"""Write what a finished job leaves behind: the model, which is loaded back as a check, and the table of candidates.

What cannot be written, as on a full disk, must not cost the person the result of a long job: the error is put off until
everything else is written.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError, Unpicklable
from raysk.events import PhaseStarted, Remark
from raysk.results import selection
from raysk.runs.folder import RESULTS
from raysk.source.objects import is_search
from raysk.util.words import count, pairs
from raysk.util.writing import explained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from typing_extensions import Self

    from raysk.events import Sink
    from raysk.models.verify import Verifier
    from raysk.plans.retention import Retention
    from raysk.runner.outcome import Counts
    from raysk.runner.outputs import Outputs
    from raysk.runs.folder import RunFolder

MOST_LINES = 5
"""Of an error."""

MOST_LOST = 5
"""So many fits that were given up are named in remarks; the outcome has all."""


class Saver:
    """Saves what a job has made; a context manager, at whose end no check is left running.

    Parameters
    ----------
    outputs : Outputs
    sink : callable
        Takes remarks.

    Attributes
    ----------
    lost : set of Path
        Outputs that could not be written.
    """

    def __init__(self, outputs: Outputs, sink: Sink) -> None:
        self._outputs, self._sink = outputs, sink
        self._verifier: Verifier | None = None
        self._errors: list[InputError] = []
        self.lost: set[Path] = set()

    def __enter__(self) -> Self:
        from raysk.models.verify import Verifier

        if self._outputs.verify:
            self._verifier = Verifier()
        return self

    def __exit__(self, *_: object) -> None:
        if self._verifier is not None:
            self._verifier.close()

    def expect(self, estimator: Any) -> None:
        """Let the check get ready for what will be fitted, or end it where no model will be."""
        if self._verifier is not None:
            if not is_search(estimator) or estimator.refit:
                self._verifier.expect(estimator)
            else:
                self._verifier.close()
                self._verifier = None

    @property
    def error(self) -> InputError | None:
        """An error that names everything that could not be written; None if all is written."""
        if len(self._errors) < 2:  # noqa: PLR2004 - it needs no list
            return next(iter(self._errors), None)
        each = [str(error).splitlines() for error in self._errors]
        return InputError("\n".join([*(lines[0] for lines in each[: MOST_LINES - 1]), each[0][-1]]))

    @contextlib.contextmanager
    def putting_errors_off(self, output: Path | None = None) -> Iterator[None]:
        """Write a file, perhaps an output; if it cannot be written, `error` has the reason."""
        try:
            yield
        except InputError as error:
            self._errors.append(error)
            self.lost |= set() if output is None else {output}

    def save_table(self, search: Any, counts: Counts, folder: RunFolder) -> None:
        """Write the table of candidates, or of the folds, in the run folder and where the person wants it."""
        from raysk.results.candidates import write_results, write_table
        from raysk.searches.cross_validation import CrossValidation, fold_columns

        for text in (*_lost_fits(counts), *_failures(counts)):
            self._sink(Remark(text=text))
        write: Callable[..., None]
        if isinstance(search, CrossValidation):
            write, table = write_table, fold_columns(search)
        else:
            write, table = write_results, dict(search.cv_results_) | _own_columns(counts, search)
        own, named = folder.path(RESULTS), self._outputs.table
        with self.putting_errors_off():
            write(table, own)
        if named is not None and os.path.realpath(named) != os.path.realpath(own):
            with self.putting_errors_off(named):
                write(table, named, new=self._outputs.is_new(named))

    def save_model(self, model: Any, folder: RunFolder, facts: Mapping[str, Any]) -> Path | None:
        """Save the model, and return its path; None if it could not be written.

        Where it cannot be written as an output, it is saved in the run folder: it may have taken hours.
        """
        from raysk.models.by_value import saved_by_value
        from raysk.models.store import save_model
        from raysk.searches.tpe import as_scikit_learn

        model = as_scikit_learn(model)
        output, path = self._outputs.model, None
        with saved_by_value([selection]):
            if output is not None:
                with self.putting_errors_off(output):
                    path = save_model(model, output, facts, new=self._outputs.is_new(output))
            if output is None or (self.lost and not isinstance(self._errors[-1], Unpicklable)):
                with self.putting_errors_off() if output is None else contextlib.suppress(InputError):
                    path = save_model(model, folder.path("model.pkl"), facts)
        return path

    def retention(self, folder: RunFolder) -> Retention | None:
        """Return how the estimators of a search are kept in its run folder; None if nobody wants any."""
        from raysk.models.store import save_model
        from raysk.plans.retention import Retention

        def save(candidate: int, split: int, estimator: Any) -> None:
            path = folder.estimator_path(candidate, split)
            with self.putting_errors_off():
                with explained(path):
                    path.parent.mkdir(exist_ok=True)
                save_model(estimator, path, {"candidate": candidate, "split": split})

        top = self._outputs.keep_estimators
        return Retention(top=top, save=save) if top else None

    def verify(self, path: Path | None, model: Any, X: Any) -> None:
        """Load a saved model back in the other process, if that is wanted.

        Raises
        ------
        InputError, UserCodeError
            If the model does not load back, or does not predict the same.
        """
        if path is None or self._verifier is None:
            return
        self._sink(PhaseStarted(name="verifying"))
        self._verifier.check(path, model, X)
        if self._verifier.skipped is not None:
            self._sink(Remark(text=f"The model is {self._verifier.skipped}."))


def _own_columns(counts: Counts, search: Any) -> dict[str, list[Any]]:
    """Return the table's columns of fits that were given up, and of the first error of each candidate.

    There is no column without an entry.
    """
    rows = range(len(search.cv_results_["params"])) if counts.kept is None else counts.kept
    lost = Counter(each.candidate for each in counts.lost)
    columns: dict[str, list[Any]] = {"fits_lost": [lost[number] for number in rows]} if lost else {}
    return columns | ({"error": [counts.errors.get(number) for number in rows]} if counts.errors else {})


def _lost_fits(counts: Counts) -> Iterator[str]:
    """Yield a line for each fit that was given up; only for some, if there are many."""
    for each in counts.lost[:MOST_LOST]:
        params = " ".join(pairs(each.params)) or "no parameters"
        yield f"Given up: candidate {each.candidate}, split {each.split} ({params}): {each.reason}"
    if len(counts.lost) > MOST_LOST:
        yield f"and {count(len(counts.lost) - MOST_LOST, 'more fit')}; the summary names all"


def _failures(counts: Counts) -> Iterator[str]:
    """Yield how often each error came that came more than once; the first of each was said when it happened."""
    what = " and ".join(filter(None, ["fits" * bool(counts.failed), "scores" * bool(counts.scores_failed)]))
    for each in counts.failures:
        if (times := counts.reasons[each.reason]) > 1:
            yield f"{times:,} {what} failed: {each.reason}"
