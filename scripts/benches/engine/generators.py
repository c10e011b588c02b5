"""The generators: how each is started and ended, and what it says it sent and what went wrong."""

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

from loadtests.environment.destinations import Destination, Destinations
from loadtests.results.run_directory import RunDirectory, write_json
from loadtests.results.worker_status import WorkerStatus
from loadtests.runtime.guarded_child import python
from loadtests.worker.job import write_job
from scripts.benches.engine import variables
from scripts.benches.engine.plans import Load, environment_of, objectives_of, plan_of
from scripts.benches.engine.target import GENERATOR_CORE, HOST, pinned, program
from scripts.local_stack.processes import Child, Children
from slo.documents import read_json

HERE = Path(__file__).parent
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
    """What a generator says of its whole life: requests that ended, errors by word, spans sent and dropped.

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
        """End it and return what it says."""


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
        variable = {} if self.records else {variables.RECORDS: "off"}
        return _start(children, self.name, command, folder, variable)

    def end(self, child: Child, folder: Path) -> Tally:
        """End Locust, which closes the records, and read them and the worker's account."""
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
        told = {
            variables.TALLY: str(folder / "tally.json"),
            variables.CONNECTIONS: "journey" if self.new_connections else "kept",
            variables.PACED: str(self.per_s / USERS),
            variables.CA: site.ca or "",
        }
        return _start(children, self.name, command, folder, told)

    def end(self, child: Child, folder: Path) -> Tally:
        """End Locust and read the counts it leaves."""
        child.end(_GRACE_S)
        told = json.loads((folder / "tally.json").read_text())
        return Tally(requests=told["requests"], errors={"failures": told["errors"]} if told["errors"] else {})


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

    def end(self, child: Child, folder: Path) -> Tally:  # noqa: ARG002 - wrk says it in its log
        """Interrupt it, upon which it says what it counted."""
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
        errors={word: count for word, count in errors.items() if count},
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
    return Tally(requests=int(done[1]), errors={word: count for word, count in errors.items() if count})


def _locust(file: str, users: int) -> list[str]:
    spawn = ["--users", str(users), "--spawn-rate", str(users)]
    base = [*python("-m", "locust"), "-f", str(HERE / file), "--headless", *spawn]
    return [*base, "--only-summary", "--stop-timeout", "0", "--exit-code-on-error", "0"]


def _start(children: Children, name: str, command: list[str], folder: Path, told: Mapping[str, str]) -> Child:
    clean = {key: os.environ[key] for key in _KEPT if key in os.environ}
    steering = {"HOME": str(folder), "PYTHONUNBUFFERED": "1", "LOCUST_SKIP_UPDATE_CHECK": "1", **told}
    return children.start(name, pinned(GENERATOR_CORE, command), environment=clean | steering, folder=folder)
