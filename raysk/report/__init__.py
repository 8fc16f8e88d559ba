"""One self-contained HTML page about a run, or several: figures, and findings in words.

    run folder --raysk.history--> reading --figures, sections--> page        writing.write_report
                                     +----> study --find_*-----> findings    findings.findings_of
"""
