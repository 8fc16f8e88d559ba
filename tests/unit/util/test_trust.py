"""What was found, and not named, is believed only if nobody else can have written it."""

from __future__ import annotations

import os
import pwd

import pytest

from raysk.util.trust import why_not_trusted

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of another user, and become one")


@pytest.fixture
def found(tmp_path):
    """Make a file in a folder in a folder, all of this user's and closed to others."""
    path = tmp_path / "runs" / "one" / "run.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    for each in (path, path.parent, path.parent.parent):
        each.chmod(0o755)
    return path


def test_ones_own(found):
    """A file of this user's that only this user may write to is believed, and so is one that is not there."""
    assert why_not_trusted(found) is None
    assert why_not_trusted(found.with_name("journal.jsonl")) is None


@pytest.mark.parametrize("level", [0, 1])
def test_writable_for_everybody(found, level):
    """A file or a folder that everybody may write to is named."""
    place = (found, *found.parents)[level]
    place.chmod(0o777)
    assert why_not_trusted(found) == f"{str(place)!r} is writable for everybody"


def test_an_own_folder_ends_the_search(found):
    """What is above a folder of this user's does not matter: the folder cannot be replaced by another user's."""
    found.parents[1].chmod(0o777)
    assert why_not_trusted(found) is None


def test_a_sticky_folder(found):
    """In a sticky folder everybody may make files, but change nobody's: one of this user's is believed."""
    found.parent.chmod(0o1777)
    assert why_not_trusted(found) is None


@needs_root
@pytest.mark.parametrize("level", [0, 1])
def test_another_users(found, level):
    """A file or a folder of another user's is named with its owner."""
    place = (found, *found.parents)[level]
    os.chown(place, NOBODY, -1)
    assert why_not_trusted(found) == f"{str(place)!r} belongs to {pwd.getpwuid(NOBODY).pw_name}"


@needs_root
def test_another_users_in_a_sticky_folder(found):
    """Of a file in a sticky folder the owner decides."""
    found.parent.chmod(0o1777)
    os.chown(found, NOBODY, -1)
    assert "belongs to" in why_not_trusted(found)


@needs_root
def test_roots_is_believed_by_others(found, monkeypatch):
    """What belongs to root is believed by everybody; what is above it is looked at, up to a sticky folder."""
    monkeypatch.setattr(os, "geteuid", lambda: NOBODY)
    assert why_not_trusted(found) is None
    found.parents[1].chmod(0o777)
    assert why_not_trusted(found) == f"{str(found.parents[1])!r} is writable for everybody"


@needs_root
@pytest.mark.parametrize(("gid", "reason"), [(0, None), (NOBODY, "nogroup"), (54321, "54321")])
def test_writable_for_a_group(found, gid, reason):
    """A group that is this user's alone may write, as Debian sets it up; any other may not."""
    os.chown(found, -1, gid)
    found.chmod(0o664)
    assert why_not_trusted(found) == (None if reason is None else f"{str(found)!r} is writable for the group {reason}")


def test_links(found, tmp_path):
    """Of a symlink both count: the folder it is in, and where it leads."""
    link = tmp_path / "run.json"
    link.symlink_to(found)
    assert why_not_trusted(link) is None
    found.chmod(0o666)
    assert why_not_trusted(link) == f"{str(found)!r} is writable for everybody"
    found.chmod(0o644)
    tmp_path.chmod(0o777)
    assert why_not_trusted(link) == f"{str(tmp_path)!r} is writable for everybody"
