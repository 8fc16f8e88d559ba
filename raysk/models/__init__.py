"""A fitted model as a file: write, load, verify, describe.

store.py       saves and loads, with a sidecar that describes the model; begin here
formats/       one file a format; a new format goes there
verify.py   verifies a saved model in another process
describe.py    describes a model file without loading it
pickles.py     loads pickles: the one place that does
by_value.py    saves a person's modules with a model
imports.py     looks into a pickle without loading it
"""
