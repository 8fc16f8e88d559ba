"""What several tests of runs start from."""

from __future__ import annotations

import pytest


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Return a working directory with a space in its name."""
    path = tmp_path / "my runs"
    path.mkdir()
    monkeypatch.chdir(path)
    return path
