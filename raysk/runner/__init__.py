"""One job from start to end, for the shell and for Python.

    command line --+                                        +--> table, JSON summary, exit code
                   +--> run(read, where, outputs) --> Outcome
    raysk.run -----+          |                             +--> what Python returns
                              +--> events --> a view, a person's sink

run.py        the order of things; begin here
where.py      a cluster, or another joblib backend, and its start
outputs.py    the files that a run writes: checked before anything runs
saving.py     writes the model and the table; the model is loaded back
record.py     manifest and journal; the command that continues a run
outcome.py    events -> counts -> Outcome
scoring.py   scores of data that was held out
loaded.py     a fitted model and a table, for predict.py and score.py

Nothing here draws, parses options, or knows the terminal.
"""
