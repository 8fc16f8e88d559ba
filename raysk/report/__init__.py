"""One self-contained HTML page about a run, or several: figures, and findings in words.

Runs go in as `raysk.history` reads them. `writing.write_report` writes the page; `findings.findings_of` returns the
findings alone, which `study.Study` draws from the candidates.
"""
