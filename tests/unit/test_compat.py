"""What is changed of Ray while it starts, and the messages that the installed libraries have for us to recognise."""

from __future__ import annotations

import io
import re
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, json
from ray import client_builder, exceptions
from ray._private import utils
from ray._private.serialization import SerializationContext
from ray.core.generated.common_pb2 import ErrorType
from ray.core.generated.common_pb2 import JobConfig as Message
from ray.job_config import JobConfig
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from raysk import _compat
from raysk._compat import numpy as numpy_private
from raysk._compat import pyarrow as pyarrow_private
from raysk._compat import ray as ray_private
from raysk._compat import sklearn as sklearn_private
from raysk._compat.stdlib import python_unpickler
from raysk.models.machine import Machine

X, Y = np.arange(12.0).reshape(-1, 1), np.arange(12) % 2


def raised(function, *args, **options):
    """Return the exception that a call raises."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - its words are what is tested
        function(*args, **options)
    return caught.value


def test_a_private_name_that_is_gone():
    """The message says which version of which library lacks what."""
    with pytest.raises(_compat.CompatError, match=r"^sklearn\.base of scikit-learn \d\S+ has no _gone; raysk needs it"):
        _compat.private("sklearn.base", "clone", "_gone")


# --- Ray's start


def test_a_command_whose_arguments_are_no_text(monkeypatch):
    """Ray keeps the command as text, and could not start with an argument of other bytes."""
    monkeypatch.setattr(utils, "get_entrypoint_name", lambda: "raysk fit m\udcff.py")
    with ray_private.ray_settings(private=True, quiet=True):
        assert utils.get_entrypoint_name() == "raysk fit m?.py"


def test_the_drivers_folders_are_not_put_before_libraries():
    """Ray would have workers look for modules in the current folder first."""
    config = JobConfig()
    with ray_private.ray_settings(private=True, quiet=True):
        config._py_driver_sys_path.append("/where/somebody/works")
        sent = config._serialize()
    assert list(Message.FromString(sent).py_driver_sys_path) == []


def test_the_unpickler_in_python():
    """What `Machine` follows in its own way are instructions that the standard library's unpickler follows."""
    ours = {name for name in vars(Machine) if name.startswith("load_")}
    ours |= {"find_class", "get_extension", "persistent_load", "_instantiate"}
    assert {name for name in ours if not hasattr(python_unpickler(), name)} == set()


# --- messages


def test_ray_has_other_versions():
    """The lines that tell of versions are found."""
    error = raised(utils.check_version_info, {"ray_version": "2.0.0", "python_version": "3.7.1"}, "this node")
    theirs, ours = ["Ray: 2.0.0", "Python: 3.7.1"], utils.compute_version_info()
    assert ray_private.other_versions(error) == [*theirs, f"Ray: {ours[0]}", f"Python: {ours[1]}"]
    assert ray_private.other_versions(ValueError("Ray: 2")) == []


def test_ray_refuses_a_token():
    """What Ray says of a wrong token, and of none, is recognised."""
    from ray._private.authentication import authentication_constants as constants

    for text in (constants.TOKEN_INVALID_ERROR_MESSAGE, constants.TOKEN_AUTH_ENABLED_BUT_NO_TOKEN_FOUND_ERROR_MESSAGE):
        assert ray_private.is_wrong_token(exceptions.AuthenticationError(text))
    assert not ray_private.is_wrong_token(ConnectionError("nobody listens"))


def test_rays_client_is_missing(monkeypatch):
    """An address that needs it is refused in words that are recognised."""
    monkeypatch.setattr(client_builder, "get_ray_client_dependency_error", lambda: "none")
    assert ray_private.is_client_missing(raised(client_builder.ClientBuilder, "ray://there:1"))
    assert not ray_private.is_client_missing(ConnectionError("nobody listens"))


def test_why_an_actor_of_rays_is_gone():
    """Out of memory, and a start that failed, are told from all other ends."""
    context = SimpleNamespace(_deserialize_error_info=lambda *_: SimpleNamespace(error_message="killed"))
    kind = str(ErrorType.Value("OUT_OF_MEMORY")).encode()
    killed = SerializationContext._deserialize_object(context, b"", kind, None, None)
    failed = exceptions.ActorDiedError(exceptions.RayTaskError("__init__", "Traceback ...", ValueError("no")))
    died = exceptions.ActorDiedError()
    assert [ray_private.is_out_of_memory(each) for each in (killed, failed, died)] == [True, False, False]
    assert [ray_private.is_failed_start(each) for each in (killed, failed, died)] == [False, True, False]


@pytest.mark.filterwarnings("ignore")
def test_every_fit_of_scikit_learns_failed():
    """Each fit's traceback is found in the message; another error of a search is left alone."""
    told = sklearn_private.all_fits_failed(raised(GridSearchCV(SVC(), {"C": [-1.0, -2.0]}, cv=2).fit, X, Y))
    assert told.extent == "All 4 fits failed"
    assert sorted(set(re.findall(r"Got (-\S+) instead", "".join(told.errors)))) == ["-1.0", "-2.0"]
    assert sklearn_private.all_fits_failed(raised(GridSearchCV(SVC(), {"C": []}).fit, X, Y)) is None


@pytest.mark.filterwarnings("ignore:One or more of the test scores")
def test_scikit_learn_warns_of_failures():
    """Its warnings about fits and scores that failed are told from all others."""

    def score(_model, _X, _y):
        raise ValueError("no")

    with pytest.warns(match="fits failed") as of_fits:
        GridSearchCV(SVC(), {"C": [-1.0, 1.0]}, cv=2).fit(X, Y)
    with pytest.warns(match="Scoring failed") as of_scores:
        GridSearchCV(SVC(), {"C": [1.0]}, cv=2, scoring=score).fit(X, Y)
    heard = [*of_fits, *of_scores]
    assert all(sklearn_private.tells_of_failures(each.category, str(each.message)) for each in heard)
    assert {each.category.__name__ for each in heard} == {"FitFailedWarning", "UserWarning"}
    assert not sklearn_private.tells_of_failures(UserWarning, "X does not have valid feature names")


def test_an_array_of_numpys_is_read_only():
    """Whichever way it is written into."""
    values = np.zeros(2)
    values.flags.writeable = False
    assert numpy_private.is_read_only(raised(values.__setitem__, 0, 1.0))
    assert numpy_private.is_read_only(raised(values.sort))
    assert numpy_private.is_read_only(raised(np.add, values, 1.0, out=values))
    assert not numpy_private.is_read_only(raised(np.add, values, 1.0, out=np.zeros(3)))


def test_what_pyarrow_refuses():
    """A name that comes late in JSON lines, and a decimal comma; rows and columns are said in our words."""
    parse = json.ParseOptions(explicit_schema=pa.schema([("a", "int64")]), unexpected_field_behavior="error")
    late = raised(json.read_json, io.BytesIO(b'{"a": 1}\n{"b": 1}\n'), parse_options=parse)
    assert pyarrow_private.is_new_name(late)
    types = csv.ConvertOptions(column_types={"b": "float64"})
    text = str(raised(csv.read_csv, io.BytesIO(b'a,b\n1,"1,5"\n'), convert_options=types))
    assert pyarrow_private.is_decimal_comma(text)
    assert not pyarrow_private.is_decimal_comma(text.replace("1,5", "x"))
    said = pyarrow_private.rename_places(text, row=lambda number: f"row {number}", column=lambda at: f"'b' ({at})")
    assert "In CSV 'b' (1): " in said
    short = str(raised(csv.read_csv, io.BytesIO(b"a,b\n1,2\n1\n"), read_options=csv.ReadOptions(use_threads=False)))
    assert "row 2:" in pyarrow_private.rename_places(short, row=lambda number: f"row {number - 1}", column=str)
