"""Connect to a Ray cluster, or start a private Ray on this machine; look at a cluster's nodes before a job runs there.

starting.py    a cluster is started while the program does something else; begin here
connection.py  the connection and its pool
session.py     the only `ray.init` in the program
borrowing.py   connections that calls share
address.py     which cluster is meant, and whether anything listens there
leaving.py     how the program ends after its clusters
private_ray.py     what a private Ray needs around it, and leaves behind
connection_errors.py    what keeps a program from Ray, in words
nodes.py       asks every node what it has, and whether a job could run there
report.py      what the answers mean

The workers of a pool report their versions by themselves: see `raysk.pool.admission`.
"""

from raysk.cluster.address import knock, resolve
from raysk.cluster.connection import Cluster, alive, current, register_rays_own_backend, travel_by_value
from raysk.cluster.leaving import leave
from raysk.cluster.starting import Starting

__all__ = [
    "Cluster",
    "Starting",
    "alive",
    "current",
    "knock",
    "leave",
    "register_rays_own_backend",
    "resolve",
    "travel_by_value",
]
