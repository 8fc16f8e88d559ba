"""The panel "Cluster": where a job runs, and what it uses there."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from raysk.jobs import Resources
    from raysk.runner.where import Where

option = partial(typer.Option, rich_help_panel="Cluster")

Address = Annotated[
    str | None,
    option(
        envvar="RAYSK_ADDRESS",
        metavar="ADDRESS",
        help="Ray cluster: host:port, ray://host:port, auto, or local. The default is RAY_ADDRESS, or else a Ray that "
        "raysk starts on this machine. See: raysk guide clusters.",
    ),
]
Workers = Annotated[
    int | None,
    option(envvar="RAYSK_WORKERS", metavar="N", help="Number of worker processes. The default fills all CPUs."),
]
CpusPerFit = Annotated[
    int,
    option(envvar="RAYSK_CPUS_PER_FIT", metavar="N", help="CPUs per worker. Also the limit for threads inside a fit."),
]
AllowVersions = Annotated[
    bool,
    option(
        "--allow-versions",
        envvar="RAYSK_ALLOW_VERSIONS",
        metavar="",
        help="Accept nodes, or an earlier run, with another version of scikit-learn or numpy. Results may differ.",
    ),
]


@dataclass(frozen=True, kw_only=True)
class ClusterOptions:
    """Where a fit or a search runs, and what it uses there."""

    address: Address = None
    workers: Workers = None
    cpus_per_fit: CpusPerFit = 1
    memory_per_fit: Annotated[
        str | None,
        option(
            envvar="RAYSK_MEMORY_PER_FIT",
            metavar="SIZE",
            help="Memory per worker, such as 4GB. It limits how many workers a node runs at a time.",
        ),
    ] = None
    allow_versions: AllowVersions = False
    backend: Annotated[
        str | None,
        option(
            envvar="RAYSK_BACKEND",
            metavar="NAME",
            help="Run scikit-learn's own fit on another joblib backend instead: ray (Ray's own), loky, threading, ...",
        ),
    ] = None

    def resources(self) -> "Resources":
        """Return the share of the cluster that the job uses."""
        from raysk.jobs import Resources
        from raysk.util.values import parse_size

        return Resources(
            workers=self.workers,
            cpus_per_fit=self.cpus_per_fit,
            memory_per_fit=None if self.memory_per_fit is None else parse_size(self.memory_per_fit, "--memory-per-fit"),
            allow_versions=self.allow_versions,
        )

    def where(self, *, worker_output: bool) -> "Where":
        """Return where the job runs."""
        from raysk.runner.where import Where

        return Where(
            address=self.address, resources=self.resources(), backend=self.backend, worker_output=worker_output
        )


@dataclass(frozen=True, kw_only=True)
class ModelWorkers:
    """Where a fitted model predicts."""

    address: Annotated[
        str | None,
        option(
            metavar="ADDRESS",
            help="Predict on the workers of this Ray cluster: host:port, ray://host:port, auto, or local (starts Ray "
            "here). The default is to predict in this process. See: raysk guide clusters.",
        ),
    ] = None
    workers: Workers = None
    cpus_per_fit: CpusPerFit = 1

    def where(self, *, worker_output: bool) -> "Where | None":
        """Return where the model predicts; None means in this process, which then never imports Ray."""
        from raysk.jobs import Resources

        resources = Resources(workers=self.workers, cpus_per_fit=self.cpus_per_fit)
        if self.address is None:
            return None
        from raysk.runner.where import Where

        return Where(address=self.address, resources=resources, worker_output=worker_output)
