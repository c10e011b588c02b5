"""The load generator: Locust as child processes, alone or as a master with workers, on a safe import path."""

import secrets
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, cast

from loadtests.coordination.uploads import KEY_VARIABLE as UPLOAD_KEY
from loadtests.demand.plan import Plan
from loadtests.environment.child_variables import clean, secrets_for
from loadtests.environment.credentials import Secret
from loadtests.environment.destinations import host_of
from loadtests.environment.resolved_environment import ResolvedEnvironment
from loadtests.environment.targets import Environment, Targets
from loadtests.results.run_directory import RunDirectory
from loadtests.results.worker_status import WorkerStatus
from loadtests.runtime import resource_limits as descriptors
from loadtests.runtime.guarded_child import python
from loadtests.runtime.resource_limits import hint
from loadtests.shopper.connection_budget import ConnectionBudget
from loadtests.worker.job import BEGIN
from loadtests.worker.job import VARIABLE as RUN_TOKEN
from scripts.local_stack.ports import HOST, Ports
from scripts.local_stack.processes import Child, Children
from scripts.running.remote_settings import HERE, RemoteSettings
from slo.documents import BadInput, read_json
from slo.outcomes import EnvironmentLacks

Ended = Literal["completed", "stopped", "aborted", "failed"]
_LOCUST = python("-m", "locust")
_GRACE_S = 5.0
_LAST_UPLOADS_S = 15.0  # what workers elsewhere still upload when a run is ended


def check_shared(plan: Plan, workers: int) -> None:
    """Raise BadInput when the plan has too few shared connections for each worker to get one."""
    shared = plan.limits.connections
    if shared is not None and shared < workers:
        raise BadInput(f"limits.connections: {shared} for {workers} workers; each needs one at least")


def port_hint(plan: Plan, resolved: ResolvedEnvironment) -> str | None:
    """Return a warning when this machine alone may run out of local ports at the plan's peak, else None."""
    highest = max(max(phase.level) for phase in plan.phases if phase.level is not None)
    budget = ConnectionBudget.of(plan, resolved.environment)
    opened_per_s = budget.opened_per_s(highest * plan.demand.peak_sessions_per_s)
    return hint(opened_per_s, resolved.destinations.address_count(host_of(resolved.environment.base_url)))


def check_connections(plan: Plan, environment: Environment, workers: int) -> None:
    """Raise EnvironmentLacks when a worker on this machine could run out of file descriptors."""
    budget = ConnectionBudget.of(plan, environment)
    if budget.shared is None:
        check_descriptors(budget.sessions, workers, budget.per_session)
    else:
        check_descriptors(budget.shared + budget.sessions * budget.per_session, workers, shared=True)


def check_descriptors(holders: int, workers: int, each: int = 1, *, shared: bool = False) -> None:
    """Raise EnvironmentLacks when a worker on this machine could run out of file descriptors.

    `each` is how many connections one of the holders has at most: those are sessions, or the `shared` connections.
    """
    needed = descriptors.needed(holders, workers, each)
    noun, limit = ("shared connections and streams", "connections") if shared else ("open sessions", "open_sessions")
    assets = "" if each == 1 else f", of up to {each} connections each with their assets and streams,"
    if needed > (most := descriptors.most()):
        raise EnvironmentLacks(
            f"{holders:,} {noun} over {workers} {'worker' if workers == 1 else 'workers'}{assets} need"
            f" {needed:,} descriptors each, and {most:,} are allowed: ulimit -n {needed} first, or add workers,"
            f" or lower the plan's limits.{limit}"
        )


class LocustProcesses:
    """Locust's processes of one run."""

    def __init__(self, head: Child, workers: tuple[Child, ...], grace_s: float = _GRACE_S) -> None:
        self.head, self._workers, self._grace_s = head, workers, grace_s

    @property
    def children(self) -> tuple[Child, ...]:
        """Every process, the one that decides first."""
        return (self.head, *self._workers)

    @property
    def is_over(self) -> bool:
        """Whether the one that decides has ended."""
        return self.head.code is not None

    def begin(self) -> None:
        """Let the run begin: until now its processes only got ready."""
        self.head.send_line(BEGIN)

    def change_rate(self, change: str, who: str) -> None:
        """Ask the master for a change of the plan: one that `loadtests.coordination.rate_control` knows."""
        self.head.send_line(f"{change}\t{who}")

    def end(self) -> None:
        """End all of them: each writes what it recorded first."""
        for child in self.children:
            if child.code is None:
                child.process.terminate()
        for child in self.children:
            child.end(self._grace_s)


def start_generator(  # noqa: PLR0913 - what Locust is started with
    children: Children,
    directory: RunDirectory,
    ports: Ports,
    environment: Mapping[str, str],
    outside: RemoteSettings = HERE,
    *,
    workers: int,
    web_port: int | None = None,
) -> LocustProcesses:
    """Start Locust on the run directory: one process for one worker, else a master and its workers.

    They get ready, and wait for `LocustProcesses.begin`. When the workers join from elsewhere, whatever their number,
    only the master is started. Those started here share a token of their own. The web UI is on loopback, at `web_port`.
    """
    base, clean = _command(directory), variables_for(directory, environment)
    play = [
        *_shown(web_port),
        "--change-on-stdin",
        "--begin-on-stdin",
        "--users",
        str(workers),
        "--spawn-rate",
        str(workers),
        "--only-summary",
    ]
    if workers == 1 and not outside.workers_join:
        return LocustProcesses(children.start("locust", [*base, *play], environment=clean, listens=True), ())
    bound = ["--master", "--master-bind-host", outside.bind, "--master-bind-port", str(ports.locust)]
    bound += ["--upload-port", str(ports.recorder)]
    token = outside.run_token or Secret(secrets.token_hex(32))
    expect = ["--expect-workers", str(workers), "--expect-workers-max-wait", "60"]
    secret = {RUN_TOKEN: token.reveal(), UPLOAD_KEY: outside.upload_key.reveal()}
    head = children.start("locust-master", [*base, *play, *bound, *expect], environment=clean | secret, listens=True)
    numbers = () if outside.workers_join else range(workers)
    master = (outside.bind, ports.locust)
    started = tuple(start_worker(children, directory, n, master, environment, token) for n in numbers)
    return LocustProcesses(head, started, _LAST_UPLOADS_S if outside.workers_join else _GRACE_S)


def _shown(web_port: int | None) -> list[str]:
    if web_port is None:
        return ["--headless"]
    return ["--autostart", "--web-host", HOST, "--web-port", str(web_port)]


def start_worker(
    children: Children,
    directory: RunDirectory,
    number: int,
    master: tuple[str, int],
    environment: Mapping[str, str],
    token: Secret,
) -> Child:
    """Start one of Locust's workers, which reaches its master at the given host and port, and joins with `token`."""
    reach = ["--worker", "--master-host", master[0], "--master-port", str(master[1])]
    command = [*_command(directory), *reach]
    variables = variables_for(directory, environment) | {RUN_TOKEN: token.reveal()}
    return children.start(f"locust-worker-{number}", command, environment=variables)


def start_fetcher(
    children: Children, folder: Path, master: tuple[str, int], environment: Mapping[str, str], token: Secret
) -> Child:
    """Start a process that fetches a run bundle from its master into `folder` and ends: 75 when the run is full."""
    reach = ["--worker", "--master-host", master[0], "--master-port", str(master[1])]
    command = [*_LOCUST, "-f", str(_locustfile()), "--fetch-into", str(folder), *reach, "--loglevel", "WARNING"]
    variables = clean(folder, environment) | {RUN_TOKEN: token.reveal()}
    return children.start("locust-fetcher", command, environment=variables)


def variables_for(directory: RunDirectory, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a process that plays sessions: those that targets.yaml names, and few more."""
    return clean(directory.logs, environment) | _secrets(directory, environment)


def _secrets(directory: RunDirectory, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that targets.yaml takes a header or a password from: by name, never on a command line."""
    if not directory.targets.is_file():
        return {}  # the generator itself says what is missing
    return secrets_for(read_json(directory.targets, Targets).environments.values(), environment)


def _command(directory: RunDirectory) -> list[str]:
    base = [*_LOCUST, "-f", str(_locustfile()), "--run-directory", str(directory.path)]
    return [*base, "--loglevel", "INFO", "--stop-timeout", "0", "--exit-code-on-error", "0"]


def _locustfile() -> Path:
    spec = find_spec("loadtests")
    if spec is None or spec.origin is None:  # pragma: no cover - the package holds this file
        raise RuntimeError("the package loadtests is not installed")
    return Path(spec.origin).with_name("locustfile.py")


def how_it_ended(
    workers: Sequence[WorkerStatus], expected: int, generator: LocustProcesses
) -> tuple[Ended, str | None]:
    """Return how a run ended that wasn't stopped from here, and why."""
    head, lost = generator.head, sorted(worker.name for worker in workers if worker.lost)
    ended = f"{head.name} ended with {head.code}: {head.last_log_line()}"
    if (head.code or 0) < 0:  # killed by a signal: whatever its workers say, that is why
        return "failed", ended
    for worker in workers:
        if worker.because is not None and worker.ended in ("aborted", "stopped", "failed"):
            return cast("Ended", worker.ended), worker.because
    if lost:
        return "failed", f"{' and '.join(lost)} {'was' if len(lost) == 1 else 'were'} lost in mid-run"
    if len(workers) == expected and all(worker.ended == "completed" for worker in workers):
        return "completed", None
    return "failed", ended
