"""The surroundings of a Ray of our own."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from raysk.private import Private


@pytest.fixture
def root(monkeypatch):
    """Use a short temporary folder of the test's own."""
    with tempfile.TemporaryDirectory(prefix="t") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        monkeypatch.setattr("raysk.private._settings", {})  # this program's Ray keeps its own
        yield Path(folder)


def test_only_we_can_read_the_folder_and_it_is_removed(root):
    """The folder is closed to others while it is there, and gone after."""
    private = Private()
    assert private.folder.parent == root
    assert private.folder.stat().st_mode & 0o077 == 0
    private.remove()
    assert list(root.iterdir()) == []


def test_a_folder_that_nobody_holds_is_removed(root):
    """One left by a killed program goes with the next start; one in use, or that is not ours, stays."""
    for name in ("raysk-1-left", "raysk-2-used", "raysk-notes"):
        (root / name).mkdir()
    (root / "raysk-1-left" / "lock").touch()
    with (root / "raysk-2-used" / "lock").open("w") as used:
        fcntl.flock(used, fcntl.LOCK_EX)
        Private().remove()
        assert sorted(path.name for path in root.iterdir()) == ["raysk-2-used", "raysk-notes"]


def test_what_cannot_be_removed_yet_is_found_by_the_next_start(root, monkeypatch):
    """Where Ray still writes while it ends, the lock stays in the folder, and the next start removes it."""
    private = Private()
    (private.folder / "session").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)
        private.remove()
    assert (private.folder / "lock").exists()
    Private().remove()
    assert list(root.iterdir()) == []


def test_the_token_is_new_and_the_environment_comes_back(root, monkeypatch):
    """While it lives, Ray is told to ask for a fresh token; after it, the person's own settings are back."""
    monkeypatch.delitem(sys.modules, "ray", raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "theirs")
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    tokens = set()
    for _ in range(2):
        private = Private()
        tokens.add(os.environ["RAY_AUTH_TOKEN"])
        assert os.environ["RAY_AUTH_MODE"] == "token"
        private.remove()
        assert os.environ["RAY_AUTH_TOKEN"] == "theirs"  # noqa: S105 - made up
        assert "RAY_AUTH_MODE" not in os.environ
    assert len(tokens) == 2
    assert list(root.iterdir()) == []


@pytest.mark.parametrize(("theirs", "seen"), [(None, "1"), ("4", "4")])
def test_processes_have_one_arena_unless_told_otherwise(monkeypatch, theirs, seen):
    """What is started gets glibc's variable, so that workers can keep memory; afterwards all is as it was."""
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    if theirs is not None:
        monkeypatch.setenv("MALLOC_ARENA_MAX", theirs)
    private = Private()
    assert os.environ["MALLOC_ARENA_MAX"] == seen
    private.remove()
    assert os.environ.get("MALLOC_ARENA_MAX") == theirs
