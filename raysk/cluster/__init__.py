"""Connect to a Ray cluster, or start a private Ray on this machine; look at a cluster's nodes before a job runs there.

starting.py    starts a cluster while the program does something else; begin here
connection.py  the connection and its pool
session.py     the only `ray.init` in the program
borrowing.py   connections that calls share
address.py     resolves an address, and checks that something listens there
leaving.py     ends the program after its clusters
private_ray.py     folders and environment of a private Ray, and their removal
connection_errors.py    explains why a connection to Ray failed
nodes.py       asks every node for its resources and versions
report.py      judges the answers of the nodes

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
