"""Search classes of raysk's own, which run wherever scikit-learn's do.

In: an estimator and a parameter space, as scikit-learn's searches take them. Out: a fitted search. A search proposes
candidates; scikit-learn, or a plan of raysk's, fits them. Begin with tpe.py, the search; space.py translates a space of
scikit-learn's into numbers that TPE can propose, and back. proposals.py holds the conversation with optuna.
"""
