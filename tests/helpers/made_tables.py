"""Runs and tables of candidates as a test wants them, without any fit."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from raysk.history.candidates import CandidateTable
from raysk.history.fits import Fit
from raysk.report.axes import axes_of
from raysk.report.findings import findings
from raysk.report.importance import importance

SPLITS = 5


def table_of(params, scores, *, noise=0.01, **others):
    """Return a table: `scores` are means, around which splits differ alike for all but for the noise, or splits."""
    scores = np.asarray(scores, float)
    rng = np.random.RandomState(0)
    if scores.ndim == 1:
        scores = scores[:, None] + np.linspace(-0.01, 0.01, SPLITS) + noise * rng.randn(len(scores), SPLITS)
    count = len(params)
    train = others.pop("train", None)
    columns = {
        "fit_time": np.full(count, 0.01),
        "score_time": np.zeros(count),
        "errors": [None] * count,
        "pruned": np.zeros(count, bool),
        **others,
    }
    return CandidateTable(
        metric="score",
        metrics=("score",),
        numbers=np.arange(count),
        params=params,
        names=tuple(dict.fromkeys(name for each in params for name in each)),
        mean={"score": scores.mean(axis=1)},
        std={"score": scores.std(axis=1)},
        splits={"score": scores},
        train_mean={} if train is None else {"score": np.asarray(train, float)},
        train_splits={},
        **columns,
    )


def run_of(tmp_path, *, method="random", space=None, arguments=(), **facts):
    """Return a run that a command started, as far as findings look at it."""
    job = {"command": "search", "source": "spec.py", "arguments": ["search", "spec.py", *arguments]}
    said = {"job": job, "search": {"method": method}, "space": space, **facts}
    return SimpleNamespace(facts=said, folder=tmp_path, shown="raysk-runs/spec", command="search", state="done")


def fit_of(candidate, split, *, ended, worker, fit_time):
    """Return a fit of a journal."""
    scores = {"score": 0.5}
    return Fit(f"{candidate} {split}", candidate, split, scores, {}, fit_time, 0.0, ended, worker, None, None)


def found_in(run, table, fits=()):
    """Return the findings by their kinds."""
    axes = axes_of(run, table)
    every = findings(run, table, list(fits), axes, importance(table, axes))
    return {finding.kind: finding for finding in every}
