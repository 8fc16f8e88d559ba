"""Draws the two pictures of the README from a real run: ``raysk/guide/live.svg`` and ``raysk/guide/result.svg``.

    python tests/docs/pictures.py

It runs the README's first search on a terminal of 80 columns, follows what that terminal shows, and has Rich draw what
it showed when most fits were done, and at the end.
"""

from __future__ import annotations

import contextlib
import os
import pty
import re
import subprocess
import sys
import tempfile

from documents import GUIDE, README, blocks, console_commands
from rich.console import Console
from rich.text import Text

COLUMNS = 80
SHARE_DONE = 0.6
"""Of all fits, when the picture of the live view is taken."""

CONTROL = re.compile(r"\x1b\[([\d;?]*)([A-Za-z])|(\r\n|\n|\r)")


class Screen:
    """What a terminal shows, as lines with their colours: as much of a terminal as Rich's live view needs."""

    def __init__(self):
        self.lines, self.row = [""], 0

    def write(self, text):
        """Follow what a program writes."""
        position = 0
        for control in CONTROL.finditer(text):
            self.lines[self.row] += text[position : control.start()]
            position = control.end()
            number, letter, newline = control.groups()
            if newline in {"\r\n", "\n"}:
                self.row += 1
                self.lines += [""] * (self.row + 1 - len(self.lines))
            elif letter == "A":
                self.row = max(self.row - int(number or 1), 0)
            elif letter == "K":
                self.lines[self.row] = ""
            elif letter == "m":
                self.lines[self.row] += control[0]
        self.lines[self.row] += text[position:]

    def shown(self):
        """Return what is on the screen now."""
        return [*self.lines]


def follow(command):
    """Run a command on a terminal; yield what that shows after each thing that the command writes."""
    ours, its = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    path = f"{os.path.dirname(sys.executable)}{os.pathsep}{environment['PATH']}"  # noqa: PTH120 - a symlink stays one
    with tempfile.TemporaryDirectory(prefix="work") as folder, open(ours, "rb", buffering=0) as terminal:
        process = subprocess.Popen(
            ["bash", "-c", command], cwd=folder, env={**environment, "PATH": path}, stdin=its, stdout=its, stderr=its
        )
        os.close(its)
        screen = Screen()
        with contextlib.suppress(OSError):  # so Linux tells that the program has left its terminal
            while part := terminal.read(1 << 20):
                screen.write(part.decode())
                yield [line.replace(os.path.realpath(folder), "~") for line in screen.shown()]
        process.wait()


def draw(lines, title, name):
    """Write a picture of lines of a terminal."""
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115
    for line in lines:
        console.print(Text.from_ansi(line), soft_wrap=True)
    console.save_svg(str(GUIDE / name), title=title)


def main():
    """Draw both pictures."""
    text = README.read_text(encoding="utf-8")
    command = next(command for block in blocks(text, "console") for command, _ in console_commands(block.text))
    live = shown = None
    for shown in follow(command):
        fits = re.search(r"(\d+)/(\d+)", "\n".join(shown))
        best = any("best" in line for line in shown)
        if live is None and fits and best and int(fits[1]) >= SHARE_DONE * int(fits[2]):
            live = shown
    draw([line for line in live if line], "raysk search", "live.svg")
    draw([line for line in shown if line], "raysk search", "result.svg")


if __name__ == "__main__":
    main()
