"""One warm worker process per CPU slot, on every node: tasks go in, futures are completed exactly once.

task.py    what can be handed in, and how it becomes a message
reply.py   how a result travels back
shared.py  objects put once in the object store
remote.py  the Ray side: start a worker somewhere, call it, hear of its end
worker.py  what runs on the node
admission.py  which workers may join: those with our versions
crew.py    the workers as the pool sees them
entry.py   a task on its way to completing its future
pool.py    who gets what, and what happens when a worker is gone
stream.py  many small units, cut into messages of the right size
"""

from raysk.pool.pool import Pool
from raysk.pool.shared import Packing, Pickler, Shared
from raysk.pool.stream import GRACE_S, stream
from raysk.pool.task import Block, RemoteTraceback, Task

__all__ = ["GRACE_S", "Block", "Packing", "Pickler", "Pool", "RemoteTraceback", "Shared", "Task", "stream"]
