"""What is made of the nodes' answers, and how it is shown; no node is asked here."""

from __future__ import annotations

import io
import json
import re
from dataclasses import fields

import pytest

from raysk.cli.commands import doctor
from raysk.cli.streams import DataOut
from raysk.cluster.report import Node, Report
from raysk.errors import ClusterError
from raysk.util.versions import MODULES, compare

HERE = {"Python": "3.11.7", **dict.fromkeys(MODULES, "2.0"), "scikit-learn": "1.9.1"}
GB = 10**9


def node(number=1, *, errors=None, there=None, **more):
    """Return a node that is well, but for what is given: other versions in `there`."""
    versions = {**HERE, **(there or {})}
    facts = {
        "cpus_free": 4.0,
        "memory_bytes": 16 * GB,
        "memory_free_bytes": 10 * GB,
        "store_bytes": 4 * GB,
        "store_free_bytes": 4 * GB,
        "shm_bytes": 8 * GB,
        "shm_free_bytes": 8 * GB,
        "versions": versions,
        "differences": compare(HERE, versions, errors or {}),
    }
    return Node(id=f"{number:056x}", address=f"10.0.0.{number}", host="h", **{"cpus": 4, **facts, **more})


def silent(number=1, **more):
    return Node(
        id="f" * 56, address=f"10.0.0.{number}", host="h", **{"cpus": 4, "error": "no answer within 3 s", **more}
    )


def report(*nodes):
    return Report(here=HERE, nodes=list(nodes))


def refused(*nodes):
    """Return the message about what a job would fail of."""
    with pytest.raises(ClusterError) as caught:
        report(*nodes).raise_fatal()
    assert caught.value.exit_code == 4
    assert len(str(caught.value).splitlines()) <= 5
    return str(caught.value)


OTHER = {"scikit-learn": "1.8.0"}
TOO_FULL = {"memory_free_bytes": GB // 2}


# --- what is found


def test_nodes_that_are_well_are_nothing_to_speak_of():
    """Nothing is said of nodes on which a job would run."""
    found = report(node(1), node(2))
    assert found.findings == []
    found.raise_fatal()


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (node(3, there=OTHER), ["scikit-learn 1.8.0 (1.9.1 here)", "pip install scikit-learn==1.9.1"]),
        (node(3, there={"joblib": None}), ["no joblib", "no fit can run there", "pip install joblib==2.0"]),
        (node(3, there={"Python": "3.10.1"}), ["Python 3.10.1 (3.11.7 here)", "one Python on both"]),
        (silent(3), ["no answer within 3 s", "ray status"]),
        (node(3, unpickles=False, unpickle_error="OSError: no licence"), ["does not unpickle: OSError: no licence"]),
        (
            node(3, unpickles=False, unpickle_error="ModuleNotFoundError: ...", missing_module="mine"),
            ["Install 'mine' there", "beside your file"],
        ),
    ],
)
def test_what_a_job_would_fail_of(bad, words):
    """The message names the node, what is wrong and what to do; nodes that are well are not named."""
    message = refused(node(1), bad)
    for word in ["10.0.0.3: ", *words]:
        assert word in message
    assert "10.0.0.1" not in message


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (node(3, there={"scipy": "1.0"}), "scipy 1.0 (2.0 here): results may differ"),
        (node(3, cpus_free=0.0), "no CPU is free"),
        (node(3, **TOO_FULL), "97% of its memory is used"),
        (node(3, shm_bytes=GB), "larger than /dev/shm"),
        (node(3, there=OTHER, cpus=0), "scikit-learn 1.8.0"),
        (silent(3, cpus=0), "no answer"),
        (node(3, unpickles=False, unpickle_error="OSError", cpus=0), "does not unpickle"),
    ],
)
def test_what_is_only_noted(bad, words):
    """What slows a job down, and whatever is wrong with a node that gets no worker, is said and is no error."""
    found = report(node(1), bad)
    assert [line for line in found.said(fatal=False) if line.startswith("10.0.0.3: ") and words in line]
    found.raise_fatal()


def test_smaller_differences_are_shown_and_not_said():
    """Another joblib is in the report and no finding."""
    bad = node(3, there={"joblib": "1.9"})
    assert [each.package for each in bad.differences] == ["joblib"]
    assert report(bad).findings == []


def test_a_cluster_without_cpus_is_said():
    """Where no node has a CPU no job can run."""
    assert "no node has a CPU" in refused(node(1, cpus=0, cpus_free=0.0))


def test_many_nodes_are_few_lines():
    """Nodes with the same finding share a line, and of many findings some are named."""
    many = [node(number, there=OTHER) for number in range(1, 10)]
    message = refused(*many)
    assert "10.0.0.1, 10.0.0.2, 10.0.0.3 and 6 more: scikit-learn 1.8.0" in message
    assert len(message.splitlines()) == 2
    message = refused(*[node(number, there={"scikit-learn": f"1.{number}"}) for number in range(1, 10)])
    assert "And 6 more" in message


def test_nodes_of_one_address_are_told_apart():
    """Where several nodes have one address, as simulated ones do, their ids are named too."""
    first, second = node(1, there=OTHER), node(1, there=OTHER)
    second = Node(**{**vars(second), "id": "abc" + second.id})
    assert "10.0.0.1/000000, 10.0.0.1/abc000: " in refused(first, second)


# --- how it is shown


class Screen(io.StringIO):
    def __init__(self, *, terminal):
        super().__init__()
        self._terminal = terminal

    def isatty(self):
        """Say what the test wants."""
        return self._terminal


def shown(found, *, terminal=True, as_json=False):
    screen = Screen(terminal=terminal)
    doctor._show(DataOut(screen), found, {"address": "a:1", "estimator": None}, as_json=as_json)
    return re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue())


@pytest.mark.parametrize("columns", [120, 80, 40])
def test_the_table_fits(monkeypatch, columns):
    """Whatever the width, every fact of every node is there and no line is cut."""
    monkeypatch.setenv("COLUMNS", str(columns))
    text = shown(report(node(1), node(2, there=OTHER, unpickles=False), silent(3)))
    assert max(map(len, text.splitlines())) <= columns
    assert "…" not in text
    words = " ".join(text.split())
    for word in [
        "10.0.0.1",
        "as here",
        "1.8.0",
        "10.0 of 16.0 GB",
        "4 of 4",
        "8.0 GB",
        "fails",
        "no answer within 3 s",
    ]:
        assert word in words
    assert text.count("scikit-learn") == 2  # here and on the one node that differs


def test_a_wide_terminal_gets_a_row_per_node(monkeypatch):
    """With room for it there is one table; without, a block per node."""
    monkeypatch.setenv("COLUMNS", "120")
    assert shown(report(node(1), node(2))).count("free memory") == 1
    monkeypatch.setenv("COLUMNS", "40")
    assert shown(report(node(1), node(2))).count("free memory") == 2


@pytest.mark.parametrize(("terminal", "as_json"), [(False, False), (True, True)])
def test_json(terminal, as_json):
    """In a pipe, or with --json, it is one object with every field of every node; what is not known is null."""
    (line,) = shown(report(node(1), silent(2)), terminal=terminal, as_json=as_json).splitlines()
    said = json.loads(line)
    assert list(said) == ["schema", "ok", "address", "estimator", "here", "nodes", "findings"]
    assert (said["schema"], said["ok"], said["estimator"]) == (1, False, None)
    well, late = said["nodes"]
    assert list(well) == list(late) == [field.name for field in fields(Node)]
    assert well["error"] is None
    assert late["versions"] is None
    assert [finding["node"] for finding in said["findings"]] == ["10.0.0.2"]
