"""A short run into which a fault is put under load, and what became of it."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.running.judging import judge_run
from slo.documents import BadInput
from tests.bad_input.process import COMMAND, MEASURED, Running, command_line, descendants, hear_signals, is_alive
from tests.end_to_end.played import PLAN, write_inputs
from tests.loadtests import fake_shop
from tests.loadtests.fake_shop import FakeShop
from tests.loadtests.hostile_server import HostileServer, Seen, reply
from tests.waiting import wait_for

ENDS_WITHIN_S = 100.0  # on a machine that plays several at once; alone none takes half of it
Page = bytes | Callable[[socket.socket], None]


def dripping(head: bytes) -> Callable[[socket.socket], None]:
    """Return the answer that begins with `head`, and goes on by a byte now and then for as long as somebody reads."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(b"a")
            time.sleep(0.1)

    return answer


def hanging(connection: socket.socket) -> None:
    """Answer nothing for as long as somebody waits for it."""
    connection.settimeout(None)
    with suppress(OSError):
        while connection.recv(1 << 16):
            pass


@dataclass(kw_only=True)
class FaultyRun:
    """A run under way: its processes, its files, the shop, and the pages beside it, which a fault may change."""

    folder: Path
    shop: FakeShop
    process: subprocess.Popen[bytes]
    pages: dict[str, Page]

    @property
    def peak(self) -> Running:
        return Running(process=self.process, output=self.folder / "output")

    @property
    def directory(self) -> Path:
        (run,) = (self.folder / "runs").glob("*-faulty-*")
        return run

    def locust(self) -> int:
        return self.peak.below("locustfile.py")[0]

    def prometheus(self) -> int:
        (pid,) = [pid for pid in self.peak.below("--storage.tsdb.path") if "guarded_child" not in command_line(pid)]
        return pid

    def guard(self) -> int:
        (pid,) = self.peak.below("--storage.tsdb.path", "guarded_child")
        return pid

    def wait_for_load(self) -> None:
        """Wait until requests were answered."""

        def loads() -> bool:
            assert self.process.poll() is None, self.peak.told()
            try:
                live = json.loads(next((self.folder / "runs").glob("*/live.json")).read_text())
            except (OSError, ValueError, StopIteration):
                return False
            return bool(live["achieved"]["requests_total"] > 5)

        wait_for(loads, "load", 120)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that goes wrong under load; `says` is what the command, or run.json, must say of it.

    It goes wrong in a run of `command`. `codes` are the exit codes that this may end with, `start` more of Popen's
    arguments. Only a run that `is_watched` has a kill URL: on a busy machine that alone may end one.
    """

    name: str
    do: Callable[[FaultyRun], object]
    says: str
    codes: frozenset[int] = frozenset({75})
    start: Mapping[str, object] = field(default_factory=dict)
    is_watched: bool = False
    command: Sequence[str] = tuple(COMMAND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a run: None as `code` is one that didn't end; `verdicts` are the outcomes of what it left.

    `invalid` is why that isn't valid.
    """

    code: int | None
    told: str
    documents: str
    left: tuple[str, ...]
    verdicts: tuple[str, ...]
    invalid: tuple[str, ...]


def play(fault: Fault, folder: Path, prometheus: str, base: int) -> Outcome:
    """Play one run with a fault in it, and judge what it left."""
    pages: dict[str, Page] = {
        "/kill": reply(b"go"),
        "/metrics": reply(b"up_there 1\n", headers=("Content-Type: text/plain; version=0.0.4",)),
    }

    def answer(connection: socket.socket, seen: Seen) -> bool:
        page = pages.get(seen.path, reply(b"{}", status="404 Not Found"))
        if callable(page):
            page(connection)
            return False
        connection.sendall(page)
        return True

    with ExitStack() as stack:
        shop = stack.enter_context(fake_shop.running())
        beside = stack.enter_context(HostileServer(answer))
        watched: dict[str, Any] = {"kill_url": f"{beside.url}/kill", "kill_poll_s": 1} if fault.is_watched else {}
        write_inputs(folder, shop.url, metrics=[{"job": "shop", "url": f"{beside.url}/metrics"}], **watched)
        (folder / "plan.yaml").write_text(PLAN.replace("duration_s: PLATEAU", "duration_s: 10"))
        output = stack.enter_context((folder / "output").open("wb"))
        started: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": output,
            "stderr": output,
            "preexec_fn": hear_signals,
            **fault.start,
        }
        process = subprocess.Popen(
            [*fault.command, "run", "plan.yaml", "--on", "staging", "--port-base", str(base)],
            cwd=folder,
            env={
                "PATH": "/nowhere",
                "HOME": str(folder),
                "PEAKPROOF_PROMETHEUS": prometheus,
                "SHOP_TOKEN": "x",
                **MEASURED,
            },
            **started,
            start_new_session=True,
        )
        run = FaultyRun(folder=folder, shop=shop, process=process, pages=pages)
        try:
            return _outcome(fault, run)
        finally:
            process.kill()
            process.wait()
            shop.over.set()


def _outcome(fault: Fault, run: FaultyRun) -> Outcome:
    run.wait_for_load()
    started = descendants(run.process.pid)
    fault.do(run)
    try:
        code = run.process.wait(ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        code = None
    ends_at = time.monotonic() + 20  # a command that was killed leaves its processes to notice it
    while (left := [pid for pid in started if is_alive(pid)]) and time.monotonic() < ends_at:
        time.sleep(0.1)
    shown = tuple(command_line(pid)[:120] for pid in left)
    for pid in left:
        os.kill(pid, 9)
    directories = [path for path in (run.folder / "runs").glob("*") if path.is_dir()]
    documents = "\n".join((path / "run.json").read_text() for path in directories if (path / "run.json").is_file())
    verdicts: list[str] = []
    invalid = [] if directories else ["no run directory is left"]
    for path in directories:
        try:
            verdict = judge_run(path)
        except BadInput as error:
            verdicts.append("refused")
            invalid.append(str(error))
        else:
            verdicts.append(verdict.outcome.value)
            invalid += [finding.message for finding in verdict.invalid_because]
    return Outcome(
        code=code,
        told=run.peak.told(),
        documents=documents,
        left=shown,
        verdicts=tuple(verdicts),
        invalid=tuple(invalid),
    )
