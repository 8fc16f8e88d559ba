"""Small things without a subject of their own: words, parsing, JSON, atomic writes, forks. Uses no room but _compat."""
