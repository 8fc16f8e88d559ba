"""One job from start to end, for the shell and for Python.

    command line --+                                        +--> table, JSON summary, exit code
                   +--> run(read, where, outputs) --> Outcome
    raysk.run -----+          |                             +--> what Python returns
                              +--> events --> a view, a person's sink

run.py        the order of things; begin here
where.py      a cluster, or another joblib backend; what fitting there takes
outputs.py    what is to be left behind: checked before anything runs
saving.py     writes the model and the table; the model is loaded back
record.py     manifest and journal; how to go on
outcome.py    events -> counts -> Outcome
scoring.py   scores of data that was held out
loaded.py     a fitted model that is asked about a table: predict.py, score.py

Nothing here draws, parses options, or knows the terminal.
"""
