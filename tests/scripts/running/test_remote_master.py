"""A worker that is told only where a master listens: it waits for runs there and joins each once."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.coordination.run_bundle import BundleDownload, BundleServer, unpack
from loadtests.environment.credentials import Secret
from loadtests.results.run_directory import RunDirectory
from loadtests.runtime.guarded_child import python
from scripts.local_stack.processes import Child, Children
from scripts.running import remote_master as afar
from scripts.running.remote_master import RemoteMaster, read_master
from scripts.verbs import worker
from tests.loadtests.prepared import prepared_run
from tests.ports import free_port
from tests.scripts.world import Command

TOKEN = "canary-of-the-run"
RUN = "20261127T000000Z-small-abcd"


@pytest.fixture
def master(monkeypatch: pytest.MonkeyPatch) -> Iterator[RemoteMaster]:
    """Let somebody listen, as long as the test lasts."""
    monkeypatch.setenv("PEAKPROOF_RUN_TOKEN", TOKEN)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield RemoteMaster(host="127.0.0.1", port=listener.getsockname()[1])


@pytest.mark.parametrize("text", ["", "load-1", "load-1:", ":18091", "load-1:0", "load-1:65536", "load-1:x", "a:1²"])
def test_what_is_no_host_and_port_is_refused(peakproof: Command, text: str) -> None:
    done = peakproof("worker", "--once", "--master", text)
    assert (done.code, done.out) == (2, "")
    assert done.err == f"peakproof: --master: expected host:port such as load-1:18091, found {text!r}\n"


def test_a_host_may_hold_colons() -> None:
    assert read_master("::1:18091") == RemoteMaster(host="::1", port=18091)


def test_a_master_is_there_while_somebody_listens(master: RemoteMaster) -> None:
    assert master.is_there()
    master.wait_for()
    gone = RemoteMaster(host="127.0.0.1", port=free_port())
    assert not gone.is_there()
    gone.wait_for_its_end()


def fetched(folder: Path, monkeypatch: pytest.MonkeyPatch, code: int, says: str = "") -> None:
    """Put a process in the place of the one that fetches: it unpacks the bundle, prints and ends with `code`."""
    run = prepared_run(folder / "master", "http://127.0.0.1:9")
    server, download = BundleServer(TOKEN, run, 2), BundleDownload(TOKEN, "there", "nonce")
    told = server.answer("there", download.question())
    assert told is not None
    download.take(told)

    def start(children: Children, into: Path, _master: object, _environment: object, token: Secret) -> Child:
        assert token.reveal() == TOKEN
        unpack(download.open(), into)
        note = json.dumps({"run": RUN, "workers": 2})
        name = f"open({str(into)!r} + f'/fetched-{{os.getpid()}}.json', 'w')"
        lines = f"import os; {name}.write({note!r}); print({says!r}); raise SystemExit({code})"
        return children.start("locust-fetcher", python("-W", "ignore", "-c", lines))

    monkeypatch.setattr(afar, "start_fetcher", start)


def played(monkeypatch: pytest.MonkeyPatch, code: int) -> list[tuple[Path, tuple[str, int]]]:
    """Put a process that ends with `code` in the place of the one that plays, and return what it was told."""
    told: list[tuple[Path, tuple[str, int]]] = []

    def start(
        children: Children, directory: RunDirectory, _number: int, where: tuple[str, int], _: object, _token: Secret
    ) -> Child:
        told.append((directory.path, where))
        return children.start("locust", python("-c", f"raise SystemExit({code})"))

    monkeypatch.setattr(worker, "start_worker", start)
    return told


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (75, 75), (1, 75)])
def test_it_fetches_what_the_run_is_and_plays_in_a_folder_of_its_own(
    master: RemoteMaster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, peakproof: Command, code: int, expected: int
) -> None:
    fetched(tmp_path, monkeypatch, 0)
    told = played(monkeypatch, code)
    done = peakproof("worker", "--once", "--master", str(master))
    own = told[0][0]
    assert (own.parts[-2:], [where for _, where in told]) == (("uploads", RUN), [master.address])
    assert (own / "plan.yaml").is_file()
    assert list(own.parent.glob("fetched-*")) == []
    assert (done.code, done.out.splitlines()) == (
        expected,
        [
            f"waiting for a run to join at {master}",
            f"joining run {RUN} at {master}; what it writes is kept in {own}",
            f"run {RUN}: this worker ended with {code}",
        ],
    )


def test_a_run_that_has_its_workers_is_left_and_the_next_is_waited_for(
    master: RemoteMaster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, peakproof: Command
) -> None:
    fetched(tmp_path, monkeypatch, 75)
    told = played(monkeypatch, 0)

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(RemoteMaster, "wait_for_its_end", interrupt)
    done = peakproof("worker", "--master", str(master))
    assert (told, done.code) == ([], 75)
    assert f"the run at {master} has its workers, or is over" in done.out


def test_a_master_that_refuses_the_token_ends_it_with_the_masters_word(
    master: RemoteMaster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, peakproof: Command
) -> None:
    fetched(tmp_path, monkeypatch, 2, "the run bundle came from a master that doesn't know the token")
    told = played(monkeypatch, 0)
    done = peakproof("worker", "--master", str(master))
    assert (told, done.code) == ([], 2)
    assert done.err == f"peakproof: {master}: the run bundle came from a master that doesn't know the token\n"


def test_a_machine_that_allows_too_few_descriptors_joins_nothing(
    master: RemoteMaster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, peakproof: Command
) -> None:
    fetched(tmp_path, monkeypatch, 0)
    told = played(monkeypatch, 0)
    monkeypatch.setattr("loadtests.runtime.resource_limits.most", lambda: 280)
    done = peakproof("worker", "--once", "--master", str(master))
    assert (told, done.code) == ([], 75)
    assert "need 281 descriptors each, and 280 are allowed" in done.err
