"""Reads blocks, commands and options in the README and the guide, and says which the program has.

A fenced block means

    sh        commands that run as they stand, in order, in one folder per page
    console   commands with ``$ `` in front, and what they write to a terminal
    bash      commands that need more than a folder: a cluster, root, the network, minutes
    python    a program that runs; with ``# NAME.py`` as its first line, a file that the page's commands use
    toml      a file, named in the same way
"""

from __future__ import annotations

import functools
import re
import shlex
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
            command = " ".join(words[: 2 if " ".join(words[:2]) in program() else 1])
            command = command if re.fullmatch("[a-z ]+", command) else ""
            for word in words:
                name = word.partition("=")[0]
                if re.fullmatch(r"--[a-z][a-z-]*|-[a-zA-Z]", name):
                    pairs.add((command, name))
                elif re.fullmatch(r"-[a-zA-Z]{2,}", name):  # -qv is -q -v
                    pairs.update((command, f"-{letter}") for letter in name[1:])
    return pairs


# --- what the program has


@functools.cache
def program():
    """Return every command of the program by its name: ``fit``, ``model show``; the program itself is ``""``."""
    import typer

    from raysk.cli.app import app

    def walk(command, *names):
        inner = getattr(command, "commands", {})
        below = [pair for name, each in inner.items() for pair in walk(each, *names, name)]
        return below if inner and names else [(" ".join(names), command), *below]

    return dict(walk(typer.main.get_command(app)))


def subcommands():
    """Return the names of all commands."""
    return [name for name in program() if name]


def parameters(command):
    """Return the options that a command takes, each with its parameter."""
    found = {name: param for param in program()[command].params for name in (*param.opts, *param.secondary_opts)}
    return {name: param for name, param in found.items() if name.startswith("-")}


def options(command):
    """Return the names of the options that a command takes."""
    found = {*parameters(command), "-h", "--help"}
    return found | options("search") if command == "resume" else found  # it passes them on
