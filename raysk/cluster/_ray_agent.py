"""Stands in for the two helper programs that every Ray node starts, in a Ray of our own; run as a script.

One reports metrics to a dashboard, the other prepares runtime environments; a private Ray has neither, and starting
both takes more than a second of two cores. Ray waits until each says where it listens, and ends with them: so this
says "nowhere", as Ray's own agent does when it serves nothing, and lives as long as the node that started it. If that
was killed, a worker that was just being started would go on looking for it for a minute; this ends it.

Imports nothing but the standard library, and as little of that as possible: it is on the way to the first fit.
"""

import os
import sys
import time

PORTS = ("metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port", "runtime_env_agent_port")


def say_nowhere(session_dir: str, node_id: str) -> None:
    """Write the files in which Ray looks for the ports."""
    for name in PORTS:
        path = os.path.join(session_dir, f"{name}_{node_id}")  # noqa: PTH118 - pathlib takes 10 ms to import
        with open(f"{path}.{os.getpid()}", "w", encoding="ascii") as file:  # noqa: PTH123 - as above
            file.write("-1")
        os.replace(f"{path}.{os.getpid()}", path)  # noqa: PTH105 - as above


def end_workers(session_dir: str) -> None:
    """End what was started to work for this node; workers that have begun do so by themselves."""
    import contextlib  # these take 25 ms, and this is the end
    import signal

    socket = f"{session_dir}/sockets/raylet"
    for process in os.listdir("/proc") if sys.platform == "linux" else ():  # noqa: PTH208 - as above
        with contextlib.suppress(OSError, ValueError):  # it has ended, or is no process
            with open(f"/proc/{process}/cmdline", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - as above
                of_this_node = socket in file.read()
            if of_this_node and int(process) != os.getpid():
                os.kill(int(process), signal.SIGKILL)


if __name__ == "__main__":
    node = os.getppid()
    options = dict(argument.split("=", 1) for argument in sys.argv if argument.startswith("--") and "=" in argument)
    say_nowhere(options["--session-dir"], options["--node-id"])
    while os.getppid() == node != 1:  # 1: the node ended before this could ask who started it
        time.sleep(1.0)
    end_workers(options["--session-dir"])
