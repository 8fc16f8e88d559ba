"""Tables and arrays, from anywhere, become X, y, groups and weights.

reading.py   begins with `read_table` and `blocks`; the formats are in files of their own
split.py     cuts a table into X, y and what else goes to `fit`
encoding.py  turns columns that are no numbers into what an estimator takes
"""
