"""One warm worker process per CPU slot, on every node: tasks go in, futures are completed exactly once.

task.py        a task, and its form as a message
reply.py       the reply of a worker, and its form as a message
shared.py      objects put once in the object store
launcher.py    the interface that starts workers, wherever they run
ray/           workers as Ray actors: the only part that touches Ray
admission.py   which workers may join: those with our versions
assignment.py  the tasks of each worker
workers.py     all workers: requested, up, lost, replaced
dispatch.py    assigns tasks to workers, and reassigns the tasks of a lost worker; the rules are here
stragglers.py  tasks that take long: asked for news, started a second time, given up
cpu_loans.py   a task that runs alone borrows the CPUs of idle workers
pool.py        the interface for callers, and the thread that runs the pool; begin here
stream.py      many small units, cut into messages of the right size, by the times of pace.py
backlog.py     which units are next
progress.py, memory.py  on the worker: what is done of a task; memory kept for the next fit
"""

from raysk.pool.backlog import Backlog, Pieces
from raysk.pool.pool import Pool
from raysk.pool.ray.pickling import Pickler
from raysk.pool.reply import ZeroCopy
from raysk.pool.shared import Packing, Shared
from raysk.pool.stream import GRACE_S, stream
from raysk.pool.task import Block, RemoteTraceback, Task

__all__ = [
    "GRACE_S",
    "Backlog",
    "Block",
    "Packing",
    "Pickler",
    "Pieces",
    "Pool",
    "RemoteTraceback",
    "Shared",
    "Task",
    "ZeroCopy",
    "stream",
]
