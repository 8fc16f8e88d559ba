"""The run folder, its manifest, atomic writes, and JSON for everything."""

import errno
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path

import joblib
import numpy as np
import pytest
from scipy.stats import uniform
from sklearn.svm import SVC

from raysk.errors import InputError, UsageError
from raysk.runs import folder
from raysk.runs.folder import RunFolder, finish_manifest, new_manifest
from raysk.runs.git import git_state
from raysk.runs.journal import Journal
from raysk.runs.overwriting import refuse_existing, remove_run
from raysk.util.jsonable import plain, plain_parameter, to_json
from raysk.util.provenance import versions
from raysk.util.writing import check_output, write_atomically, write_bytes, write_text, write_together


def refused(call, *args):
    """Return the message of the error that a call raises, of at most five lines."""
    with pytest.raises((InputError, UsageError)) as caught:
        call(*args)
    assert len(str(caught.value).splitlines()) <= 5
    return str(caught.value)


def names(path):
    """Return the names in a folder, hidden ones too."""
    return sorted(file.name for file in path.iterdir())


class TestWriteAtomically:
    def test_content(self, here):
        """The target holds what was written, and nothing else is left in the folder."""
        write_text(here / "a b.txt", "\N{SNOWMAN} 'x'\n")
        assert (here / "a b.txt").read_text(encoding="utf-8") == "\N{SNOWMAN} 'x'\n"
        assert names(here) == ["a b.txt"]

    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
    def test_error_leaves_the_old_file(self, here, error):
        """An error halfway leaves the existing file as it was and no temporary file."""

        def write(file):
            file.write(b"half")
            raise error

        write_bytes(here / "x", b"old")
        with pytest.raises(error):
            write_atomically(here / "x", write)
        assert (here / "x").read_bytes() == b"old"
        assert names(here) == ["x"]

    def test_private_while_temporary(self, here):
        """Until it is complete the file is readable by its owner only; then its mode follows the umask."""
        modes = []

        def write(file):
            file.write(b"secret")
            modes.extend(path.stat().st_mode & 0o777 for path in here.iterdir())

        before = os.umask(0o027)
        try:
            write_atomically(here / "x", write)
            after = os.umask(0o027)
        finally:
            os.umask(before)
        assert modes == [0o600]
        assert (here / "x").stat().st_mode & 0o777 == 0o640
        assert after == 0o027

    def test_existing_mode_is_kept(self, here):
        """A file that its owner made private stays private when it is written again."""
        write_bytes(here / "x", b"1")
        (here / "x").chmod(0o600)
        write_bytes(here / "x", b"2")
        assert (here / "x").stat().st_mode & 0o777 == 0o600

    def test_link_is_followed(self, here):
        """A link stays a link, and the file it points to is written."""
        (here / "disk").mkdir()
        (here / "x").symlink_to(here / "disk" / "real")
        write_bytes(here / "x", b"1")
        assert (here / "x").is_symlink()
        assert (here / "disk" / "real").read_bytes() == b"1"

    def test_pipe_is_written_not_replaced(self, here):
        """A named pipe gets the content and stays a pipe."""
        os.mkfifo(here / "pipe")
        got = []
        reader = threading.Thread(target=lambda: got.append((here / "pipe").read_bytes()), daemon=True)
        reader.start()
        write_bytes(here / "pipe", b"data")
        reader.join(timeout=30)
        assert got == [b"data"]
        assert (here / "pipe").is_fifo()

    def test_long_name(self, here):
        """A name as long as the file system allows can be written."""
        write_bytes(here / ("x" * 255), b"1")
        assert (here / ("x" * 255)).read_bytes() == b"1"

    def test_disk_full(self, here, monkeypatch):
        """A full disk is an InputError that names path and reason; the old file stays, no temporary does."""
        write_bytes(here / "x", b"old")

        def full(_):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        message = refused(write_bytes, here / "x", b"new")
        assert str(here / "x") in message
        assert "disk is full" in message
        assert (here / "x").read_bytes() == b"old"
        assert names(here) == ["x"]

    def test_missing_folder(self, here):
        """A missing folder is named with the quoted command that makes it."""
        message = refused(write_bytes, here / "no such" / "x", b"")
        assert f"mkdir -p '{here / 'no such'}'" in message

    def test_folder_as_target(self, here):
        """A folder as target is refused, saying so."""
        assert "it is a folder" in refused(write_bytes, here, b"")

    def test_file_as_folder(self, here):
        """A file used as a folder is refused, saying so."""
        write_bytes(here / "x", b"")
        assert "is a file, not a folder" in refused(write_bytes, here / "x" / "y", b"")

    def test_no_permission(self, here, monkeypatch):
        """A folder where no file can be made is refused, saying so."""

        def denied(**_):
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(tempfile, "mkstemp", denied)
        assert "permission denied" in refused(write_bytes, here / "x", b"")

    def test_locked_file(self, here, monkeypatch):
        """A file that may not be written is not replaced either."""
        write_bytes(here / "x", b"old")
        monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anything
        assert "permission denied" in refused(write_bytes, here / "x", b"new")
        assert (here / "x").read_bytes() == b"old"


class TestCheckOutput:
    def test_good_target(self, here):
        """A target that can be written passes, whatever the case of its suffix, and is not touched."""
        write_bytes(here / "a.CSV", b"old")
        check_output(here / "a.CSV", [".csv"])
        check_output(here / "anything")
        assert (here / "a.CSV").read_bytes() == b"old"
        assert names(here) == ["a.CSV"]

    def test_unknown_suffix(self, here):
        """An unknown suffix is a usage error that names the known ones."""
        with pytest.raises(UsageError, match=r"'.xls'.*\n.*\.csv, \.json"):
            check_output(here / "a.xls", [".csv", ".json"])

    def test_missing_folder(self, here):
        """A missing folder is found before the job runs."""
        assert "does not exist" in refused(check_output, here / "no" / "x")

    def test_folder(self, here):
        """A folder is found before the job runs."""
        assert "it is a folder" in refused(check_output, here)


class TestRunFolder:
    def test_default_place(self, here):
        """Without --run-dir the folder is raysk-runs/<name>-<time>, absolute, its name fit for a shell."""
        run = RunFolder.create(None, "my search/v2.py:grid")
        assert run.root.parent == here / "raysk-runs"
        assert re.fullmatch(r"my-search-v2\.py-grid-\d{8}-\d{6}", run.root.name)
        assert run.path("run.json") == run.root / "run.json"

    def test_unique(self, here, monkeypatch):
        """Runs that begin in the same second get folders of their own."""

        class Clock(datetime):
            @classmethod
            def now(cls, tz=None):
                return cls(2024, 1, 2, 3, 4, 5, tzinfo=tz)

        monkeypatch.setattr(folder, "datetime", Clock)
        made = [RunFolder.create(None, "x").root.name for _ in range(3)]
        assert made == ["x-20240102-030405", "x-20240102-030405-2", "x-20240102-030405-3"]
        assert len(names(here / "raysk-runs")) == 3

    @pytest.mark.parametrize("name", ["", "..", "///", "x" * 500])
    def test_odd_names(self, here, name):
        """Any name gives a folder inside raysk-runs."""
        assert RunFolder.create(None, name).root.parent == here / "raysk-runs"

    def test_given_folder(self, here):
        """A given folder is made with its parents, or used when it is empty; the path becomes absolute."""
        (here / "empty").mkdir()
        assert RunFolder.create(Path("new/deep one"), "x").root == here / "new" / "deep one"
        assert RunFolder.create(Path("empty"), "x").root == here / "empty"

    def test_used_folder(self, here):
        """A folder that holds a run is refused and not changed."""
        run = RunFolder.create(here / "one", "x")
        run.write_manifest({"outcome": "done"})
        assert "run.json" in refused(RunFolder.create, here / "one", "x")
        assert json.loads(run.path("run.json").read_text()) == {"outcome": "done"}

    def test_others_model(self, here):
        """A folder with a model.pkl in it is refused: the run would write over it."""
        write_bytes(here / "model.pkl", b"precious")
        assert "model.pkl" in refused(RunFolder.create, here, "x")

    def test_file(self, here):
        """A file as --run-dir is refused, saying so."""
        write_bytes(here / "f", b"")
        assert "is a file" in refused(RunFolder.create, here / "f", "x")

    def test_a_link_that_leads_nowhere(self, here):
        """A link to what is not there is refused by its name, as --run-dir and in the place of raysk-runs."""
        (here / "run").symlink_to("gone")
        (here / "raysk-runs").symlink_to("away")
        assert "is a link to 'gone', which is not there" in refused(RunFolder.create, here / "run", "x")
        assert "raysk-runs' is a link to what is not there" in refused(RunFolder.create, None, "x")
        assert names(here) == ["raysk-runs", "run"]

    def test_parent_is_a_file(self, here):
        """A folder that cannot be made is an InputError."""
        write_bytes(here / "raysk-runs", b"")
        assert "raysk-runs" in refused(RunFolder.create, None, "x")


class TestManifest:
    def test_start_and_end(self, here):
        """The manifest says running with no end, then the outcome, the end and further facts."""
        run = RunFolder.create(here / "r", "x")
        begun = new_manifest(job={"estimator": SVC(), "score": float("nan")}, cluster={"nodes": np.int64(2)})
        run.write_manifest(begun)
        first = json.loads(run.path("run.json").read_text())
        run.write_manifest(finish_manifest(begun, "done", time_s=np.float32(1.5)))
        last = json.loads(run.path("run.json").read_text())
        assert (first["schema"], first["outcome"], first["ended"]) == (1, "running", None)
        assert first["job"] == {"estimator": "SVC()", "score": None}
        assert first["cluster"] == {"nodes": 2}
        assert (last["outcome"], last["time_s"], last["job"]) == ("done", 1.5, first["job"])
        assert datetime.fromisoformat(last["ended"]) >= datetime.fromisoformat(first["started"])
        assert datetime.fromisoformat(first["started"]).tzinfo is not None

    def test_versions(self):
        """Versions name Python, raysk and what was asked for; what is not installed is null."""
        got = versions("numpy", "no-such-distribution")
        assert got["numpy"] == np.__version__
        assert got["no-such-distribution"] is None
        assert got["python"].startswith("3.")
        assert got["raysk"]

    def test_no_heavy_imports(self):
        """Neither the module nor a manifest imports ray, sklearn, joblib or numpy."""
        code = (
            "import sys, raysk.models.store, raysk.results.candidates;"
            "from raysk.runs import folder; folder.new_manifest(job={});"
            "heavy = {'ray', 'sklearn', 'joblib', 'numpy', 'pandas', 'cloudpickle'} & set(sys.modules);"
            "assert not heavy, heavy"
        )
        root = Path(folder.__file__).parents[2]
        subprocess.run([sys.executable, "-c", code], check=True, timeout=60, cwd=root)


def git(where, *args):
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run(["git", *identity, *args], cwd=where, check=True, timeout=30, capture_output=True)


class TestGit:
    @pytest.fixture
    def model(self, here, monkeypatch):
        """Return a committed file in a repository of its own."""
        monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(here.parent))
        git(here, "init")
        write_text(here / "my model.py", "x = 1\n")
        git(here, "add", ".")
        git(here, "commit", "-m", "one")
        return here / "my model.py"

    def test_clean(self, model):
        """A committed file is clean, also when a run folder lies beside it."""
        RunFolder.create(None, "x").write_manifest({})
        state = git_state(model)
        assert re.fullmatch(r"[0-9a-f]{40}", state["commit"])
        assert state["dirty"] is False

    def test_changed(self, model):
        """A changed file makes the state dirty."""
        write_text(model, "x = 2\n")
        assert git_state(model)["dirty"] is True

    def test_untracked(self, model):
        """A file that git does not track makes the state dirty: the commit does not have it."""
        write_text(model.with_name("new.py"), "")
        assert git_state(model.with_name("new.py"))["dirty"] is True

    def test_hook_environment(self, model, monkeypatch):
        """A GIT_DIR from a hook does not lead to another repository."""
        monkeypatch.setenv("GIT_DIR", "/nowhere")
        assert git_state(model) is not None

    def test_none(self, here, monkeypatch):
        """Outside a repository, in a missing folder, or without git, there is no state."""
        monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(here.parent))
        assert git_state(here / "model.py") is None
        assert git_state(here / "no" / "model.py") is None
        monkeypatch.setenv("PATH", "")
        assert git_state(here / "model.py") is None


class Broken:
    def __repr__(self):
        raise RuntimeError


class TestToJson:
    @pytest.mark.parametrize(
        ("obj", "expected"),
        [
            (np.float64(0.1), "0.1"),
            (np.float32(0.5), "0.5"),
            (np.longdouble(0.25), "0.25"),
            (np.int64(3), "3"),
            (np.bool_(True), "true"),  # noqa: FBT003
            (np.str_("a"), '"a"'),
            (float("nan"), "null"),
            (np.float64("-inf"), "null"),
            (np.array([[1.0, np.nan]]), "[[1.0, null]]"),
            (np.ma.MaskedArray([1, 2], mask=[False, True]), "[1, null]"),
            (np.ma.masked, "null"),
            (np.array(["2024-01-02", "NaT"], "M8[ns]"), '["2024-01-02T00:00:00.000000000", null]'),
            ((1, {"a": None}), '[1, {"a": null}]'),
            ({0: 1, np.int64(7): 2, None: 3}, '{"0": 1, "7": 2, "None": 3}'),
            ({"b", "a"}, '["a", "b"]'),
            (date(2024, 1, 2), '"2024-01-02"'),
            (Path("a b"), '"a b"'),
            (SVC(C=2), '"SVC(C=2)"'),
            (uniform(0, 1), '"uniform(0, 1)"'),
            (uniform(loc=1), '"uniform(loc=1)"'),
            (SVC, "\"<class 'sklearn.svm._classes.SVC'>\""),
            (plain, '"<function plain>"'),
            (Broken(), '"<Broken>"'),
            (1j, '"1j"'),
            (b"x", "\"b'x'\""),
            ("\N{SNOWMAN}\n", '"\\u2603\\n"'),
        ],
    )
    def test_value(self, obj, expected):
        """Each kind of value has its JSON, which a strict parser reads."""
        assert to_json(obj) == expected
        json.loads(to_json(obj), parse_constant=pytest.fail)

    def test_one_line(self):
        """A summary is one line, whatever its values hold."""
        assert len(to_json({"a": "x\ny\u2028z", "b": SVC(C=1, gamma=2, tol=3)}).splitlines()) == 1

    def test_long_arrays(self):
        """An array of more than 1,000 elements is its shape, its type and the hash that joblib gives; not a shorter."""
        long = np.arange(1001.0).reshape(7, 143)
        said = {"type": "ndarray", "shape": [7, 143], "dtype": "float64", "hash": joblib.hash(long)}
        assert plain({"a": [long]}) == {"a": [said]}
        assert plain(np.arange(1000)) == list(range(1000))
        assert plain(list(range(2000))) == list(range(2000))

    @pytest.mark.parametrize("value", ["x" * 2000, b"x" * 2000, list(range(2000)), dict.fromkeys(range(2000), 1)])
    def test_long_parameters(self, value):
        """A parameter's text, list or dict of more than 1,000 elements is told by its length and hash."""
        said = {"type": type(value).__name__, "length": 2000, "hash": joblib.hash(value)}
        assert plain_parameter({"a": (value, 1)}) == {"a": [said, 1]}
        json.dumps(plain_parameter([lambda: 1] * 2000))

    def test_container_that_holds_itself(self):
        """A container that holds itself becomes text instead of failing."""
        ring = [1]
        ring.append(ring)
        assert to_json(ring) == '"[1, [...]]"'


class TestExisting:
    def test_a_file_is_refused(self, here):
        """A file that is there is refused by its name, unless it may be replaced; what is not there never is."""
        (here / "a").touch()
        refuse_existing([None, here / "b"], force=False)
        refuse_existing([here / "a"], force=True)
        refuse_existing([here / "a"], force=False, own=[str(here / "a")])
        assert "--force" in refused(lambda: refuse_existing([here / "b", here / "a"], force=False))

    @pytest.mark.parametrize("name", ["/dev/null", "/dev/stdout", "/dev/fd/0", "pipe"])
    def test_pipes_and_devices_are_not(self, here, name):
        """Pipes, devices and open descriptors are no files that are there."""
        os.mkfifo(here / "pipe")
        refuse_existing([here / name], force=False)

    def test_a_run_is_removed(self, here):
        """Only what a run writes is removed; a run that goes on stays."""
        run = RunFolder.create(here / "run", "x")
        for name in ("run.json", "model.pkl", "notes"):
            run.path(name).touch()
        with Journal(run.path("journal.jsonl")):
            assert "in use" in refused(remove_run, run.root)
            assert "model.pkl" in names(run.root)
        remove_run(run.root)
        assert names(run.root) == ["notes"]
        remove_run(here / "none")
        run.path("model.pkl").mkdir()
        assert "it is a folder" in refused(remove_run, run.root)


class TestTogether:
    def test_what_is_there_by_now_is_somebody_elses(self, here):
        """A file that was to be new and is there by the time it is complete stays as it is; nothing else is left."""

        def write(file):
            file.write(b"ours")
            (here / "x").write_bytes(b"theirs")

        assert "left as it is" in refused(lambda: write_atomically(here / "x", write, new=True))
        assert (here / "x").read_bytes() == b"theirs"
        assert names(here) == ["x"]

    def test_files_that_belong_together(self, here):
        """Writers that end in the same moment leave the pair of one of them, whatever they do between."""

        def pair(number):
            content = str(number).encode()
            write_together([(here / name, lambda file: file.write(content)) for name in "ab"])
            return number

        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(pair, range(100))) == list(range(100))
        assert (here / "a").read_bytes() == (here / "b").read_bytes()
        assert names(here) == ["a", "b"]

    def test_the_second_fails_before_the_first_takes_its_place(self, here):
        """Where one of several cannot be written none is."""
        write_bytes(here / "a", b"old")
        files = [(here / "a", lambda file: file.write(b"new")), (here / "no such" / "b", lambda _: None)]
        assert "does not exist" in refused(write_together, files)
        assert (here / "a").read_bytes() == b"old"
        assert names(here) == ["a"]
