"""The page: sections and figures go in, one HTML document comes out that needs nothing but itself.

The page's policy lets nothing run but the two scripts that are in it, and loads nothing: text that a person's objects
brought along stays text even where an escape was forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.resources import files
from string import Template
from typing import Any

from raysk.report.plotly_bundle import policy_digest, read_bundle
from raysk.report.words import escape, json_text

_POLICY = (
    "default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; "
    "base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Parameters
    ----------
    name : str
        Of the link to it.
    title : str
        Plain text.
    html : str
    """

    name: str
    title: str
    html: str


@dataclass
class Figures:
    """The figures of a page, by name, and what its own drawings need."""

    drawn: dict[str, Any] = field(default_factory=dict)
    parallel: dict[str, Any] | None = None

    def add(self, name: str, figure: dict[str, Any], caption: str = "") -> str:
        """Add a figure, and return the HTML of its place; the caption is plain text."""
        self.drawn[name] = figure
        said = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
        height = figure["layout"]["height"]
        return f'<figure><div class="plot" data-figure="{escape(name)}" style="height:{height}px"></div>{said}</figure>'


def document(title: str, head: str, sections: list[Section], figures: Figures) -> str:
    """Return the page.

    Parameters
    ----------
    title : str
        Plain text.
    head : str
        The HTML above the sections.
    sections : list of Section
    figures : Figures
    """
    bundle = read_bundle()
    style, script = (_resource(name) for name in ("page.css", "page.js"))
    parts = "\n".join(
        f'<section id="{each.name}" aria-labelledby="{each.name}-title">'
        f'<h2 id="{each.name}-title">{escape(each.title)}</h2>\n{each.html}</section>'
        for each in sections
    )
    return Template(_resource("page.html")).substitute(
        title=escape(title),
        policy=_POLICY.format(scripts=f"{policy_digest(script.encode())} {bundle.digest}"),
        style=style,
        head=head,
        links="".join(f'<li><a href="#{each.name}">{escape(each.title)}</a></li>' for each in sections),
        sections=parts,
        version=escape(bundle.version),
        data=json_text({"figures": figures.drawn, "parallel": figures.parallel}),
        plotly=bundle.packed,
        script=script,
    )


def _resource(name: str) -> str:
    return files("raysk.report").joinpath(name).read_text(encoding="utf-8")
