"""Every example in the README and in the guide runs as it stands.

The commands of a page run in order, in one folder, through bash, with the warm `raysk` of `conftest`. A few are real:
what is shown with its output, programs in Python, and `raysk doctor`.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys

import pytest
from documents import PAGES, README, blocks, console_commands
from pictures import follow

TIMEOUT_S = 300  # of all commands of a page; most take 1-5 s
pytestmark = pytest.mark.deadline(TIMEOUT_S + 30)


@pytest.fixture
def work(tmp_path):
    """Return an empty folder whose name has a space."""
    folder = tmp_path / "my work"
    folder.mkdir()
    return folder


def run(command, folder, environment):
    """Run a command that must end with 0, and not talk of tracebacks."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stderr[-4000:]}"
    assert "Traceback" not in done.stderr


def write_files(page, folder):
    """Write the files that a page shows; returns its other blocks."""
    others = []
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.file_name:
            (folder / block.file_name).write_text(block.text, encoding="utf-8")
        else:
            others.append(block)
    return others


def having(language):
    """Return the pages that have a block in a language, and no file's name."""
    found = [page for page in PAGES if any(not each.file_name for each in blocks(page.read_text(), language))]
    assert found
    return pytest.mark.parametrize("page", found, ids=lambda page: page.stem)


@having("sh")
def test_commands_run(page, work, environment):
    """Every command of every ``sh`` block ends with 0, also within a pipe."""
    if sys.version_info < (3, 11) and "toml" in {block.language for block in blocks(page.read_text())}:
        pytest.skip("pyproject.toml is read with Python 3.11 and newer")
    texts = [block.text for block in write_files(page, work) if block.language == "sh"]
    run(["bash", "-euxo", "pipefail", "-c", "\n".join(texts)], work, environment)


@having("python")
def test_programs_run(page, work, environment):
    """Every program in Python runs."""
    texts = [block.text for block in write_files(page, work) if block.language == "python"]
    run([sys.executable, "-c", "\n".join(texts)], work, environment)


def test_output_is_the_shown_one(work, environment):
    """What the README shows as a command's output is what it writes to a terminal, but for times and paths."""
    shown = [pair for block in blocks(README.read_text(), "console") for pair in console_commands(block.text)]
    assert any(lines for _, lines in shown)
    (work / "raysk").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m raysk "$@"\n')
    (work / "raysk").chmod(0o755)
    real = {**environment, "PATH": f"{work}{os.pathsep}{environment['PATH']}", "NO_COLOR": "1"}
    for command, lines in shown:
        *_, screen = follow(command, work, real)
        written = [alike(line) for line in screen]
        assert [line for line in map(alike, lines) if line not in written] == [], screen


def alike(line):
    """Return a line without colours, and what differs from run to run: times, CPUs, paths."""
    line = re.sub(r"\x1b\[[\d;]*m", "", line)
    line = re.sub(r"\S*/\S+", "PATH", line)
    line = re.sub(r"\b\d[\d.:]* s\b|\b\d+:\d\d\b|\b\d+ CPUs?\b", "N", line)
    return " ".join(line.split())
