"""A random forest on the digits data, stacked twice (3,594 rows).

raysk grows sub-forests on all workers; the trees are those that scikit-learn itself would grow:

    raysk fit examples/forest_digits.py -o forest.pkl

The 2020 article "Easy Distributed Scikit-Learn with Ray" grew 45,000 trees:

    raysk fit examples/forest_digits.py --set n_estimators=45000 -o forest.pkl
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

images, labels = load_digits(return_X_y=True)
X, y = np.vstack([images, images]), np.hstack([labels, labels])

# 3,000 trees take seconds and make a model file of 0.2 GB; the article's 45,000 would make 3.3 GB
model = RandomForestClassifier(n_estimators=3000, random_state=0, n_jobs=-1)
