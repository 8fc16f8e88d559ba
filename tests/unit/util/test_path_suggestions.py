"""What a person may have meant by a path where nothing is."""

from __future__ import annotations

from raysk.util.path_suggestions import suggest_path


def test_near_names_are_suggested(tmp_path):
    """Files or folders with a name like a path's are suggested, whatever their case; of given names only these."""
    (tmp_path / "Model.pkl").touch()
    (tmp_path / "models").mkdir()
    assert suggest_path(tmp_path / "model.pk") == f"Did you mean {tmp_path / 'Model.pkl'}?"
    assert suggest_path(tmp_path / "modells", folders=True) == f"Did you mean {tmp_path / 'models'}?"
    assert suggest_path(tmp_path / "model.pk", ["other.pkl"]) == ""
    assert suggest_path(tmp_path / "none" / "model.pk") == ""
    assert suggest_path(tmp_path / "a\nb.pk", ["a\nb.pkl"]).isprintable()
