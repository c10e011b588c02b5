"""One run at a time on an environment: of two that start exactly one wins, and a lease that ran out is taken over."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from loadtests.guardrails.lease import Entry, Lease, Place, await_lease, held, take
from slo.outcomes import EnvironmentLacks
from tests.waiting import wait_for

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


def winners(folder: Path, clock: Hands) -> int:
    """Let sixteen take one lease in one moment, and return how many got it."""
    together = Barrier(16)

    def start(_: int) -> bool:
        together.wait()
        try:
            take(place(folder, clock))
        except EnvironmentLacks:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        return sum(threads.map(start, range(16)))


def test_of_many_that_start_in_one_moment_exactly_one_wins(tmp_path: Path, clock: Hands) -> None:
    assert winners(tmp_path, clock) == 1


def test_of_many_that_take_over_a_stale_lease_exactly_one_wins(tmp_path: Path, clock: Hands) -> None:
    take(place(tmp_path, clock))
    clock.at += 31 * SECOND
    assert winners(tmp_path, clock) == 1


@pytest.mark.parametrize(
    "other",
    ["https://SHOP.example.com./", "https://shop.example.com/de", "https://shop.example.com:443"],
)
def test_the_same_shop_under_another_spelling_is_the_same_lease(other: str, tmp_path: Path, clock: Hands) -> None:
    take(place(tmp_path, clock))
    with pytest.raises(EnvironmentLacks, match="staging is taken by"):
        take(place(tmp_path, clock, other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://[2001:db8::7]", "http://[2001:DB8:0:0::0007]:80/de"),
        ("http://198.51.100.7", "http://[::ffff:198.51.100.7]"),
        ("http://198.51.100.7", "http://[::ffff:c633:6407]"),
    ],
)
def test_one_address_in_two_spellings_is_the_same_lease(one: str, other: str, tmp_path: Path, clock: Hands) -> None:
    assert place(tmp_path, clock, one).path == place(tmp_path, clock, other).path


def test_two_addresses_are_two_leases(tmp_path: Path, clock: Hands) -> None:
    urls = ("http://[2001:db8::7]", "http://[2001:db8::70]", "http://198.51.100.7", "http://shop.example")
    assert len({place(tmp_path, clock, url).path for url in urls}) == len(urls)


def test_every_name_of_this_machine_is_one_lease_and_no_other_machines(tmp_path: Path, clock: Hands) -> None:
    urls = ("http://localhost:80", "http://127.0.0.1", "http://127.8.8.8", "http://[::1]:80")
    names = {place(tmp_path, clock, url).path.name for url in urls}
    assert names == {f"loopback-of-{socket.gethostname()}-80.json"}


def test_a_host_that_holds_a_path_stays_in_the_folder(tmp_path: Path, clock: Hands) -> None:
    assert place(tmp_path, clock, "http://..%2f..%2fetc:80").path.parent == tmp_path


def test_a_lease_that_ran_out_is_taken_over_with_a_note_and_its_holder_learns_it(tmp_path: Path, clock: Hands) -> None:
    first = take(place(tmp_path, clock))
    clock.at += 29 * SECOND
    with pytest.raises(EnvironmentLacks):
        take(place(tmp_path, clock))
    clock.at += SECOND
    second = take(place(tmp_path, clock))
    assert second.took_over == (
        f"taken over from a run that is being prepared (process {os.getpid()} on {socket.gethostname()},"
        " since 2027-01-15T08:00:00Z): it ran out at 2027-01-15T08:00:30Z"
    )
    first.renew()
    assert first.lost == f"the lease {second.path} is not ours any more"
    first.release()
    assert second.path.exists()


@pytest.mark.parametrize("changed", [{}, {"host": "elsewhere"}])
def test_whether_its_process_is_there_does_not_matter_only_its_time_does(
    changed: dict[str, str], tmp_path: Path, clock: Hands
) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    path = take(place(tmp_path, clock)).path
    rewritten(path, pid=gone.pid, **changed)
    with pytest.raises(EnvironmentLacks, match="staging is taken by"):
        take(place(tmp_path, clock))
    rewritten(path, pid=os.getpid(), **changed)
    clock.at += 30 * SECOND
    assert take(place(tmp_path, clock)).took_over is not None


class Waiting:
    """What is said while a lease is waited for, and a sleep that moves the clock and does what is due by then."""

    def __init__(self, clock: Hands) -> None:
        self.clock, self.said, self.slept_s = clock, list[str](), 0.0
        self.due: dict[float, Callable[[], object]] = {}

    def sleep(self, seconds: float) -> None:
        self.slept_s += seconds
        self.clock.at += round(seconds * SECOND)
        for at_s in [at_s for at_s in self.due if at_s <= self.slept_s]:
            self.due.pop(at_s)()

    def lease(self, there: Place) -> Lease:
        return await_lease(there, self.said.append, self.sleep)


def test_after_a_crash_the_next_run_waits_until_the_lease_has_run_out_and_says_how_long(
    tmp_path: Path, clock: Hands
) -> None:
    take(place(tmp_path, clock)).name_run("r1")
    clock.at += 4 * SECOND
    waiting = Waiting(clock)
    assert waiting.lease(place(tmp_path, clock)).took_over is not None
    assert waiting.slept_s == 26.0
    assert waiting.said == [
        (
            f"staging is taken by run r1 (process {os.getpid()} on {socket.gethostname()}, since 2027-01-15T08:00:00Z);"
            " waiting until 2027-01-15T08:00:30Z, when its lease runs out unless it is renewed"
        )
    ]


def test_a_run_that_renews_its_lease_is_alive_and_not_waited_for(tmp_path: Path, clock: Hands) -> None:
    first, waiting = take(place(tmp_path, clock)), Waiting(clock)
    waiting.due = {5.0: first.renew}
    with pytest.raises(EnvironmentLacks, match=r"^staging is taken by .*; wait for its end, or end it"):
        waiting.lease(place(tmp_path, clock))
    assert (waiting.slept_s, first.lost) == (5.0, None)


def test_a_lease_that_is_given_back_meanwhile_is_taken_at_once(tmp_path: Path, clock: Hands) -> None:
    first, waiting = take(place(tmp_path, clock)), Waiting(clock)
    waiting.due = {2.0: first.release}
    assert waiting.lease(place(tmp_path, clock)).took_over is None
    assert waiting.slept_s == 2.0


def test_another_that_was_quicker_is_not_waited_for(tmp_path: Path, clock: Hands) -> None:
    first, waiting = take(place(tmp_path, clock)), Waiting(clock)

    def another() -> None:
        first.release()
        take(place(tmp_path, clock))

    waiting.due = {2.0: another}
    with pytest.raises(EnvironmentLacks, match="staging is taken by"):
        waiting.lease(place(tmp_path, clock))
    assert waiting.slept_s == 2.0


def test_a_lease_that_holds_for_longer_than_any_is_not_waited_for(tmp_path: Path, clock: Hands) -> None:
    """Its holder's clock is far ahead of ours."""
    rewritten(take(place(tmp_path, clock)).path, until=clock.at + 3600 * SECOND)
    waiting = Waiting(clock)
    with pytest.raises(EnvironmentLacks, match="staging is taken by"):
        waiting.lease(place(tmp_path, clock))
    assert (waiting.slept_s, waiting.said) == (0.0, [])


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
        with held(here, print, renew_s=0.01) as lease:
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
    assert str(refused.value) == (
        "staging may be taken: its lease file is unreadable and was renewed 2 s ago;"
        f" wait for its end, or end it ({path})"
    )
    waiting = Waiting(clock)
    assert waiting.lease(place(tmp_path, clock)).took_over == (
        "taken over from an unknown run: the lease file is unreadable and was last renewed more than 30 s ago"
    )
    assert waiting.slept_s == 28.0


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
from loadtests.guardrails.lease import Place, held
here = Place(folder=Path(sys.argv[1]), environment="staging", base_url="https://shop.example.com", kept_s=1.0)
with held(here, print, renew_s=0.1):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Return another process that holds the lease for a second at a time."""
    command = [sys.executable, "-P", "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_holder_that_is_killed_gives_way_once_its_lease_has_run_out(
    holder: subprocess.Popen[str], tmp_path: Path
) -> None:
    here = Place(folder=tmp_path, environment="staging", base_url=SHOP, kept_s=1.0)
    with pytest.raises(EnvironmentLacks, match=f"process {holder.pid} on"):
        await_lease(here, print)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    until = entry(here.path)["until"]
    lease = await_lease(here, print)
    assert time.time_ns() >= until
    assert lease.took_over is not None
    assert f"process {holder.pid} on" in lease.took_over


def test_the_file_says_who_holds_it(tmp_path: Path, clock: Hands) -> None:
    lease = take(place(tmp_path, clock))
    lease.name_run("r1")
    read = Entry.model_validate(entry(lease.path))
    assert (read.environment, read.run, read.pid, read.host) == ("staging", "r1", os.getpid(), socket.gethostname())


RACE = """\
import sys
import time
from pathlib import Path
from slo.outcomes import EnvironmentLacks
from loadtests.guardrails.lease import Place, take
print("ready", flush=True)
for line in sys.stdin:
    folder, start_at = line.split()
    try:
        while time.time_ns() < int(start_at):
            pass  # both have read the line by then: they start within microseconds
        take(Place(folder=Path(folder), environment="staging", base_url="https://shop.example.com"))
        print("won", flush=True)
    except EnvironmentLacks as error:
        print("lost" if "is taken by" in str(error) else str(error), flush=True)
"""


@pytest.fixture
def racers() -> Iterator[list[subprocess.Popen[str]]]:
    """Return two processes that race for the leases of the folders they are told."""
    command = [sys.executable, "-P", "-c", RACE]
    with ExitStack() as both:
        made = [
            both.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
            for _ in range(2)
        ]
        for one in made:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        yield made
        for one in made:
            one.kill()


def raced(racers: list[subprocess.Popen[str]], folder: Path) -> list[str]:
    start_at = time.time_ns() + 20_000_000
    for one in racers:
        assert one.stdin is not None
        one.stdin.write(f"{folder} {start_at}\n")
        one.stdin.flush()
    return sorted(one.stdout.readline().strip() for one in racers if one.stdout is not None)


def test_of_two_processes_exactly_one_wins_again_and_again(racers: list[subprocess.Popen[str]], tmp_path: Path) -> None:
    assert {tuple(raced(racers, tmp_path / str(number))) for number in range(60)} == {("lost", "won")}


def test_of_two_processes_exactly_one_takes_over_again_and_again(
    racers: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    """What is left by a run that stopped to renew it, on this machine and on another, or can't be read."""
    left: tuple[dict[str, Any], ...] = ({}, {"host": "elsewhere"}, {"format": "none"})
    for number in range(60):
        here = Place(folder=tmp_path / str(number), environment="staging", base_url=SHOP)
        path = take(here).path
        rewritten(path, until=time.time_ns() - SECOND, **left[number % 3])
        os.utime(path, ns=(0, 0))
        assert raced(racers, here.folder) == ["lost", "won"]


@pytest.mark.parametrize("skew_s", [-3600, -30, 0, 24])
def test_a_machine_whose_clock_is_wrong_by_less_than_is_left_of_a_renewed_lease_takes_nothing(
    skew_s: int, tmp_path: Path, clock: Hands
) -> None:
    """A lease holds for 30 s and is renewed every 5: its end is never nearer than 25 s."""
    take(place(tmp_path, clock))
    clock.at += 5 * SECOND
    other = Hands()
    other.at = clock.at + skew_s * SECOND
    with pytest.raises(EnvironmentLacks, match="staging is taken by"):
        take(place(tmp_path, other))


def test_one_whose_clock_is_further_ahead_takes_it_and_the_holder_learns_it_at_its_next_renewal(
    tmp_path: Path, clock: Hands
) -> None:
    first, ahead = take(place(tmp_path, clock)), Hands()
    ahead.at = clock.at + 31 * SECOND
    assert take(place(tmp_path, ahead)).took_over is not None
    clock.at += 5 * SECOND
    first.renew()
    assert first.lost == f"the lease {first.path} is not ours any more"


PAY = "https://pay.example.com/v2"


def with_hosts(folder: Path, clock: Hands, base_url: str, *hosts: str) -> Place:
    return Place(folder=folder, environment="staging", base_url=base_url, hosts=hosts, now=clock)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.json"))


def test_two_environments_that_share_a_host_are_loaded_one_after_the_other(tmp_path: Path, clock: Hands) -> None:
    first = take(with_hosts(tmp_path, clock, SHOP, PAY, "https://cdn.example.com"))
    first.name_run("one")
    assert files(tmp_path) == ["cdn.example.com-443.json", "pay.example.com-443.json", "shop.example.com-443.json"]
    assert entry(tmp_path / "pay.example.com-443.json")["base_url"] == PAY
    for other in (
        with_hosts(tmp_path, clock, "https://other.example.com", "http://pay.example.com:443"),
        with_hosts(tmp_path, clock, "https://pay.example.com"),
    ):
        with pytest.raises(EnvironmentLacks, match=r"taken by run one .*pay\.example\.com-443\.json\)$"):
            take(other)
    assert len(files(tmp_path)) == 3  # who gets one and not the other has none
    first.release()
    assert files(tmp_path) == []
    take(other)


def test_the_host_that_is_shared_is_named(tmp_path: Path, clock: Hands) -> None:
    take(with_hosts(tmp_path, clock, SHOP, PAY))
    with pytest.raises(EnvironmentLacks, match=rf"^staging's host {PAY} is taken by a run that is being prepared"):
        take(with_hosts(tmp_path, clock, "https://other.example.com", PAY))


def test_a_lease_holds_for_each_host_until_its_time_is_over_and_is_lost_with_one(tmp_path: Path, clock: Hands) -> None:
    first = take(with_hosts(tmp_path, clock, SHOP, PAY))
    clock.at += 29 * SECOND
    first.renew()
    clock.at += 29 * SECOND
    with pytest.raises(EnvironmentLacks):
        take(with_hosts(tmp_path, clock, PAY))
    assert first.lost is None
    clock.at += 2 * SECOND
    second = take(with_hosts(tmp_path, clock, PAY))
    assert second.took_over is not None
    first.renew()
    assert first.lost == f"the lease {tmp_path}/pay.example.com-443.json is not ours any more"
    first.release()
    assert files(tmp_path) == ["pay.example.com-443.json"]  # the other run's


def test_two_paths_of_one_host_are_one_lease(tmp_path: Path, clock: Hands) -> None:
    take(with_hosts(tmp_path, clock, SHOP, "http://shop.example.com:443/x"))
    assert files(tmp_path) == ["shop.example.com-443.json"]
