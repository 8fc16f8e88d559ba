"""Tables and arrays from anywhere become X, y, groups and weights.

In: a path, a URI, stdin or a name, and which columns are which. Out: `raysk.jobs.Data`, or blocks of it.
Begin with reading.py: `read_table`, `read_blocks` and the readers, one file a format. split.py makes X and y from
a table, encoding.py turns text and dates into numbers and categories, checks.py refuses values that no fit could use.
features.py finds the features of a fitted model in another table.
"""
