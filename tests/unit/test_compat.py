"""What is changed of Ray while it starts."""

from __future__ import annotations

from ray._private import utils
from ray.core.generated.common_pb2 import JobConfig as Message
from ray.job_config import JobConfig

from raysk import _compat
from raysk.models.machine import Machine


def test_a_command_whose_arguments_are_no_text(monkeypatch):
    """Ray keeps the command as text, and could not start with an argument of other bytes."""
    monkeypatch.setattr(utils, "get_entrypoint_name", lambda: "raysk fit m\udcff.py")
    with _compat.ray_settings(private=True, quiet=True):
        assert utils.get_entrypoint_name() == "raysk fit m?.py"


def test_the_drivers_folders_are_not_put_before_libraries():
    """Ray would have workers look for modules in the current folder first."""
    config = JobConfig()
    with _compat.ray_settings(private=True, quiet=True):
        config._py_driver_sys_path.append("/where/somebody/works")
        sent = config._serialize()
    assert list(Message.FromString(sent).py_driver_sys_path) == []


def test_the_unpickler_in_python():
    """What `Machine` follows in its own way are instructions that the standard library's unpickler follows."""
    ours = {name for name in vars(Machine) if name.startswith("load_")}
    ours |= {"find_class", "get_extension", "persistent_load", "_instantiate"}
    assert {name for name in ours if not hasattr(_compat.python_unpickler(), name)} == set()
