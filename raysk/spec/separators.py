"""A table whose columns are separated by something else: what to type then."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import PurePath

from raysk.errors import InputError
from raysk.spec.inputs import STDIN, label_of

DECIMAL_COMMA = re.compile(rb"\d,\d")


def check_separator(label: str, lines: bytes, kind: str) -> None:
    """Raise `InputError` if the first lines, one column each, have another separator, and all of them as many."""
    head = [line for line in lines.decode(errors="replace").splitlines()[:20] if line]
    for name, mark in (("csv", ","), ("tsv", "\t"), ("", ";"), ("", "|")):
        counts = {line.count(mark) for line in head}
        if name != kind and len(head) > 1 and len(counts) == 1 and 0 not in counts and '"' not in head[0]:
            way = (
                f"--format {name}"
                if name
                else _converting(label, mark, decimal=DECIMAL_COMMA.search(lines) is not None)
            )
            raise InputError(
                f"{label}: the columns seem to be separated by {mark!r}, which is not {kind}.\n"
                f"If there is only one, quote its name. If they are:\n    {way}"
            )


def _converting(label: str, mark: str, *, decimal: bool) -> str:
    """Return the command that makes a table of one with another separator, for the shell."""
    comma = ', decimal=","' * decimal
    file, table = ("/dev/stdin", "table.csv") if label == label_of(STDIN) else (label, label)
    made = json.dumps(str(PurePath(table).with_suffix(".parquet")))
    read = f'pandas.read_csv({json.dumps(file)}, sep="{mark}"{comma})'
    return f"python -c {shlex.quote(f'import pandas; {read}.to_parquet({made})')}"
