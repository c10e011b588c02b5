"""The generators: how each is started and ended, and its own count of requests and errors."""

import json
import os
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pyarrow.parquet as pq

from loadtests.demand.plan import Visits
from loadtests.demand.visits import VISITS
from loadtests.environment.destinations import Destination, Destinations
from loadtests.results.run_directory import RunDirectory, write_json
from loadtests.results.worker_status import WorkerStatus
from loadtests.runtime.guarded_child import python
from loadtests.worker.job import write_job
from scripts.benches.engine.plans import Load, environment_of, objectives_of, plan_of
from scripts.benches.engine.shop import (
    CA_VARIABLE,
    CONNECTIONS_VARIABLE,
    PACED_VARIABLE,
    RECORDS_VARIABLE,
    TALLY_VARIABLE,
)
from scripts.benches.engine.target import GENERATOR_CORE, HOST, pinned, program
from scripts.local_stack.processes import Child, Children
from slo.documents import read_json

HERE = Path(__file__).parent
PLAYED = HERE / "played_shopper.py"
_PRODUCT = HERE.parents[2] / "loadtests" / "locustfile.py"
USERS = 100
_VERSION = "0.1.0"
_GRACE_S = 30.0
_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where the load goes: the address, and the CA to trust when it is https."""

    url: str
    ca: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """A generator's own count over its whole run: requests that ended, errors by kind, spans sent and dropped.

    `under_way` is how many more at the most it had sent when it was ended.
    """

    requests: int
    errors: Mapping[str, int] = field(default_factory=dict)
    under_way: int = USERS
    spans_sent: int = 0
    spans_dropped: int = 0


class Generator(Protocol):
    """One kind of load; `name` is what its files and the table call it."""

    @property
    def name(self) -> str:
        """What its files and the table call it."""

    def start(self, children: Children, site: Site, folder: Path) -> Child:
        """Start it on its core; `folder` is empty and its own."""

    def end(self, child: Child, folder: Path) -> Tally:
        """End it and return its count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Ours: the product's Locust file with a plan in a run directory, as a run of one worker uses it."""

    name: str
    load: Load
    records: bool = True
    recorder_url: str | None = None

    def start(self, children: Children, site: Site, folder: Path) -> Child:
        """Write the run directory and start Locust on it."""
        directory = run_directory_of(folder)
        for made in (directory.objectives, directory.logs):
            made.mkdir(parents=True)
        directory.plan.write_text(plan_of(self.load).to_yaml())
        (directory.objectives / "bench.yaml").write_text(objectives_of(self.load))
        environment = {"format": "peakproof/targets/v1", "environments": {"bench": environment_of(site.url, site.ca)}}
        write_json(directory.targets, environment)
        loopback = Destinations(hosts={HOST: Destination(addresses=(HOST,), kind="loopback")}, kind="loopback")
        write_job(directory, self.recorder_url, _VERSION, loopback)
        command = [*_locust("locustfile.py", 1), "--run-directory", str(directory.path), "--loglevel", "INFO"]
        variable = {} if self.records else {RECORDS_VARIABLE: "off"}
        return _start(children, self.name, command, folder, variable)

    def end(self, child: Child, folder: Path) -> Tally:
        """End Locust, which closes the records, and read them and the worker's status."""
        child.end(_GRACE_S)
        return read_worker(run_directory_of(folder), records=self.records)


@dataclass(frozen=True, slots=True, kw_only=True)
class FastHttpUser:
    """Theirs: 100 of Locust's FastHttpUser; `per_s` requests a second in all, 0 for as fast as they go."""

    name: str
    new_connections: bool = False
    per_s: float = 0.0

    def start(self, children: Children, site: Site, folder: Path) -> Child:
        """Start Locust with all its users at once."""
        command = [*_locust("fast_http_user.py", USERS), "--host", site.url, "--loglevel", "ERROR"]
        variables = {
            TALLY_VARIABLE: str(folder / "tally.json"),
            CONNECTIONS_VARIABLE: "journey" if self.new_connections else "kept",
            PACED_VARIABLE: str(self.per_s / USERS),
            CA_VARIABLE: site.ca or "",
        }
        return _start(children, self.name, command, folder, variables)

    def end(self, child: Child, folder: Path) -> Tally:
        """End Locust and read the counts it leaves."""
        child.end(_GRACE_S)
        counted = json.loads((folder / "tally.json").read_text())
        return Tally(requests=counted["requests"], errors={"failures": counted["errors"]} if counted["errors"] else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedLocustfile:
    """Ours, playing a locustfile: as many sessions as Locust has users, each as long as the benchmark."""

    name: str = "played-locustfile"

    def start(self, children: Children, site: Site, folder: Path) -> Child:
        """Write the run directory and start Locust with the product's own file on it."""
        directory, load = run_directory_of(folder), Load(journey="bench-buying", sessions=USERS)
        for made in (directory.objectives, directory.logs, directory.storefront):
            made.mkdir(parents=True)
        (directory.storefront / PLAYED.name).write_bytes(PLAYED.read_bytes())
        steps = dict.fromkeys(("GET /api/products", "/api/search", "POST /api/cart", "pay"), 1.0)
        plan = plan_of(load).model_copy(
            update={"journeys": {"shopper": 1.0}, "visits": {"shopper": Visits(steps=steps)}}
        )
        directory.plan.write_text(plan.to_yaml())
        objectives = objectives_of(load)
        for ours, theirs in zip(VISITS[load.journey], steps, strict=True):
            objectives = objectives.replace(ours, theirs)
        (directory.objectives / "bench.yaml").write_text(objectives)
        played = {"locustfile": str(PLAYED), "tasks_per_session": 1000}
        target = {**environment_of(site.url, site.ca), "storefront": played}
        write_json(directory.targets, {"format": "peakproof/targets/v1", "environments": {"bench": target}})
        loopback = Destinations(hosts={HOST: Destination(addresses=(HOST,), kind="loopback")}, kind="loopback")
        write_job(directory, None, _VERSION, loopback)
        command = [*_locust(str(_PRODUCT), 1), "--run-directory", str(directory.path), "--loglevel", "INFO"]
        return _start(children, self.name, command, folder, {})

    def end(self, child: Child, folder: Path) -> Tally:
        """End Locust, which closes the records, and read them and the worker's status."""
        child.end(_GRACE_S)
        return read_worker(run_directory_of(folder))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayingLocust:
    """Theirs, playing the same locustfile: 100 of its users."""

    name: str = "locust-itself"

    def start(self, children: Children, site: Site, folder: Path) -> Child:
        """Start Locust with all its users at once."""
        command = [*_locust(f"{PLAYED},{HERE / 'locust_tally.py'}", USERS), "--host", site.url, "--loglevel", "ERROR"]
        return _start(children, self.name, command, folder, {TALLY_VARIABLE: str(folder / "tally.json")})

    def end(self, child: Child, folder: Path) -> Tally:
        """End Locust and read the counts it leaves."""
        child.end(_GRACE_S)
        counted = json.loads((folder / "tally.json").read_text())
        return Tally(requests=counted["requests"], errors={"failures": counted["errors"]} if counted["errors"] else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrk:
    """The yardstick for static pages: one thread, 100 connections, header lines like ours."""

    name: str = "wrk"
    path: str = "/static"

    def start(self, children: Children, site: Site, folder: Path) -> Child:
        """Start wrk; it goes on until it is interrupted."""
        headers = [word for name, value in LIKE_OURS.items() for word in ("-H", f"{name}: {value}")]
        command = [program("wrk", "wrk"), "-t1", f"-c{USERS}", "-d3600", *headers, site.url + self.path]
        return _start(children, self.name, command, folder, {})

    def end(self, child: Child, folder: Path) -> Tally:  # noqa: ARG002 - wrk writes its count to its log
        """Interrupt it, upon which it logs its count."""
        child.process.send_signal(signal.SIGINT)
        try:
            child.process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            child.end()
        return read_wrk(child.log.read_text())


LIKE_OURS = {
    "User-Agent": f"peakproof/{_VERSION}",
    "X-Peakproof-Run": "bench",
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate, br",
    "traceparent": "00-0123456789abcdef0123456789abcdef-0123456789abcdef-00",
}


def run_directory_of(folder: Path) -> RunDirectory:
    """Return the run directory of an engine's run; its name goes with each request, so it is always the same."""
    return RunDirectory(path=folder / "bench")


def read_worker(directory: RunDirectory, *, records: bool = True) -> Tally:
    """Return what the worker status and its records say; what the run's end cut off is no error.

    Raises ValueError when the worker left no status, or when there are records and shouldn't be, or
    the reverse.
    """
    if bool(directory.parts("requests")) != records:
        raise ValueError(f"records are {'missing' if records else 'on'} in {directory.path}")
    status = read_json(directory.worker("w0"), WorkerStatus)
    errors: Counter[str] = Counter({f"hook {one['hook']}": one["count"] for one in status.hook_failures})
    cut_off = 0
    for path in directory.parts("requests"):
        found = Counter(pq.read_table(path, columns=["error"])["error"].to_pylist())
        cut_off += found.pop("cut_off", 0)
        found.pop(None, None)
        errors.update(found)
    if not records:  # of the worker's own errors, one a user may be cut off
        cut_off = min(status.errors, USERS)
        errors.update({"errors": status.errors - cut_off})
    spans = status.spans or {"sent": 0, "dropped": 0}
    return Tally(
        requests=status.requests - cut_off,
        errors={kind: count for kind, count in errors.items() if count},
        under_way=cut_off,
        spans_sent=spans["sent"],
        spans_dropped=spans["dropped"],
    )


def read_wrk(text: str) -> Tally:
    """Return what the last summary in wrk's log says; raises ValueError when there is none."""
    text = text.rpartition("Running ")[2]
    done = re.search(r"(\d+) requests in ", text)
    if done is None:
        raise ValueError(f"wrk left no summary: {text[-200:]!r}")
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    socket_errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    errors = {
        "wrong_reply": int(wrong[1]) if wrong else 0,
        "socket": sum(map(int, socket_errors.groups())) if socket_errors else 0,
    }
    return Tally(requests=int(done[1]), errors={kind: count for kind, count in errors.items() if count})


def _locust(file: str, users: int) -> list[str]:
    spawn = ["--users", str(users), "--spawn-rate", str(users)]
    base = [*python("-m", "locust"), "-f", file if "/" in file else str(HERE / file), "--headless", *spawn]
    return [*base, "--only-summary", "--stop-timeout", "0", "--exit-code-on-error", "0"]


def _start(children: Children, name: str, command: list[str], folder: Path, variables: Mapping[str, str]) -> Child:
    clean = {key: os.environ[key] for key in _KEPT if key in os.environ}
    steering = {"HOME": str(folder), "PYTHONUNBUFFERED": "1", "LOCUST_SKIP_UPDATE_CHECK": "1", **variables}
    return children.start(name, pinned(GENERATOR_CORE, command), environment=clean | steering, folder=folder)
