"""Writes the tables of benchmarks, from the reports in ``benchmarks/`` that ``raysk bench --json`` has printed.

    python tests/docs/tables.py

The README and the guide get one table of all workloads, ``raysk/bench/README.md`` gets every report whole: what stands
between ``<!-- benchmarks: overview -->``, ``less`` or ``all``, and ``<!-- end of benchmarks -->``.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
REPORTS = Path(__file__).parent / "benchmarks"
PAGES = [ROOT / "README.md", ROOT / "raysk" / "guide" / "benchmarks.md", ROOT / "raysk" / "bench" / "README.md"]

PLACE = re.compile(
    r"^(?P<start><!-- benchmarks: (?P<which>\w+) -->\n)(?P<text>.*?)(?P<end>^<!-- end of benchmarks -->$)",
    re.MULTILINE | re.DOTALL,
)
BACKENDS = {
    "raysk": "raysk",
    "loky": "loky",
    "multiprocessing": "multi-processing",
    "threading": "threading",
    "dask": "Dask",
    "ray": "Ray's own",
    "ideal": "ideal",
}
IN_OVERVIEW = 5
"""Reports that compare all backends on one machine; they come first."""

LESS_WORK = ("pruned", "contained", "steps")
"""What the names of the workloads begin with that show work left out."""


def updated(text):
    """Return a page's text with its tables as the reports are now."""
    reports = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(REPORTS.glob("*.json"))]
    made = {
        "overview": overview(reports[:IN_OVERVIEW]),
        "less": less_work(reports),
        "all": "".join(every_report(reports)),
    }
    return PLACE.sub(lambda place: f"{place['start']}{made[place['which']]}\n{place['end']}", text)


def table(rows):
    """Return rows as a table of Markdown."""
    head, *others = [[str(cell) for cell in row] for row in rows]
    return "".join(f"| {' | '.join(row)} |\n" for row in [head, ["---"] * len(head), *others])


def overview(reports):
    """Return one table: the time of each backend on each workload, in seconds."""
    from raysk.bench.report import on, title

    rows = [["seconds", *BACKENDS.values()]]
    for report in reports:
        results = {row["backend"]: row for row in report["results"]}
        best = min(row["time_s"]["median"] for name, row in results.items() if row["time_s"] and name != "ideal")
        name = title(report["results"]).partition(", scale")[0]
        rows.append([name, *(cell(results[backend], best) for backend in BACKENDS)])
    return f"\nMeasured on {on(reports[0]['machine'])}.\n\n{table(rows)}"


def less_work(reports):
    """Return one table of the workloads of which raysk leaves fits or steps out."""
    from raysk.bench.report import title

    rows = [["seconds", "raysk", "loky", "ideal", "fits done", "same best", "/ loky", "/ ideal"]]
    for report in reports:
        for name in dict.fromkeys(row["workload"] for row in report["results"]):
            own = [row for row in report["results"] if row["workload"] == name]
            results = {row["backend"]: row for row in own}
            if name.startswith(LESS_WORK):
                raysk = results["raysk"]
                times = [f"{results[each]['time_s']['median']:.1f}" for each in ("raysk", "loky", "ideal")]
                ratios = [f"{raysk[ratio]:.2f}" for ratio in ("ratio_to_loky", "ratio_to_ideal")]
                done = f"{raysk['fits_done']['median']:.0%}"
                rows.append([title(own), *times, done, "yes" if raysk["same_best"] else "no", *ratios])
    return f"\n{table(rows)}"


def cell(row, best_s):
    """Return the time of a row; the best one stands out, and of one that was given up, how long that took."""
    if row["time_s"] is None:
        return f"> {re.search('longer than ([0-9]+) s', row['error'])[1]}"
    text = f"{row['time_s']['median']:.1f}"
    return f"**{text}**" if row["time_s"]["median"] == best_s else text


def every_report(reports):
    """Yield what each report says, and what it was measured on where that is another machine than before."""
    from raysk.bench.report import COLUMNS, cells, on, title

    machine = None
    for report in reports:
        if report["machine"] != machine:
            yield f"\nMeasured on {on(report['machine'])}.\n"
        machine = report["machine"]
        repeats = "measured once" if report["repeat"] == 1 else f"medians of {report['repeat']}"
        for workload in dict.fromkeys(row["workload"] for row in report["results"]):
            own = [row for row in report["results"] if row["workload"] == workload]
            filled = [cells(row) for row in own]
            used = [number for number in range(len(COLUMNS)) if any(row[number] for row in filled)]
            rows = [[row[number] for number in used] for row in [COLUMNS, *filled]]
            yield f"\n**{title(own)}** ({repeats})\n\n{table(rows)}"


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(updated(page.read_text(encoding="utf-8")), encoding="utf-8")
