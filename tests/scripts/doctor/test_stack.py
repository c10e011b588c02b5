"""The smoke check of the stack says of each part whether it is good, and what to do when it isn't."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from dashboards.grafana.boards.table import BOARDS
from dashboards.grafana.links import uid
from scripts.doctor.stack import JOBS, Checked, Stack, check_stack, published
from tests.ports import free_base, free_port
from tests.scripts.world import Command, Ended, FakeShop, fake_shop, script

UP = [{"metric": {"job": job}, "value": [1, "1"]} for job in JOBS]
RULES = [{"rules": [{"name": "PeakproofShopDown", "health": "ok"}]}]
PROXY = "/api/datasources/proxy/uid"
GOOD: dict[str, Any] = {
    "/api/health": (200, {"database": "ok", "version": "12.1.1"}),
    "/api/org": (200, {"id": 1}),
    **{f"/api/datasources/uid/{uid}/health": (200, {"status": "OK", "message": "ok"}) for uid in
       ("prometheus", "tempo", "alertmanager")},
    **{f"/api/dashboards/uid/{uid(name)}":
       (200, {"dashboard": {"title": name}, "meta": {"folderTitle": "Peakproof", "provisioned": True}})
       for name in BOARDS},
    f"{PROXY}/prometheus/api/v1/query": (200, {"data": {"result": UP}}),
    f"{PROXY}/prometheus/api/v1/rules": (200, {"data": {"groups": RULES}}),
    "/search": (200, {"results": []}),
}  # fmt: skip


TRACE = f"{PROXY}/tempo/api/traces/{'ab' * 16}"


@pytest.fixture(autouse=True)
def known_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.doctor.stack.secrets.token_hex", lambda count: "ab" * count)


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
        *("dashboards", "scrapes", "rules", "trace"),
    ]


def test_without_grafana_it_says_how_to_start_it_and_asks_no_further() -> None:
    (only,) = check_stack({}, Stack(grafana_url="http://127.0.0.1:1", shop_url="http://127.0.0.1:1"))
    assert not only.good
    assert only.found == "http://127.0.0.1:1/api/health doesn't answer: ConnectionError"
    assert str(only.change).startswith("start it: docker compose --profile observe up -d --wait")


def test_a_wrong_password_is_told_by_the_variable_that_holds_it() -> None:
    found = look(**{"/api/org": (401, {})})
    assert list(found) == ["grafana", "access"]
    assert "GRAFANA_ADMIN_PASSWORD" in str(found["access"].change)


def test_a_data_source_that_is_not_there_was_not_provisioned() -> None:
    source = look(**{"/api/datasources/uid/tempo/health": (404, {})})["data source tempo"]
    assert not source.good
    assert str(source.change).startswith("not provisioned: ")


@pytest.mark.parametrize("answer", [{"data": {"result": 5}}, {"data": {"result": [{"value": [1]}, {"value": {}}, 7]}}])
def test_an_answer_of_another_shape_counts_as_down(answer: object) -> None:
    scrapes = look(**{f"{PROXY}/prometheus/api/v1/query": (200, answer)})["scrapes"]
    assert (scrapes.good, scrapes.found) == (False, f"up: ; down: {', '.join(JOBS)}")


def test_a_job_that_is_missing_or_down_is_named() -> None:
    some = [{"metric": {"job": job}, "value": [1, "0" if job == "stock" else "1"]} for job in JOBS if job != "spans"]
    scrapes = look(**{f"{PROXY}/prometheus/api/v1/query": (200, {"data": {"result": some}})})["scrapes"]
    assert (scrapes.good, scrapes.found.partition("; ")[2]) == (False, "down: stock, spans")


def test_a_rule_that_is_not_evaluated_is_named_and_no_rule_is_not_good() -> None:
    path = f"{PROXY}/prometheus/api/v1/rules"
    bad = [{"rules": [{"name": "PeakproofShopDown", "health": "err"}]}]
    assert look(**{path: (200, {"data": {"groups": bad}})})["rules"].found.endswith("not evaluated: PeakproofShopDown")
    assert not look(**{path: (200, {"data": {"groups": []}})})["rules"].good


def test_a_trace_that_does_not_arrive_is_waited_for_and_then_told() -> None:
    trace = look(**{TRACE: (404, {})})["trace"]
    assert not trace.good
    assert "isn't found" in trace.found


def test_an_answer_of_another_shape_is_not_good_and_no_traceback() -> None:
    found = look(**{path: (200, []) for path in GOOD})
    assert not found["grafana"].good


# -- peakproof doctor --stack ------------------------------------------------------------------------------


def doctor(peakproof: Command, monkeypatch: pytest.MonkeyPatch, server: FakeShop, word: str = "a") -> Ended:
    """Run `peakproof doctor --stack` on a machine that lacks nothing, against a stack published at the server's."""
    port = str(urlsplit(server.url).port)
    prometheus = str(script(peakproof.folder / "prometheus", "exit 0"))
    told = {"GRAFANA_PORT": port, "PEAKPROOF_SHOP_PORT": port, "GRAFANA_ADMIN_PASSWORD": word}
    for name, value in {**told, "PEAKPROOF_PROMETHEUS": prometheus}.items():
        monkeypatch.setenv(name, value)
    return peakproof("doctor", "--stack", "--port-base", str(free_base()))


def of_the_stack(ended: Ended) -> list[str]:
    """Return the lines after those of the machine."""
    lines = ended.out.splitlines()
    return lines[next(n for n, line in enumerate(lines) if line.split()[1] == "disk") + 1 :]


def test_doctor_shows_a_good_stack_line_by_line_and_ends_with_0(
    peakproof: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fake_shop({**GOOD, TRACE: (200, {"batches": []})}) as server:
        ended = doctor(peakproof, monkeypatch, server)
    assert of_the_stack(ended) == [
        "ok       grafana      version 12.1.1, database ok",
        "ok       access       the administrator's password is accepted",
        "ok       data source prometheus ok",
        "ok       data source tempo ok",
        "ok       data source alertmanager ok",
        "ok       dashboards   11 provisioned in folder Peakproof",
        f"ok       scrapes      up: {', '.join(JOBS)}",
        "ok       rules        1 rules",
        f"ok       trace        {'ab' * 16} went through the shop and is in Tempo",
    ]
    assert (ended.code, ended.err) == (0, ""), ended.out


def test_doctor_says_what_to_do_about_what_is_wrong_and_ends_with_75(
    peakproof: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    dashboard = "/api/dashboards/uid/peakproof-recovery"
    with fake_shop({**GOOD, TRACE: (200, {"batches": []}), dashboard: (404, {})}) as server:
        ended = doctor(peakproof, monkeypatch, server)
    lines = of_the_stack(ended)
    at = lines.index(f"wrong    dashboards   {server.url}{dashboard} answers HTTP 404")
    step = "is dashboards/generated mounted? docker compose logs grafana names the file it refuses"
    assert lines[at + 1] == f"{'':<22}next: {step}"
    assert [line for line in lines if line.startswith("wrong")] == [lines[at]]
    assert ended.code == 75


def test_doctor_ends_with_75_where_no_stack_is(peakproof: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = FakeShop(url=f"http://127.0.0.1:{free_port()}")
    ended = doctor(peakproof, monkeypatch, gone)
    wrong, step = of_the_stack(ended)
    assert wrong == f"wrong    grafana      {gone.url}/api/health doesn't answer: ConnectionError"
    assert step.split("next: ")[1].startswith("start it: docker compose --profile observe up -d --wait")
    assert ended.code == 75


def test_grafanas_password_goes_to_grafana_alone(peakproof: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_shop({**GOOD, TRACE: (200, {})}) as server:
        ended = doctor(peakproof, monkeypatch, server, word="canary")
    brought = {path: token for path, _, token in server.asked}
    assert brought.pop("/search") is None
    assert set(brought.values()) == {"Basic YWRtaW46Y2FuYXJ5"}
    assert "canary" not in ended.out


def test_the_stack_is_looked_for_where_the_compose_file_publishes_it() -> None:
    compose = (Path(__file__).parents[3] / "docker-compose.yml").read_text()
    assert '"127.0.0.1:${GRAFANA_PORT:-3000}:3000"' in compose
    assert '"127.0.0.1:${PEAKPROOF_SHOP_PORT:-18080}:18080"' in compose
    plain, moved = published({"GRAFANA_PORT": ""}), published({"GRAFANA_PORT": "1", "PEAKPROOF_SHOP_PORT": "2"})
    assert (plain.grafana_url, plain.shop_url) == ("http://127.0.0.1:3000", "http://127.0.0.1:18080")
    assert (moved.grafana_url, moved.shop_url) == ("http://127.0.0.1:1", "http://127.0.0.1:2")
