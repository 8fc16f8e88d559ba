"""What can go wrong, named by who is at fault; one exit code per class.

RayskError
├── UsageError       2    the command line asks for something that makes no sense
├── InputError       3    a file, an object in it, or the data cannot be used
├── ClusterError     4    no cluster answers, refuses us, differs from us, or has no CPU
├── UserCodeError    1    the person's own code raised
├── JobError         1    the job ran and failed: every fit failed
├── TaskLost         1    a task took its worker down with it too many times
└── StrictError      5    the job is done, but fits failed and --strict was given

A user's Ctrl-C stays `KeyboardInterrupt` (130); whatever else reaches `raysk.cli.app.main` is a bug of ours.
"""

from __future__ import annotations


class RayskError(Exception):
    """Base of every error that raysk raises on purpose.

    The message says what was found, where, and what to do next, in at most five lines.
    """

    exit_code = 1


class UsageError(RayskError):
    """The options contradict each other, or a value is out of range."""

    exit_code = 2


class InputError(RayskError):
    """A file, an object in it, or the data in it cannot be used."""

    exit_code = 3


class ClusterError(RayskError):
    """The cluster cannot be reached or cannot run the job."""

    exit_code = 4


class UserCodeError(RayskError):
    """The person's own code raised; `__cause__` is what it raised."""

    exit_code = 1


class JobError(RayskError):
    """The job ran and failed as a whole, for example because every fit failed."""

    exit_code = 1


class TaskLost(RayskError):  # noqa: N818 - an outcome of a task, as in concurrent.futures
    """A task's worker died each time the task was tried."""

    exit_code = 1


class StrictError(RayskError):
    """The job is done, but some fits failed and ``--strict`` was given."""

    exit_code = 5
