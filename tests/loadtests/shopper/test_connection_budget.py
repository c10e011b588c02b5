"""How many connections the sessions of a plan hold, by what they fetch, share and listen to."""

from typing import Any

import pytest

from loadtests.environment.targets import Environment
from loadtests.shopper.connection_budget import ConnectionBudget
from tests.loadtests.fakes import small_plan

FETCHED = ("off", "shop", "all")


def budget(plan: dict[str, Any], *, has_cdn: bool = True, **environment: Any) -> ConnectionBudget:
    cdn: dict[str, Any] = {"hosts": {"cdn": {"url": "http://127.0.0.1:2"}}} if has_cdn else {}
    facts = {
        "base_url": "http://127.0.0.1:1",
        "storefront": "twisted-threads",
        "ceiling": {"requests_per_s": 500, "open_sessions": 1000, "orders": 1000},
    }
    return ConnectionBudget.of(small_plan(**plan), Environment.model_validate({**facts, **cdn, **environment}))


@pytest.mark.parametrize(
    ("environment", "per_session"),
    [
        ({"has_cdn": True}, [1, 6, 12]),
        ({"has_cdn": False}, [1, 6, 6]),
        ({"has_cdn": True, "http_version": "2"}, [1, 1, 2]),
        ({"has_cdn": False, "http_version": "2"}, [1, 1, 1]),
    ],
)
def test_a_session_holds_what_a_browser_holds_to_each_host(environment: dict[str, Any], per_session: list[int]) -> None:
    assert [budget({"assets": assets}, **environment).per_session for assets in FETCHED] == per_session


@pytest.mark.parametrize(("http_version", "to_shop"), [("1.1", [1, 6, 6]), ("2", [1, 1, 1])])
def test_only_those_to_the_shop_wear_its_ports_out(http_version: str, to_shop: list[int]) -> None:
    for streams, more in (("off", 0), ("orders", 1)):
        found = [budget({"assets": one, "streams": streams}, http_version=http_version) for one in FETCHED]
        assert [one.per_session_to_shop for one in found] == [number + more for number in to_shop]
        assert [one.opened_per_s(10.0) for one in found] == [10.0 * (number + more) for number in to_shop]


def test_shared_connections_are_to_each_host_and_stay_open_and_only_streams_are_a_session_s_own() -> None:
    limits = {"open_sessions": 100, "connections": 7}
    for assets, has_cdn, shared in (("off", True, 7), ("shop", True, 7), ("all", False, 7), ("all", True, 14)):
        found = budget({"limits": limits, "assets": assets, "streams": "orders"}, has_cdn=has_cdn)
        assert (found.shared, found.per_session, found.opened_per_s(10.0)) == (shared, 1, 0.0)
    assert budget({"limits": limits}).per_session == 0


@pytest.mark.parametrize(("planned", "ceiling", "sessions"), [(100, 1000, 100), (2000, 1000, 1000)])
def test_as_many_sessions_are_open_as_the_plan_and_the_ceiling_allow(planned: int, ceiling: int, sessions: int) -> None:
    limits = {"requests_per_s": 500, "open_sessions": ceiling, "orders": 1}
    assert budget({"limits": {"open_sessions": planned}}, ceiling=limits).sessions == sessions
