r"""Several real hosts on one Linux machine: a Ray cluster whose hosts can be killed, cut off and added.

    this machine          switch (a network namespace)      host N (network, mount, process and name namespaces)
    Hosts --- stdin ----> bridge raysk0 == port-N ========> eth0 10.77.0.N    `ray start --block`
          \-- stdin --------------------------------------> its first process  its own /tmp, /dev/shm and processes
    a driver is a program that somebody starts on a host

Nothing is made in this machine's own network, and nothing can be left behind: a namespace lives as long as a process is
in it, the first process of each waits for the end of its stdin, which we hold and the kernel closes when we die, and
the kernel ends all processes of a host with the first. Addresses are known in these namespaces only, and no way leads
out of them.

Needs root, iproute2 and util-linux. As a program it keeps a cluster for a person to try: `make cluster`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self

ROOT = Path(__file__).resolve().parents[2]
HEAD = 1
PORT = 6379
STORE_BYTES = 100 * 2**20

START_S = 180
"""How long a host may take to join, in seconds; alone it takes 4, nine at once on two cores about 20."""

SWITCH = """
ip link set lo up && ip link add raysk0 type bridge && ip link set raysk0 up && echo there && read -r end
"""

HOST = """
set -e
number=$1 log=$2 kept=$3; shift 3
echo there
read -r plugged_in
echo "raysk-host-$number" > /proc/sys/kernel/hostname
ip link set lo up
ip address add "10.77.0.$number/24" dev eth0
ip link set eth0 up
ip route add default dev eth0
mount -t tmpfs -o size=2g raysk /dev/shm
mount -t tmpfs -o size=2g raysk /mnt
IFS=:; for folder in $kept; do mkdir -p "/mnt${folder#/tmp}"; mount --bind "$folder" "/mnt${folder#/tmp}"; done
mount --move /mnt /tmp
cd /
"$@" > "$log" 2>&1 < /dev/null &
read -r end
"""

# This shell is outside, its child on the host. It waits for the child's end, whatever a terminal sends to both.
DRIVER = 'trap : INT TERM HUP; cd "$0" && "$@"; exit $?'

CRASH = """
for name in /proc/[0-9]*/comm; do
    process=${name%/comm}
    case "$(cat "$name")" in gcs_server | raylet) kill -9 "${process#/proc/}" ;; esac
done
"""


def missing() -> str | None:
    """Return why no hosts can be made here, as the end of a sentence, or None if they can."""
    if not sys.platform.startswith("linux"):
        return "needs Linux: hosts are made of its namespaces"
    if os.geteuid() != 0:
        return "needs root, to make network namespaces"
    tools = [tool for tool in ("ip", "unshare", "nsenter", "mount") if shutil.which(tool) is None]
    if tools:
        return f"needs {', '.join(tools)}: apt-get install iproute2 util-linux mount"
    tried = subprocess.run([*_unshare(), "true"], capture_output=True, text=True, check=False)
    return f"needs the right to make namespaces ({tried.stderr.strip()})" if tried.returncode else None


@dataclass(frozen=True)
class Host:
    """One host; it lives as long as its first process, whose stdin we hold."""

    number: int
    process: subprocess.Popen[str]
    log: Path

    @property
    def joined(self) -> bool:
        """Whether its Ray has started and joined the cluster."""
        return self.log.exists() and "Ray runtime started" in self.log.read_text()


class Driver(subprocess.Popen[str]):
    """A program on a host; signals reach the program, and not what waits for it on this side."""

    def send_signal(self, sig: int) -> None:
        """Send a signal, if the program still runs."""
        with contextlib.suppress(OSError, ValueError):  # it ended meanwhile
            os.kill(int(Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()), sig)


class Hosts:
    """A Ray cluster of several hosts; a context manager. Host 1 is the head.

    Parameters
    ----------
    count : int
        Hosts, the head included.
    cpus : int
        CPUs that each of them says it has.
    folder : Path
        A folder that every host sees, for logs and for files of the caller. Of whatever else is in /tmp they see
        only this checkout and the Python that runs it.
    """

    address = f"10.77.0.{HEAD}:{PORT}"

    def __init__(self, count: int, cpus: int, folder: Path) -> None:
        self.cpus, self.folder = cpus, folder
        self._hosts: dict[int, Host] = {}
        self._made = 0
        self._switch = _start(["unshare", "--net", "sh", "-c", SWITCH])
        try:
            _wait_until_there(self._switch)
            self.add()
            self.add(count - 1)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pids(self) -> dict[int, int]:
        """For each host's number the id of a process that is in its namespaces, and whose end is the host's."""
        return {host.number: host.process.pid for host in self._hosts.values()}

    @property
    def switch_pid(self) -> int:
        """The same, of the network between them."""
        return self._switch.pid

    def add(self, count: int = 1) -> list[int]:
        """Start more hosts, all at once, and wait until they have joined; returns their numbers."""
        new = [self._boot(number) for number in range(self._made + 1, self._made + count + 1)]
        deadline = time.monotonic() + START_S
        while late := [host for host in new if not host.joined]:
            for host in late:
                if host.process.poll() is not None or time.monotonic() > deadline:
                    said = host.log.read_text() if host.log.exists() else ""
                    raise RuntimeError(f"Host {host.number} did not join.\n{said}")
            time.sleep(0.05)
        return [host.number for host in new]

    def kill(self, *numbers: int) -> None:
        """End all processes of these hosts, at once; others hear of it, as their connections are closed."""
        gone = [self._hosts.pop(number).process for number in numbers]
        for process in gone:
            _end(process)
        for process in gone:
            process.wait()

    def power_off(self, *numbers: int) -> None:
        """End these hosts without a word to others."""
        for number in numbers:
            self.cut(number)
        self.kill(*numbers)

    def crash(self, number: int) -> None:
        """End Ray's servers on a host, and nothing else there."""
        self.run(["sh", "-c", CRASH], on=number).wait()

    def cut(self, number: int) -> None:
        """Unplug a host's network cable."""
        plug(self._switch.pid, number, "down")

    def mend(self, number: int) -> None:
        """Plug it in again."""
        plug(self._switch.pid, number, "up")

    def run(self, command: Sequence[str], *, on: int = HEAD, **options: Any) -> Driver:
        """Start a driver on a host.

        Parameters
        ----------
        command : sequence of str
        on : int
            Number of the host.
        **options : object
            Of `subprocess.Popen`; ``env`` is added to this program's environment, without Ray's settings.
        """
        return drive(self.pids[on], command, cwd=self.folder, **options)

    def close(self) -> None:
        """End all hosts, and the network."""
        self.kill(*self._hosts)
        _end(self._switch)
        self._switch.wait()

    def _boot(self, number: int) -> Host:
        log = self.folder / f"host-{number}.log"
        log.unlink(missing_ok=True)
        boot = ["sh", "-c", HOST, "host", str(number), str(log), ":".join(_kept(self.folder))]
        process = _start([*_unshare(), *boot, *self._ray(number)])
        self._made = number
        self._hosts[number] = host = Host(number, process, log)
        _wait_until_there(process)
        _ip(self._switch.pid, f"link add port-{number} type veth peer name eth0 netns {process.pid}")
        _ip(self._switch.pid, f"link set port-{number} master raysk0 up")
        print("plugged in", file=process.stdin, flush=True)
        return host

    def _ray(self, number: int) -> list[str]:
        ray = Path(sys.executable).with_name("ray")  # not resolved: a symlink must stay one
        place = [f"--address={self.address}"]
        if number == HEAD:
            place = ["--head", f"--port={PORT}", "--include-dashboard=false", "--disable-usage-stats"]
        size = [f"--num-cpus={self.cpus}", f"--object-store-memory={STORE_BYTES}"]
        return [str(ray), "start", *place, *size, f"--node-ip-address=10.77.0.{number}", "--block"]


def drive(pid: int, command: Sequence[str], *, cwd: Path, **options: Any) -> Driver:
    """Start a program on a host, which is named by its process; see `Hosts.run`."""
    into = ["nsenter", "--no-fork", f"--target={pid}", "--net", "--uts", "--mount"]
    into += [f"--pid=/proc/{pid}/ns/pid_for_children"]
    environment = _environment() | options.pop("env", {})
    return Driver([*into, "sh", "-c", DRIVER, str(cwd), *command], env=environment, text=True, **options)


def plug(switch_pid: int, number: int, state: str) -> None:
    """Set a host's network cable "up" or "down"."""
    _ip(switch_pid, f"link set port-{number} {state}")


def _ip(switch_pid: int, command: str) -> None:
    """Change the network, from the switch."""
    subprocess.run(["nsenter", f"--target={switch_pid}", "--net", "ip", *command.split()], check=True)


def _unshare() -> list[str]:
    return ["unshare", "--net", "--uts", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]


def _start(command: Sequence[str]) -> subprocess.Popen[str]:
    """Start the first process of a namespace."""
    environment = _environment() | {"RAY_raylet_start_wait_time_s": str(START_S)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen(command, env=environment, text=True, start_new_session=True, **pipes)


def _wait_until_there(process: subprocess.Popen[str]) -> None:
    """Wait until a first process is in its namespaces."""
    assert process.stdout is not None
    if process.stdout.readline() != "there\n":
        raise RuntimeError(f"A namespace could not be made: exit code {process.wait()}.")


def _end(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.close()


def _environment() -> dict[str, str]:
    """Return this program's environment, without Ray's settings; no token, as nobody else can reach these hosts."""
    foreign = ("RAY", "TMPDIR", "PYTHONDONT")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return kept | {"RAY_AUTH_MODE": "disabled"}


def _kept(folder: Path) -> list[str]:
    """Return the folders below /tmp that hosts must see all the same."""
    wanted = [folder.resolve(), ROOT, Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()]
    return [str(path) for path in wanted if path.is_relative_to("/tmp")]  # noqa: S108 - nothing is written there
