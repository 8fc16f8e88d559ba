"""A cluster of several hosts for a person to try: see `make cluster`, and `hosts` for what it is made of.

up ---------> keep: holds the cluster and a lock until `down` tells it to end; if it dies, so does the cluster
run, cut, mend, kill ---> read from /run who the hosts are; while the lock is held, that is true
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

from hosts import HEAD, Hosts, drive, missing, plug

STATE = Path("/run/raysk-hosts")  # root's alone, unlike /tmp

HELP = """
Hosts: {count}, CPUs of each: {cpus}. Only programs on these hosts reach them; on the head, for example:

    {me} run raysk search examples/svm_digits.py --address auto

and meanwhile, from another shell, unplug a host's network, plug it in again, end a host:

    {me} cut {count}
    {me} mend {count}
    {me} kill {count}

`make cluster-down` ends them all."""


def up(hosts: int, cpus: int) -> None:
    """Start a cluster that stays when we have gone."""
    if reason := missing():
        _fail(f"A cluster of several hosts {reason}.")
    STATE.mkdir(mode=0o700, exist_ok=True)
    command = [sys.executable, __file__, "keep", f"--hosts={hosts}", f"--cpus={cpus}"]
    pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    keeper = subprocess.Popen(command, text=True, start_new_session=True, **pipes)
    assert keeper.stdout is not None
    said = []
    for line in keeper.stdout:
        if line == "ready\n":
            print(HELP.format(count=hosts, cpus=cpus, me=f"{_shown(sys.executable)} {_shown(__file__)}"))
            return
        said.append(line)
    _fail("".join(said).strip().removeprefix("Error: "))


def keep(hosts: int, cpus: int) -> None:
    """Hold a cluster until told to end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with (STATE / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            _fail("There is such a cluster already; `make cluster-down` ends it.")
        try:
            with Hosts(hosts, cpus, STATE) as cluster:
                found = {"keeper": os.getpid(), "switch": cluster.switch_pid, "hosts": cluster.pids}
                (STATE / "state.json").write_text(json.dumps(found))
                print("ready", flush=True)
                signal.pause()
        finally:
            shutil.rmtree(STATE)


def down() -> None:
    """End the cluster, and wait until it has gone."""
    os.kill(_found()["keeper"], signal.SIGTERM)
    with contextlib.suppress(FileNotFoundError), (STATE / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)


def run(command: list[str]) -> NoReturn:
    """Run a command on the head."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    driver = drive(_host(_found(), HEAD), command, cwd=Path.cwd(), env={"PATH": path})
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to the command too
    sys.exit(driver.wait())


def fault(kind: str, number: int) -> None:
    """Cut a host off, mend that, or kill it."""
    found = _found()
    pid = _host(found, number)
    if kind == "kill":
        os.kill(pid, signal.SIGKILL)
    else:
        plug(found["switch"], number, {"cut": "down", "mend": "up"}[kind])


def state() -> dict[str, Any] | None:
    """Return the processes of the cluster, if there is one: as long as the lock is held, they are what they were."""
    try:
        with (STATE / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        found: dict[str, Any] = json.loads((STATE / "state.json").read_text())
        return found
    except FileNotFoundError:
        pass
    return None


def _found() -> dict[str, Any]:
    return state() or _fail("There is no such cluster; `make cluster` starts one.")


def _host(found: dict[str, Any], number: int) -> int:
    if str(number) not in found["hosts"]:
        _fail(f"There is no host {number}; there are {', '.join(found['hosts'])}.")
    pid: int = found["hosts"][str(number)]
    return pid


def _shown(path: str) -> str:
    return os.path.relpath(path) if Path(path).is_relative_to(Path.cwd()) else path


def _fail(text: str) -> NoReturn:
    sys.exit(f"Error: {text}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("up", "keep"):
        command = commands.add_parser(name)
        command.add_argument("--hosts", type=int, default=3)
        command.add_argument("--cpus", type=int, default=4)
    commands.add_parser("down")
    commands.add_parser("run").add_argument("rest", nargs=argparse.REMAINDER)
    for name in ("cut", "mend", "kill"):
        commands.add_parser(name).add_argument("number", type=int)
    return parser.parse_args()


def main() -> None:
    """Do what the command line says."""
    given = _arguments()
    if given.command in {"up", "keep"}:
        {"up": up, "keep": keep}[given.command](given.hosts, given.cpus)
    elif given.command == "run":
        run(given.rest)
    elif given.command == "down":
        down()
    else:
        fault(given.command, given.number)


if __name__ == "__main__":
    main()
