"""Pickles that would run a command by way of names that look harmless: none goes without a remark."""

import struct
import zlib

import pytest

from raysk.models.imports import imports_of


def text(value):
    """Return the instruction that makes a text."""
    content = value.encode()
    return b"\x8c" + bytes([len(content)]) + content


def name(module, attribute):
    """Return the instructions that import a name."""
    return text(module) + text(attribute) + b"\x93"


def tuple_of(*items):
    """Return the instructions that make a tuple."""
    return b"(" + b"".join(items) + b"t"


def dict_of(*items):
    """Return the instructions that make a dict of keys and values."""
    return b"}(" + b"".join(items) + b"u"


def call(function, *arguments):
    """Return the instructions that call something."""
    return function + tuple_of(*arguments) + b"R"


def looked_up(owner, attribute):
    """Return the instructions that look up an attribute."""
    return call(name("builtins", "getattr"), owner, text(attribute))


def made(module, cls):
    """Return the instructions that make an object of a class, and note it as 0."""
    return name(module, cls) + b")\x81q\x00"


RUNS = call(name("os", "mknod"), text("evil"))
OBJECT = tuple_of(name("builtins", "object"))
GENERATOR = name("numpy.random._pickle", "__generator_ctor")
NEW_OBJECT = name("sklearn.metrics._dist_metrics", "newObj")
KFOLD = made("sklearn.model_selection", "KFold")
CLIPBOARD = "pandas.io.clipboard"
POPEN = name(CLIPBOARD, "subprocess.call")
COMMAND = b"(" + text("mknod") + text("evil") + b"l"
PARTIAL = name("functools", "partial")
LATER = call(PARTIAL, name("numpy", "sum"), COMMAND)  # needs no doubt: what calls it does
NUMBERS = tuple_of(b"K\x03", text("|"), b"NNN", b"J\xff\xff\xff\xff" * 2, b"K\x00") + b"b"
DICT_UPDATE = name("builtins", "dict.update")
SAMPLER = name("sklearn.model_selection", "ParameterSampler") + b")\x81}b"
A_POPEN = dict_of(text("a") + POPEN)
HINGE = text("hinge")
CLOUD = "cloudpickle.cloudpickle"
SUBIMPORTS = (CLOUD, "cloudpickle.cloudpickle_fast", "ray.cloudpickle.cloudpickle")
IMPORT = name(CLOUD, "subimport")


def default(factory=LATER):
    """Return the instructions that make a dict which calls something for a key that it has not."""
    return call(name("collections", "defaultdict"), factory)


def array(count, *, changed=b""):
    """Return the instructions that announce an array of joblib's, whose state is noted as 5 and then changed."""
    state = dict_of(
        text("subclass") + name("numpy", "ndarray"),
        text("shape") + b"M" + struct.pack("<H", count) + b"\x85",
        text("order") + text("C"),
        text("dtype") + call(name("numpy", "dtype"), text("u1"), b"\x89", b"\x88") + NUMBERS,
        text("allow_mmap") + b"\x88",
    )
    return name("joblib.numpy_pickle", "NumpyArrayWrapper") + b")\x81" + state + b"q\x05" + changed + b"b"


def type_with(method):
    """Return the instructions that give a method to the class of an object."""
    state = b"N" + dict_of(text(method) + LATER) + b"\x86b0"
    return KFOLD + call(name("builtins", "type"), b"h\x00") + state


UPDATE = call(DICT_UPDATE, b"h\x05", dict_of(text("shape") + b"K\x28\x85")) + b"0"
STR_OF_STR = call(name("copyreg", "_reconstructor"), name("builtins", "str"), text(""), text("x"))
HIDDEN = {"readonly": b"0C\x01a\x980", "reconstructor": b"0" + STR_OF_STR + b"0", "library": b"0csklearn\ndtype\n0"}
NEW_TYPE = tuple_of(text("X"), OBJECT, dict_of(text("__len__") + LATER))
META = name("abc", "ABCMeta")

FILES = {
    "by an import of a library": call(name(CLIPBOARD, "subprocess.Popen"), COMMAND),
    "by an import of joblib": call(name("joblib.externals.loky.backend.utils", "subprocess.Popen"), COMMAND),
    "by an import of the program": call(name("raysk.models.verify", "subprocess.Popen"), COMMAND),
    "by an import of the main module": call(name("__main__", "subprocess.Popen"), COMMAND),
    "by an import of the standard library": call(name("statistics", "random._os.mknod"), text("evil")),
    "a module of all modules": name("fractions", "re.enum.sys.modules"),
    "a package that nobody knows": made("evil_package", "Model"),
    "a function of a package": call(name("pip._internal.utils.subprocess", "call_subprocess"), COMMAND),
    **{
        f"a module of {each}": call(looked_up(call(name(each, "subimport"), text("os")), "mknod"), text("evil"))
        for each in SUBIMPORTS
    },
    "a module's module": call(
        looked_up(looked_up(call(IMPORT, text(CLIPBOARD)), "subprocess"), "call"), COMMAND
    ),
    "a module with a state": call(IMPORT, text(CLIPBOARD)) + A_POPEN + b"b",
    "a text that looks up": call(name("builtins", "str.format"), text("{0[x]}"), default()),
    "a text that looks up a name": call(name("builtins", "str.format_map"), text("{x}"), default()),
    "a call for later": default(call(PARTIAL, name("numpy.lib._datasource", "os.system.__call__"))),
    "a loop over what draws": call(name("builtins", "set"), SAMPLER),
    "a getter": call(call(name("operator", "itemgetter"), text("x")), default()),
    "a changed module": call(DICT_UPDATE, name(CLIPBOARD, "__dict__"), A_POPEN),
    "the module of a class": name("pandas", "__dict__") + text("a") + LATER + b"s",
    **{f"a type with {each}": type_with(each) for each in ("append", "__setitem__", "__hash__", "__setstate__")},
    "a new type": call(name("builtins", "type"), text("X"), OBJECT, b"}"),
    "a new class": META + NEW_TYPE + b"\x81",
    "a class that notes its classes": call(META, text("X"), OBJECT, b"}"),
    "an item of a model": KFOLD + b"NNs",
    "an item for a model": KFOLD + b"Na",
    "what a class holds": looked_up(made("sklearn.linear_model", "SGDClassifier"), "losses") + HINGE + b"Ns",
    "a thread": call(name("joblib._parallel_backends", "ThreadPool"), b"K\x01", LATER),
    "a pool": call(name("joblib.pool", "MemmappingPool"), b"K\x01"),
    "a constructor of numpy's": call(GENERATOR, text("evil"), name("numpy", "sum")),
    "a constructor of sklearn's": call(NEW_OBJECT, made("sklearn.svm", "SVC") + b"}b"),
    "a metaclass": call(name(CLOUD, "_make_skeleton_class"), LATER, text("X"), b")", b"}", b"N", b"N"),
    "an array that changes": array(1, changed=UPDATE) + b"\x00" + RUNS,
    "an array that is told elsewhere": array(1, changed=b"h\x050") + b"\x00" + RUNS,
    **{f"for pickle alone: {each}": array(len(code + RUNS)) + code + RUNS for each, code in HIDDEN.items()},
}  # fmt: skip


@pytest.mark.parametrize("pack", [bytes, zlib.compress], ids=["plain", "packed"])
@pytest.mark.parametrize("label", FILES)
def test_a_file_that_calls(tmp_path, monkeypatch, label, pack):
    """A file that has something called, in whatever way, is remarked upon; nothing of it runs."""
    if pack is not bytes and label.startswith("for pickle alone"):
        pytest.skip("pickle does not read what is packed")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.pkl").write_bytes(pack(b"\x80\x04" + FILES[label] + b"0N."))
    assert imports_of(tmp_path / "m.pkl").doubts
    assert [each.name for each in tmp_path.iterdir()] == ["m.pkl"]


def test_what_is_called_later(tmp_path):
    """What the files above have called needs no remark where nothing calls it: the calls are remarked upon."""
    (tmp_path / "m.pkl").write_bytes(b"\x80\x04" + LATER + default() + b"\x86.")
    assert imports_of(tmp_path / "m.pkl").doubts == []
