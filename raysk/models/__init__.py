"""A fitted model as a file: write, load, verify, describe.

store.py    saves and loads, with a sidecar that says what the model is; begin here
pickles.py  loads pickles: the one place that does
imports.py  looks into a pickle without loading it
"""
