"""A command that says where a bad value is from: whoever did not type an option looks for it in vain.

It also answers an option that it does not have.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand

from raysk.cli import settings
from raysk.cli.options import unknown as unknown_options
from raysk.cli.options.job import PLAN
from raysk.errors import UsageError
from raysk.util import exits
from raysk.util.words import printable

if TYPE_CHECKING:
    from collections.abc import Iterator


class Command(TyperCommand):
    """A command whose options may be settings."""

    def make_parser(self, ctx: Any) -> Any:
        """Return Typer's parser, which names what was meant by an option that is not known."""
        parser: Any = super().make_parser(ctx)
        parser.parse_args = functools.partial(unknown_options.parse, parser.parse_args, ctx)
        return parser

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments; a bad value is shown, and its variable is named only if the value is from there."""
        given = list(_with_values(args))
        args = list(given)
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            param: Any = error.param
            if param is None or param.param_type_name != "option":
                raise
            value, _ = param.consume_value(ctx, self.make_parser(ctx).parse_args(given)[0])
            if value is None:  # it is missing
                raise
            option = max(param.opts, key=len)
            raise _explained(ctx, UsageError(f"{option} {printable(value)}: {error.message}.")) from error

    def invoke(self, ctx: Any) -> None:
        """Run the command, made of its options; what it says of one that is from a setting ends with where that is."""
        try:
            with exits.Contained():
                super().invoke(ctx).run()
        except UsageError as error:
            raise _explained(ctx, error)  # noqa: B904 - it is the same


ALONE = {"--dry-run": PLAN}
"""Options that may have a value, which follows ``=``, and what they mean without: Typer knows no such option, and
would take FILE for the value."""


def _with_values(args: list[str]) -> Iterator[str]:
    """Give the options of `ALONE` that have no value the one that they mean."""
    ends = args.index("--") if "--" in args else len(args)
    for place, arg in enumerate(args):
        yield f"{arg}={ALONE[arg]}" if arg in ALONE and place < ends else arg


def _explained(context: typer.Context, error: UsageError) -> UsageError:
    error.args = ("\n".join([str(error), *_origins(context, str(error))]),)
    return error


def _origins(context: typer.Context, said: str) -> Iterator[str]:
    for option, param in settings.of_command(context.command):
        source = getattr(context.get_parameter_source(param.name), "name", None)
        if source in settings.FROM_SETTINGS and re.search(rf"--{option}(?![\w-])", said):
            yield f"--{option} is set by {param.envvar if source == 'ENVIRONMENT' else settings.PROJECT}."
