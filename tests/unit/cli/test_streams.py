"""stdout that takes nothing, and a current folder that is gone, are said in a line or two."""

import os
import subprocess
import sys

import pytest

from raysk.errors import InputError
from raysk.util.working_folder import check_sendable, current_folder

GONE = """
import os, sys
from raysk.cli.app import main
code = []
def run(*args):
    pid = os.fork()
    if pid == 0:
        sys.argv = ["raysk", *args]
        main()
    code.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
for args in eval(sys.argv[1]):
    sys.stderr.write(f"= {args}\\n")
    run(*args)
print(code)
"""

COMMANDS = [
    ("search", "x.py"),
    ("fit", "x.py"),
    ("inspect", __file__),
    ("resume", "latest"),
    ("predict", "m.pkl", "x.csv"),
    ("bench", "--plot", "x.svg"),
    ("doctor",),
    ("watch",),
]


def test_a_folder_that_was_removed(tmp_path):
    """Every command that needs the current folder says so, with 3; help and settings do not need it."""
    folder = tmp_path / "gone"
    folder.mkdir()
    program = f"import os; os.chdir({str(folder)!r}); os.rmdir({str(folder)!r})\n" + GONE
    said = [*COMMANDS, ("--help",), ("config",)]
    ran = subprocess.run(
        [sys.executable, "-c", program, repr(said)], capture_output=True, text=True, check=False, timeout=150
    )
    assert ran.stdout.splitlines()[-1] == str([3] * len(COMMANDS) + [0, 0]), ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stderr.count("The current folder cannot be used") == len(COMMANDS)


@pytest.mark.parametrize("args", [("--help",), ("--version",), ("fit", "--help"), ("config",)])
def test_help_on_a_full_disk(args):
    """Whatever is written to stdout, a disk that is full is said with 3, and nothing is blamed on anybody's code."""
    with open("/dev/full", "w") as full:  # noqa: PTH123 - no file, but a device
        command = [sys.executable, "-m", "raysk", *args]
        ran = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert ran.returncode == 3
    message = "Error: stdout cannot be written: No space left on device.\nSend it somewhere else.\n"
    assert ran.stderr == message


def test_a_folder_that_ray_cannot_work_in(tmp_path, monkeypatch):
    """Its name is said before Ray is started; raysk itself does not mind."""
    folder = tmp_path / os.fsdecode(b"work\xff")
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert current_folder() == folder
    with pytest.raises(InputError, match=r"work\\udcff', has a name that is no UTF-8"):
        check_sendable()
