"""Runs that were never run: folders with the files of a search, written in a moment."""

from __future__ import annotations

import json

import numpy as np

from raysk.history.run import Run
from raysk.results.candidates import write_results
from raysk.runs.folder import JOURNAL, MANIFEST
from raysk.runs.records import encode_result, to_line
from raysk.util.typed_json import encode_params

BEGAN = 1_790_000_000.0
FIT_S = 0.5
WORKERS = 2


def make_run(folder, params, scores, *, errors=None, done=True, table=None, **facts):  # noqa: PLR0913 - a run has it
    """Write a run, and return it.

    Parameters
    ----------
    folder : Path
    params : list of dict
        Of each candidate.
    scores : array-like of shape (n_candidates, n_splits), or mapping of str to such
        NaN for a fit that was not done; by metric, if there are several.
    errors : mapping of (candidate, split) to str
        Fits that failed.
    done : bool
        Whether the run is done; else it was interrupted, and has its journal only.
    table : mapping
        More columns of ``cv_results_``.
    **facts : object
        What else ``run.json`` says.
    """
    folder.mkdir(parents=True)
    by_metric = scores if isinstance(scores, dict) else {"score": np.asarray(scores, float)}
    by_metric = {name: np.asarray(each, float) for name, each in by_metric.items()}
    said = {
        "outcome": "done" if done else "interrupted",
        "started": "2026-09-21T10:00:00.000+00:00",
        "job": {"command": "search", "source": "spec.py", "arguments": ["search", "spec.py"], "folder": "/"},
    }
    (folder / MANIFEST).write_text(json.dumps({**said, **facts}))
    (folder / JOURNAL).write_text("".join(_lines(params, by_metric, errors or {})))
    if done:
        write_results({**_columns(params, by_metric), **(table or {})}, folder / "results.csv")
    return Run(folder)


def _lines(params, by_metric, errors):
    """Yield the lines of a journal: its first, and one a fit."""
    yield to_line({"raysk": "journal", "schema": 1})
    n_splits = next(iter(by_metric.values())).shape[1]
    for number, each in enumerate(params):
        for split in range(n_splits):
            found = {name: float(scores[number, split]) for name, scores in by_metric.items()}
            error = errors.get((number, split))
            if error is None and all(map(np.isnan, found.values())):
                continue
            at = number * n_splits + split
            result = {
                "test_scores": found if len(found) > 1 else next(iter(found.values())),
                "fit_time": FIT_S * (1 + number % 7),
                "score_time": 0.1,
                "n_test_samples": 10,
                "fit_error": error,
            }
            record = {"fit": f"{number:024x} {split:016x}", **encode_result(result), "candidate": number}
            record |= {"split": split, "ended": BEGAN + 5 * (1 + at // WORKERS), "worker": f"10.0.0.1:{at % WORKERS}"}
            yield to_line(record | ({"params": encode_params(each)} if split == 0 else {}))


def _columns(params, by_metric):
    columns = {"params": params, "mean_fit_time": np.full(len(params), FIT_S), "std_fit_time": np.zeros(len(params))}
    columns |= {"mean_score_time": np.full(len(params), 0.1), "std_score_time": np.zeros(len(params))}
    for name in dict.fromkeys(name for each in params for name in each):
        values = np.ma.MaskedArray(np.empty(len(params)), mask=True, dtype=object)
        for row, each in enumerate(params):
            if name in each:
                values[row] = each[name]
        columns[f"param_{name}"] = values
    for name, scores in by_metric.items():
        columns |= {f"split{split}_test_{name}": scores[:, split] for split in range(scores.shape[1])}
        mean = scores.mean(axis=1)
        columns |= {f"mean_test_{name}": mean, f"std_test_{name}": scores.std(axis=1)}
        columns[f"rank_test_{name}"] = 1 + np.argsort(np.argsort(-np.nan_to_num(mean, nan=-np.inf)))
    return columns
