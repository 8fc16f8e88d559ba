"""The README's examples of shell that are fenced as ``sh`` run as they stand, in order, in one folder."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TIMEOUT_S = 300  # of all blocks together; a command with a Ray of its own takes about 8 s
pytestmark = pytest.mark.deadline(TIMEOUT_S + 30)


@pytest.fixture
def programs(tmp_path):
    """Return a folder with the programs `raysk` and `python`, which are this interpreter's."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name, options in (("raysk", "-m raysk"), ("python", "")):
        (folder / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {options} "$@"\n', encoding="utf-8")
        (folder / name).chmod(0o755)
    return folder


def test_blocks_of_shell_run(tmp_path, programs):
    """Every command of every ``sh`` block ends with 0, also within a pipe."""
    blocks = BLOCK.findall(README.read_text(encoding="utf-8"))
    assert blocks, "no block ```sh"
    work = tmp_path / "my work"
    work.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAY", "PYTHONDONT"))}
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", "\n".join(blocks)],
        cwd=work,
        env={**kept, "PATH": f"{programs}{os.pathsep}{kept['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert "Traceback" not in done.stderr
