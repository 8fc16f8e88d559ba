"""Candidates are given up before all their fits are done: schedules that hear scores, and what they go by.

bounds.py   the largest value that a metric can have
lines.py    what the schedules have in common
exact.py    a candidate is given up that cannot win any more
forgiving.py, race.py   one that hardly will: worse than the worst fold of the best, or significantly worse than it
"""
