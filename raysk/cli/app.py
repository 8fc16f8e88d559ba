"""The Typer app and `main`, the single place where errors become text and exit codes."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

import raysk
from raysk.cli import quick_help, signals, streams
from raysk.cli.commands import (
    bench,
    compare,
    config,
    cv,
    doctor,
    export,
    fit,
    guide,
    init,
    inspect,
    model,
    nested,
    predict,
    refit,
    report,
    results,
    resume,
    runs,
    score,
    search,
    watch,
)
from raysk.cli.options.command import Command
from raysk.errors import FitsFailed, InputError, RayskError, ReaderGone, UsageError

if TYPE_CHECKING:
    from typing import NoReturn

INTERRUPTED = 128 + signal.SIGINT
HELP = {"-h", "--help"}


@dataclass
class CommandLine:
    """What is wanted of raysk also when the command line cannot be parsed; a command finds it as ``context.obj``.

    Parameters
    ----------
    debug : bool
        Whether every frame of an error is shown.
    help : bool
        Whether help is asked for, which needs no good settings.
    """

    debug: bool = False
    help: bool = False


app = typer.Typer(
    name="raysk",
    help="Run your own scikit-learn job on Ray: one fit, or a whole parameter search.",
    epilog="The guide in this terminal: raysk guide, raysk guide resume.",
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command(cls=Command)(fit.Fit)
app.command(cls=Command)(search.Search)
app.command(cls=Command)(cv.Cv)
app.command(cls=Command)(nested.Nested)
app.command(cls=Command, context_settings=resume.EXTRA)(resume.Resume)
app.command(cls=Command)(refit.Refit)
app.command(cls=Command)(watch.Watch)
app.add_typer(runs.app)
app.command(cls=Command)(results.Results)
app.command(cls=Command)(compare.Compare)
app.command(cls=Command)(predict.Predict)
app.command(cls=Command)(score.Score)
app.command(cls=Command)(report.Report)
app.command(cls=Command)(init.Init)
app.command(cls=Command)(inspect.Inspect)
app.command(cls=Command)(export.Export)
app.command(cls=Command)(doctor.Doctor)
app.add_typer(model.app)
app.command(cls=Command)(bench.Bench)
app.command(cls=Command)(config.Config)
app.command(cls=Command)(guide.Guide)


def _version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(f"raysk {raysk.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback does it
        bool,
        typer.Option(
            "--version",
            metavar="",
            help="Print the version.",
            callback=lambda value: _version(wanted=value),
            is_eager=True,
        ),
    ] = False,
) -> None:
    from raysk.cli import settings

    line = context.ensure_object(CommandLine)
    try:
        context.default_map = settings.default_map(context)
    except UsageError:
        if context.invoked_subcommand != "guide" and not line.help:
            raise


def main() -> NoReturn:
    """Run the command line, say what went wrong if anything did, and exit with its code."""
    streams.keep_streams()
    signals.end_in_order()
    if not sys.stderr.isatty():
        os.environ.setdefault("RAY_COLOR_PREFIX", "0")  # what workers print, with -v, goes there
    code, arguments = 0, sys.argv[1:]  # read here only: everybody else asks the context
    line = CommandLine(debug="--debug" in arguments, help=not HELP.isdisjoint(arguments))
    if line.help or not arguments:
        quick_help.import_quickly()  # Typer imports what draws help when it parses
    try:
        app(arguments, prog_name="raysk", obj=line)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except RayskError as error:
        code = error.exit_code
        _report(error, debug=line.debug)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the person's code, or a bug of ours: it decides
        code = _report_code(error, debug=line.debug)
    if code == INTERRUPTED:
        _say("Interrupted.", is_error=False)  # it was wanted
    _leave(code)


def _leave(code: int) -> NoReturn:
    """Exit when Ray has ended; at once if a Ray is being started that nobody waits for, which ends with us."""
    cluster = sys.modules.get("raysk.cluster")  # not imported for this: --help has to be quick
    if cluster is not None:
        signals.raise_no_more()
        if cluster.leave():
            sys.stderr.flush()
            os._exit(code)
    sys.exit(code)


def _report(error: RayskError, *, debug: bool) -> None:
    """Print what we raised on purpose: at most five lines, or every frame with --debug."""
    if isinstance(error, ReaderGone):
        return
    if debug:
        _print_all_frames(error)
    text = _fits_failed(error) if isinstance(error, FitsFailed) and error.errors else str(error)
    _say(text)


def _fits_failed(error: FitsFailed) -> str:
    """Put pages of tracebacks into three lines."""
    from collections import Counter

    from raysk.errors import error_text

    said = Counter(error_text(text) for text in error.errors)
    (common, count), *_ = said.most_common(1) or [("", 0)]
    return (
        f"{error.extent}; {count:,} of them with:\n  {common[:400]}\n"
        "Try one with 'raysk fit FILE --set NAME=VALUE', or see the whole error with --debug."
    )


def _report_code(error: Exception, *, debug: bool) -> int:
    """Print an error raised by the person's code, with their frames only; or a bug of ours, with all.

    Returns
    -------
    int
        The exit code.
    """
    from raysk.source import tracebacks
    from raysk.util.working_folder import current_folder

    if isinstance(error, OSError):  # a path is made absolute in many places, also in other libraries
        try:
            current_folder()
        except InputError as gone:
            _report(gone, debug=debug)
            return gone.exit_code
        if error.filename is not None and tracebacks.lines(error) is None:
            _report(refused := _refused(error), debug=debug)
            return refused.exit_code
    lines = None if debug else tracebacks.lines(error)
    if lines is None:
        _print_all_frames(error)
    else:
        _say("\n".join(lines))
    return 1


def _refused(error: OSError) -> InputError:
    """Say what the system has against a path: it may be too long a name, or in a folder that is closed to us."""
    from raysk.util.words import shorten

    return InputError(f"{shorten(str(error.filename))!r} cannot be used: {error.strerror}.\nName another.")


def _print_all_frames(error: BaseException) -> None:
    import traceback

    traceback.print_exception(error, file=sys.stderr)


def _say(text: str, *, is_error: bool = True) -> None:
    from raysk.cli.view.console import stderr_console

    console = stderr_console()
    if is_error:
        console.print("Error:", style="bold red", end=" ")
    console.say(text.strip())
