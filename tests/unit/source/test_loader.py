from __future__ import annotations

import hashlib
import os
import pickle
import subprocess
import sys
from pathlib import Path

import cloudpickle
import joblib
import numpy as np
import pytest

import raysk
from raysk.errors import InputError
from raysk.source.file_data import find_data
from raysk.source.loader import load
from raysk.source.objects import find_estimator

SVC = "from sklearn.svm import SVC\n"


@pytest.fixture(autouse=True)
def _restore_imports(monkeypatch, tmp_path):
    """Give each test its own import state and its own current folder."""
    modules = set(sys.modules)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.chdir(tmp_path)
    yield
    for name in set(sys.modules) - modules:
        file = getattr(sys.modules[name], "__file__", None)
        if file and file.startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file and returns its path as text."""

    def _write(text, name="model.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return _write


def fails(source, *words):
    """Assert that loading fails in five lines or fewer that hold the words."""
    with pytest.raises(InputError) as caught:
        load(source)
    text = str(caught.value)
    assert type(caught.value) is InputError
    assert len(text.splitlines()) <= 5, text
    for word in words:
        assert word in text
    return caught.value


# --- naming


def test_file_without_attr(write):
    """A file's public objects are found, without modules and private names."""
    path = write(SVC + "import os\n_hidden = 1\nmodel = SVC(C=3)\n")
    found = load(path)
    assert found.names["model"].C == 3
    assert found.chosen is None
    assert "os" not in found.names
    assert "_hidden" not in found.names
    assert str(found.path) == path
    assert found.source_hash == hashlib.sha256(found.path.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", ["my model.py", 'it\'s "x".py', "a:b.py", "C:odd:name.py", "dir with space/m.py"])
def test_odd_paths(write, name):
    """A path may hold spaces, quotes and colons, also with a name after it."""
    path = write(SVC + "model = SVC()\nother = SVC(C=2)\n", name)
    assert find_estimator(load(path)).C == 1
    assert find_estimator(load(f"{path}:other")).C == 2


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text elsewhere")
def test_path_that_is_not_utf8(tmp_path):
    """A path of bytes that are no UTF-8 loads, and fails with a printable message."""
    path = os.fsdecode(os.fsencode(tmp_path) + b"/m\xff.py")
    Path(path).write_text(SVC + "model = SVC()\n")
    assert find_estimator(load(path)).C == 1
    str(fails(path + ":nothing", "nothing")).encode()


def test_the_longest_existing_path_wins(write):
    """With files a and a:b.py, the text a:b.py is the file of that name."""
    write("x = 1\n", "a.py")
    path = write(SVC + "model = SVC()\n", "a.py:b.py")
    assert "model" in load(path).names


def test_attr_of_attr(write):
    """A dotted name after the colon is followed, also to private names."""
    path = write(SVC + "class _Box:\n    inner = SVC(C=7)\n")
    assert load(f"{path}:_Box.inner").chosen.C == 7


def test_module_attr():
    """A class of an installed library is made with literal arguments and does not travel by value."""
    found = load("sklearn.svm:SVC(C=10, kernel='linear')")
    assert (found.chosen.C, found.chosen.kernel) == (10, "linear")
    assert found.modules == ()
    assert found.source_hash is None


def test_own_package_attr(write):
    """A module of the current folder is importable, and travels by value with its package."""
    write("", "mypkg_a/__init__.py")
    path = write(SVC + "est = SVC(C=5)\n", "mypkg_a/models.py")
    found = load("mypkg_a.models:est")
    assert found.chosen.C == 5
    assert {module.__name__ for module in found.modules} == {"mypkg_a", "mypkg_a.models"}
    assert str(found.path) == path
    assert found.source_hash


def test_factory(write):
    """A factory is called with literal arguments, or by its bare name with none."""
    path = write(SVC + "def make(c=1, *, kernel='rbf'):\n    return SVC(C=c, kernel=kernel)\n")
    assert load(f"{path}:make(3, kernel='a:b')").chosen.kernel == "a:b"
    assert load(f"{path}:make()").chosen.C == 1
    assert load(f"{path}:make").chosen.C == 1
    assert load(f"{path}:make(c=-2)").chosen.C == -2


def test_class_without_arguments_is_made(write):
    """Naming an estimator's class makes one."""
    assert load(write(SVC) + ":SVC").chosen.C == 1


# --- running the file


def test_main_block_does_not_run(write):
    """What stands under __name__ == '__main__' is for running the file as a script."""
    found = load(write("ran = False\nif __name__ == '__main__':\n    ran = True\n", "some_script.py"))
    assert found.names["ran"] is False
    assert "some_script" in sys.modules


@pytest.mark.parametrize("name", ["json.py", "pytest.py", "my-model.py", "class.py", "1st.py", "colorsys.py"])
def test_module_name_never_hides_another(write, name):
    """A file named like an importable module, or like no module, gets a name of its own."""
    before = sys.modules.get(name[:-3])
    found = load(write(SVC + "def f(): pass\nmodel = SVC()\n", name))
    assert found.names["f"].__module__.startswith("raysk_user_")
    assert sys.modules.get(name[:-3]) is before


def test_loading_twice(write):
    """A second load runs the file again, under another name."""
    path = write("class A: pass\n", "twice_loaded.py")
    first, second = load(path).names["A"], load(path).names["A"]
    assert first is not second
    assert first.__module__ != second.__module__


def test_neighbours_are_importable_and_travel(write, tmp_path):
    """Modules beside the file are found, also when they are imported late; they travel, libraries do not."""
    write("class Helper: pass\n", "helper_of_x.py")
    write("def late(): return 'late'\n", "late_of_x.py")
    text = "import colorsys, sklearn.svm, helper_of_x\nh = helper_of_x.Helper()\n"
    path = write(text + "def f():\n    import late_of_x\n    return late_of_x.late()\n", "user_x.py")
    found = load(path)
    assert sys.path[-1] == str(tmp_path)
    assert {module.__name__ for module in found.modules} == {"user_x", "helper_of_x"}
    assert found.names["f"]() == "late"
    registry = cloudpickle.list_registry_pickle_by_value()
    assert {"user_x", "helper_of_x"} <= set(registry)


IMPORTS = """
import sys
sys.path.append("env/site-packages")
import installed_x, package_x
library, neighbour = installed_x.colorsys.__file__, package_x.wave.__file__
del sys.modules["colorsys"]
import colorsys
own = colorsys.__file__
"""


def test_a_neighbour_named_like_a_library(write, monkeypatch):
    """The file and packages beside it get their neighbour, a library that imports the name gets the library."""
    for name in ("colorsys", "wave"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    neighbours = [write("", name) for name in ("colorsys.py", "wave.py")]
    write("import wave\n", "package_x/__init__.py")
    write("import colorsys\n", "env/site-packages/installed_x.py")
    found = load(write(IMPORTS, "user_n.py")).names
    assert [found["own"], found["neighbour"]] == neighbours
    assert found["library"] not in neighbours


def test_a_module_named_like_a_library(write, monkeypatch):
    """Where a module is named, a library comes before a file of that name in the current folder."""
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    write("raise SystemExit\n", "colorsys.py")
    assert load("colorsys:ONE_THIRD").chosen == pytest.approx(1 / 3)


def test_no_bytecode_beside_the_file(write, tmp_path):
    """Loading leaves nothing behind in the person's folder, and the setting as it was."""
    write("a = 1\n", "helper_of_y.py")
    saved = sys.dont_write_bytecode
    load(write("import helper_of_y\n", "user_y.py"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["helper_of_y.py", "user_y.py"]
    assert sys.dont_write_bytecode is saved


def test_class_of_the_file_travels_by_value(write, tmp_path):
    """A pickled object of the person's class loads in a process that cannot see the file."""
    text = "from sklearn.svm import SVC\nclass Mine(SVC):\n    def hello(self): return 'hello'\nmodel = Mine()\n"
    found = load(write(text, "user_z.py"))
    (tmp_path / "out.bin").write_bytes(cloudpickle.dumps(found.names["model"]))
    code = "import pickle,sys; print(pickle.load(open(sys.argv[1],'rb')).hello())"
    command = [sys.executable, "-I", "-c", code, str(tmp_path / "out.bin")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "hello\n"


# --- pickles


def _dumped(path, value, how):
    if how is joblib:
        joblib.dump(value, path, compress=("gzip", 3) if str(path).endswith(".gz") else 0)
    else:
        path.write_bytes(how.dumps(value))
    return str(path)


@pytest.mark.parametrize("how", [pickle, joblib, cloudpickle])
@pytest.mark.parametrize("name", ["a b.pkl", "a.pickle", "a.joblib"])
def test_pickle_of_an_estimator(tmp_path, how, name):
    """A pickle by any of the three libraries holds its object as what was chosen."""
    from sklearn import svm

    found = load(_dumped(tmp_path / name, svm.SVC(C=8), how))
    assert found.chosen.C == 8
    assert list(found.names) == ["SVC"]
    assert load(f"{tmp_path / name}:kernel").chosen == "rbf"


def test_pickle_of_parts(tmp_path):
    """A pickled dict holds the conventional names; compressed pickles are read too."""
    from sklearn import svm

    parts = {"model": svm.SVC(C=2), "param_grid": {"C": [1, 2]}, "X": np.ones((4, 2)), "y": [0, 1, 0, 1]}
    path = _dumped(tmp_path / "spec.joblib.gz", parts, joblib)
    found = load(path)
    assert found.chosen is None
    assert find_estimator(found).C == 2
    assert find_data(found).X.shape == (4, 2)
    assert load(f"{path}:model").chosen.C == 2
    fails(f"{path}:modle", "modle", "Did you mean model")


@pytest.mark.parametrize("content", [b"", b"hello world", b"\x80\x04\x95", b"\x1f\x8b\x08 junk", b"half"])
def test_damaged_pickle(write, content):
    """An empty, truncated or foreign file says so, and what to do."""
    if content == b"half":
        content = pickle.dumps(list(range(1000)))[:700]
    fails(write(content, "bad.pkl"), "bad.pkl", "ump")


def test_pickle_that_needs_a_missing_module(write):
    """A pickle of a module that is not here names the module and the ways out."""
    fails(write(b"cno_such_module_q\nFoo\n.", "m.pkl"), "no_such_module_q", "cloudpickle", ".py")


def test_pickle_of_a_script_class(write):
    """A pickle of a class of __main__ explains where the class is."""
    fails(write(b"c__main__\nFoo_of_main\n.", "m.pkl"), "script", "Foo_of_main", "cloudpickle.dump")


# --- errors


def test_missing_file_names_the_nearest(write):
    """A missing file's message offers the files with nearly that name."""
    path = write("", "model.py")
    fails(path.replace("model", "modle"), "modle.py", "Did you mean", "model.py")
    fails(path.replace("model", "modle") + ":clf", "modle.py", "Did you mean")
    fails("other_thing.py", "other_thing.py", "model.py")
    fails("no/such/folder/x.py", "folder", "does not exist")
    fails("mod", "no file mod", "mod:NAME")


def test_text_that_is_no_path():
    """An over-long or odd text is a missing file, not a crash."""
    for text in ["x" * 5000, "a\0b.py", "", ":", "a b:c"]:
        fails(text)


def test_folder(write, tmp_path):
    """A folder's message lists the files in it."""
    write("", "sub/thing.py")
    fails(str(tmp_path / "sub"), "folder", "thing.py")
    (tmp_path / "bare").mkdir()
    fails(str(tmp_path / "bare"), "folder", "no .py")


@pytest.mark.parametrize("name", ["notes.txt", "Makefile", "x.csv.gz"])
def test_unknown_kind(write, name):
    """A file of another kind says which kinds can be loaded."""
    fails(write("hello", name), name, ".joblib")


def test_unreadable_file(write, monkeypatch):
    """A file that may not be read gives the system's reason."""
    path = write("")

    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    fails(path, "cannot be read", "Permission denied")


def test_syntax_error(write):
    """A syntax error names file and line, and shows the line."""
    fails(write("x = 1\nmodel = = 3\n"), "model.py:2", "model = = 3")
    fails(write(b"a = 1\0\n"), "not valid Python")
    fails(write(b"a = 'caf\xe9'\n"), "not valid Python")


def test_exception_at_import(write):
    """What the file raised comes with its type, line and text."""
    held = len([name for name in sys.modules if name.startswith("raysk_user_model")])
    path = write("import os\n\nimport foo_not_there\n")
    err = fails(path, "model.py raised ModuleNotFoundError at line 3: No module named 'foo_not_there'", "Install")
    assert isinstance(err.__cause__, ModuleNotFoundError)
    fails(write("\nopen('no-such.csv')\n"), "model.py raised FileNotFoundError at line 2", "Relative paths")
    fails(write("import sys\nsys.exit(3)\n"), "model.py raised SystemExit at line 2: 3", "__main__")
    fails(write("raise ValueError('a\\n' * 500)\n"), "ValueError at line 1")
    fails(write("from . import x\n"), "ImportError at line 1", "package.module:attr")
    assert len([name for name in sys.modules if name.startswith("raysk_user_model")]) == held


def test_exception_in_a_neighbour(write):
    """The deepest frame of the person's own files is blamed, below it only libraries."""
    write("import json\n\ndef go():\n    return json.loads('{')\n", "helper_deep.py")
    fails(write("import helper_deep\nhelper_deep.go()\n", "user_deep.py"), "helper_deep.py", "line 4")
    write("a b\n", "helper_bad.py")
    fails(write("import helper_bad\n", "user_bad.py"), "helper_bad.py", "SyntaxError at line 1")


def test_interrupt_passes_through(write):
    """Ctrl-C while the file runs stays KeyboardInterrupt."""
    with pytest.raises(KeyboardInterrupt):
        load(write("raise KeyboardInterrupt\n"))


def test_missing_module(write):
    """A module that is not there, or whose own import fails, says which."""
    fails("no_such_pkg_q.mod:clf", "no_such_pkg_q", "path of a .py")
    fails("sklearn.no_such:clf", "sklearn.no_such")
    write("import foo_not_there\n", "own_mod_q.py")
    fails("own_mod_q:clf", "own_mod_q", "line 1", "foo_not_there")
    write("1 / 0\n", "own_mod_r.py")
    fails("own_mod_r:clf", "ZeroDivisionError")


def test_unknown_attr(write):
    """A wrong name after the colon offers the nearest ones."""
    path = write(SVC + "classifier = SVC()\n")
    fails(f"{path}:clasifier", "model.py", "clasifier", "Did you mean classifier")
    fails(f"{path}:zzz", "names in it are", "classifier")
    fails(f"{path}:classifier.kernl", "kernl", "kernel")
    fails("sklearn.svm:SVX", "SVX", "SVC")


@pytest.mark.parametrize("attr", ["", "1 + 2", "a b", "f(x)(y)", "class", "f(", "a[0]", "\ud800", "(" * 300])
def test_attr_that_is_no_name(write, attr):
    """What follows the colon must be a name or a call."""
    fails(write("a = [1]\n") + ":" + attr, "model.py", "Write for example")


@pytest.mark.parametrize("arg", ["n", "C=x", "C=1+n", "C=f(1)", "*[1]", "**{'a': 1}"])
def test_argument_that_is_no_literal(write, arg):
    """Factory arguments are literals only: nothing typed in the shell is evaluated."""
    fails(write(SVC) + f":SVC({arg})", "SVC", "literal" if "**" not in arg else "name=value")


def test_wrong_arguments(write):
    """Arguments that the factory does not take name those that it takes."""
    path = write(SVC + "class Bag:\n    def __init__(self, size): pass\ndef make(alpha, beta=1): pass\n")
    fails(f"{path}:SVC(c=10)", "'c'", "Did you mean C")
    fails(f"{path}:make", "alpha", "make(alpha=...)")
    fails(f"{path}:Bag", "size", "Bag(size=...)")


def test_factory_that_raises(write):
    """A factory's exception names its line; one that returns nothing says so."""
    path = write("def make():\n    return 1 / 0\ndef leave():\n    raise SystemExit\ndef none():\n    pass\n")
    fails(f"{path}:make()", "make()", "model.py", "ZeroDivisionError at line 2")
    fails(f"{path}:leave", "SystemExit at line 4")
    fails(f"{path}:none", "is None")


def test_calling_what_cannot_be_called(write):
    """Brackets after an object that is no function say to leave them out."""
    fails(write(SVC + "clf = SVC()\n") + ":clf(C=1)", "SVC", "without the brackets")


def test_spec_stays_light():
    """Importing the package brings in none of the heavy libraries."""
    code = f"import sys; sys.path.insert(0, {str(Path(raysk.__file__).parents[1])!r})\n"
    code += "import raysk.source.loader, raysk.request.assemble\n"
    code += "print({'ray', 'sklearn', 'numpy', 'joblib', 'pandas', 'cloudpickle'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
