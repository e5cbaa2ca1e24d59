"""The cluster that scores: one that runs, or one on this machine for this run alone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from biqa_cli.errors import DependencyError, UsageError

_SECONDS_TO_CONNECT = 10
"""Ray waits so long for a cluster to answer, after 10 seconds for a connection."""
_TRIES = "RAY_gcs_server_port_wait_time_s"
"""How often Ray tries to reach a cluster; Ray's name for it is of another use."""
LOCAL = "local"
"""In place of the address of a cluster: one on this machine, for this run alone."""


@contextmanager
def cluster(address: str, actors: int | None) -> Iterator[Any]:
    """Yield Ray, connected; what was started for this run ends with it.

    Raises:
        UsageError: If there is no such cluster.
    """
    ray = require_ray()
    if ray.is_initialized():
        yield ray
        return
    started = {"num_cpus": actors} if address == LOCAL and actors else {}
    try:
        with _one_try() if address != LOCAL else nullcontext():
            ray.init(
                address="local" if address == LOCAL else address,
                include_dashboard=False if address == LOCAL else None,
                log_to_driver=False,
                logging_level="ERROR",
                **started,
            )
    except Exception as error:
        # Ray raises plain exceptions, too.
        what = (
            "Ray cannot be started" if address == LOCAL else f"there is no cluster at {address!r}"
        )
        msg = f"{what}: {' '.join(str(error).split())[:300]}"
        raise UsageError(msg) from error
    # Until it has ended: what Ray has not printed by then it prints at the end.
    with _without_news(ray):
        try:
            yield ray
        finally:
            ray.shutdown()


@contextmanager
def _one_try() -> Iterator[None]:
    """Make Ray try once to reach a cluster: it tries for minutes where nothing answers."""
    before = os.environ.get(_TRIES)
    os.environ[_TRIES] = before or "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_TRIES]


@contextmanager
def _without_news(ray: Any) -> Iterator[None]:  # noqa: ANN401
    """Keep Ray from printing what becomes of workers, among the rows on standard output.

    `log_to_driver` does not stop that. Ray's debugger has this switch, and there is no other.
    """
    worker, name = ray._private.worker, "_worker_logs_enabled"  # noqa: SLF001
    before = getattr(worker, name, True)
    setattr(worker, name, False)
    try:
        yield
    finally:
        setattr(worker, name, before)


def most_actors(ray: Any, gpus: float) -> int:  # noqa: ANN401
    """Return how many actors the cluster has room for now, at least one.

    Args:
        ray: The package, connected.
        gpus: Of one actor; 0 is a core each.

    Raises:
        UsageError: If an actor is to have GPUs that no machine of the cluster has: Ray would wait.
    """
    resources = ray.cluster_resources()
    if not gpus:
        return int(resources.get("CPU", 1)) or 1
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    # An actor runs on one machine, however many GPUs all of them have.
    room = sum(int(node.get("GPU", 0) / gpus) for node in nodes)
    if not room:
        most = max((node.get("GPU", 0) for node in nodes), default=0)
        msg = (
            f"each worker is to have {gpus:g} GPUs, and no machine of the cluster has more than "
            f"{most:g}: leave out --ray-gpus to score on CPUs, or start machines with GPUs first"
        )
        raise UsageError(msg)
    return room


def require_ray() -> Any:  # noqa: ANN401
    """Return the package of Ray.

    Raises:
        DependencyError: If it is not installed.
    """
    # Ray reports its use unless it is told not to, before it is imported.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_py_gcs_connect_timeout_s", str(_SECONDS_TO_CONNECT))
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
        import ray.data
    except ImportError as error:
        msg = "Ray is not installed: run `pip install 'biqa-cli[ray]'`"
        raise DependencyError(msg) from error
    return ray
