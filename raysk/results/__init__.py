"""Tables of candidates and predictions as files, all through writers.py; which candidate is best."""
