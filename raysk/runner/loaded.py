"""A fitted model that the person named, ready to be asked about a table."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from raysk.errors import InputError, UsageError
from raysk.events import PhaseStarted, Remark
from raysk.model_jobs import METHODS
from raysk.util.words import join_names, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from raysk.data.reading import Columns, Table
    from raysk.events import Sink
    from raysk.jobs import Data
    from raysk.model_jobs import ModelJob
    from raysk.models.imports import NoModel
    from raysk.pool import Pool
    from raysk.runner.where import Start, Where

STDIN = Path("/dev/stdin")


class Loaded:
    """A fitted model that is asked about a table.

    Parameters
    ----------
    asked : Asked

    Attributes
    ----------
    model : estimator
    features : Features
        What it was fitted on.
    target : tuple of str
        The names of what it was fitted to predict, as its sidecar has them; empty if it has none.
    dialect : Dialect
        How the table is written, as the person says.
    """

    def __init__(self, asked: ModelJob) -> None:
        from raysk.data.dialect import Dialect
        from raysk.data.encoding import Unseen
        from raysk.data.fitted import features_of, recorded_target
        from raysk.models.imports import NoModel
        from raysk.models.store import load_model, read_sidecar
        from raysk.source.user_code import own_modules

        self._asked = asked
        before, path = set(sys.modules), model_path(asked.model)
        sidecar = read_sidecar(path)
        try:
            self.model = load_model(path, asked.trust)
        except NoModel as error:
            raise InputError(_no_model(asked, error)) from error
        self.features, self.target = features_of(self.model, sidecar), recorded_target(sidecar)
        self.dialect = Dialect(sep=asked.sep, decimal=asked.decimal)
        self._unseen = Unseen()
        self._modules = own_modules(before, None)

    @property
    def kind(self) -> str:
        """The name of the model's class."""
        return type(self.model).__name__

    def check_method(self, method: str) -> None:
        """Fail before a row is read if the model has no such method."""
        if not hasattr(self.model, method):
            has = ", ".join(name for name in METHODS if hasattr(self.model, name)) or "none of those"
            raise UsageError(f"--method {method}: the {self._described()} does not have it.\nIt has: {has}.")

    def split(self, table: Table, columns: Columns) -> Data:
        """Make X of the features that the model was fitted on, in its order; see `raysk.data.reading.Features`."""
        if columns.features and self.features.names is not None:
            raise UsageError(
                f"--features: the {self._described()} knows its features by name, and finds them.\n"
                f"They are: {join_names(self.features.names)}."
            )
        return self.features.split(table, columns, self.model, self._unseen)

    def remark_unseen(self, sink: Sink) -> None:
        """Remark once how many values were taken for missing, as the model was not fitted on them."""
        if (text := self._unseen.remark()) is not None:
            sink(Remark(text=text))

    def pool_of(self, start: Start) -> Pool:
        """Wait for the workers, and let the model's own code go to them with it."""
        from raysk.cluster import travel_by_value

        pool = start.result().pool
        travel_by_value(self._modules)
        return pool

    @contextlib.contextmanager
    def refusing(self, where: str = "") -> Iterator[None]:
        """Turn a model's refusal, or its damage, into bad input; what the person's own code raises stays theirs.

        Parameters
        ----------
        where : str
            In which part of the table.
        """
        from sklearn.exceptions import NotFittedError

        from raysk.source import tracebacks

        try:
            yield
        except InputError:  # of the table
            raise
        except NotFittedError as error:
            fit = f"raysk fit {self._asked.model} -o fitted.pkl"
            raise InputError(f"The {self._described()} is not fitted.\nFit it: {fit}") from error
        except ValueError as error:
            if tracebacks.is_of_own_code(error):
                raise
            raise InputError(f"The {self.kind} refuses {self._asked.data}{where}:\n{shorten(str(error))}") from error
        except (AttributeError, TypeError, LookupError) as error:
            if tracebacks.lines(error) is None or tracebacks.is_of_own_code(error):
                raise
            raise InputError(
                f"The {self._described()} is damaged, or was made by another version of its library:\n"
                f"{shorten(f'{type(error).__name__}: {error}')}"
            ) from error

    def _described(self) -> str:
        return f"{self.kind} in {self._asked.model!r}"


def _no_model(asked: ModelJob, error: NoModel) -> str:
    """Say why a file is no model, and what may have been meant."""
    from raysk.models.formats import is_model

    if asked.model == "-":
        return no_model_on_stdin(error)
    if is_model(Path(asked.data)):
        return (
            f"{str(error).splitlines()[0]}\n"
            f"{asked.data!r} looks like one: MODEL comes first, and then DATA. The two may be swapped."
        )
    return str(error)


@contextlib.contextmanager
def loading(asked: ModelJob, where: Where | None, sink: Sink) -> Iterator[tuple[Loaded, Start | None]]:
    """Load a model while its workers start, if there is a place for them; without one nothing of Ray is imported."""
    if asked.named not in {None, asked.model}:  # the latest run may be another than the person thinks
        sink(Remark(text=f"model: {asked.model}, of the run {asked.named}"))
    with contextlib.nullcontext() if where is None else where.starting(sink) as start:
        sink(PhaseStarted(name=f"reading {asked.model}"))
        yield Loaded(asked), start


def model_path(model: str) -> Path:
    """Return where a model is that the person named, which may be stdin.

    Raises
    ------
    InputError
        If stdin is closed: its number is another file's by now.
    """
    if model == "-" and sys.stdin is None:
        raise InputError("-: stdin is closed.\nPipe a model into it, or name a file.")
    return STDIN if model == "-" else Path(model)


def no_model_on_stdin(error: NoModel) -> str:
    """Say that stdin held no model, and who is to blame."""
    return f"stdin {'was empty' if error.empty else 'held something else'}: the command before it wrote no model."
