"""One warm worker process per CPU slot, on every node: tasks go in, futures are completed exactly once.

task.py    what can be handed in, and how it becomes a message
reply.py   how a result travels back
shared.py  objects put once in the object store
launcher.py  what the pool knows of workers, wherever they run
ray/       workers as Ray actors: the only part that touches Ray
admission.py  which workers may join: those with our versions
assignment.py  which task is at which worker
workers.py    all workers: asked for, up, lost, replaced
dispatch.py  who gets what, and what happens when a worker is gone
pool.py    what callers see of it, and the thread that it runs in
stream.py  many small units, cut into messages of the right size
"""

from raysk.pool.pool import Pool
from raysk.pool.ray.pickling import Pickler
from raysk.pool.shared import Packing, Shared
from raysk.pool.stream import GRACE_S, stream
from raysk.pool.task import Block, RemoteTraceback, Task

__all__ = ["GRACE_S", "Block", "Packing", "Pickler", "Pool", "RemoteTraceback", "Shared", "Task", "stream"]
