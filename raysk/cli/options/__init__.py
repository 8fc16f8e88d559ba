"""The options of the commands, by panel of `--help`: frozen dataclasses whose fields are options.

A panel has a method that makes, of its options, the object that raysk works with. A command inherits the panels that
it has, and Typer reads its fields:

    @dataclass(frozen=True, kw_only=True)
    class Search(SearchOutput, ClusterOptions, ..., SearchOverrides):      raysk search spec.py --workers 2
        file: File                                                          ->  Search(file="spec.py", workers=2).run()
        strict: Annotated[bool, typer.Option("--strict", ...)] = False
        def run(self): self.resources() ...

`--help` lists the options of the last base first, as a dataclass does. An option that several classes have stands
above them under a name of its own.

An option with an ``envvar`` is a setting, and may stand in pyproject.toml too, see `raysk.cli.settings`. A setting says
how jobs run. What one run is about, what it writes, what is loaded and whom to trust is only said with the command.

Modules with panels do without ``from __future__ import annotations``: Typer reads inherited annotations, which as text
would only mean something in the module of the panel.
"""
