"""Tables of candidates and predictions as CSV, JSON lines and Parquet; which candidate is best."""
