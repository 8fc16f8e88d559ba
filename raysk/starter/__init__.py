"""The first file of a person's own: Python or a notebook that runs as it is, written for their table.

In go a kind of file and maybe a table and its target; out comes text. `survey.py` tells the columns of the table apart,
`target.py` what is to be predicted, `sections.py` writes the parts of the file, `draft.py` puts them together: begin
to read there.
"""

from raysk.starter.draft import FILES, Draft, draft, file_name

__all__ = ["FILES", "Draft", "draft", "file_name"]
