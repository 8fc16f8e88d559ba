"""Files that run code by what looks harmless: each is doubted, and each would run it."""

from __future__ import annotations

import builtins
import os
import pickle
import struct
import zlib

import joblib
import pytest

from raysk.models import verify
from raysk.models.imports import imports_of

BEGIN, END = b"\x80\x04", b"0N."


def text(value: str) -> bytes:
    """Return instructions that put text on the stack."""
    content = value.encode()
    return b"X" + struct.pack("<I", len(content)) + content


def name(module: str, attribute: str) -> bytes:
    """Return instructions that look up a name."""
    return text(module) + text(attribute) + b"\x93"


def row(*items: bytes) -> bytes:
    """Return instructions that make a tuple."""
    return b"(" + b"".join(items) + b"t"


def called(function: bytes, *arguments: bytes) -> bytes:
    """Return instructions that call something."""
    return function + row(*arguments) + b"R"


def table(*items: bytes) -> bytes:
    """Return instructions that make a dict."""
    return b"}(" + b"".join(items) + b"u"


def attribute(owner: bytes, what: str) -> bytes:
    """Return instructions that look an attribute up."""
    return called(name("builtins", "getattr"), owner, text(what))


RUN = "raysk.models.verify", "subprocess.call"
COMMAND = row(text("touch"), text("evil"))
LATER = called(name("functools", "partial"), name(*RUN), COMMAND)
SHELL = called(name("os", "system"), text("touch evil"))
SPLITTER = name("sklearn.model_selection", "KFold") + b")\x81q\x00"
SET_ON_ITS_CLASS = called(name("builtins", "type"), b"h\x00") + b"N" + table(text("append"), LATER) + b"\x86b0"
SUBIMPORT = called(name("cloudpickle.cloudpickle", "subimport"), text("raysk.models.verify"))
BASE = called(
    name("abc", "ABCMeta"), text("X"), row(name("builtins", "object")), table(text("__init_subclass__"), LATER)
)

EVIL = {
    "a library's import": called(name("raysk.models.verify", "subprocess.Popen"), COMMAND),
    "a pure module's import": called(name("statistics", "random._os.system"), text("touch evil")),
    "a library's pool": called(name("joblib._parallel_backends", "ThreadPool"), b"K\x01", LATER),
    "subimport by another name": called(
        attribute(called(name("cloudpickle.cloudpickle_fast", "subimport"), text("os")), "system"), text("touch evil")
    ),
    "what subimport gave": called(attribute(attribute(SUBIMPORT, "subprocess"), "call"), COMMAND),
    "a module's new name": SUBIMPORT
    + table(text("Verifier"), name(*RUN))
    + b"b0"
    + called(name("raysk.models.verify", "Verifier"), COMMAND),
    "a module's dict": called(
        name("builtins", "dict.update"),
        name("raysk.models.verify", "__dict__"),
        table(text("Verifier"), name(*RUN)),
    )
    + b"0"
    + called(name("raysk.models.verify", "Verifier"), COMMAND),
    "a missing key": called(
        name("builtins", "str.format"), text("{0[x]}"), called(name("collections", "defaultdict"), LATER)
    ),
    "a changed class": SPLITTER + SET_ON_ITS_CLASS + b"h\x00Na",
    "a base class": BASE + b"q\x02" + called(name("abc", "ABCMeta"), text("Y"), row(b"h\x02"), b"}"),
}


@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL)
def test_detours_to_code(tmp_path, monkeypatch, evil):
    """What a library imports, changes of what was there before, and calls that call something else are doubted."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(verify, "Verifier", verify.Verifier)  # put back, after what changes it
    path = tmp_path / "model.pkl"
    path.write_bytes(BEGIN + evil + END)
    assert imports_of(path).doubts
    assert not os.path.exists("evil")  # noqa: PTH110
    with path.open("rb") as file:
        pickle.load(file)
    _wait_for("evil")


def _wait_for(file: str) -> None:
    """Wait for a process of its own; each of these runs code, or it shows nothing."""
    import time

    end = time.monotonic() + 30
    while not os.path.exists(file):  # noqa: PTH110
        assert time.monotonic() < end
        time.sleep(0.01)


def announced(length: int, *, changed: int | None = None) -> bytes:
    """Return instructions that announce an array of joblib's, perhaps one whose length is changed behind our back."""
    bits = row(b"K\x03", text("|"), b"N", b"N", b"N", b"J\xff\xff\xff\xff", b"J\xff\xff\xff\xff", b"K\x00")
    dtype = called(name("numpy", "dtype"), text("u1"), b"\x89", b"\x88") + bits + b"b"
    state = table(
        *(text("subclass"), name("numpy", "ndarray"), text("shape"), b"M" + struct.pack("<H", length) + b"\x85"),
        *(text("order"), text("C"), text("dtype"), dtype, text("allow_mmap"), b"\x88"),
    )
    if changed is not None:
        shape = table(text("shape"), b"M" + struct.pack("<H", changed) + b"\x85")
        state += b"q\x05" + called(name("builtins", "dict.update"), b"h\x05", shape) + b"0"
    return name("joblib.numpy_pickle", "NumpyArrayWrapper") + b")\x81" + state + b"b"


@pytest.mark.parametrize("pack", [bytes, zlib.compress])
def test_an_array_that_grows_after_it_was_announced(tmp_path, monkeypatch, pack):
    """The reader of joblib takes for array what we take for instructions, and runs what we take for text."""
    monkeypatch.chdir(tmp_path)
    hidden = b"0" + SHELL + END
    cover = b"\x00" + b"0B" + struct.pack("<I", len(hidden))
    path = tmp_path / "model.joblib"
    path.write_bytes(pack(BEGIN + announced(1, changed=len(cover)) + cover + hidden + b"."))
    assert imports_of(path).doubts
    joblib.load(path)
    assert os.path.exists("evil")  # noqa: PTH110


VIEW = b"C\x01a\x980"
TEXT_AS_BASE = called(name("copyreg", "_reconstructor"), name("builtins", "str"), text(""), text("x")) + b"0"


@pytest.mark.parametrize("first", [VIEW, TEXT_AS_BASE], ids=["a view of bytes", "text as a base class"])
def test_only_pickle_reads_it(tmp_path, monkeypatch, first):
    """What stands in an array is run by pickle's own reader; that goes on where it seems to fail."""
    monkeypatch.chdir(tmp_path)
    known = (
        called(name("copyreg", "_reconstructor"), name("builtins", "str"), name("builtins", "str"), text("x")) + b"0"
    )
    body = b"0" + first + SHELL + END
    path = tmp_path / "model.joblib"
    path.write_bytes(BEGIN + known + announced(len(body)) + body + END)
    assert imports_of(path).doubts
    joblib.load(path)
    assert not os.path.exists("evil")  # noqa: PTH110
    with path.open("rb") as file:
        pickle.load(file)
    assert os.path.exists("evil")  # noqa: PTH110


@pytest.mark.parametrize("value", [type(None), type(Ellipsis), type(NotImplemented), builtins.type, len, str.upper])
@pytest.mark.parametrize("protocol", [2, 5])
def test_types_and_functions_that_are_referred_to(tmp_path, value, protocol):
    """Honest files hold these, and need no doubt."""
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(value, protocol=protocol))
    assert imports_of(path).doubts == []
