"""Random search for a support vector classifier on the digits data.

The space, the 300 candidates and the 5 folds (1,500 fits) are those of the 2020 article "Easy Distributed
Scikit-Learn with Ray". A shorter first try, then the whole search, then one fit with values of your own:

    raysk search examples/svm_digits.py --n-iter 60
    raysk search examples/svm_digits.py -o best.pkl
    raysk fit examples/svm_digits.py --set C=10 --set gamma=0.001
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import RandomizedSearchCV
from sklearn.svm import SVC

X, y = load_digits(return_X_y=True)

model = SVC(kernel="rbf")

search = RandomizedSearchCV(
    model,
    {
        "C": np.logspace(-6, 6, 30),
        "gamma": np.logspace(-8, 8, 30),
        "tol": np.logspace(-4, -1, 30),
        "class_weight": [None, "balanced"],
    },
    n_iter=300,
    cv=5,
    random_state=0,
)
