"""The README says what the program does: its help texts are generated, its options exist.

    python tests/docs/test_readme.py --update

rewrites the help texts: in every fenced block ```console whose first line is ``$ raysk ... --help``, what follows
that line is what the command prints. It also writes the tables of the benchmarks, from the reports in ``benchmarks/``
that ``raysk bench --json`` has printed.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
REPORTS = Path(__file__).parent / "benchmarks"

HELP_BLOCK = re.compile(
    r"^(?P<start>```console\n\$ raysk(?P<args>[^\n]*) --help\n)(?P<text>.*?)(?P<end>^```$)", re.MULTILINE | re.DOTALL
)
TABLES = re.compile(
    r"^(?P<start><!-- benchmarks: [^\n]*\n)(?P<text>.*?)(?P<end>^<!-- end of benchmarks -->$)", re.MULTILINE | re.DOTALL
)
FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")
INDENTED = re.compile(r"^(?: {4}|\t)(.+)$", re.MULTILINE)
SHELL = {"", "bash", "console", "sh", "shell"}

# the console script's own name, wherever Python stands; as `python -m raysk` does it
MAIN = "import sys; sys.argv[0] = 'raysk'; from raysk.cli.app import main; main()"
FIXED_LOOK = {"TERMINAL_WIDTH": "80", "COLUMNS": "80", "_TYPER_FORCE_DISABLE_TERMINAL": "1", "NO_COLOR": "1"}


@functools.cache
def help_text(*args):
    """Return what ``raysk ARGS --help`` prints on 80 columns, without the blanks around it."""
    env = {**os.environ, **FIXED_LOOK, "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-c", MAIN, *args, "--help"]
    done = subprocess.run(command, env=env, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert done.returncode == 0, f"raysk {' '.join(args)} --help: {done.stderr[-1000:]}"
    return "\n".join(line.rstrip() for line in done.stdout.splitlines()).strip("\n") + "\n"


def updated(readme):
    """Return a README's text with its help blocks as the program has them now."""

    def block(match):
        return match["start"] + help_text(*shlex.split(match["args"])) + match["end"]

    reports = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(REPORTS.glob("*.json"))]
    machines = [None, *(report["machine"] for report in reports)]
    tables = "".join(report_text(*pair) for pair in zip(reports, machines, strict=False))
    readme = TABLES.sub(lambda match: match["start"] + tables + "\n" + match["end"], readme)
    return HELP_BLOCK.sub(block, readme)


def report_text(report, machine):
    """Return what a report of the benchmark says, as Markdown; what it was made on, if it is another machine."""
    from raysk.bench.report import COLUMNS, cells, on, title

    text = "" if report["machine"] == machine else f"\nMeasured on {on(report['machine'])}.\n"
    repeats = "measured once" if report["repeat"] == 1 else f"medians of {report['repeat']}"
    for workload in dict.fromkeys(row["workload"] for row in report["results"]):
        own = [row for row in report["results"] if row["workload"] == workload]
        filled = [cells(row) for row in own]
        used = [number for number, _ in enumerate(COLUMNS) if any(row[number] for row in filled)]
        lines = [[COLUMNS[number] for number in used], ["---"] * len(used), *([row[n] for n in used] for row in filled)]
        text += f"\n**{title(own)}** ({repeats})\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)
    return text


def options(*args):
    """Return the options that a command's help lists: the names a line of it begins with."""
    found = set()
    for line in help_text(*args).splitlines():
        for word in re.split(r"[\s,/]+", line.strip(" │|*")):
            if not word.startswith("-"):
                break
            found.add(word)
    return found


def shell_lines(readme):
    """Yield every line of shell that a README shows: fenced, indented, or within a sentence."""
    for fence in FENCE.finditer(readme):
        lines = re.sub(r"\\\n\s*", " ", fence["text"]).splitlines()
        if fence["language"] == "console":  # the other lines are output
            lines = [line.strip()[2:] for line in lines if line.strip().startswith("$ ")]
        if fence["language"] in SHELL:
            yield from lines
    prose = FENCE.sub("", readme)
    yield from INDENTED.findall(re.sub(r"\\\n\s*", " ", prose))
    yield from (" ".join(span.split()) for span in SPAN.findall(prose))


def commands(line):
    """Yield the words of every raysk command in a line of shell, without the word raysk."""
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
            if part[:1] == ["raysk"]:
                yield part[1:]
            part = []
        else:
            part.append(word)


def mentioned(readme):
    """Return (command, option) for every raysk option in a README; an option alone has the command None."""
    pairs = set()
    for line in shell_lines(readme):
        if re.fullmatch(r"--[a-z][a-z-]*(?:[ =][^-].*)?", line):
            pairs.add((None, re.split("[ =]", line)[0]))
        for words in commands(line):
            command = next((word for word in words if re.fullmatch("[a-z]+", word)), "")
            command = command if words[:1] == [command] else ""
            for word in words:
                name = word.partition("=")[0]
                if re.fullmatch(r"--[a-z][a-z-]*|-[a-zA-Z]", name):
                    pairs.add((command, name))
                elif re.fullmatch(r"-[a-zA-Z]{2,}", name):  # -qv is -q -v
                    pairs.update((command, f"-{letter}") for letter in name[1:])
    return pairs


def subcommands():
    """Return the names of all commands, from the list in ``raysk --help``."""
    listed = help_text().partition("Commands")[2]
    return re.findall(r"^[│|\s]*([a-z]+)\s{2,}\S", listed, re.MULTILINE)


@pytest.fixture
def readme():
    """Return the README's text."""
    return README.read_text(encoding="utf-8")


def test_help_texts_are_the_programs(readme):
    """The README's help texts are what the program prints; --update rewrites them."""
    assert HELP_BLOCK.search(readme), "no block ```console that begins with '$ raysk ... --help'"
    assert readme == updated(readme), "run: python tests/docs/test_readme.py --update"


def test_options_exist(readme):
    """Every option the README mentions is in the help of its command."""
    pairs = mentioned(readme)
    assert any(command for command, _ in pairs), "the README shows no command with an option"
    every = {option for command in subcommands() for option in options(command)} | options()
    missing = {
        f"raysk {command or '...'} {option}"
        for command, option in pairs
        if option not in (every if command is None else options(*command.split()))
    }
    assert missing == set()


def test_each_command_is_shown(readme):
    """The README shows every command that the program has."""
    shown = {words[0] for line in shell_lines(readme) for words in commands(line) if words}
    assert set(subcommands()) <= shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("```\nraysk fit m.py --set C=1 \\\n  -o m.pkl | jq --raw .x\n```", {("fit", "--set"), ("fit", "-o")}),
        ("```console\n$ raysk search s.py --n-iter=3\nraysk fit --no-such-thing\n```", {("search", "--n-iter")}),
        ("```python\nraysk.fit(x)  # raysk fit --no-such-thing\n```", set()),
        ("    RAYSK_ADDRESS=h:1 raysk search s.py -qv", {("search", "-q"), ("search", "-v")}),
        ("As `raysk --version` and `--cpus-per-fit 2` say", {("", "--version"), (None, "--cpus-per-fit")}),
        ("`cat x | raysk fit - --seed 1 && ls -l`, `pip install --upgrade raysk`", {("fit", "--seed")}),
        ("raysk is a program; don't --panic", set()),
    ],
)
def test_mentions(text, expected):
    """Options are found in shell blocks, indented lines and spans, and only where raysk is the command."""
    assert mentioned(text) == expected


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit(__doc__)
    README.write_text(updated(README.read_text(encoding="utf-8")), encoding="utf-8")
