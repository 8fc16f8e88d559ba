"""The user's guide: one Markdown page a subject, listed in reading order by ``README.md`` of this folder.

``raysk guide`` shows the pages; ``tests/docs`` runs every example in them. A page begins with its title and one
paragraph on what it is about. Pages link to each other as ``[limits](limits.md)``.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from raysk.errors import UsageError

FOLDER = Path(__file__).parent
MOST_SUGGESTED = 2
_ENTRY = re.compile(r"^- \[(?P<name>[\w-]+)\]\([\w-]+\.md\): (?P<line>.+)$", re.MULTILINE)


def pages() -> dict[str, str]:
    """Return the name of every page, in reading order, and one line about it."""
    return {entry["name"]: entry["line"] for entry in _ENTRY.finditer(text_of("README"))}


def text_of(name: str) -> str:
    """Return a page's Markdown."""
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def find_page(words: str) -> str:
    """Return the name of the page whose name is, or contains, these words.

    Raises
    ------
    UsageError
        If no page or more than one does.
    """
    names = list(pages())
    wanted = re.sub(r"[\s_]+", "-", words.strip().lower()).removesuffix(".md")
    if wanted in names:
        return wanted
    found = [name for name in names if wanted in name]
    if len(found) == 1:
        return found[0]
    problem = f"{words[:60]!r} is part of several names" if found else f"No page of the guide is called {words[:60]!r}"
    advice = f"{problem}.{_suggest(wanted, found or names)}"
    raise UsageError(f"{advice}\nThe pages are {', '.join(names)}.")


def _suggest(wanted: str, names: list[str]) -> str:
    """Return the names that are spelled alike, whole or in a part, else those of the pages that have the word most."""
    parts = {part: name for name in names for part in (*name.split("-"), name)}
    close = [parts[part] for part in difflib.get_close_matches(wanted, parts)]
    if not close and wanted:
        word = re.compile(rf"\b{re.escape(wanted)}\b", re.IGNORECASE)
        counts = {name: len(word.findall(text_of(name))) for name in names}
        close = sorted(filter(counts.get, names), key=lambda name: -counts[name])[:MOST_SUGGESTED]
    return f" Did you mean {' or '.join(dict.fromkeys(close))}?" if close else ""
