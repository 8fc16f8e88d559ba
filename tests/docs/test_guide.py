"""``raysk guide``: pages in a pipe, on a terminal, and names that there are not."""

from __future__ import annotations

import re
import subprocess

import pytest
from documents import GUIDE, PAGES, README, program
from pictures import follow

from raysk import guide
from raysk.errors import UsageError

NAMES = [page.stem for page in PAGES if page.parent == GUIDE and page.stem != "README"]


def test_list_names_every_page():
    """The list has every page once, with a line each."""
    assert sorted(guide.pages()) == sorted(NAMES)
    assert all(guide.pages().values())


@pytest.mark.parametrize(
    ("words", "name"),
    [
        *((name, name) for name in NAMES),
        *[("resume", "runs-and-resume"), ("Exit codes", "output-and-exit-codes"), ("limits.md", "limits")],
        *[("table", "tables"), ("exit_codes", "output-and-exit-codes")],
    ],
)
def test_part_of_a_name_is_enough(words, name):
    """A page is found by its name or by a part that no other name has."""
    assert guide.find_page(words) == name


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("resme", "runs-and-resume"),
        ("bencmarks", "benchmarks"),
        ("notebooks", "files"),
        ("csv", "tables"),
        ("and", "is part of several"),
    ],
)
def test_other_words_get_a_suggestion(words, meant):
    """A page that is spelled alike is suggested, or those that have the word most; all are listed."""
    with pytest.raises(UsageError) as error:
        guide.find_page(words)
    assert meant in str(error.value).partition("\n")[0]
    assert all(name in str(error.value) for name in NAMES)


@pytest.mark.parametrize("words", ["", "  ", "[bold]", "a" * 300, "\x1b[31m", "../README", "README"])
def test_what_is_no_page_is_refused(words):
    """Nothing but a page is shown."""
    with pytest.raises(UsageError, match="The pages are"):
        guide.find_page(words)


def test_a_pipe_gets_markdown(programs, environment):
    """In a pipe a page is its Markdown, and an unknown page exits with 2 in few lines."""

    def run(*args):
        command = [programs / "raysk", "guide", *args]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)

    assert run("resume").stdout == guide.text_of("runs-and-resume")
    assert run().stdout == guide.text_of("README")
    refused = run("resme")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert len(refused.stderr.splitlines()) <= 5


def test_a_broken_setting_does_not_hide_the_guide(programs, environment, tmp_path):
    """Whoever reads about settings may have a bad one."""
    (tmp_path / "pyproject.toml").write_text("[tool.raysk]\nnonsense = 1\n")
    command = [programs / "raysk", "guide", "settings"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0


def test_a_terminal_gets_a_drawn_page_through_a_pager(programs, environment, tmp_path):
    """On a terminal the page goes through PAGER, drawn; the list is a table."""
    environment = {**environment, "PAGER": "cat > paged"}
    *_, shown = follow(f"{programs}/raysk guide limits; {programs}/raysk guide", tmp_path, environment)
    paged = (tmp_path / "paged").read_text()
    plain = re.sub(r"\x1b\[[\d;]*m", "", paged)
    assert plain != paged
    assert "`raysk guide" not in plain
    assert "raysk guide runs-and-resume" in " ".join(plain.split())  # a link that a terminal can follow
    assert max(map(len, plain.splitlines())) <= 80
    listed = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(shown))
    assert all(name in listed for name in NAMES)


def test_pages_that_are_named_exist():
    """Whoever names a page of the guide, in the README, on a page or in a help text, names one that exists."""
    texts = [README.read_text(), *(guide.text_of(name) for name in NAMES)]
    helps = [text for each in program().values() for text in (each.help, each.epilog, *helps_of(each)) if text]
    named = {name for text in (*texts, *helps) for name in re.findall(r"raysk guide ([a-z][\w-]*)", text)}
    assert named
    for name in named - {"lists", "shows", "in"}:
        guide.find_page(name)


def helps_of(command):
    """Return the help texts of a command's options and arguments."""
    return [getattr(param, "help", None) for param in command.params]
