"""Reads the README and the guide as the tests need them: blocks, commands and options; and what ``--help`` says.

A fenced block means

    sh        commands that run as they stand, in order, in one folder per page
    console   commands with ``$ `` in front, and what they write to a terminal
    bash      commands that need more than a folder: a cluster, root, the network, minutes
    python    a program that runs; with ``# NAME.py`` as its first line, a file that the page's commands use
    toml      a file, named in the same way
"""

from __future__ import annotations

import functools
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
GUIDE = ROOT / "raysk" / "guide"
PAGES = [README, *sorted(GUIDE.glob("*.md"))]

FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")
INDENTED = re.compile(r"^(?: {4}|\t)(.+)$", re.MULTILINE)
FILE_NAME = re.compile(r"# ([\w.-]+\.\w+)\n")
SHELL = {"", "bash", "console", "sh", "shell"}

# the console script's own name, wherever Python stands; as `python -m raysk` does it
MAIN = "import sys; sys.argv[0] = 'raysk'; from raysk.cli.app import main; main()"
FIXED_LOOK = {"TERMINAL_WIDTH": "80", "COLUMNS": "80", "_TYPER_FORCE_DISABLE_TERMINAL": "1", "NO_COLOR": "1"}


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    text: str

    @property
    def file_name(self):
        """The name of the file that the block is, or None."""
        match = FILE_NAME.match(self.text)
        return match[1] if match and self.language in {"python", "toml"} else None


def blocks(text, *languages):
    """Return the fenced blocks of some Markdown in these languages, or in any."""
    found = [Block(fence["language"], fence["text"]) for fence in FENCE.finditer(text)]
    return [block for block in found if not languages or block.language in languages]


def console_commands(text):
    """Return (command, lines it writes) for each command of a console block."""
    found = []
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


# --- commands and options that a page names


def shell_lines(text):
    """Yield every line of shell that a page shows: fenced, indented, or within a sentence."""
    for block in blocks(text):
        if block.language == "console":  # the other lines are output
            yield from (command for command, _ in console_commands(block.text))
        elif block.language in SHELL:
            yield from re.sub(r"\\\n\s*", " ", block.text).splitlines()
    prose = FENCE.sub("", text)
    yield from INDENTED.findall(re.sub(r"\\\n\s*", " ", prose))
    yield from (" ".join(span.split()) for span in SPAN.findall(prose))


def commands(line, program="raysk"):
    """Yield the words of every command of a program in a line of shell, without the program's name."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:  # a sentence with an apostrophe
        words = line.split()
    words = [word for word in words if word != "$" and not re.fullmatch(r"[A-Z_]+=.*", word)]
    part = []
    for word in [*words, ";"]:
        if set(word) <= set("|&;<>"):
            if part[:1] == [program]:
                yield part[1:]
            part = []
        else:
            part.append(word)


def mentioned(text):
    """Return (command, option) for every raysk option on a page; an option alone has the command None."""
    pairs = set()
    for line in shell_lines(text):
        if re.fullmatch(r"--[a-z][a-z-]*(?:[ =][^-].*)?", line):
            pairs.add((None, re.split("[ =]", line)[0]))
        for words in commands(line):
            command = " ".join(words[: 2 if words[:1] == ["model"] else 1])
            command = command if re.fullmatch("[a-z ]+", command) else ""
            for word in words:
                name = word.partition("=")[0]
                if re.fullmatch(r"--[a-z][a-z-]*|-[a-zA-Z]", name):
                    pairs.add((command, name))
                elif re.fullmatch(r"-[a-zA-Z]{2,}", name):  # -qv is -q -v
                    pairs.update((command, f"-{letter}") for letter in name[1:])
    return pairs


# --- what --help says


@functools.cache
def help_text(*args):
    """Return what ``raysk ARGS --help`` prints on 80 columns."""
    env = {**os.environ, **FIXED_LOOK, "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-c", MAIN, *args, "--help"]
    done = subprocess.run(command, env=env, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert done.returncode == 0, f"raysk {' '.join(args)} --help: {done.stderr[-1000:]}"
    return done.stdout


def options(*args):
    """Return the options that a command takes: in its help, the names a line begins with."""
    found = options("search") if args == ("resume",) else set()  # which says: "Options that follow RUN"
    for line in help_text(*args).splitlines():
        for word in re.split(r"[\s,/]+", line.strip(" │|*")):
            if not word.startswith("-"):
                break
            found.add(word)
    return found


def subcommands(*group):
    """Return the names of all commands, from the list in ``raysk --help``; those of a group with its name."""
    listed = help_text(*group).partition("Commands")[2]
    names = re.findall(r"^[│|\s]*([a-z]+)\s{2,}\S", listed, re.MULTILINE)
    found = [" ".join([*group, name]) for name in names]
    return [inner for name in found for inner in (subcommands(*name.split()) or [name])]
