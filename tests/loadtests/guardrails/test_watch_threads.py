"""What is watched beside a run: the kill URL ends it, releases are kept, and a watch that broke is told."""

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from loadtests.environment.pinned_http import bounded_get
from loadtests.environment.resolved_environment import ResolvedEnvironment, resolve_environment
from loadtests.environment.targets import Environment
from loadtests.guardrails.kill_switch import KillSwitch, check_kill_url, says_stop
from loadtests.guardrails.lease import Place, take
from loadtests.guardrails.release_watch import ReleaseWatch, probe_release
from loadtests.guardrails.watch_thread import WatchThread
from loadtests.runtime.clock import Clock
from scripts.running.guards import Watches
from slo.outcomes import EnvironmentLacks
from tests.ports import free_port
from tests.scripts.world import World, fake_shop, targets
from tests.waiting import wait_for


def reach(world: World, shop: str, **changed: object) -> ResolvedEnvironment:
    text = json.loads(targets(shop, **changed))["environments"]["staging"]
    return resolve_environment(Environment.model_validate(text), world.context().environment)


class Hands:
    """A clock that is moved by hand, in s."""

    at = 0.0

    def __call__(self) -> float:
        return self.at


SAYS: list[tuple[object, bool]] = [
    (b"stop", True),
    (b" STOP\n", True),
    ({"stop": True}, True),
    ({"stop": False}, False),
    ({"stop": "no"}, False),
    (b"go on", False),
    (b"don't stop", False),
    (b"", False),
    (b"[" * 10_000, False),
    (b"\xff\xfe", False),
]


@pytest.mark.parametrize(("body", "stops"), SAYS)
def test_stop_is_one_word_or_one_key_and_nothing_else(body: object, stops: bool) -> None:  # noqa: FBT001
    with fake_shop({"/kill": (200, body)}) as shop, requests.Session() as http:
        assert says_stop(f"{shop.url}/kill", http) is stops


def test_a_page_that_is_gone_says_stop() -> None:
    with fake_shop({"/kill": (410, b"")}) as shop, requests.Session() as http:
        assert says_stop(f"{shop.url}/kill", http)


def test_a_switch_that_says_stop_ends_the_run_and_stays_so(world: World) -> None:
    with fake_shop({"/kill": (200, {"stop": False})}) as shop, reach(world, shop.url).http() as http:
        watch = KillSwitch(f"{shop.url}/kill", http)
        watch.look()
        assert watch.why_stop is None
        shop.answers["/kill"] = (200, {"stop": True})
        watch.look()
        shop.answers["/kill"] = (200, {"stop": False})
        watch.look()
        assert watch.why_stop == f"the kill URL {shop.url}/kill says stop"


@pytest.mark.parametrize("answer", [(503, b""), (302, b""), (404, b"stop")])
def test_a_switch_that_is_silent_for_ten_seconds_ends_the_run(answer: tuple[int, object], world: World) -> None:
    clock = Hands()
    with fake_shop({"/kill": (200, b"go on")}) as shop, reach(world, shop.url).http() as http:
        watch = KillSwitch(f"{shop.url}/kill", http, clock)
        watch.look()
        shop.answers["/kill"] = answer
        clock.at = 9.9
        watch.look()
        assert watch.why_stop is None
        clock.at = 10.0
        watch.look()
        assert watch.why_stop == (
            f"the kill URL {shop.url}/kill doesn't answer: HTTP {answer[0]}, for 10 s: nobody could end the run"
        )


def test_a_run_does_not_begin_while_the_switch_says_stop(world: World) -> None:
    with fake_shop({"/kill": (200, b"stop")}) as shop:
        given = reach(world, shop.url, kill_url=f"{shop.url}/kill")
        with given.http() as http, pytest.raises(EnvironmentLacks) as refused:
            check_kill_url(given.environment, http)
        assert str(refused.value) == f"the kill URL {shop.url}/kill says stop: no run may begin"


def test_a_run_does_not_begin_without_the_switch_that_is_declared(world: World) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    given = reach(world, url, kill_url=f"{url}/kill")
    with given.http() as http, pytest.raises(EnvironmentLacks) as refused:
        check_kill_url(given.environment, http)
    assert str(refused.value) == f"the kill URL {url}/kill doesn't answer: ConnectionError"


def answers(*told: str | None) -> Callable[[], str | None]:
    rest = iter(told)

    def ask() -> str | None:
        release = next(rest)
        if release == "nothing":
            raise EnvironmentLacks("the shop doesn't answer")
        return release

    return ask


def test_every_change_of_the_release_is_kept_and_a_deploy_is_said_at_once() -> None:
    said: list[str] = []
    times = iter(range(100))
    watch = ReleaseWatch(answers("a", "a", "nothing", "nothing", "a", "b", "a"), lambda: next(times), said.append)
    for _ in range(7):
        watch.look()
    assert [one.model_dump() for one in watch.seen] == [
        {"at": 0, "release": "a"},
        {"at": 1, "release": None},
        {"at": 2, "release": "a"},
        {"at": 3, "release": "b"},
        {"at": 4, "release": "a"},
    ]
    assert said == [
        "the release changed from a to b while it was tested",
        "the release changed from b to a while it was tested",
    ]


def test_a_release_that_never_rests_does_not_fill_the_document() -> None:
    watch = ReleaseWatch(answers(*(str(n) for n in range(1500))), lambda: 0, lambda _line: None)
    for _ in range(1500):
        watch.look()
    assert len(watch.seen) == 1000


HOSTILE = [b"", b"[]", b"nonsense", b'{"version": {"a": 1}}', b'{"version": null}', b"[" * 10_000, b"\xff"]


@pytest.mark.parametrize("body", HOSTILE)
def test_a_page_that_says_no_release_is_told(body: bytes, world: World) -> None:
    with fake_shop({"/healthz": (200, body)}) as shop, pytest.raises(EnvironmentLacks) as refused:
        probe_release(reach(world, shop.url))
    assert str(refused.value) == f"the shop at {shop.url}/healthz doesn't say its release in the field 'version'"


def test_a_release_of_any_length_is_kept_short(world: World) -> None:
    with fake_shop({"/healthz": (200, {"version": "x" * 100_000})}) as shop:
        assert probe_release(reach(world, shop.url)) == "x" * 200


def test_what_is_repeated_ends_with_its_block() -> None:
    done = threading.Semaphore(0)
    with WatchThread("kill URL", 0.001, done.release):
        for _ in range(3):
            done.acquire()
    assert "kill URL" not in {thread.name for thread in threading.enumerate()}


def test_a_watch_that_breaks_ends_the_run(world: World, tmp_path: Path) -> None:
    def breaks() -> None:
        raise ZeroDivisionError("a defect")

    with fake_shop({}) as shop:
        given = reach(world, shop.url, release_probe=None)
        lease = take(Place(folder=tmp_path, environment="staging", base_url=shop.url))
        with Watches(given, lease, Clock.start(), world.context()) as watches:
            assert watches.why_stop() is None
            watches._start(WatchThread("kill URL", 60, breaks))
            wait_for(watches.why_stop, "the watch's end")
            assert watches.why_stop() == "the watch over the kill URL broke: ZeroDivisionError('a defect')"


def test_a_lease_that_is_lost_ends_the_run(world: World, tmp_path: Path) -> None:
    with fake_shop({}) as shop:
        given = reach(world, shop.url, release_probe=None)
        lease = take(Place(folder=tmp_path, environment="staging", base_url=shop.url))
        lease.path.unlink()
        lease.renew()
        with Watches(given, lease, Clock.start(), world.context()) as watches:
            assert watches.why_stop() == f"the lease {lease.path} is not ours any more"


def test_a_secret_that_the_shop_repeats_is_in_no_release_and_no_header(world: World) -> None:
    """The probe's reply is streamed, and what it says is kept in run.json."""
    canary, gate = "canary-of-the-gate", {"headers": {"X-Gate": {"env": "GATE"}}}
    with fake_shop({"/healthz": (200, {"version": f"1.2 {canary}"})}) as shop:
        shop.headers["X-Echo"] = canary
        text = json.loads(targets(shop.url, **gate))["environments"]["staging"]
        reached = resolve_environment(Environment.model_validate(text), world.context(GATE=canary).environment)
        assert probe_release(reached) == "1.2 " + "*" * len(canary)
        with reached.http() as http:
            reply = bounded_get(http, f"{shop.url}/healthz", 5.0)
        assert reply.headers["x-echo"] == "*" * len(canary)
