"""The surroundings of a Ray of our own."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from raysk.cluster.private_ray import MARKER, MARKER_TEXT, Private
from raysk.errors import ClusterError

NOBODY = 65534


@pytest.fixture
def root(monkeypatch, tmp_path):  # noqa: ARG001 - pytest's own folder, which is made where it is first asked for
    """Use a short temporary folder of the test's own."""
    with tempfile.TemporaryDirectory(prefix="t") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        monkeypatch.setattr("raysk.cluster.private_ray._settings", {})  # this program's Ray keeps its own
        yield Path(folder)


def test_only_we_can_read_the_folder_and_it_is_removed(root):
    """The folder is closed to others while it is there, and gone after."""
    private = Private()
    assert private.folder.parent == root
    assert private.folder.stat().st_mode & 0o077 == 0
    private.remove()
    assert list(root.iterdir()) == []


def left(root, name="raysk-1-abcdefgh", *, marker=MARKER_TEXT):
    """Make a folder as a killed program of ours leaves it."""
    folder = root / name
    folder.mkdir(mode=0o700)
    (folder / MARKER).write_bytes(marker)
    (folder / MARKER).chmod(0o600)
    (folder / "session" / "logs").mkdir(parents=True)
    (folder / "session" / "logs" / "raylet.err").write_text("killed")
    return folder


def names(root):
    return sorted(path.name for path in root.iterdir())


def test_a_folder_that_nobody_holds_is_removed(root):
    """One left by a killed program goes with the next start; one whose marker is locked stays."""
    left(root)
    used = left(root, "raysk-2-abcdefgh")
    with (used / MARKER).open() as marker:
        fcntl.flock(marker, fcntl.LOCK_EX)
        Private().remove()
        assert names(root) == [used.name]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: folder.rename(folder.with_name("raysk-thesis")),
        lambda folder: (folder / MARKER).rename(folder / "lock"),
        lambda folder: (folder / MARKER).write_text("precious"),
        lambda folder: (folder / MARKER).write_bytes(MARKER_TEXT + b"more"),
        lambda folder: folder.chmod(0o755),
        lambda folder: (folder / MARKER).chmod(0o644),
    ],
    ids=["name", "no marker", "another marker", "longer marker", "open folder", "open marker"],
)
def test_what_is_not_surely_ours_stays(root, spoil):
    """A folder that differs in anything from those that we make is somebody's: nothing in it changes."""
    folder = left(root)
    spoil(folder)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    Private().remove()
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


def test_links_are_not_followed(root, tmp_path):
    """A folder or a marker that is a symlink stays, and so does what it leads to; symlinks inside are only removed."""
    elsewhere = left(tmp_path, "raysk-3-abcdefgh")
    (root / "raysk-4-abcdefgh").symlink_to(elsewhere)
    marked = left(root, "raysk-5-abcdefgh")
    (marked / MARKER).unlink()
    (marked / MARKER).symlink_to(elsewhere / MARKER)
    ours = left(root)
    (ours / "folder").symlink_to(elsewhere)
    (ours / "session" / "file").symlink_to(elsewhere / MARKER)
    Private().remove()
    assert names(root) == ["raysk-4-abcdefgh", "raysk-5-abcdefgh"]
    assert (elsewhere / MARKER).read_bytes() == MARKER_TEXT
    assert (elsewhere / "session" / "logs" / "raylet.err").exists()


@pytest.mark.deadline(20)
def test_a_pipe_for_a_marker_hangs_nobody(root):
    """A FIFO in the marker's place is passed over."""
    folder = left(root)
    (folder / MARKER).unlink()
    os.mkfifo(folder / MARKER, 0o600)
    Private().remove()
    assert names(root) == [folder.name]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of another user, and become one")
@pytest.mark.parametrize("of_root", [True, False], ids=["root's, seen by another", "another's, seen by root"])
def test_another_users_folder_stays(root, of_root):
    """Of what another user has left nothing is removed, nor by root, who could."""
    root.chmod(0o1777)
    folder = left(root)
    for path in () if of_root else (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    if of_root:
        folder.chmod(0o700)
        (folder / "session").chmod(0o777)
    child = os.fork()
    if child == 0:
        try:
            if of_root:
                os.seteuid(NOBODY)
            Private().remove()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert names(root) == [folder.name]
    assert (folder / "session" / "logs" / "raylet.err").exists()


def test_what_cannot_be_removed_yet_is_found_by_the_next_start(root, monkeypatch, eventually):
    """While a process of Ray's has not ended the folder stays whole, and a later start removes it."""
    monkeypatch.setattr("raysk.cluster.private_ray.PATIENCE_S", 0.1)
    private = Private()
    command = [sys.executable, "-c", "input()", str(private.folder / "ray")]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        eventually(Path(f"/proc/{process.pid}/cmdline").read_bytes, "its arguments to be seen")
        private.remove()
        assert (private.folder / MARKER).exists()
        Private().remove()
        assert (private.folder / MARKER).exists()
        process.stdin.close()
    Private().remove()
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("name", ["a" * 20, b"\xff"], ids=["long", "no text"])
def test_a_temporary_folder_that_ray_cannot_use(root, monkeypatch, name):
    """Where the path of the temporary folder is too long or no UTF-8, /tmp is used instead."""
    folder = root / os.fsdecode(name)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    private = Private()
    private.remove()
    assert private.folder.parent == Path("/tmp")  # noqa: S108 - as said


def test_no_folder_can_be_made(root, monkeypatch):
    """A temporary folder that takes nothing is named, with what to do."""
    monkeypatch.setattr(tempfile, "tempdir", str(root / "gone"))
    monkeypatch.setattr("raysk.cluster.private_ray.LONGEST_ROOT", 100)
    with pytest.raises(ClusterError, match=r"gone'(.|\n)*TMPDIR"):
        Private()


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
