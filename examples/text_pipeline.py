"""A grid search for a text pipeline with a transformer of our own: guess which data set a line is about.

The texts are the descriptions of scikit-learn's built-in data sets, so nothing is downloaded. The file holds loose
parts under raysk's conventional names - `estimator`, `param_grid`, `cv`, `load_data` - instead of a search object:

    raysk inspect examples/text_pipeline.py
    raysk search examples/text_pipeline.py -o text.pkl

`LineShape` and `share` travel by value: workers, and whoever loads text.pkl, do not need this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.svm import LinearSVC

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def share(text: str, belongs: Callable[[str], bool]) -> float:
    """Return the share of a text's characters that belong to a group, such as digits."""
    return sum(map(belongs, text)) / max(len(text), 1)


class LineShape(TransformerMixin, BaseEstimator):
    """Describe what a line looks like rather than what it says.

    Parameters
    ----------
    scale : int, default=80
        Characters of a long line; lengths are divided by it.
    """

    def __init__(self, scale: int = 80) -> None:
        self.scale = scale

    def fit(self, X: Any, y: Any = None) -> LineShape:  # noqa: ARG002 - scikit-learn's signature
        """Do nothing: there is nothing to learn."""
        return self

    def transform(self, X: Iterable[str]) -> np.ndarray:
        """Return an array of shape (n_samples, 4): length, shares of digits, of capitals and of spaces."""
        rows = [
            (len(text) / self.scale, share(text, str.isdigit), share(text, str.isupper), share(text, str.isspace))
            for text in X
        ]
        return np.array(rows)


def load_data() -> tuple[np.ndarray, np.ndarray]:
    """Return about 280 lines of text, and for each the name of the data set it describes."""
    sources = {
        "breast cancer": load_breast_cancer,
        "diabetes": load_diabetes,
        "digits": load_digits,
        "iris": load_iris,
        "wine": load_wine,
    }
    pairs = [
        (line.strip(), name)
        for name, load in sources.items()
        for line in load().DESCR.splitlines()
        if line.strip(" =-")
    ]
    texts, names = zip(*pairs, strict=True)
    return np.array(texts, dtype=object), np.array(names)


estimator = Pipeline(
    [
        ("features", FeatureUnion([("words", TfidfVectorizer()), ("shape", LineShape())])),
        ("classify", LinearSVC(random_state=0)),
    ]
)

param_grid = {
    "features__words__analyzer": ["word", "char_wb"],
    "features__words__sublinear_tf": [False, True],
    "features__shape__scale": [40, 80],
    "classify__C": [0.1, 1, 10],
}

cv = StratifiedKFold(5, shuffle=True, random_state=0)
