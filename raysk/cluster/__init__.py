"""Connect to a Ray cluster, or start a private Ray on this machine; look at a cluster's nodes before a job runs there.

connection.py  the only `ray.init` in the program; begin here
borrowing.py   connections that calls share
private.py     what a private Ray needs around it, and leaves behind
refusals.py    what keeps a program from Ray, in words
nodes.py       asks every node what it has, and whether a job could run there
report.py      what the answers mean

The workers of a pool report their versions by themselves: see `raysk.pool.admission`.
"""

from raysk.cluster.connection import (
    Cluster,
    Starting,
    alive,
    current,
    knock,
    register_rays_own_backend,
    resolve,
    travel_by_value,
)

__all__ = [
    "Cluster",
    "Starting",
    "alive",
    "current",
    "knock",
    "register_rays_own_backend",
    "resolve",
    "travel_by_value",
]
