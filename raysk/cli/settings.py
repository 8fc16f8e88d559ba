"""Settings: options that may be said once for all jobs, in the environment or in pyproject.toml.

    --workers 4  >  RAYSK_WORKERS=4  >  [tool.raysk.search] workers = 4  >  [tool.raysk] workers = 4  >  default

An option that has a variable (see `raysk.cli.options`) is a setting. Typer reads the variable, and takes what
pyproject.toml says from here, as its map of defaults.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from raysk.errors import UsageError
from raysk.util.trust import why_not_trusted
from raysk.util.words import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROJECT = "pyproject.toml"
SECTION = "tool.raysk"
FROM_SETTINGS = {"ENVIRONMENT", "DEFAULT_MAP"}
"""Names of the sources, of Typer's, that a setting's value may have."""
NEEDED = {int: "a whole number", str: "text", bool: "true or false"}


@dataclass(frozen=True)
class Project:
    """What a pyproject.toml says of raysk.

    Parameters
    ----------
    path : Path or None
        None if there is none that speaks of raysk.
    table : mapping of str to object
        ``[tool.raysk]``: values by option, and tables of values by command.
    """

    path: Path | None = None
    table: Mapping[str, Any] = field(default_factory=dict)

    def of(self, command: str) -> Mapping[str, Any]:
        """Return the command's own table."""
        return _table(self.table, command)


def project() -> Project:
    """Read the pyproject.toml of this folder, or of the nearest one above, that speaks of raysk.

    Raises
    ------
    UsageError
        If it cannot be read, is no TOML, or may be somebody else's: whoever wrote it could choose the cluster.
    """
    try:
        here = Path.cwd()
    except FileNotFoundError:  # it was removed: a command that needs it will say so
        return Project()
    for folder in (here, *here.parents):
        path = folder / PROJECT
        if path.is_file() and (said := _section(path)) is not None:
            _check_whose(path)
            return Project(path, said)
    return Project()


def _check_whose(path: Path) -> None:
    reason = why_not_trusted(path)
    if reason is not None:
        raise UsageError(
            f"{str(path)!r} has settings of raysk's, but may be somebody else's:\n{reason}.\n"
            f"Change that, or put a {PROJECT} of your own with [{SECTION}], which may be empty, nearer to this folder."
        )


def _section(path: Path) -> dict[str, Any] | None:
    try:
        content = path.read_bytes()
        if b"raysk" not in content:  # what is wrong with it is not ours to say
            return None
        said = _toml(content.decode()).get("tool", {}).get("raysk")
    except (OSError, ValueError, AttributeError) as error:
        raise UsageError(f"{str(path)!r} cannot be read: {error}.\nIt may hold settings of raysk's.") from error
    if said is not None and not isinstance(said, dict):
        raise UsageError(f"{str(path)!r}: tool.raysk is no table. Write [{SECTION}] above the settings.")
    return said


def _toml(text: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib

        return tomllib.loads(text)
    if f"[{SECTION}" in text:
        raise ValueError("that needs Python 3.11 or newer; RAYSK_* variables say the same")
    return {}


def default_map(context: typer.Context) -> dict[str, Any]:
    """Return what pyproject.toml says, as Typer's map of defaults: values by parameter, by command.

    Parameters
    ----------
    context : typer.Context
        Of the whole program.

    Raises
    ------
    UsageError
        If the file is damaged, or holds what is no setting, naming file and key.
    """
    found = project()
    if not found.table:
        return {}
    _check(found, context)
    return _defaults(context.command, found.table)


def _defaults(command: Any, table: Mapping[str, Any]) -> dict[str, Any]:
    inner = getattr(command, "commands", {})
    made = {name: _defaults(each, {**table, **_table(table, name)}) for name, each in inner.items()}
    return made | {param.name: table[name] for name, param in of_command(command) if name in table}


def _table(table: Mapping[str, Any], name: str) -> dict[str, Any]:
    own = table.get(name)
    return own if isinstance(own, dict) else {}


def of_command(command: Any) -> Iterator[tuple[str, Any]]:
    """Yield a command's settings: the option's name without dashes, and Typer's parameter."""
    for param in command.params:
        if getattr(param, "envvar", None):
            yield max(param.opts, key=len).lstrip("-"), param


def _every(command: Any) -> Iterator[tuple[Any, str, Any]]:
    """Yield all settings of a command and those within it: the command, the name and the parameter."""
    for name, param in of_command(command):
        yield command, name, param
    for each in getattr(command, "commands", {}).values():
        yield from _every(each)


def _check(found: Project, context: typer.Context) -> None:
    commands: dict[str, Any] = getattr(context.command, "commands", {})
    known = {name: param for _, name, param in _every(context.command)}
    for key, value in found.table.items():
        if key in commands and isinstance(value, dict):
            own = dict(of_command(commands[key]))
            for inner, each in value.items():
                _check_one(found.path, f"{SECTION}.{key}", inner, each, own, context)
        else:
            names = known | commands if isinstance(value, dict) else known
            _check_one(found.path, SECTION, key, value, names, context)


def _check_one(
    path: Path | None, section: str, key: str, value: Any, known: Mapping[str, Any], context: typer.Context
) -> None:
    """Fail unless a key is a setting, and its value of the option's own type."""
    if key not in known:
        raise UsageError(
            f"{str(path)!r}: [{section}] has {key!r}, which is no setting there.\n{suggestion(key, known, 'settings')}"
        )
    try:
        made = known[key].process_value(context, value)
        reason = "" if type(made) is type(value) else f"{NEEDED.get(type(made), type(made).__name__)} is needed"
    except typer.BadParameter as error:
        reason = error.message
    if reason:
        raise UsageError(f"{str(path)!r}: [{section}] {key} is {value!r}, which is of the wrong type: {reason}.")


# --- what is in force -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Setting:
    """The value of one setting, and where that is from.

    Parameters
    ----------
    value : object
        None if there is no value.
    source : str
        A variable, a file with its table, or ``default``.
    """

    value: Any
    source: str


def unknown_variables(root: Any) -> dict[str, str]:
    """Return variables that look like settings and are none, with what may have been meant."""
    known = {param.envvar for _, _, param in _every(root.command)}
    strange = sorted(name for name in os.environ if name.startswith("RAYSK_") and name not in known)
    return {name: suggestion(name, known, "variables") for name in strange}


def in_force(root: Any) -> dict[str, Setting]:
    """Return all settings by name; as ``search.cv`` where a command has a value of its own."""
    found = project()
    made: dict[str, Setting] = {}
    for command, name, param in _every(root.command):
        own = name in found.of(command.name)
        label = f"{command.name}.{name}" if own else name
        value, source = param.consume_value(typer.Context(command, root, command.name), {})
        section = f"[{SECTION}.{command.name}]" if own else f"[{SECTION}]"
        said = {"ENVIRONMENT": param.envvar, "DEFAULT_MAP": f"{found.path} {section}"}.get(source.name, "default")
        made.setdefault(label, Setting(param.process_value(root, value), said))
    return made


def as_typed(context: typer.Context) -> list[str]:
    """Return arguments that start a command as it runs now, with its settings as options: it needs no settings then."""
    return [str(context.info_name), *spelled(context.command, given(context))]


def given(context: typer.Context) -> dict[str, Any]:
    """Return a command's parameters that are not what they are by default: those typed, and those from settings."""
    sources = {name: getattr(context.get_parameter_source(name), "name", None) for name in context.params}
    return {name: value for name, value in context.params.items() if sources[name] in {"COMMANDLINE", *FROM_SETTINGS}}


def spelled(command: Any, values: Mapping[str, Any]) -> list[str]:
    """Return arguments that give a command's parameters these values; None and False leave a parameter out."""
    plain, options = [], []
    for param in command.params:
        value = values.get(param.name)
        every = value if isinstance(value, list | tuple) else [value]
        if value is None or value is False:
            continue
        if param.param_type_name == "argument":
            plain += [str(each) for each in every]
        else:
            name = max(param.opts, key=len)
            options += [name if each is True else f"{name}={each}" for each in every]
    return [*options, "--", *plain] if any(each.startswith("-") for each in plain) else [*plain, *options]


def is_typed(context: typer.Context, parameter: str) -> bool:
    """Tell whether a parameter's value is from the command line, and neither a setting nor the default."""
    return getattr(context.get_parameter_source(parameter), "name", None) == "COMMANDLINE"


def forget_variables(root: Any) -> None:
    """Take the variables of all settings out of the environment."""
    for _, _, param in _every(root.command):
        os.environ.pop(param.envvar, None)
