"""The head of a page, and where a run was done."""

from __future__ import annotations

import shlex
from datetime import datetime
from typing import TYPE_CHECKING, Any

from raysk.report.page import Section
from raysk.report.reading import mapping_of
from raysk.report.words import escape, seconds, terms
from raysk.runs.folder import RunFolder

if TYPE_CHECKING:
    from raysk.history.run import Run

_STATES = {
    "running": "The run goes on. This is what it had when the page was made.",
    "interrupted": "The run was interrupted. This is what it had by then.",
    "crashed": "The run ended without a word, as after a crash. This is what its journal has.",
    "failed": "The run failed.",
    "unknown": "How the run ended is not known: its run.json is missing or damaged.",
}


def command_line(run: Run) -> str | None:
    """Return what started a run: the command, or the call in Python."""
    job = mapping_of(run.facts.get("job"))
    arguments = job.get("arguments")
    if not (isinstance(arguments, list) and arguments and all(isinstance(each, str) for each in arguments)):
        return run.command
    if RunFolder(run.folder).began_in_python:
        return f"{run.command}({', '.join([*arguments, 'X', 'y'])})"
    return shlex.join(["raysk", *arguments])


def when(run: Run) -> str:
    """Return when a run began, and how long it took."""
    started, time_s = run.facts.get("started"), run.facts.get("time_s")
    took = f"took {seconds(time_s)}" if isinstance(time_s, int | float) else ""
    return ", ".join(filter(None, [time_text(started), took]))


def time_text(stamp: Any) -> str:
    """Return a timestamp as a person writes it."""
    try:
        return f"{datetime.fromisoformat(stamp):%Y-%m-%d %H:%M %Z}".strip()
    except (TypeError, ValueError):
        return ""


def head_of(run: Run) -> str:
    """Return the HTML above the sections: what was run, when, on what data, and how it ended."""
    command = command_line(run)
    parts = [f"<h1>{escape(run.name)}</h1>"]
    parts += [f'<pre class="command">{escape(command)}</pre>'] if command else []
    line = str(mapping_of(run.facts.get("data")).get("line") or "").removeprefix("data: ")
    parts += [f'<p class="quiet">{escape(" · ".join(filter(None, [when(run), line])))}</p>']
    if (state := _STATES.get(run.state)) is not None:
        bad = " bad" if run.state in {"failed", "crashed"} else ""
        parts.append(f'<p class="state{bad}">{escape(state)}</p>')
    return "\n".join(parts)


def environment(run: Run) -> Section:
    """Return what the run was done with: data, versions, cluster, code."""
    facts = run.facts
    data, cluster, git = (mapping_of(facts.get(name)) for name in ("data", "cluster", "git"))
    said = {
        "Folder": str(run.folder),
        "Started": time_text(facts.get("started")),
        "Ended": time_text(facts.get("ended")),
        "State": run.state,
        "Data": data.get("source"),
        "Rows": _whole(data.get("rows")),
        "Features": _whole(data.get("features")),
        "Cluster": cluster.get("address") or ("this machine" if cluster else None),
        "Nodes": cluster.get("nodes"),
        "CPUs": cluster.get("cpus"),
        **{f"Version of {name}": version for name, version in mapping_of(facts.get("versions")).items()},
        **{f"Git {name}": value for name, value in git.items() if isinstance(value, str | int)},
    }
    return Section("environment", "Data and environment", terms({k: v for k, v in said.items() if _is_plain(v)}))


def _whole(value: Any) -> str | None:
    return f"{value:,}" if isinstance(value, int) else None


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float)
