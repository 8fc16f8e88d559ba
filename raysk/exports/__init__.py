"""A run in other tools: as a study of Optuna's, or as runs of MLflow's.

A run of ours and the name of a place go in (`export.export`); what was written comes out. Only what the run left behind
is read, and nothing is unpickled.
"""

from raysk.exports.export import export
from raysk.exports.place import Place

__all__ = ["Place", "export"]
