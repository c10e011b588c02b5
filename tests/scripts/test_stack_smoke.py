"""The smoke check of the stack says of each part whether it is good, and what to do when it isn't."""

from typing import Any

import pytest

from scripts.stack_smoke import JOBS, Checked, Stack, check_stack
from tests.scripts.world import fake_shop

UP = [{"metric": {"job": job}, "value": [1, "1"]} for job in JOBS]
RULES = [{"rules": [{"name": "PeakproofShopDown", "health": "ok"}]}]
PROXY = "/api/datasources/proxy/uid"
GOOD: dict[str, Any] = {
    "/api/health": (200, {"database": "ok", "version": "12.1.1"}),
    "/api/org": (200, {"id": 1}),
    **{f"/api/datasources/uid/{uid}/health": (200, {"status": "OK", "message": "ok"}) for uid in
       ("prometheus", "tempo", "alertmanager")},
    "/api/dashboards/uid/peakproof-peak-run": (
        200, {"dashboard": {"title": "Peak run"}, "meta": {"folderTitle": "Peakproof", "provisioned": True}}
    ),
    f"{PROXY}/prometheus/api/v1/query": (200, {"data": {"result": UP}}),
    f"{PROXY}/prometheus/api/v1/rules": (200, {"data": {"groups": RULES}}),
    "/search": (200, {"results": []}),
}  # fmt: skip


TRACE = f"{PROXY}/tempo/api/traces/{'ab' * 16}"


@pytest.fixture(autouse=True)
def known_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.stack_smoke.secrets.token_hex", lambda count: "ab" * count)


def look(**changed: Any) -> dict[str, Checked]:
    """Return what is found of a good stack with some pages changed."""
    with fake_shop({**GOOD, TRACE: (200, {"batches": []}), **changed}) as server:
        stack = Stack(grafana_url=server.url, shop_url=server.url, trace_s=4, sleep=lambda _: None)
        return {one.name: one for one in check_stack({"GRAFANA_ADMIN_PASSWORD": "a"}, stack)}


def test_a_good_stack_has_nothing_to_change() -> None:
    found = look()
    assert [one for one in found.values() if not one.good or one.change] == []
    assert list(found) == [
        *("grafana", "access", "data source prometheus", "data source tempo", "data source alertmanager"),
        *("dashboard", "scrapes", "rules", "trace"),
    ]


def test_without_grafana_it_says_how_to_start_it_and_asks_no_further() -> None:
    (only,) = check_stack({}, Stack(grafana_url="http://127.0.0.1:1", shop_url="http://127.0.0.1:1"))
    assert not only.good
    assert only.told == "http://127.0.0.1:1/api/health doesn't answer: ConnectionError"
    assert str(only.change).startswith("start it: docker compose --profile observe up -d --wait")


def test_a_wrong_password_is_told_by_the_variable_that_holds_it() -> None:
    found = look(**{"/api/org": (401, {})})
    assert list(found) == ["grafana", "access"]
    assert "GRAFANA_ADMIN_PASSWORD" in str(found["access"].change)


def test_a_data_source_that_is_not_there_was_not_provisioned() -> None:
    source = look(**{"/api/datasources/uid/tempo/health": (404, {})})["data source tempo"]
    assert not source.good
    assert str(source.change).startswith("not provisioned: ")


def test_a_job_that_is_missing_or_down_is_named() -> None:
    some = [{"metric": {"job": job}, "value": [1, "0" if job == "stock" else "1"]} for job in JOBS if job != "spans"]
    scrapes = look(**{f"{PROXY}/prometheus/api/v1/query": (200, {"data": {"result": some}})})["scrapes"]
    assert (scrapes.good, scrapes.told.partition("; ")[2]) == (False, "down: stock, spans")


def test_a_rule_that_is_not_evaluated_is_named_and_no_rule_is_not_good() -> None:
    path = f"{PROXY}/prometheus/api/v1/rules"
    bad = [{"rules": [{"name": "PeakproofShopDown", "health": "err"}]}]
    assert look(**{path: (200, {"data": {"groups": bad}})})["rules"].told.endswith("not evaluated: PeakproofShopDown")
    assert not look(**{path: (200, {"data": {"groups": []}})})["rules"].good


def test_a_trace_that_does_not_arrive_is_waited_for_and_then_told() -> None:
    trace = look(**{TRACE: (404, {})})["trace"]
    assert not trace.good
    assert "isn't found" in trace.told


def test_an_answer_of_another_shape_is_not_good_and_no_traceback() -> None:
    found = look(**{path: (200, []) for path in GOOD})
    assert not found["grafana"].good
