"""Write the code of a pipeline that encodes columns of text for an estimator, to be pasted into a file."""

from __future__ import annotations

import ast
import inspect
import json
from typing import TYPE_CHECKING, Any

from raysk.data import requirements
from raysk.source.objects import is_search
from raysk.util.words import type_name

if TYPE_CHECKING:
    from collections.abc import Sequence

_PIPELINE = "pipeline.Pipeline(["
_MOST_NAMED = 8
"""Columns of text that are named in the code; more are chosen by their type."""


def encoding_recipe(estimator: Any, columns: Sequence[Any], *, missing: bool = False) -> tuple[str, str]:
    """Return the code of a pipeline that defines ``model``, in three lines, and the prefix of its parameters.

    Parameters
    ----------
    estimator : estimator
        Unfitted. Of a search, its estimator is used; ``YOUR_MODEL`` stands for one that is not scikit-learn's.
    columns : sequence of str or int
        The columns of text.
    missing : bool
        Whether missing values in the other columns are to be filled in.

    Returns
    -------
    code : str
    prefix : str
        For example ``svc__``; empty if the parameters keep their names.
    """
    inner = estimator.estimator if is_search(estimator) else estimator
    dense = "" if requirements.takes_sparse(inner) else ", sparse_output=False"
    chosen = json.dumps(list(columns), ensure_ascii=False)
    if len(columns) > _MOST_NAMED:
        chosen = 'compose.make_column_selector(dtype_exclude="number")'
    made = _write_constructor(inner)
    code, modules = made or ("YOUR_MODEL", set())
    if made is not None and code.startswith(_PIPELINE):
        whole, prefix = code.replace(_PIPELINE, f'{_PIPELINE}("texts", texts), ', 1), ""
    else:
        whole, prefix = f"pipeline.make_pipeline(texts, {code})", f"{type_name(inner).lower()}__"
    rest = "impute.SimpleImputer()" if missing else '"passthrough"'
    imports = ", ".join(sorted({"compose", "pipeline", "preprocessing"} | modules | ({"impute"} if missing else set())))
    encoder = f'preprocessing.OneHotEncoder(handle_unknown="ignore"{dense})'
    texts = f"texts = compose.make_column_transformer(({encoder}, {chosen}), remainder={rest})"
    return f"from sklearn import {imports}\n{texts}\nmodel = {whole}", prefix


def _write_constructor(estimator: Any) -> tuple[str, set[str]] | None:
    """Return the call that makes an estimator, and the modules it needs; None if a part is not scikit-learn's."""
    kind = type(estimator)
    if not requirements.is_sklearns(estimator):
        return None
    module = kind.__module__.split(".")[1]
    if isinstance(steps := getattr(estimator, "steps", None), list):
        parts = [
            (name, (repr(step), set()) if isinstance(step, str) else _write_constructor(step)) for name, step in steps
        ]
        if any(part is None for _, part in parts):
            return None
        code = ", ".join(f"({json.dumps(name)}, {part[0]})" for name, part in parts if part)
        return f"{_PIPELINE}{code}])", {module for _, part in parts if part for module in part[1]}
    changed = _find_changed(estimator)
    if changed is None:
        return None
    return f"{module}.{kind.__name__}({', '.join(f'{name}={value}' for name, value in changed.items())})", {module}


def _find_changed(estimator: Any) -> dict[str, str] | None:
    """Return the parameters that differ from the defaults, as code; None if one is no literal."""
    known = inspect.signature(type(estimator)).parameters
    given = {name: repr(value) for name, value in estimator.get_params(deep=False).items()}
    changed = {name: code for name, code in given.items() if code != repr(known[name].default)}
    try:
        for code in changed.values():
            ast.literal_eval(code)
    except (ValueError, SyntaxError):
        return None
    return changed
