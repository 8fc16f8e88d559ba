"""The pool's only side that touches Ray.

pickling.py  Ray's pickler, and which code travels to the workers by value
head.py      what is asked of the cluster's head, which may have gone
reservation.py      what a worker reserves of its node
launcher.py  starts workers as Ray actors, and keeps shared objects in Ray's store
worker.py    what runs on the node
"""
