"""Tables of candidates and predictions as files, all written by writers.py. Also the choice of the best candidate."""
