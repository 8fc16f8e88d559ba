"""What runs left behind, read again: while they go on, when they are done, and after a crash.

A run's name or folder goes in (`run.open_run`), its candidates come out as columns (`candidates.read_candidates`) and
its fits one by one (`fits.read_fits`). Only text is read: nothing is unpickled, nothing of the person's is imported.
"""
