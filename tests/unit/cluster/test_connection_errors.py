"""What keeps a program from Ray is said before Ray starts."""

from __future__ import annotations

import pytest

from raysk.cluster.connection_errors import NUMBERS, check_surroundings
from raysk.errors import InputError, UsageError


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["abc", "", "1.5", "1e3", " 1", "99999999999", "1\udcff"])
def test_a_variable_that_ray_cannot_read(monkeypatch, name, value):
    """Ray would crash on it: it is named, with what to type."""
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=f"^{name} is (.|\n)*unset {name}$"):
        check_surroundings()


@pytest.mark.parametrize(
    ("name", "value"), [(name, str(good)) for name, r in NUMBERS.items() for good in (r[0], r[-1])]
)
def test_a_variable_that_ray_can_read(monkeypatch, name, value):
    """Numbers that Ray reads are left alone."""
    monkeypatch.setenv(name, value)
    check_surroundings()


def test_a_current_folder_that_is_gone(tmp_path, monkeypatch):
    """Ray needs a current folder: without one, that is said, and not that Ray could not be started."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(InputError, match=r"current folder(.|\n)*'cd'"):
        check_surroundings()
