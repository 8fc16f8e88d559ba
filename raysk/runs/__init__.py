"""The files that a run leaves behind, and reading them again.

folder.py     the run folder and its manifest; begin here
journal.py    finished fits, which resume reads; own_code.py and made.py tell whether they are still valid
which.py      finds the run that a person means
targets.py    refuses outputs that would destroy each other or an input; existing.py, files that exist
"""
