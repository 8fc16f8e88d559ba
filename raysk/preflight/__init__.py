"""Look at the nodes of a cluster before a job is sent there: what would fail, and what to do about it.

nodes.py   asks every node
report.py  what the answers mean

The workers of a pool tell their versions by themselves: see `raysk.pool.admission`.
"""

from raysk.preflight.nodes import check, look
from raysk.preflight.report import Finding, Node, Report

__all__ = ["Finding", "Node", "Report", "check", "look"]
