"""Files that are made to be misread: no verdict on them is prettier than what loading them would do."""

import bz2
import contextlib
import gzip
import io
import pickle
import random
import struct
import zipfile

import joblib
import numpy as np
import pytest
from joblib.numpy_pickle import NumpyArrayWrapper, NumpyUnpickler
from sklearn.preprocessing import StandardScaler

from raysk.models import bounded, imports
from raysk.models.formats import SKOPS, skops_format
from raysk.models.imports import imports_of


def text(value):
    """Return the instruction that makes a text."""
    content = value.encode()
    return b"\x8c" + bytes([len(content)]) + content


def name(module, attribute):
    """Return the instructions that import a name."""
    return text(module) + text(attribute) + b"\x93"


RUNS = name("os", "mknod") + text("evil") + b"\x85R"  # what must not stay unseen
NATIVE = b"(K\x03" + text("|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"


def dtype(kind="i1", state=NATIVE):
    """Return the instructions that make a dtype."""
    return name("numpy", "dtype") + text(kind) + b"\x89\x88\x87R" + state


def wrapper(count, of=None, *, shape=None, alignment=b"N", more=b""):
    """Return the instructions that announce an array of joblib's."""
    state = [
        (text("subclass"), name("numpy", "ndarray")),
        (text("shape"), b"K" + bytes([count]) + b"\x85" if shape is None else shape),
        (text("order"), text("C")),
        (text("dtype"), dtype() if of is None else of),
        (text("allow_mmap"), b"\x89"),
        (text("numpy_array_alignment_bytes"), alignment),
    ]
    return (
        name("joblib.numpy_pickle", "NumpyArrayWrapper")
        + b")\x81}("
        + b"".join(key + value for key, value in state)
        + more
        + b"ub"
    )


def of_bytes(size):
    """Return the state of a dtype of so many bytes."""
    return b"(K\x03" + text("|") + b"NNNJ" + struct.pack("<i", size) + b"K\x01K\x00tb"


HIDDEN = b"0" + RUNS + b"0N"
LONG = struct.pack("<Q", 2**59)
DEFERRED = name("collections", "defaultdict") + name("functools", "partial") + name("os", "system") + b"\x85R\x85R"
FILES = {
    "array bytes that pickle takes for instructions": wrapper(len(HIDDEN)) + HIDDEN,
    "a dtype without its state": wrapper(3, dtype(state=b"")) + b"abc",
    "a dtype that grows": wrapper(1, dtype("S8", of_bytes(8 + len(HIDDEN)))) + b"A" * 8 + HIDDEN,
    "a dtype that is told twice what it is": wrapper(1, dtype("S8", of_bytes(8) + of_bytes(30))) + b"A" * 30,
    "fields of objects in a type of numbers": wrapper(
        1,
        dtype(
            "V8",
            b"(K\x03" + text("|") + b"N" + text("a") + b"\x85}" + text("a")
            + dtype("O8", NATIVE.replace(b"K\x00t", b"K?t")) + b"K\x00\x86sK\x08K\x01K\x10tb",
        ),
    )
    + b"A" * 8,
    "a shape that is no tuple": wrapper(1, shape=b"]K\x01a") + b"a",
    "a shape that overflows": wrapper(1, shape=(b"\x8a\x05\x00\x00\x00\x00\x01" * 2) + b"\x86"),
    "a shape below zero": wrapper(1, shape=b"J\xff\xff\xff\xff\x85"),
    "another alignment": wrapper(1, alignment=b"K\x08") + b"\x01\xffa",
    "a padding of instructions": wrapper(1, alignment=b"K\x10") + b"N" * 80,
    "one key more": wrapper(1, more=text("read") + name("os", "system")) + b"a",
    "a dtype that crashes numpy": dtype("O8", NATIVE.replace(b"NNN", b"NN").replace(b"K\x00t", b"K?t")),
    "a wrapper by another path": wrapper(1).replace(
        name("joblib.numpy_pickle", "NumpyArrayWrapper"), name("joblib", "memory.numpy_pickle.NumpyArrayWrapper")
    )
    + b"a",
    "a wrapper of joblib's before 0.10": name("joblib.numpy_pickle", "NDArrayWrapper") + b")\x81}b",
    "a wrapper with files beside": name("joblib.numpy_pickle_compat", "ZNDArrayWrapper") + b")\x81}b",
    "a wrapper that is used twice": wrapper(1).replace(b")\x81}", b")\x81\x94}") + b"a0h\x00}b",
    "a frame around an array": b"\x95" + struct.pack("<Q", len(wrapper(1)) + 3) + wrapper(1) + b"0N0",
    "a frame that is too short": b"\x95" + struct.pack("<Q", 3) + text("abcdef"),
    "a frame in a frame": b"\x95" + struct.pack("<Q", 30) + b"\x95" + struct.pack("<Q", 3) + b"N0N0" * 10 + b"N",
    "a persistent name": b"Pevil\n",
    "a persistent object": b"NQ",
    "a registered number": b"\x82\x01",
    "a buffer from outside": b"\x97",
    "bytes that are not there": b"\x8e" + LONG,
    "a number that is not there": b"\x8b\xff\xff\xff\x7f",
    "a frame that is not there": b"\x95" + LONG,
    "a call of a call": name("operator", "methodcaller") + text("x") + b"\x85RN\x85R",
    "an attribute of what is made": name("builtins", "getattr") + b"(" + name("a", "B") + b")\x81" + text("__class__")
    + b"tR",
    "getattr for others": name("functools", "partial") + name("builtins", "getattr") + b"\x85R",
    "a loader for others": name("functools", "partial") + name("pickle", "loads") + b"C\x01.\x86R",
    "a call for later": DEFERRED,
    "a call of each": name("builtins", "map") + name("os", "system") + b"]\x86R",
    "a pickle that is put together": name("pickle", "loads") + name("builtins", "bytes") + b"]\x85R\x85R",
    "a pickle from a file": name("joblib", "load") + text("other.pkl") + b"\x85R",
    "arrays from a file": name("numpy", "load") + text("other.npy") + b"\x85R",
    "tensors from a file": name("torch.serialization", "load") + text("other.pt") + b"\x85R",
    "a name that is put together": name("builtins", "str") + text("os") + b"\x85R" + text("system") + b"\x93",
    "code": name("builtins", "exec") + text("import os") + b"\x85R",
    "a module": name("importlib", "import_module") + text("evil") + b"\x85R",
    "a changed module": name("sys", "modules") + text("math") + b"Ns",
    "a changed class": name("sklearn.svm", "SVC") + b"}" + text("fit") + name("a", "b") + b"sb",
    "a changed name": name("builtins", "list") + b"Na",
    "a command": RUNS,
    "a command of protocol 0": b"(" + text("evil") + b"ios\nmknod\n",
    "a command of protocol 1": b"(" + name("os", "mknod") + text("evil") + b"o",
    "getattr in a list": b"]" + name("builtins", "getattr") + b"a",
}  # fmt: skip


@pytest.mark.parametrize("label", FILES)
def test_what_cannot_be_judged(tmp_path, monkeypatch, label):
    """A file that may do more than it seems to is said to be one; nothing of it runs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.pkl").write_bytes(b"\x80\x04" + FILES[label] + b".")
    assert imports_of(tmp_path / "m.pkl").doubts
    assert [each.name for each in tmp_path.iterdir()] == ["m.pkl"]


def test_a_memo_that_two_readers_share(tmp_path):
    """Names in an array of objects mean what joblib's memo says; for pickle they may be others, and are named too."""
    inner = b"\x80\x05" + text("math") + b"\x94" + text("floor") + b"\x940h\x00h\x01\x93."
    objects = dtype("O8", NATIVE.replace(b"K\x00t", b"K?t"))
    content = b"\x80\x04" + text("os") + b"\x940" + text("system") + b"\x940" + wrapper(1, objects) + inner + b"."
    (tmp_path / "m.pkl").write_bytes(content)
    found = imports_of(tmp_path / "m.pkl")
    assert found.doubts
    assert {"math.floor", "os.system"} <= set(found.names)


def test_what_is_behind_the_end(tmp_path):
    """A second pickle behind the first is said to be there."""
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(1) + pickle.dumps(2))
    assert "behind its end" in imports_of(tmp_path / "m.pkl").doubts[0]


def test_names_of_python_2(tmp_path):
    """The names of old protocols are those that they stand for now."""
    (tmp_path / "m.pkl").write_bytes(b"c__builtin__\nset\n.")
    found = imports_of(tmp_path / "m.pkl")
    assert (found.names, found.doubts) == (["builtins.set"], [])


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress], ids=["gzip", "bz2"])
def test_what_unpacks_to_too_much(tmp_path, monkeypatch, pack):
    """Of a file that unpacks to much more than it is, only so much is unpacked, and little is kept."""
    monkeypatch.setattr(imports, "_MOST_UNPACKED_BYTES", 2**20)
    monkeypatch.setattr(imports, "_MOST_UNPACKED_FOLD", 1)
    (tmp_path / "m.pkl").write_bytes(pack(b"\x80\x04\x8d" + struct.pack("<Q", 2**23) + b"a" * 2**23 + b"."))
    assert "unpacks to more" in imports_of(tmp_path / "m.pkl").doubts[0]


def test_what_is_too_long_to_keep(tmp_path, monkeypatch):
    """Long texts are read over, and judged all the same; too many instructions are not."""
    monkeypatch.setattr(bounded, "LONGEST_KEPT_BYTES", 2**10)
    path = tmp_path / "m.pkl"
    path.write_bytes(pickle.dumps(["a" * 2**20, b"b" * 2**20, {"c" * 2**13: 1}]))
    assert imports_of(path).doubts == []
    monkeypatch.setattr(bounded, "MOST_INSTRUCTIONS", 1000)
    path.write_bytes(b"\x80\x04" + b"(" * 2000)
    assert "instructions" in imports_of(path).doubts[0]


@pytest.mark.parametrize("content", [b"[" * 10**5, b'{"__class__": "A"' * 10**4, b" " * (2**20 + 1), b'"\xff"'])
def test_skops_that_cannot_be_read(tmp_path, monkeypatch, content):
    """A description of a .skops file that is nested, large or no JSON is said to be so."""
    monkeypatch.setattr(skops_format, "MOST_SCHEMA_BYTES", 2**20)
    with zipfile.ZipFile(tmp_path / "m.skops", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("schema.json", content)
    assert SKOPS.find_imports(tmp_path / "m.skops").doubts


# --- a random attack


class Standin:
    """Takes whatever a pickle does to it."""

    def __new__(cls, *_, **__):  # noqa: D102
        return object.__new__(cls)

    def __init__(self, *_, **__):
        """Take anything."""

    def __setstate__(self, state):
        pass

    def __setitem__(self, key, value):
        pass

    def append(self, value):  # noqa: D102
        pass

    extend = add = append


class Plain(pickle.Unpickler):
    """Reads as pickle does, and notes names; nothing is imported."""

    def __init__(self, content):
        super().__init__(io.BytesIO(content))
        self.names = set()

    def find_class(self, module, name):  # noqa: D102
        self.names.add(f"{module}.{name}")
        return Standin


class Joblibs(NumpyUnpickler):
    """Reads as joblib does, and notes names; of what is imported, only arrays are real."""

    def __init__(self, content):
        super().__init__("m", io.BytesIO(content), ensure_native_byte_order=True)
        self.names = set()

    def find_class(self, module, name):  # noqa: D102
        self.names.add(f"{module}.{name}")
        real = {"numpy.dtype": np.dtype, "numpy.ndarray": np.ndarray}
        return {**real, "joblib.numpy_pickle.NumpyArrayWrapper": NumpyArrayWrapper}.get(f"{module}.{name}", Standin)


def honest():
    """Return the content of honest files, of pickle's and joblib's."""
    scaler = StandardScaler().fit(np.eye(3))
    value = {"s": scaler, "o": np.array(["a", None], dtype=object), "t": np.zeros(2, [("a", "f8"), ("b", "U2")])}
    files = [pickle.dumps(value, protocol=protocol) for protocol in (2, 4, 5)]
    for protocol in (2, 4):
        buffer = io.BytesIO()
        joblib.dump(value, buffer, protocol=protocol)
        files.append(buffer.getvalue())
    return files


def mutated(content, rng):
    """Change, repeat, drop, or put in some bytes."""
    for _ in range(rng.randint(1, 3)):
        place, length = rng.randrange(len(content)), rng.randint(0, 12)
        new = rng.choice([bytes([rng.randrange(256)]), RUNS + b"0", b"0", b"N", b"h\x03", content[place : place + 9]])
        content = content[:place] + new + content[place + rng.choice([0, len(new), length]) :]
    return content


def names_of(reader):
    """Return what a reader asks for until it ends or fails."""
    with contextlib.suppress(Exception):
        reader.load()
    return reader.names


def attacks(seed, count):
    """Yield files that were changed at random."""
    rng, files = random.Random(seed), honest()  # noqa: S311 - an attack that can be repeated
    for _ in range(count):
        yield mutated(rng.choice(files), rng)


def test_random_changes(tmp_path):
    """Of a file that is not doubted, joblib and pickle ask for those names only that were found."""
    judged = 0
    for content in attacks(13, 800):
        (tmp_path / "m.pkl").write_bytes(content)
        found = imports_of(tmp_path / "m.pkl")
        if not found.doubts:
            judged += 1
            spurious = {each for each in names_of(Plain(content)) if each.endswith(".dtype")}  # where pickle fails
            asked = names_of(Joblibs(content)) | (names_of(Plain(content)) - spurious)
            python_3 = {each.replace("copy_reg.", "copyreg.").replace("__builtin__.", "builtins.") for each in asked}
            assert python_3 <= set(found.names), content
    assert judged > 20  # many changes are to numbers
