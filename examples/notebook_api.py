"""raysk from Python, as in a notebook: three ways to use one warm pool of workers.

Run it, or paste its cells into a notebook. It starts Ray on this machine, or uses RAYSK_ADDRESS if that is set:

    python examples/notebook_api.py
"""

# %% Data, and what to fit
import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.svm import SVC

import raysk

X, y = load_digits(return_X_y=True)
search = GridSearchCV(SVC(), {"C": [1, 10, 100], "gamma": np.logspace(-4, -2, 3)}, cv=3)
forest = RandomForestClassifier(n_estimators=200, random_state=0)

with raysk.connect() as cluster:  # the workers stay warm from one fit to the next
    print(f"nodes {cluster.nodes}, CPUs {cluster.cpus}")

    # %% A search: the same object comes back, fitted
    raysk.fit(search, X, y)
    print(f"search {search.best_score_:.4f} with {search.best_params_}")

    # %% A forest: tree for tree the one that scikit-learn grows
    raysk.fit(forest, X[:1500], y[:1500])
    print(f"forest {forest.score(X[1500:], y[1500:]):.4f} on new rows")

    # %% Anything else that is built on joblib
    raysk.register()
    with joblib.parallel_config(backend="raysk"):
        scores = cross_val_score(search.best_estimator_, X, y, cv=5)
    print(f"scores {scores.mean():.4f} +/- {scores.std():.4f}")
