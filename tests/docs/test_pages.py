"""The README and the guide say what the program does: their commands and options exist, their links lead somewhere."""

from __future__ import annotations

import re

import pytest
import tables
from documents import (
    GUIDE,
    PAGES,
    README,
    ROOT,
    blocks,
    commands,
    mentioned,
    options,
    parameters,
    program,
    shell_lines,
    subcommands,
)

LONGEST_README = 280  # lines
LARGEST_PICTURE = 60_000  # bytes
WIDEST_LINE = 78  # characters of an example: a terminal shows it in one line

ELSEWHERE = {
    "MALLOC_ARENA_MAX=1 ray start",
    "ray start",
    "make",
    "pip install",
    "python3 -m venv",
    ".venv/bin/python tests/multihost",
}
"""What a block that is not run may do, beside raysk with ``--address auto``, ``doctor`` and ``bench``."""

LINK = re.compile(r"\[[^]]*\]\((?P<target>[^)#\s]+)(?:#(?P<heading>[^)]+))?\)")
TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES}
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def test_readme_is_short():
    """The README is read on one sitting; what is longer is a page of the guide."""
    assert len(TEXTS[README].splitlines()) <= LONGEST_README


def test_no_help_is_pasted():
    """The program's own help is the reference; no page repeats it."""
    assert not [page.name for page, text in TEXTS.items() if "╭─" in text or "Usage: raysk" in text]


def test_pictures_are_small():
    """The README shows pictures of the live view and of the result."""
    pictures = sorted(GUIDE.glob("*.svg"))
    assert {picture.name for picture in pictures} == set(re.findall(r"raysk/guide/([\w-]+\.svg)", TEXTS[README]))
    assert len(pictures) == 2
    assert all(picture.stat().st_size < LARGEST_PICTURE for picture in pictures)


def test_benchmarks_are_the_measured_ones():
    """Tables of benchmarks are made from the reports beside this test."""
    for page in tables.PAGES:
        text = page.read_text(encoding="utf-8")
        assert tables.updated(text) == text, "run: python tests/docs/tables.py"


@each_page
def test_options_exist(page):
    """Every option that a page names is in the help of its command."""
    every = {option for command in program() for option in options(command)}
    missing = {
        f"raysk {command or '...'} {option}"
        for command, option in mentioned(TEXTS[page])
        if option not in (every if command is None else options(command) if command in program() else ())
    }
    assert missing == set()


@each_page
def test_links_lead_somewhere(page):
    """Every link that is no address on the web names a file, and a heading of it."""
    for link in LINK.finditer(TEXTS[page]):
        if not link["target"].startswith("https://"):
            target = page.parent / link["target"]
            assert target.exists(), link[0]
            if link["heading"]:
                assert link["heading"] in map(slug, re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)), link[0]


def slug(heading):
    """Return the anchor that Markdown makes of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@each_page
def test_lines_of_examples_fit(page):
    """An example is not wider than a page."""
    lines = [line for block in blocks(TEXTS[page]) for line in block.text.splitlines()]
    assert [line for line in lines if len(line) > WIDEST_LINE] == []


@each_page
def test_few_blocks_are_not_run(page):
    """A block ``bash`` needs a cluster, root, the network or minutes; every other example is run."""
    languages = {block.language for block in blocks(TEXTS[page])}
    assert languages <= {"sh", "console", "bash", "python", "toml"}
    for block in blocks(TEXTS[page], "bash"):
        for line in block.text.splitlines():
            ours = [words for words in commands(line) if words[0] in {"bench", "doctor"} or "--address" in words]
            assert ours or line.startswith(("#", " ", *ELSEWHERE)), line


def test_each_command_is_shown():
    """The README and the guide show every command that the program has."""
    shown = [words for text in TEXTS.values() for line in shell_lines(text) for words in commands(line)]
    assert set(subcommands()) <= {" ".join(words[:count]) for words in shown for count in (1, 2)}


@pytest.mark.parametrize("command", subcommands())
def test_each_command_explains_itself(command):
    """The help of a command has an example, and says something about each option."""
    assert f"raysk {command}" in program()[command].help.partition("For example:")[2]
    assert [name for name, option in parameters(command).items() if not option.help] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("```\nraysk fit m.py --set C=1 \\\n  -o m.pkl | jq --raw .x\n```", {("fit", "--set"), ("fit", "-o")}),
        ("```console\n$ raysk search s.py --n-iter=3\nraysk fit --no-such-thing\n```", {("search", "--n-iter")}),
        ("```python\nraysk.fit(x)  # raysk fit --no-such-thing\n```", set()),
        ("    RAYSK_ADDRESS=h:1 raysk search s.py -qv", {("search", "-q"), ("search", "-v")}),
        ("It has `--json`, and `raysk model show x --strict`.", {(None, "--json"), ("model show", "--strict")}),
    ],
)
def test_mentions(text, expected):
    """Options are found in shell blocks, indented lines and spans, and only where raysk is the command."""
    assert mentioned(text) == expected


def test_the_map_names_every_room():
    """The map in the README has every room, and what rooms tell of their files is true."""
    rooms = {path.parent.name for path in (ROOT / "raysk").glob("*/__init__.py")}
    assert rooms <= set(re.findall(r"`?(\w+)/`?", TEXTS[README].partition("## Contribute")[2]))
    for page in (ROOT / "raysk").glob("*/README.md"):
        assert (page.parent / "__init__.py").exists(), f"{page}: the room has moved"
        files = re.findall(r"`(?:raysk/\w+/)?(\w+\.py)`", page.read_text(encoding="utf-8"))
        assert [name for name in files if not list((ROOT / "raysk").rglob(name))] == [], page
