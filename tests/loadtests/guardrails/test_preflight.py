"""Before any load: side effects are declared, it is the release that is meant, and nobody else is there."""

import json
import re
from pathlib import Path

import pytest

from loadtests.environment.destinations import Destination, Destinations
from loadtests.environment.resolved_environment import ResolvedEnvironment, resolve_environment
from loadtests.environment.targets import Environment, read_targets
from loadtests.guardrails.preflight import check_idle, check_release, check_side_effects
from slo.outcomes import EnvironmentLacks
from tests.scripts.world import FakeShop, World, fake_shop, targets

ALL = {"mail": "off", "tax": "sandbox", "erp": "off", "analytics": "acknowledged", "payments": "sandbox"}
NETWORK = Destinations(hosts={"shop": Destination(addresses=("10.0.0.7",), kind="private")}, kind="private")
LOOPBACK = Destinations(hosts={"shop": Destination(addresses=("127.0.0.1",), kind="loopback")}, kind="loopback")


def environment(shop: str = "http://127.0.0.1:9", **changed: object) -> Environment:
    return Environment.model_validate(json.loads(targets(shop, **changed))["environments"]["staging"])


def test_a_shop_elsewhere_needs_every_side_effect_declared() -> None:
    with pytest.raises(EnvironmentLacks) as refused:
        check_side_effects("staging", environment(side_effects={"mail": "off", "erp": "sandbox"}), NETWORK)
    assert str(refused.value) == (
        "staging: nothing says what a test order does to tax, analytics, payments; make sure, then add to"
        " environments.staging in the targets file: side_effects:"
        ' {tax: "off", analytics: "off", payments: "off"} ("off" with its quotes, sandbox or acknowledged)'
    )


def test_what_the_refusal_says_to_add_is_valid(tmp_path: Path) -> None:
    """YAML takes a bare off for false."""
    with pytest.raises(EnvironmentLacks) as refused:
        check_side_effects("staging", environment(), NETWORK)
    words = re.findall(r"side_effects: \{.*?\}", str(refused.value))[0]
    head = "format: peakproof/targets/v1\nenvironments:\n  staging:\n    base_url: http://127.0.0.1:9\n"
    rest = "    storefront: twisted-threads\n    ceiling: {requests_per_s: 5, open_sessions: 50, orders: 100}\n"
    (tmp_path / "targets.yaml").write_text(f"{head}{rest}    {words}\n")
    check_side_effects("staging", read_targets(tmp_path / "targets.yaml").environments["staging"], NETWORK)


@pytest.mark.parametrize("effect", ALL)
def test_one_that_is_left_out_is_enough(effect: str) -> None:
    rest = {name: how for name, how in ALL.items() if name != effect}
    with pytest.raises(EnvironmentLacks, match=f"does to {effect};"):
        check_side_effects("staging", environment(side_effects=rest), NETWORK)


def test_a_shop_with_all_of_them_declared_or_on_this_machine_may_be_loaded() -> None:
    check_side_effects("staging", environment(side_effects=ALL), NETWORK)
    check_side_effects("staging", environment(), LOOPBACK)


@pytest.mark.parametrize(
    ("found", "expected", "message"),
    [
        ("2026.46.0", ("2026.47.0",), "the shop is on release 2026.46.0, expected 2026.47.0; deploy it first"),
        (None, ("a", "b"), "the shop doesn't say its release, expected a or b; deploy it first"),
    ],
)
def test_another_release_than_the_expected_is_not_loaded(
    found: str | None, expected: tuple[str, ...], message: str
) -> None:
    with pytest.raises(EnvironmentLacks) as refused:
        check_release(found, expected)
    assert str(refused.value) == message


def test_the_expected_release_and_no_expectation_are_fine() -> None:
    check_release("a", ("a", "b"))
    check_release(None, ())


def page(home: int, probes: int = 0) -> bytes:
    name = "http_server_request_duration_seconds"
    return (
        f'# TYPE {name} histogram\n{name}_bucket{{http_route="/",le="+Inf"}} {home}\n'
        f'{name}_count{{http_route="/"}} {home}\n{name}_sum{{http_route="/"}} 1\n'
        f'{name}_count{{http_route="/metrics"}} {probes}\n{name}_count{{http_route="/healthz"}} {probes}\n'
    ).encode()


def reach(world: World, shop: FakeShop, most: float = 1.0, **changed: object) -> ResolvedEnvironment:
    metrics = [{"job": "shop", "url": f"{shop.url}/metrics"}]
    idle = {"max_requests_per_s": most}
    return resolve_environment(
        environment(shop.url, **{"metrics": metrics, "idle": idle, **changed}), world.context().environment
    )


def looked(given: ResolvedEnvironment, shop: FakeShop, then: bytes) -> None:
    """Look at a shop whose page is `then` at the second look, 100 s later."""

    def later(_s: float) -> None:
        shop.answers["/metrics"] = (200, then)

    with given.http() as http:
        check_idle(given.environment, http, later, apart_s=100.0)


def test_an_environment_that_others_use_is_not_loaded(world: World) -> None:
    with fake_shop({"/metrics": (200, page(1000))}) as shop, pytest.raises(EnvironmentLacks) as refused:
        looked(reach(world, shop), shop, page(1110))
    assert str(refused.value) == (
        "the environment isn't idle: others send 1.1 requests a second, idle.max_requests_per_s is 1;"
        " find out who, and wait for their end"
    )


def test_health_checks_and_scrapes_are_nobody(world: World) -> None:
    with fake_shop({"/metrics": (200, page(1000, 5))}) as shop:
        looked(reach(world, shop, most=0), shop, page(1000, 900))


def test_a_shop_that_restarts_between_the_looks_is_not_idle(world: World) -> None:
    with fake_shop({"/metrics": (200, page(1000))}) as shop, pytest.raises(EnvironmentLacks) as refused:
        looked(reach(world, shop), shop, page(3))
    assert str(refused.value) == "the shop was restarted in this moment: its count of requests fell; try again"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((200, b"up 1\n"), "nothing tells whether the environment is idle: no {0}_count at {1}/metrics"),
        ((200, b"<html>"), "the metrics at {1}/metrics can't be read: not Prometheus' text"),
        ((200, b"\xff"), "the metrics at {1}/metrics can't be read: not Prometheus' text"),
        ((500, b""), "the metrics at {1}/metrics don't answer: HTTP 500"),
        ((302, b""), "the metrics at {1}/metrics don't answer: HTTP 302"),
    ],
)
def test_what_cannot_be_told_is_not_idle(answer: tuple[int, bytes], message: str, world: World) -> None:
    with fake_shop({"/metrics": answer}) as shop, pytest.raises(EnvironmentLacks) as refused:
        looked(reach(world, shop), shop, answer[1])
    assert str(refused.value) == message.format("http_server_request_duration_seconds", shop.url)


def test_idle_without_metrics_is_refused(world: World) -> None:
    with fake_shop({}) as shop, pytest.raises(EnvironmentLacks) as refused:
        looked(reach(world, shop, metrics=[]), shop, b"")
    assert str(refused.value) == "idle is declared, but no metrics: nothing tells whether the environment is idle"


def test_nothing_is_asked_when_idle_is_not_declared(world: World) -> None:
    with fake_shop({}) as shop:
        looked(reach(world, shop, idle=None), shop, b"")
        assert shop.asked == []
