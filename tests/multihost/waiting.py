"""A search whose fits wait for each other's cue: the job of the tests in this folder.

A tree that does as it is told between its fit's begin and end: it leaves a mark that this host has fitted, takes its
time, and waits until its stage is open. So a test decides what happens while what runs.
"""

import socket
import time
from pathlib import Path

from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeClassifier

PAUSE_S = 0.1
PATIENCE_S = 120


class WaitingTree(DecisionTreeClassifier):
    """A decision tree.

    Parameters
    ----------
    stage : int
        Waits until the file ``stage-<stage>`` is in `folder`; 0 is always open.
    folder : str or None
        Where marks are left and looked for; None means that nothing is waited for.
    """

    def __init__(self, *, stage=0, folder=None, max_depth=None, min_samples_leaf=1, random_state=0):
        super().__init__(max_depth=max_depth, min_samples_leaf=min_samples_leaf, random_state=random_state)
        self.stage = stage
        self.folder = folder

    def fit(self, X, y):
        """Fit, in its own time."""
        if self.folder is not None:
            (Path(self.folder) / f"stage-{self.stage}-on-{socket.gethostname()}").touch()
            time.sleep(PAUSE_S)
            self._wait()
        return super().fit(X, y)

    def _wait(self):
        deadline = time.monotonic() + PATIENCE_S
        while self.stage and not (Path(self.folder) / f"stage-{self.stage}").exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"stage {self.stage} was never opened")
            time.sleep(0.02)


X, y = load_iris(return_X_y=True)
grid = {"max_depth": [1, 2, 3, 4, 5], "min_samples_leaf": [1, 2, 4]}
search = GridSearchCV(WaitingTree(), [{"stage": [stage], **grid} for stage in (0, 1, 2)], cv=5)
