"""Draws the two pictures of the README from a real run: ``raysk/guide/live.svg`` and ``raysk/guide/result.svg``.

    python tests/docs/pictures.py

It runs the README's first search on a terminal of 80 columns, follows what that terminal shows, and has Rich draw what
it showed when most fits were done, and at the end.
"""

from __future__ import annotations

import contextlib
import io
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


def follow(command, folder, environment):
    """Run a command on a terminal, which has to succeed; yield what that shows after each thing that is written."""
    ours, its = pty.openpty()
    environment = {**environment, "COLUMNS": str(COLUMNS), "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    streams = {"stdin": its, "stdout": its, "stderr": its}
    screen = Screen()
    with io.FileIO(ours) as terminal:
        process = subprocess.Popen(["bash", "-c", command], cwd=folder, env=environment, **streams)
        os.close(its)
        with contextlib.suppress(OSError):  # so Linux tells that the program has left its terminal
            while part := terminal.read(1 << 20):
                screen.write(part.decode())
                yield [line for line in screen.lines if line]
    if process.wait():
        raise subprocess.CalledProcessError(process.returncode, command)


def draw(lines, name):
    """Write a picture of lines of a terminal."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for line in lines:
        console.print(Text.from_ansi(line), soft_wrap=True)
    console.save_svg(str(GUIDE / name), title="raysk search")


def main():
    """Draw both pictures."""
    text = README.read_text(encoding="utf-8")
    command = next(command for block in blocks(text, "console") for command, _ in console_commands(block.text))
    programs = os.path.dirname(sys.executable)  # noqa: PTH120 - a symlink stays one
    live = shown = None
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
        for lines in follow(command, folder, environment):
            shown = [line.replace(os.path.realpath(folder), "~") for line in lines]
            fits = re.search(r"(\d+)/(\d+)", "\n".join(shown))
            if live is None and fits and int(fits[1]) >= SHARE_DONE * int(fits[2]) and "best" in "\n".join(shown):
                live = shown
    draw(live, "live.svg")
    draw(shown, "result.svg")


if __name__ == "__main__":
    main()
