"""Probes of a shop that answers as it is told, by a storefront's file."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.environment.targets import Targets, read_targets
from loadtests.probe.messages import PROBE_EVENT, ProbeJob
from loadtests.probe.process import Probe
from loadtests.probe.result import ProbeResult, ProcessEnd, result_of

MINE = """\
import time
from peakproof import Shop, journey


class Mine(Shop):
    @journey
    def looks(self):
        self.get("home", "/api")
        self.think()
        self.get("list", "/api?page=2")

    @journey(buys=True)
    def buys(self):
        with self.order([self.line("tee", 2)], 900) as order:
            done = self.post("checkout", "/order", {"key": order.key})
            order.accepted(done["id"], cents=900)

    @journey(buys=True)
    def buys_twice(self):
        self.buys()
        self.buys()

    @journey
    def sneaks(self):
        self.buys()

    @journey
    def breaks(self):
        self.get("home", "/api")
        self.get("list", "/broken")

    @journey
    def leads_away(self):
        self.get("home", "/away")

    @journey
    def raises(self):
        self.get("home", "/api")
        raise RuntimeError("in mid visit")

    @journey
    def endless(self):
        while True:
            self.get("home", "/api")

    @journey
    def waits(self):
        self.get("home", "/api")
        self.get("list", "/hangs")

    @journey
    def sleeps(self):
        self.get("home", "/api")
        while True:
            try:
                time.sleep(60)
            except BaseException:
                pass

    @journey
    def loops(self):
        self.get("home", "/api")
        while True:
            pass
"""
ANSWERS: dict[str, tuple[int, object]] = {
    "/api": (200, {"sku": "tee"}),
    "/order": (201, {"id": "o1"}),
    "/broken": (500, {"error": "no"}),
    "/stop": (200, b"stop"),
    "/go": (200, b"go"),
}


def write_shop(folder: Path, url: str, mine: str = MINE, **changed: Any) -> Targets:
    """Write a storefront and a targets file with `staging`, changed, beside a production; return the targets."""
    (folder / "mine.py").write_text(mine)
    ceiling = {"requests_per_s": 500, "open_sessions": 5, "orders": 3}
    one = {"base_url": url, "storefront": {"file": "mine.py"}, "ceiling": ceiling}
    # its address is an unused one of loopback: what is at the shop's own address would be production too
    production = {**one, "base_url": "http://127.9.9.9:9", "production": True}
    environments = {"staging": {**one, **changed}, "production": production}
    path = folder / "targets.yaml"
    path.write_text(json.dumps({"format": "peakproof/targets/v1", "environments": environments}))
    return read_targets(path)


def probe_of(folder: Path, targets: Targets, journey: str, **changed: Any) -> Probe:
    """Return a probe of `staging` whose files are below `folder`."""
    facts: dict[str, Any] = {
        "target": "staging",
        "module": "m",
        "journey": journey,
        "targets": targets,
        "folder": folder / "probes",
        "leases": folder / "leases",
        "variables": dict(os.environ),
        **changed,
    }
    return Probe(**facts)


@contextmanager
def silent() -> Iterator[str]:
    """Run a shop that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@dataclass
class Player:
    """One process that plays probes one after the other: each would take a second and a half to start."""

    process: "subprocess.Popen[str]"
    scratch: Path
    played: int = 0

    def __call__(self, probe: Probe, within_s: float = 15.0) -> ProbeResult:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.played += 1
        folder = self.scratch / str(self.played)
        folder.mkdir()
        names = ("target", "module", "journey", "targets", "folder", "leases", "buys", "plan", "permit")
        own = {name: getattr(probe, name) for name in names}
        job = ProbeJob(**own, scratch=folder, ends_at_s=time.monotonic() + within_s)
        (folder / "job.json").write_text(job.model_dump_json())
        self.process.stdin.write(f"{folder / 'job.json'}\n")
        self.process.stdin.flush()
        events = []
        while line := self.process.stdout.readline().strip():
            events.append(PROBE_EVENT.validate_json(line))
        return result_of(events, ProcessEnd(late=False, code=0), 1000.0, 1.0)


@contextmanager
def player(scratch: Path) -> Iterator[Player]:
    """Run the process that plays probes."""
    command = [sys.executable, "-m", "gevent.monkey", "--module", "tests.children.probes"]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as process:
        yield Player(process, scratch)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=30) == 0
