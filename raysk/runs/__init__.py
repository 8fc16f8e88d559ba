"""The files that a run leaves behind, and reading them again.

folder.py     the run folder and its manifest; begin here
journal.py    finished fits, which resume reads; code_digests.py and conditions.py tell whether they are still valid
lookup.py      finds a run by its folder, its name or ``latest``
collisions.py    refuses outputs that would destroy each other or an input; overwriting.py refuses files that exist
"""
