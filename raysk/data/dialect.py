"""The separator of columns and the decimal mark of a text table, as the person says."""

from __future__ import annotations

from dataclasses import dataclass

from raysk.errors import UsageError
from raysk.util.words import printable

_WORDS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How a CSV or TSV is written.

    Parameters
    ----------
    sep : str or None
        One character, or a name such as ``tab``; None means that it is found.
    decimal : str
        The decimal mark: a point or a comma.

    Raises
    ------
    UsageError
        If one of them is impossible.
    """

    sep: str | None = None
    decimal: str = "."

    def __post_init__(self) -> None:
        sep = None if self.sep is None else _WORDS.get(self.sep.lower(), self.sep)
        if sep is not None and (len(sep) != 1 or not sep.isascii() or sep.isalnum() or sep in '"\r\n\0'):
            raise UsageError(
                f"--sep {printable(self.sep)}: one character separates columns.\n"
                f"Say one such as ';', or a name: {', '.join(name for name in _WORDS if name.isalpha())}."
            )
        if self.decimal not in {".", ","}:
            raise UsageError(f"--decimal {printable(self.decimal)}: it is '.' or ','.")
        if sep == self.decimal == ".":
            raise UsageError("--sep .: numbers have a point before their decimals. Say --decimal , as well.")
        object.__setattr__(self, "sep", sep)

    def given(self) -> list[str]:
        """Return the names of the options that were given."""
        return ["--sep"] * (self.sep is not None) + ["--decimal"] * (self.decimal != ".")

    def check_format(self, label: str, kind: str) -> None:
        """Raise `UsageError` if an option was given for data that is no CSV and no TSV."""
        if self.given() and kind not in {"csv", "tsv"}:
            raise UsageError(f"{self.given()[0]}: only for csv and tsv, and {label} is {kind}. Leave it out.")
