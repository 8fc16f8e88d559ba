"""``raysk guide``."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from raysk import guide as pages

if TYPE_CHECKING:
    from rich.console import Console

WIDEST = 100
"""Columns of a page, in characters: longer lines are hard to read."""

_LINK_TO_PAGE = re.compile(r"\[(?P<text>[^]]+)\]\((?P<page>[\w-]+)\.md(?:#[\w-]*)?\)")


@dataclass(frozen=True, kw_only=True)
class Guide:
    """Read the user's guide: a page in the terminal, or its Markdown in a pipe.

    For example:

      raysk guide

      raysk guide resume

      raysk guide tables > tables.md
    """

    page: Annotated[
        str | None,
        typer.Argument(metavar="PAGE", help="Name of a page, or a part of the name. The default lists all pages."),
    ] = None

    def run(self) -> None:
        """List the pages, or show one."""
        from rich.console import Console

        from raysk.cli.streams import data_stdout

        text = pages.text_of("README" if self.page is None else pages.find_page(self.page))
        with data_stdout() as out:
            if not out.is_terminal:
                out.write_line(text.rstrip("\n"))
                return
        console = Console(emoji=False)  # on the terminal itself, where the pager writes too
        if self.page is None:
            _list(console)
        else:
            _show(console, text)


def _list(console: Console) -> None:
    """Print the name of every page and a line about it."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for name, line in pages.pages().items():
        table.add_row(f"[bold]{name}[/bold]", line)
    console.print(table)
    console.print("\nRead one with 'raysk guide PAGE'; a part of its name is enough.", highlight=False)


def _show(console: Console, text: str) -> None:
    """Show a page through the person's pager."""
    from rich.markdown import Markdown

    os.environ.setdefault("LESS", "FRX")  # as git does: colours, and no waiting if a page fits on the screen
    console.width = min(console.width, WIDEST)
    with console.pager(styles=True):
        console.print(Markdown(_LINK_TO_PAGE.sub(_as_command, text), hyperlinks=False))


def _as_command(link: re.Match[str]) -> str:
    """Turn a link to another page into the command that shows it."""
    command = f"`raysk guide {link['page']}`"
    return command if link["text"] == link["page"] else f"{link['text']} ({command})"
