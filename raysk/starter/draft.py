"""Put the parts of a file together: Python or a notebook, and what to type next.

kind, table, roles --loading--> Table --survey--> Survey --sections--> parts --> Draft: text, facts, commands
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from raysk.errors import UsageError
from raysk.starter import loading as tables
from raysk.starter import sections
from raysk.starter.layout import WIDTH, Imports, comment, quote, write_dict
from raysk.starter.sections import Section
from raysk.starter.survey import survey
from raysk.starter.target import FOLDS
from raysk.util.words import printable, suggestion

if TYPE_CHECKING:
    from raysk.data.reading import DataSource
    from raysk.starter.sections import Model
    from raysk.starter.survey import Survey

FILES = {"fit": "model.py", "search": "spec.py", "pipeline": "pipeline.py", "notebook": "notebook.ipynb"}
"""The kinds of files, and how each is called unless the person says."""

_N_ITER = 50


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A file that runs as it is.

    Parameters
    ----------
    text : str
    facts : mapping of str to object
        What is in it: kind, task, columns by what they hold, scoring.
    next : str
        What to type next.
    """

    text: str
    facts: dict[str, Any]
    next: str


def draft(kind: str = "search", given: DataSource | None = None, path: str | None = None) -> Draft:
    """Write a file for a table, or for a sample that scikit-learn brings along.

    Parameters
    ----------
    kind : {"search", "fit", "pipeline", "notebook"}, default="search"
    given : DataSource or None
        The table and the roles of its columns; None takes the sample.
    path : str or None
        Where the file will be, for the commands in it; None means the usual name.

    Returns
    -------
    Draft

    Raises
    ------
    UsageError
        If there is no such kind, or the table cannot be named in a file.
    InputError
        If the table cannot be read, or has nothing to predict.
    """
    imports, path = Imports(), shlex.quote(path or file_name(kind))
    found = None
    if given is None:
        data = [sections.write_sample(imports)]
    else:
        table, loading = tables.read(given)
        found = survey(table, given.columns)
        data = sections.write_data(imports, found, loading)
    command = f"raysk {'fit' if kind == 'fit' else 'search'} {path}" + (" -o model.pkl" if kind == "fit" else "")
    parts = [*data, *_WRITERS[kind](imports, found)]
    head = _write_head(kind, path, given, found)
    text = (_as_notebook if kind == "notebook" else _as_python)(head, imports, parts)
    return Draft(text=text, facts=_facts(kind, given, found), next=command)


def file_name(kind: str) -> str:
    """Return what a file of a kind is called, unless the person says.

    Raises
    ------
    UsageError
        If there is no such kind.
    """
    if kind not in FILES:
        raise UsageError(
            f"{printable(kind)!r}: there is no such kind of file.\n{suggestion(kind, FILES, 'kinds')}\n"
            "A table is given by --data, and another name for the file by -o."
        )
    return FILES[kind]


# --- what is in each kind


def _fit_parts(imports: Imports, found: Survey | None) -> list[Section]:
    model = sections.write_model(imports, found, "model")
    return [Section("The model", model.code), *_weight_part(found, model)]


def _search_parts(imports: Imports, found: Survey | None) -> list[Section]:
    imports.use("sklearn.model_selection", "RandomizedSearchCV")
    model = sections.write_model(imports, found, "model")
    scoring, why, cv = _evaluation(imports, found)
    arguments = [
        *("model", "space"),
        f"n_iter={_N_ITER},  # candidates",
        f"scoring={quote(scoring)}",
        f"cv={cv}",
        "random_state=0",
    ]
    rows = "".join(f"    {each}{'' if '#' in each else ','}\n" for each in arguments)
    return [
        Section("The model", model.code),
        Section("Values to search", _write_space(imports, "space", model)),
        *_weight_part(found, model),
        Section("The search", f"{comment(why + '.')}\nsearch = RandomizedSearchCV(\n{rows})"),
    ]


def _pipeline_parts(imports: Imports, found: Survey | None) -> list[Section]:
    model = sections.write_model(imports, found, "pipeline")
    scoring, why, cv = _evaluation(imports, found)
    note = comment("raysk search takes what has these names: pipeline, param_distributions, scoring, cv.")
    how = f"{comment(why + '.')}\nscoring = {quote(scoring)}\ncv = {cv}"
    return [
        Section("The pipeline", model.code),
        Section("Values to search", f"{note}\n{_write_space(imports, 'param_distributions', model)}"),
        *_weight_part(found, model),
        Section("How candidates are judged", how),
    ]


_WRITERS = {"fit": _fit_parts, "search": _search_parts, "notebook": _search_parts, "pipeline": _pipeline_parts}


def _write_space(imports: Imports, name: str, model: Model) -> str:
    for code in model.space.values():
        if (drawn_by := code.partition("(")[0]).isidentifier():
            imports.use("scipy.stats", drawn_by)
    drawn = comment("loguniform draws as often from 0.01 to 0.1 as from 0.1 to 1. Lists are values to choose from.")
    return f"{drawn}\n{write_dict(name, model.space)}"


def _weight_part(found: Survey | None, model: Model) -> list[Section]:
    if found is None or found.weight is None:
        return []
    code = f'fit_params = {{"{model.prefix}sample_weight": table[{quote(found.weight)}]}}'
    return [Section("Weights of the rows", code)]


def _evaluation(imports: Imports, found: Survey | None) -> tuple[str, str, str]:
    """Return the metric, why it suits, and the code of the splitter."""
    if found is None:
        splitter = imports.use("sklearn.model_selection", "StratifiedKFold")
        return "roc_auc", "Others: accuracy, balanced_accuracy, f1", _shuffled(splitter, FOLDS)
    scoring, why = found.target.scoring
    classes, grouped = found.target.classes is not None, found.groups is not None
    name = f"{'Stratified' if classes else ''}{'Group' if grouped else ''}KFold"
    return scoring, why, _shuffled(imports.use("sklearn.model_selection", name), found.target.folds)


def _shuffled(splitter: str, folds: int) -> str:
    return f"{splitter}({folds}, shuffle=True, random_state=0)"


# --- the whole


def _write_head(kind: str, path: str, given: DataSource | None, found: Survey | None) -> str:
    """Return what the file is and what to type, as comments."""
    about = "Tell harmless from harmful tumours" if found is None else f"Predict {quote(found.target.name)}"
    source = "" if given is None else f" from the other columns of {quote(given.source)}"
    if kind == "fit":
        commands = {
            f"raysk fit {path} -o model.pkl": "fit the model and save it",
            f"raysk fit {path} --test-size 0.2": "see how good it is on other rows",
        }
    else:
        commands = {
            f"raysk search {path} -o model.pkl": "search, and save the best model",
            f"raysk search {path} --n-iter 5": "a quick try",
            f"raysk inspect {path}": "what would run",
        }
    if kind == "pipeline":
        commands |= {f"raysk fit {path}": "fit the pipeline as it is"}
    width = max(map(len, commands))
    lines = [f"#   {command:<{width}}  # {what}" for command, what in commands.items()]
    return "\n".join([f"# {about}{source}.", "#", *lines])


def _as_python(head: str, imports: Imports, parts: list[Section]) -> str:
    blocks = [f"{head}\n\n{imports.code}"]
    for part in parts:
        title = f"# --- {part.title} "
        blocks.append(f"{title}{'-' * (WIDTH - len(title))}\n{_gap(part.code)}{part.code}")
    return "\n\n".join(blocks) + "\n"


def _gap(code: str) -> str:
    """Return the empty lines before code: two before a function."""
    return "\n\n" if code.startswith("def ") else "\n"


def _as_notebook(head: str, imports: Imports, parts: list[Section]) -> str:
    """Return the JSON of a notebook: a cell for each part, and a last one for those who work in the notebook."""
    about, _, commands = head.partition("\n#\n")
    shown = commands.replace("\n#   ", "\n    ").removeprefix("#   ")
    cells = [_cell("markdown", f"{about.removeprefix('# ')}\n\nIn a terminal:\n\n    {shown}")]
    cells += [_cell("code", imports.code)]
    for part in parts:
        cells += [_cell("markdown", f"## {part.title}"), _cell("code", part.code)]
    here = "# The same from here: a cell tagged 'skip' is left out by 'raysk search'.\nimport raysk\n\n"
    run = f"{here}raysk.fit(search, X, y)\nsearch.best_params_"
    cells.append(_cell("code", run, tags=["skip"]))
    metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    book = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"


def _cell(kind: str, text: str, **metadata: Any) -> dict[str, Any]:
    cell = {"cell_type": kind, "metadata": metadata, "source": text.splitlines(keepends=True)}
    return cell if kind == "markdown" else {**cell, "execution_count": None, "outputs": []}


def _facts(kind: str, given: DataSource | None, found: Survey | None) -> dict[str, Any]:
    """Return what the file has, for those who read no Python."""
    facts: dict[str, Any] = {"kind": kind, "data": None, "target": None, "task": "classification"}
    facts |= {"scoring": "roc_auc", "columns": None, "left_out": None}
    if given is None or found is None:
        return facts
    columns = {
        "numbers": list(found.numbers),
        "categories": list(found.categories),
        "dates": list(found.dates),
        "texts": list(found.texts),
    }
    return facts | {
        "data": given.source,
        "target": found.target.name,
        "task": "regression" if found.target.classes is None else "classification",
        "scoring": found.target.scoring[0],
        "columns": columns,
        "left_out": dict(found.left_out),
    }
