"""Whatever breaks under load: the command ends, says what happened, leaves nothing running, and `judge` agrees with it.

The runs are played some at once, for they mostly wait; which of them are valid is the machine's affair, so it is held
only that `run` and `judge` say the same.
"""

import ctypes
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.bad_input.faulty_run import Fault, FaultyRun, Outcome, dripping, hanging, play
from tests.bad_input.process import hear_signals
from tests.ports import free_base

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(900)]
_AT_ONCE = 3
CHILDREN = Path(__file__).parents[1] / "children"
_CAP_DAC_OVERRIDE, _DROP = 1, 24  # capabilities(7), prctl(2): PR_CAPBSET_DROP


def page(name: str, answer: Callable[..., None]) -> Callable[[FaultyRun], object]:
    return lambda run: run.pages.update({name: answer})


def send(whom: Callable[[FaultyRun], int], number: signal.Signals) -> Callable[[FaultyRun], object]:
    return lambda run: os.kill(whom(run), number)


def full_disk(whom: Callable[[FaultyRun], int]) -> Callable[[FaultyRun], object]:
    """Let a process write no file larger than a kilobyte, as it couldn't on a disk that is full."""
    return lambda run: resource.prlimit(whom(run), resource.RLIMIT_FSIZE, (1000, 1000))


def command(run: FaultyRun) -> int:
    return run.process.pid


def remove(run: FaultyRun, pattern: str) -> None:
    for path in run.directory.glob(pattern):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def read_only(run: FaultyRun) -> None:
    for path in (run.directory, run.directory / "metrics"):
        path.chmod(0o555)


def as_any_user() -> None:
    """Let permissions hold for root, too."""
    hear_signals()
    ctypes.CDLL(None).prctl(_DROP, _CAP_DAC_OVERRIDE, 0, 0, 0)


def close(name: str) -> Callable[[FaultyRun], object]:
    return lambda run: getattr(run.process, name).close()


def stop_shop(run: FaultyRun) -> None:
    run.shop.server.shutdown()
    run.shop.server.server_close()


ANY = frozenset({0, 75})
PIPES = {"stdin": {"stdin": subprocess.PIPE}, "stdout": {"stdout": subprocess.PIPE}}
SILENT = "nothing was heard of the load generator for 30 s"
NO_KILL_URL = "doesn't answer: ReadTimeout"
NO_ANSWER = "queries have no answer"
GONE = "was removed or renamed in mid-run"
FAULTS = (
    Fault(name="nothing", do=lambda _: None, says='"completed"', codes=ANY),
    Fault(
        name="the kill URL drips its head",
        do=page("/kill", dripping(b"HTTP/1.1 200 OK\r\nX: ")),
        says=NO_KILL_URL,
        is_watched=True,
    ),
    Fault(
        name="the kill URL drips its body behind a 410",
        do=page("/kill", dripping(b"HTTP/1.1 410 Gone\r\nContent-Length: 9999\r\n\r\n")),
        says=NO_KILL_URL,
        is_watched=True,
    ),
    Fault(name="the kill URL hangs", do=page("/kill", hanging), says=NO_KILL_URL, is_watched=True),
    Fault(name="the metrics hang", do=page("/metrics", hanging), says='"completed"', codes=ANY),
    Fault(
        name="the lease's folder is removed",
        do=lambda run: shutil.rmtree(run.folder / "leases"),
        says="is gone: its folder was removed",
    ),
    Fault(
        name="the lease's file is removed",
        do=lambda run: remove(run, "../../leases/*.json"),
        says="is not ours any more",
    ),
    Fault(
        name="the run directory is removed",
        do=lambda run: shutil.rmtree(run.directory, ignore_errors=True),
        says=GONE,
    ),
    Fault(
        name="the run directory is renamed",
        do=lambda run: run.directory.rename(run.directory.with_name("elsewhere")),
        says=GONE,
    ),
    Fault(name="its ledgers are removed", do=lambda run: remove(run, "ledger-*"), says="rows of the ledger of w0"),
    Fault(name="its plan is removed", do=lambda run: remove(run, "plan.yaml"), says="plan.yaml"),
    Fault(name="its logs are removed", do=lambda run: remove(run, "logs"), says='"completed"', codes=ANY),
    Fault(name="run.json is removed", do=lambda run: remove(run, "run.json"), says='"completed"', codes=ANY),
    Fault(
        name="the run directory is made read-only", do=read_only, says="Permission denied",
        start={"preexec_fn": as_any_user},
    ),
    Fault(name="Prometheus is killed", do=send(FaultyRun.prometheus, signal.SIGKILL), says=NO_ANSWER, codes=ANY),
    Fault(name="Prometheus is stopped", do=send(FaultyRun.prometheus, signal.SIGSTOP), says=NO_ANSWER, codes=ANY),
    Fault(
        name="the guard of Prometheus is killed", do=send(FaultyRun.guard, signal.SIGKILL),
        says=NO_ANSWER, codes=ANY,
    ),
    Fault(name="the load generator is killed", do=send(FaultyRun.locust, signal.SIGKILL), says="locust ended with -9"),
    Fault(name="the load generator is stopped", do=send(FaultyRun.locust, signal.SIGSTOP), says=SILENT),
    Fault(name="the load generator is ended", do=send(FaultyRun.locust, signal.SIGTERM), says="locust ended with 75"),
    Fault(name="the command is killed", do=send(command, signal.SIGKILL), says="", codes=frozenset({-9})),
    Fault(name="its terminal is closed", do=send(command, signal.SIGHUP), says="by hand or signal"),
    Fault(
        name="its output is closed", do=close("stdout"), says="its output was closed", start=PIPES["stdout"],
    ),
    Fault(name="its input is closed", do=close("stdin"), says='"completed"', codes=ANY, start=PIPES["stdin"]),
    Fault(name="the generator's disk is full", do=full_disk(FaultyRun.locust), says="File too large"),
    Fault(name="the command's disk is full", do=full_disk(command), says="", codes=frozenset({75})),
    Fault(
        name="the clock is set back", do=lambda run: (run.folder / "set-back").touch(),
        says="the machine's clock was set back by 5 s during the run",
        command=(sys.executable, "-P", str(CHILDREN / "clock_set_back.py")),
    ),
    Fault(name="the shop stops", do=stop_shop, says='"completed"', codes=ANY),
)  # fmt: skip


@pytest.fixture(scope="module")
def outcomes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, prometheus: str
) -> Iterator[Mapping[str, Future[Outcome]]]:
    """Play the runs of the faults that are asked for, some at once."""
    specs = [getattr(item, "callspec", None) for item in request.session.items]
    asked = [spec.params["fault"] for spec in specs if spec is not None and "fault" in spec.params]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield {
            fault.name: pool.submit(play, fault, tmp_path_factory.mktemp("fault"), prometheus, free_base())
            for fault in asked
            if isinstance(fault, Fault)
        }


@pytest.mark.skipif(sys.platform != "linux", reason="limits and processes of others are Linux's: prlimit, /proc")
@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: one.name)
def test_a_fault_under_load_ends_the_command_and_is_said_and_judged_alike(
    fault: Fault, outcomes: Mapping[str, Future[Outcome]]
) -> None:
    outcome = outcomes[fault.name].result()
    assert outcome.code in fault.codes, outcome.told
    assert fault.says in outcome.told + outcome.documents
    assert "Traceback" not in outcome.told
    assert outcome.left == ()
    assert (outcome.invalid == ()) is (outcome.code == 0), (outcome.invalid, outcome.told)
    assert outcome.code == 0 or "PASS" not in outcome.verdicts
