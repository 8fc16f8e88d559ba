"""Texts of a report: escaped for HTML, for Plotly's labels, and for JSON within a page."""

from __future__ import annotations

import html
import json
import math
from typing import TYPE_CHECKING, Any

from raysk.util.typed_json import Opaque
from raysk.util.words import brief_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

LONGEST_LABEL = 36
"""Characters of a label in a figure; the tables have the whole."""


def escape(text: Any) -> str:
    """Return text for HTML, also within quotes."""
    return html.escape(str(text))


def shortened(text: Any, longest: int) -> str:
    """Return text on one line, cut."""
    plain = " ".join(str(text).split())
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


def label(text: Any, longest: int = LONGEST_LABEL) -> str:
    """Return text for a label of Plotly's, which reads some of HTML in it."""
    return html.escape(shortened(text, longest), quote=False)


def value_text(value: Any) -> str:
    """Return the value of a parameter as Python writes it, short."""
    return brief_value(value if isinstance(value, float | Opaque) else repr(value))


def number(value: float | None) -> str:
    """Return a score with four significant digits."""
    return "-" if value is None or not math.isfinite(value) else f"{value:.4g}"


def score(mean: float | None, deviation: float | None) -> str:
    """Return a mean score and its deviation over the splits."""
    known = deviation is not None and math.isfinite(deviation)
    return f"{number(mean)} ± {deviation:.2g}" if known else number(mean)


def seconds(time_s: float | None) -> str:
    """Return a time in the unit that suits it."""
    if time_s is None or not math.isfinite(time_s):
        return "-"
    if time_s < 1:
        return f"{time_s * 1000:.3g} ms"
    for limit_s, unit_s, unit in ((120, 1, "s"), (7200, 60, "min"), (math.inf, 3600, "h")):
        if time_s < limit_s:
            return f"{time_s / unit_s:.3g} {unit}"
    raise AssertionError("unreachable")  # the last limit is infinite


def rounded(values: Iterable[float], digits: int = 5) -> list[float | None]:
    """Return numbers for a figure, which need few digits; null where there is none."""
    return [float(f"{value:.{digits}g}") if math.isfinite(value) else None for value in map(float, values)]


def json_text(value: Any) -> str:
    """Return JSON that can stand within a ``<script>``: nothing in it can end that."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def table(
    caption: str,
    header: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    numbers: Sequence[int] = (),
    long: Sequence[int] = (),
) -> str:
    """Return a table; it scrolls by itself where it is too wide.

    Parameters
    ----------
    caption : str
    header : sequence of str
    rows : iterable of sequence
        The cells, as plain text.
    numbers : sequence of int
        The columns that are set as numbers.
    long : sequence of int
        The columns of long texts, which may have several lines.
    """
    known = {**dict.fromkeys(numbers, ' class="number"'), **dict.fromkeys(long, ' class="long"')}
    kinds = [known.get(at, "") for at in range(len(header))]
    head = "".join(f'<th scope="col"{kind}>{escape(name)}</th>' for name, kind in zip(header, kinds, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{escape(cell)}</td>" for cell, kind in zip(row, kinds, strict=True)) + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def terms(facts: Mapping[str, Any]) -> str:
    """Return names and values as a list of terms; those without a value are left out."""
    return (
        '<dl class="facts">'
        + "".join(
            f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
            for name, value in facts.items()
            if value not in {None, ""}
        )
        + "</dl>"
    )
