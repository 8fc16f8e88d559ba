"""What another version on a node means."""

from __future__ import annotations

import sys
from importlib.metadata import version

import joblib
import pytest

from raysk.util.versions import (
    MODULES,
    RULES,
    compare,
    consequence,
    failed_imports,
    installed_versions,
    join_differences,
    remedy,
)

HERE = {
    "Python": "3.11.7",
    "ray": "2.60.0",
    "scikit-learn": "1.9.1",
    "numpy": "2.4.6",
    "scipy": "1.17.1",
    "joblib": "1.6.0",
    "threadpoolctl": "3.8.0",
    "cloudpickle": "3.1.2",
}


def differing(errors=None, *, allow_versions=False, **there):
    """Return how a node differs that has these versions: ``scikit_learn="1.8"``."""
    changed = {name.replace("_", "-"): value for name, value in there.items()}
    return compare(HERE, {**HERE, **changed}, errors or {}, allow_versions=allow_versions)


def test_what_is_the_same_is_no_difference():
    """A node with the same versions does not differ."""
    assert differing() == []


@pytest.mark.parametrize(
    ("package", "there", "fatal", "results"),
    [
        ("Python", "3.12.7", True, True),
        ("Python", "3.11.9", False, False),
        ("ray", "2.60.1", True, True),
        ("scikit-learn", "1.8.0", True, True),
        ("scikit-learn", "1.9.0", True, True),
        ("scikit-learn", "1.10.0", True, True),
        ("scikit-learn", None, True, True),
        ("numpy", "1.26.4", True, True),
        ("numpy", "2.3.0", False, True),
        ("numpy", None, True, True),
        ("scipy", "1.16.0", False, True),
        ("joblib", "1.5.0", False, False),
        ("joblib", None, True, True),
        ("threadpoolctl", "3.5.0", False, False),
        ("threadpoolctl", None, True, True),
        ("cloudpickle", "2.0.0", False, False),
    ],
)
def test_which_differences_matter(package, there, fatal, results):
    """A node is refused where code does not run or results and models differ; smaller ones may change last digits."""
    (found,) = compare(HERE, {**HERE, package: there}, {}, allow_versions=False)
    assert (found.package, found.here, found.there) == (package, HERE[package], there)
    assert (found.fatal, found.results) == (fatal, results)


def test_nodes_need_no_cloudpickle():
    """Messages are made with the cloudpickle inside Ray: a node without another one does not differ."""
    assert differing(cloudpickle=None) == []


@pytest.mark.parametrize(
    ("package", "there", "fatal"),
    [
        ("scikit_learn", "1.8.0", False),
        ("numpy", "1.26.4", False),
        ("scikit_learn", None, True),
        ("Python", "3.12.0", True),
        ("ray", "2.50.0", True),
    ],
)
def test_what_a_person_may_accept(package, there, fatal):
    """--allow-versions accepts other results, but not what cannot run; results still differ."""
    (found,) = differing(allow_versions=True, **{package: there})
    assert found.fatal is fatal
    assert found.results


def test_differences_in_words():
    """All differences stand in one sentence, with both versions, or what is wrong."""
    broken = {
        "numpy": "ValueError: numpy.dtype size changed",
        "joblib": "ModuleNotFoundError: No module named 'joblib'",
    }
    found = differing(broken, scikit_learn="1.8.0", numpy=None, joblib=None)
    assert join_differences(found) == (
        "scikit-learn 1.8.0 (1.9.1 here), a broken numpy (ValueError: numpy.dtype size changed) and no joblib"
    )
    assert join_differences(found[:1]) == "scikit-learn 1.8.0 (1.9.1 here)"


@pytest.mark.parametrize(
    ("there", "means", "words", "accept"),
    [
        ({"scikit_learn": "1.8.0"}, "results and models may differ", "pip install scikit-learn==1.9.1", True),
        ({"scikit_learn": "1.8.0", "numpy": "1.26.4"}, "may differ", "scikit-learn==1.9.1 numpy==2.4.6", True),
        ({"scikit_learn": "1.8.0", "joblib": None}, "no fit can run", "scikit-learn==1.9.1 joblib==1.6.0", False),
        ({"Python": "3.12.0", "numpy": "1.26.4"}, "code from this machine", "one Python on both, 3.11.7 here", False),
        ({"scipy": "1.16.0"}, "", "pip install scipy==1.17.1", False),
    ],
)
def test_what_to_do(there, means, words, accept):
    """The remedy pins what is here; the option is named only where it would help."""
    found = differing(**there)
    assert means in consequence(found)
    assert words in remedy(found)
    assert ("--allow-versions" in remedy(found)) is accept


def test_versions_of_this_machine():
    """Every package has a version here: the imported module's own where there is one."""
    found = installed_versions()
    assert list(found) == list(RULES)
    assert found["numpy"] == version("numpy")
    assert set(RULES) - {"Python"} == set(MODULES)


def test_a_version_is_what_is_imported(monkeypatch):
    """What a loaded module says counts more than what was installed beside it."""
    monkeypatch.setattr(joblib, "__version__", "0.1")
    assert installed_versions()["joblib"] == "0.1"


def test_what_is_not_installed_has_no_version(monkeypatch):
    """A package that is not there, or does not import, has None."""
    monkeypatch.setitem(MODULES, "no-such-package", "no_such_module")
    found = installed_versions(["numpy"])
    assert found["no-such-package"] is None
    assert found["numpy"] is None


def test_modules_that_do_not_import_are_told(tmp_path, monkeypatch):
    """What an import raises is told in one line, by the module's top-level name; the others are imported."""
    (tmp_path / "broken_one.py").write_text("raise ValueError('dtype size\\n changed')")
    (tmp_path / "fine_one.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    assert failed_imports(["broken_one", "no_such_module.part", "fine_one"]) == {
        "broken_one": "ValueError: dtype size changed",
        "no_such_module": "ModuleNotFoundError: No module named 'no_such_module'",
    }
    assert sys.modules.pop("fine_one")
