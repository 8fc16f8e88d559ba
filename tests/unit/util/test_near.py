"""What a person may have meant by a path where nothing is."""

from __future__ import annotations

from raysk.util.near import meant


def test_near_names_are_suggested(tmp_path):
    """Files or folders with a name like a path's are suggested, whatever their case; of given names only these."""
    (tmp_path / "Model.pkl").touch()
    (tmp_path / "models").mkdir()
    assert meant(tmp_path / "model.pk") == f"Did you mean {tmp_path / 'Model.pkl'}?"
    assert meant(tmp_path / "modells", folders=True) == f"Did you mean {tmp_path / 'models'}?"
    assert meant(tmp_path / "model.pk", ["other.pkl"]) == ""
    assert meant(tmp_path / "none" / "model.pk") == ""
    assert meant(tmp_path / "a\nb.pk", ["a\nb.pkl"]).isprintable()
