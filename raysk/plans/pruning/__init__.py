"""Candidates are given up before all their fits are done: schedules that hear scores, and what they go by.

bounds.py   the largest value that a metric can have
exact.py    a candidate that cannot win any more
"""
