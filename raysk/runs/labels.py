"""What a person calls a run: its name, and any number of tags. They stand in ``run.json`` and may change later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raysk.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LONGEST = 100
"""Characters of a name or tag: a line has to show it."""

TAKEN = "latest"
"""It names the newest run."""


def check_name(name: str) -> str:
    """Return a name for a run.

    Raises
    ------
    UsageError
        If it could not be shown, or typed to find the run again.
    """
    _check(name, "--name")
    if name == TAKEN or "#" in name:
        raise UsageError(f"--name {name}: 'latest' and what follows a '#' have a meaning of their own. Choose another.")
    return name


def check_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return tags, each once; raises as `check_name`."""
    if isinstance(tags, str):
        raise UsageError(f"tags={tags!r}: give a list, as tags=[{tags!r}].")
    every = tuple(dict.fromkeys(tags))
    for tag in every:
        _check(tag, "--tag")
    return every


def _check(text: Any, option: str) -> None:
    if not isinstance(text, str) or not text.strip() or text != text.strip():
        raise UsageError(f"{option} {text!r}: a text is needed, without spaces around it.")
    if len(text) > LONGEST or not text.isprintable() or text.startswith("-"):
        raise UsageError(
            f"{option} {text[:LONGEST]!r}: at most {LONGEST} printable characters are needed, the first of them no '-'."
        )


def name_of(said: Mapping[str, Any]) -> str | None:
    """Return the name that a manifest gives its run, if it gives one."""
    name = said.get("name")
    return name if isinstance(name, str) else None


def tags_of(said: Mapping[str, Any]) -> list[str]:
    """Return the tags that a manifest has."""
    tags = said.get("tags")
    return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []


def labels(said: Mapping[str, Any], name: str | None = None, tags: Iterable[str] = ()) -> dict[str, Any]:
    """Return the name and tags of a manifest, with another name if there is one, and with further tags."""
    return {"name": name or name_of(said), "tags": list(dict.fromkeys([*tags_of(said), *tags]))}
