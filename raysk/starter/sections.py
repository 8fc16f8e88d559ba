"""Write the parts of a file: the data, the model, the values to search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from raysk.starter.layout import comment, quote, write_dict, write_items, write_list

if TYPE_CHECKING:
    from collections.abc import Iterator

    from raysk.starter.layout import Imports
    from raysk.starter.loading import Loading
    from raysk.starter.survey import Survey

MOST_LISTED = 60
"""Columns of numbers that are listed; where there are more, the others are."""

FEW_ROWS = 200
"""Rows below which boosted trees have too little to learn from."""

_TO_DAYS = '''\
def to_days(dates):
    """Return dates as days since 1970: numbers that a model can use."""

    def convert(date):
        times = pd.to_datetime(date, format={format}, utc=True)
        return (times - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)

    return dates.apply(convert)
'''


@dataclass(frozen=True)
class Section:
    """A part of a file: a title, and code."""

    title: str
    code: str


# --- the data


def write_sample(imports: Imports) -> Section:
    """Load a data set that scikit-learn brings along."""
    name = imports.use("sklearn.datasets", "load_breast_cancer")
    note = comment(
        "A table of 569 rows with 30 columns of numbers, which comes with scikit-learn: replace it with yours. "
        "X has a row for each sample; y has what is to be predicted."
    )
    return Section("The data", f"{note}\nX, y = {name}(return_X_y=True)")


def write_data(imports: Imports, found: Survey, loading: Loading) -> list[Section]:
    """Load the table, name its columns by what they hold, and choose X and y of them."""
    lines = [loading.write(imports)]
    if found.target.missing:
        rows = f"{found.target.missing:,} {'row has' if found.target.missing == 1 else 'rows have'} no target"
        lines.append(f"# {rows}.\ntable = table.dropna(subset=[{quote(found.target.name)}])")
    kinds = _kinds(found)
    parts = " + ".join(name for name, _ in kinds)
    y = f"y = table[{quote(found.target.name)}]" + (".astype(bool)" if found.target.as_bool else "")
    chosen = [f"X = table[{parts}]", y]
    if found.groups is not None:
        chosen.append(f"groups = table[{quote(found.groups)}]  # the rows of a group stay together in a split")
    columns = [*_write_left_out(found), *(code for _, code in kinds)]
    return [
        Section("The table", "\n".join(lines)),
        Section("Its columns", "\n".join([*columns, "", *chosen])),
    ]


def _kinds(found: Survey) -> list[tuple[str, str]]:
    """Return the lists of columns, by the name of each, with the code that defines it."""
    lists = []
    if found.categories:
        lists.append(("categories", write_list("categories", found.categories)))
    if found.numbers:
        lists.append(("numbers", _write_numbers(found)))
    if found.dates:
        lists.append(("dates", write_list("dates", found.dates)))
    if found.texts:
        lists.append(("texts", write_list("texts", found.texts)))
    return lists


def _write_numbers(found: Survey) -> str:
    if len(found.numbers) <= MOST_LISTED:
        return write_list("numbers", found.numbers)
    roles = (each for each in (found.target.name, found.groups, found.weight) if each is not None)
    others = dict.fromkeys([*roles, *found.left_out, *found.categories, *found.dates, *found.texts])
    every = write_items("numbers = [", ["name for name in table.columns if name not in others"], "]")
    return f"{write_list('others', others)}\n{every}"


def _write_left_out(found: Survey) -> Iterator[str]:
    if found.left_out:
        yield "# Left out, as they tell a model nothing about new rows:"
        yield from (f"#   {quote(name)}: {reason}" for name, reason in found.left_out.items())


# --- the model


@dataclass(frozen=True)
class Model:
    """The code of a model, and the values to search.

    Parameters
    ----------
    code : str
    prefix : str
        What stands before the parameters of the model proper: ``model__`` in a pipeline.
    space : mapping of str to str
        Code of the values, by parameter.
    """

    code: str
    prefix: str
    space: dict[str, str]


def write_model(imports: Imports, found: Survey | None, name: str) -> Model:
    """Choose a model for a table, and write it; None is the sample."""
    trees = found is None or not (found.texts or found.rows < FEW_ROWS)
    code, space = (_write_trees if trees else _write_linear)(imports, found)
    if found is None or (trees and not (found.categories or found.dates)):
        return Model(f"{_explain(trees=trees)}\n{name} = {code}", "", space)
    prepare = _write_preparation(imports, found, trees=trees)
    pipeline = imports.use("sklearn.pipeline", "Pipeline")
    inner = "trees" if trees else "linear"
    whole = f'{name} = {pipeline}([("prepare", prepare), ("model", {inner})])'
    space = {f"model__{key}": values for key, values in space.items()}
    if not trees:
        space |= _preparation_space(found)
    return Model(f"{prepare}\n\n{_explain(trees=trees)}\n{inner} = {code}\n{whole}", "model__", space)


def _explain(*, trees: bool) -> str:
    if trees:
        return comment("Boosted trees: quick, strong on tables, and content with missing values.")
    return comment("A linear model: good with texts and with few rows.")


def _write_trees(imports: Imports, found: Survey | None) -> tuple[str, dict[str, str]]:
    kind = "Classifier" if found is None or found.target.classes else "Regressor"
    name = imports.use("sklearn.ensemble", f"HistGradientBoosting{kind}")
    rows = 569 if found is None else found.rows
    code = f"{name}(random_state=0)"
    if found is not None and found.categories:
        first = "    categorical_features=list(range(len(categories))),  # they come first"
        code = f"{name}(\n{first}\n    random_state=0,\n)"
    return code, {
        "learning_rate": "loguniform(0.01, 0.5)",
        "max_iter": "randint(50, 400)  # trees",
        "max_leaf_nodes": "randint(4, 64)",
        "min_samples_leaf": f"randint(2, {max(20, min(100, rows // 20))})",
        "l2_regularization": "loguniform(1e-6, 10)",
        "max_features": "uniform(0.3, 0.7)  # from 0.3 to 0.3 + 0.7",
    }


def _write_linear(imports: Imports, found: Survey | None) -> tuple[str, dict[str, str]]:
    if found is not None and not found.target.classes:
        return f"{imports.use('sklearn.linear_model', 'Ridge')}()", {"alpha": "loguniform(1e-3, 1e4)"}
    name = imports.use("sklearn.linear_model", "LogisticRegression")
    return f"{name}(max_iter=2000)", {"C": "loguniform(1e-4, 1e3)", "class_weight": '[None, "balanced"]'}


# --- what comes before the model


def _write_preparation(imports: Imports, found: Survey, *, trees: bool) -> str:
    """Write the step that turns columns into numbers; what a model takes as it is passes through."""
    defined, parts = [], []
    if found.categories:
        defined.append(_write_encoder(imports, trees=trees))
        parts.append('("categories", encoder, categories)')
    if found.numbers:
        fill = found.misses(found.numbers)
        if scaling := _scaling(imports, trees=trees, fill=fill):
            defined.append(_write_steps(imports, "scaler", scaling, _explain_scaling("Numbers", fill=fill)))
        parts.append(f'("numbers", {"scaler" if scaling else quote("passthrough")}, numbers)')
    if found.dates:
        defined += _write_dates(imports, found, trees=trees)
        parts.append('("dates", days, dates)')
    if found.texts:
        defined.append(_write_words(imports, fill=found.misses(found.texts)))
        chosen = "[texts[{}]]" if found.misses(found.texts) else "texts[{}]"
        parts += [f'("{_text_key(found, n)}", words, {chosen.format(n)})' for n in range(len(found.texts))]
    transformer = imports.use("sklearn.compose", "ColumnTransformer")
    rows = "".join(f"        {part},\n" for part in parts)
    return "\n".join([*defined, f"prepare = {transformer}(\n    [\n{rows}    ]\n)"]).lstrip("\n")


def _write_encoder(imports: Imports, *, trees: bool) -> str:
    if not trees:
        name = imports.use("sklearn.preprocessing", "OneHotEncoder")
        return f'# Each category becomes a column of its own.\nencoder = {name}(handle_unknown="infrequent_if_exist")'
    name = imports.use("sklearn.preprocessing", "OrdinalEncoder")
    options = ['handle_unknown="use_encoded_value"', "unknown_value=-1", "max_categories=200"]
    note = comment("Categories become numbers; one that is new later counts as missing.")
    return f"{note}\n{write_items(f'encoder = {name}(', options, ')')}"


def _scaling(imports: Imports, *, trees: bool, fill: bool) -> list[str]:
    """Return the steps that a linear model needs before numbers."""
    if trees:
        return []
    filled = [f'{imports.use("sklearn.impute", "SimpleImputer")}(strategy="median")'] if fill else []
    return [*filled, f"{imports.use('sklearn.preprocessing', 'StandardScaler')}()"]


def _write_steps(imports: Imports, name: str, steps: list[str], note: str) -> str:
    """Define one step, or a pipeline of several, under a comment."""
    code = f"{name} = {steps[0]}"
    if len(steps) > 1:
        code = write_items(f"{name} = {imports.use('sklearn.pipeline', 'make_pipeline')}(", steps, ")")
    return f"{comment(note)}\n{code}"


def _explain_scaling(what: str, *, fill: bool) -> str:
    missing = f" A missing {what.lower()[:-1]} becomes the median." if fill else ""
    return f"{what} get a similar size.{missing}"


def _write_dates(imports: Imports, found: Survey, *, trees: bool) -> list[str]:
    """Define the step of the columns of dates, and the function that it needs."""
    fill = found.misses(list(found.dates))
    days = f"{imports.use('sklearn.preprocessing', 'FunctionTransformer')}(to_days)"
    steps = [days, *_scaling(imports, trees=trees, fill=fill)]
    defined = _write_to_days(imports, found)
    if trees:
        return [defined, f"days = {days}"]
    return [defined, _write_steps(imports, "days", steps, _explain_scaling("Dates", fill=fill))]


def _write_to_days(imports: Imports, found: Survey) -> str:
    imports.use_pandas()
    formats = set(found.dates.values())
    if len(formats) == 1:
        return "\n\n" + _TO_DAYS.format(format=quote(next(iter(formats)))) + "\n"
    table = write_dict("date_formats", {name: quote(each) for name, each in found.dates.items()})
    return f"{table}\n\n\n{_TO_DAYS.format(format='date_formats[date.name]')}\n"


def _write_words(imports: Imports, *, fill: bool) -> str:
    """Define the step of a column of texts; a vectorizer takes a sequence, and no missing values."""
    name = imports.use("sklearn.feature_extraction.text", "TfidfVectorizer")
    note = "Texts become weights of their words."
    if not fill:
        return f"# {note}\nwords = {name}()"
    imports.modules.add("import numpy as np")
    steps = [
        f'{imports.use("sklearn.impute", "SimpleImputer")}(strategy="constant", fill_value="")',
        f"{imports.use('sklearn.preprocessing', 'FunctionTransformer')}(np.ravel)",
        f"{name}()",
    ]
    return _write_steps(imports, "words", steps, f"{note} A missing text is empty.")


def _text_key(found: Survey, number: int) -> str:
    return "texts" if len(found.texts) == 1 else f"texts{number + 1}"


def _preparation_space(found: Survey) -> dict[str, str]:
    """Return what is searched in the preparation for a linear model."""
    space = {}
    if found.categories:
        space["prepare__categories__min_frequency"] = "[None, 5, 20]  # rarer ones are joined"
    if found.texts:
        key = f"prepare__{_text_key(found, 0)}__{'tfidfvectorizer__' * found.misses(found.texts)}"
        space |= {
            f"{key}ngram_range": "[(1, 1), (1, 2)]  # words, pairs",
            f"{key}min_df": "[1, 2, 5]  # rows with a word",
            f"{key}sublinear_tf": "[False, True]",
        }
    return space
