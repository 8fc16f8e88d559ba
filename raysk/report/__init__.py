"""One self-contained HTML page about a run, or several: figures, and findings in words."""
