"""Schedules without a pool: what they say is done by workers that end in any order."""

from __future__ import annotations

import random

from raysk.plans.schedule import fits_of


def follow(schedule, scores, workers, seed):
    """Do what a schedule says, with messages that end in any order; returns the fits that were done."""
    rng, running, done = random.Random(seed), [], set()  # noqa: S311 - no secret
    splits = scores.shape[1]
    while running or schedule.left:
        while schedule.left and len(running) < workers:
            size = rng.choice([1, 1, 3, 10])
            units = list(schedule.take(size, None))
            assert 0 < len(units) <= size
            running.append(units)
        units = running.pop(rng.randrange(len(running)))
        if rng.random() < 0.1:
            schedule.put_back(units[1:])
            del units[1:]
        for fit in (fit for unit in units for fit in fits_of(unit)):
            assert fit not in done
            done.add(fit)
            schedule.hear(*divmod(fit, splits), {"test_scores": scores.flat[fit]})
    return done
