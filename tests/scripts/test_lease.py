"""One run at a time on an environment: of two that start exactly one wins, and what is stale is taken over."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from scripts.refusals import EnvironmentLacks
from scripts.running.lease import Entry, Lease, Place, held, take
from tests.bad_input.process import wait_for

SECOND = 1_000_000_000
SHOP = "https://shop.example.com"


class Hands:
    """A clock that is moved by hand."""

    at = 1_800_000_000 * SECOND

    def __call__(self) -> int:
        return self.at


@pytest.fixture
def clock() -> Hands:
    return Hands()


def place(folder: Path, clock: Hands, base_url: str = SHOP) -> Place:
    return Place(folder=folder, environment="staging", base_url=base_url, now=clock)


def entry(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def rewritten(path: Path, **changed: Any) -> None:
    path.write_text(json.dumps({**entry(path), **changed}))


def test_a_second_run_is_refused_with_the_name_of_the_first(tmp_path: Path, clock: Hands) -> None:
    first = take(place(tmp_path, clock))
    first.name_run("20261122T120000Z-peak-0000")
    with pytest.raises(EnvironmentLacks) as refused:
        take(place(tmp_path, clock))
    assert str(refused.value) == (
        f"staging is taken by run 20261122T120000Z-peak-0000 (process {os.getpid()} on {socket.gethostname()},"
        f" since 2027-01-15T08:00:00Z); wait for its end, or end it ({tmp_path}/shop.example.com-443.json)"
    )


def test_of_many_that_start_in_one_moment_exactly_one_wins(tmp_path: Path, clock: Hands) -> None:
    together = Barrier(16)

    def start(_: int) -> bool:
        together.wait()
        try:
            take(place(tmp_path, clock))
        except EnvironmentLacks:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(start, range(16))) == 1


def test_of_many_that_take_over_a_stale_lease_exactly_one_wins(tmp_path: Path, clock: Hands) -> None:
    take(place(tmp_path, clock))
    clock.at += 31 * SECOND
    together = Barrier(16)

    def start(_: int) -> bool:
        together.wait()
        try:
            take(place(tmp_path, clock))
        except EnvironmentLacks:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(start, range(16))) == 1


@pytest.mark.parametrize(
    "other",
    ["https://SHOP.example.com./", "https://shop.example.com/de", "https://shop.example.com:443"],
)
def test_the_same_shop_under_another_spelling_is_the_same_lease(other: str, tmp_path: Path, clock: Hands) -> None:
    take(place(tmp_path, clock))
    with pytest.raises(EnvironmentLacks, match="staging is taken by"):
        take(place(tmp_path, clock, other))


def test_every_name_of_this_machine_is_one_lease_and_no_other_machines(tmp_path: Path, clock: Hands) -> None:
    urls = ("http://localhost:80", "http://127.0.0.1", "http://127.8.8.8", "http://[::1]:80")
    names = {place(tmp_path, clock, url).path.name for url in urls}
    assert names == {f"loopback-of-{socket.gethostname()}-80.json"}


def test_a_host_that_holds_a_path_stays_in_the_folder(tmp_path: Path, clock: Hands) -> None:
    assert place(tmp_path, clock, "http://..%2f..%2fetc:80").path.parent == tmp_path


def test_a_lease_of_a_process_that_is_gone_is_taken_over_with_a_note(tmp_path: Path, clock: Hands) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    path = take(place(tmp_path, clock)).path
    rewritten(path, pid=gone.pid)
    assert take(place(tmp_path, clock)).took_over == (
        f"taken over from a run that is being prepared (process {gone.pid} on {socket.gethostname()},"
        f" since 2027-01-15T08:00:00Z): its process {gone.pid} is gone"
    )


@pytest.mark.parametrize("changed", [{"host": "elsewhere"}, {"processes": "another container"}])
def test_a_process_that_this_machine_cannot_see_is_not_called_gone(
    changed: dict[str, str], tmp_path: Path, clock: Hands
) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    path = take(place(tmp_path, clock)).path
    rewritten(path, pid=gone.pid, **changed)
    with pytest.raises(EnvironmentLacks, match="staging is taken by"):
        take(place(tmp_path, clock))


def test_a_lease_that_was_not_kept_alive_is_taken_over_and_its_holder_learns_it(tmp_path: Path, clock: Hands) -> None:
    first = take(place(tmp_path, clock))
    clock.at += 29 * SECOND
    with pytest.raises(EnvironmentLacks):
        take(place(tmp_path, clock))
    clock.at += SECOND
    second = take(place(tmp_path, clock))
    assert second.took_over is not None
    assert second.took_over.endswith(": it wasn't kept alive after 2027-01-15T08:00:30Z")
    first.renew()
    assert first.lost == f"the lease {second.path} is not ours any more"
    first.release()
    assert second.path.exists()


def test_a_lease_that_is_kept_alive_holds_on(tmp_path: Path, clock: Hands) -> None:
    first = take(place(tmp_path, clock))
    for _ in range(5):
        clock.at += 20 * SECOND
        first.renew()
    assert first.lost is None
    with pytest.raises(EnvironmentLacks):
        take(place(tmp_path, clock))


def test_a_lease_is_kept_alive_beside_the_run_and_given_back_however_it_ends(tmp_path: Path) -> None:
    here = Place(folder=tmp_path, environment="staging", base_url=SHOP)

    def fails() -> None:
        with held(here, renew_s=0.01) as lease:
            before = entry(lease.path)["until"]
            wait_for(lambda: entry(lease.path)["until"] > before, "the lease's renewal")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fails()
    assert not here.path.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "peakproof/lease/v1"}'])
def test_a_lease_that_cannot_be_read_holds_while_it_is_young(text: str, tmp_path: Path, clock: Hands) -> None:
    path = place(tmp_path, clock).path
    path.write_text(text)
    os.utime(path, ns=(clock.at, clock.at))
    clock.at += 2 * SECOND
    with pytest.raises(EnvironmentLacks) as refused:
        take(place(tmp_path, clock))
    assert str(refused.value) == f"staging may be taken: {path} can't be read and is 2 s old"
    clock.at += 28 * SECOND
    assert take(place(tmp_path, clock)).took_over == (
        "taken over from somebody: nobody can read it and nobody keeps it alive"
    )


def test_a_lease_that_was_deleted_by_hand_is_lost(tmp_path: Path, clock: Hands) -> None:
    lease = take(place(tmp_path, clock))
    lease.path.unlink()
    lease.renew()
    assert lease.lost == f"the lease {lease.path} is not ours any more"


def test_a_folder_that_is_none_is_told_with_the_flag_that_helps(tmp_path: Path, clock: Hands) -> None:
    (tmp_path / "leases").write_text("")
    with pytest.raises(EnvironmentLacks) as refused:
        take(place(tmp_path / "leases", clock))
    assert str(refused.value) == (
        f"{tmp_path}/leases: leases can't be kept there: File exists; --lease-folder names another"
    )


HOLD = """\
import sys
from pathlib import Path
from scripts.running.lease import Place, held
with held(Place(folder=Path(sys.argv[1]), environment="staging", base_url="https://shop.example.com")):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Return another process that holds the lease."""
    command = [sys.executable, "-P", "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_holder_that_is_killed_gives_way_at_once(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    here = Place(folder=tmp_path, environment="staging", base_url=SHOP)
    with pytest.raises(EnvironmentLacks, match=f"process {holder.pid} on"):
        take(here)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    lease = take(here)
    assert isinstance(lease, Lease)
    assert lease.took_over is not None
    assert lease.took_over.endswith(f"its process {holder.pid} is gone")


def test_the_file_says_who_holds_it(tmp_path: Path, clock: Hands) -> None:
    lease = take(place(tmp_path, clock))
    lease.name_run("r1")
    read = Entry.model_validate(entry(lease.path))
    assert (read.environment, read.run, read.pid, read.host) == ("staging", "r1", os.getpid(), socket.gethostname())
