"""The two Rich consoles: one for conversation, one for tables."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from raysk.cli.streams import DataOut

_SPELLED = {code: repr(chr(code))[1:-1] for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}


def harmless(text: str) -> str:
    """Spell out control characters, which could steer the terminal, and what no encoding has: names may hold both."""
    return text.translate(_SPELLED).encode("utf-8", "backslashreplace").decode("utf-8")


LEVELS = "▁▂▃▄▅▆▇█"
"""The characters of a line of bars."""

_IN_ASCII = str.maketrans({"·": "-", "…": "~", **dict(zip(LEVELS, "_.-:=+*#", strict=True))})


def in_ascii(text: str) -> str:
    """Return text for a terminal, or a file, whose encoding has no other characters."""
    return text.translate(_IN_ASCII)


class Stderr(Console):
    """A console that does not touch stdout when stderr's reader is gone: the job goes on."""

    def say(self, text: str, *, wrap: bool = False) -> None:
        """Print text as it is, control characters spelled out; the terminal breaks its lines, or we do at words."""
        text = in_ascii(text) if self.options.ascii_only else text
        self.print(harmless(text), markup=False, highlight=False, soft_wrap=not wrap)

    def on_broken_pipe(self) -> None:
        """Say nothing more."""
        self.quiet = True


def stderr_console() -> Stderr:
    """Return the console for conversation; colours may be forced into a file, animation may not."""
    return Stderr(stderr=True, emoji=False, force_interactive=None if sys.stderr.isatty() else False)


def stdout_console(out: DataOut) -> Console:
    """Return the console for tables on stdout, as wide as that terminal is: stderr may be elsewhere."""
    console = Console(file=out.file, emoji=False)
    if out.file.isatty() and not os.environ.get("COLUMNS"):
        console.width = os.get_terminal_size(out.file.fileno()).columns or console.width
    return console
