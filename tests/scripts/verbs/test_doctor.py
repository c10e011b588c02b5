"""`doctor` says of this machine and of an environment what is ok, missing or wrong, with the next step for each."""

import json
import re
import resource
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from loadtests.guardrails.permission import LONGEST, read_permission
from loadtests.results.inputs import sha256
from scripts.doctor import machine
from scripts.local_stack.ports import Ports
from scripts.verbs import doctor
from tests.ports import free_base, free_port
from tests.record_pages import record_pages
from tests.scripts.verbs.test_init import METRICS
from tests.scripts.world import (
    PLAN,
    TOKEN,
    Command,
    FakeShop,
    World,
    fake_shop,
    script,
    targets,
    write_inputs,
)

READY: dict[str, tuple[int, object]] = {
    "/": (200, {"greeting": "hello"}),
    "/healthz": (200, {"version": "2026.47.0"}),
    "/metrics": (200, METRICS),
    "/admin/orders": (200, {"orders": [], "next": None}),
    "/admin/stock": (200, {"format": "peakproof/stock/v1", "taken_at": 1, "stock": []}),
    "/payments": (200, {"payments": [], "next": None}),
    "/kill": (200, {"stop": False}),
}


READY_LINES = [
    *("Python", "Prometheus", "ports", "descriptors", "clock", "disk", "environment", "shop", "clocks", "release"),
    *("fingerprint", "metrics", "orders", "stock", "payments", "side effects", "kill URL"),
]


@pytest.fixture
def shop() -> Iterator[FakeShop]:
    with fake_shop(READY) as shop:
        yield shop


def looked(peakproof: Command, shop: FakeShop, monkeypatch: pytest.MonkeyPatch, **changed: Any) -> dict[str, Any]:
    """Return what `doctor --json` says of the environment by subject, its code beside as `code`."""
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    monkeypatch.setenv("PEAKPROOF_PROMETHEUS", str(script(peakproof.folder / "prometheus", "exit 0")))
    metrics = [{"job": "shop", "url": f"{shop.url}/metrics"}]
    write_inputs(peakproof.folder, targets=targets(shop.url, **{"metrics": metrics, "traces": None, **changed}))
    ended = peakproof("doctor", "--on", "staging", "--json", "--port-base", str(free_base()))
    assert ended.err == ""
    document = json.loads(ended.out)
    assert document["format"] == "peakproof/doctor/v1"
    return {"code": ended.code, **{line["what"]: line for line in document["lines"]}}


def test_when_all_is_well_it_ends_with_0(peakproof: Command, shop: FakeShop, monkeypatch: pytest.MonkeyPatch) -> None:
    found = looked(peakproof, shop, monkeypatch, kill_url=f"{shop.url}/kill")
    assert {name: line["state"] for name, line in found.items() if name != "code"} == dict.fromkeys(READY_LINES, "ok")
    assert found["code"] == 0
    assert found["release"]["found"] == "2026.47.0"
    assert found["fingerprint"]["found"].startswith("not declared: ")
    assert found["metrics"]["found"] == f"{shop.url}/metrics: 7 requests served so far"


def test_the_token_goes_to_the_sources_and_to_nothing_else(
    peakproof: Command, shop: FakeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked(peakproof, shop, monkeypatch)
    brought = {path: token for path, _, token in shop.asked}
    assert {path for path, token in brought.items() if token == f"Bearer {TOKEN}"} == {
        *("/admin/orders", "/admin/stock", "/payments")
    }
    assert {token for path, token in brought.items() if path in ("/", "/healthz", "/metrics")} == {None}


BROKEN: list[tuple[str, tuple[int, object], str, str, str]] = [
    ("/", (503, b""), "shop", "it answers HTTP 503", "fix it, or correct base_url"),
    (
        *("/", (429, b""), "shop", "a firewall answers in its place: HTTP 429"),
        "have the firewall or rate limit allow this machine's address",
    ),
    (
        *("/", (401, b""), "shop", "it refuses access: HTTP 401"),
        "declare basic_auth or headers, and set their variables",
    ),
    (
        *("/healthz", (200, {}), "release", "the shop at URL/healthz doesn't say its release in the field 'version'"),
        "correct release_probe",
    ),
    (
        *("/metrics", (200, b"up 1\n"), "metrics", "URL/metrics: no http_server_request_duration_seconds"),
        "give it OpenTelemetry's http.server.request.duration: opentelemetry.io/docs/specs/semconv/http/http-metrics",
    ),
    (
        *("/metrics", (404, b""), "metrics", "the metrics at URL/metrics don't answer: HTTP 404"),
        "allow this machine to read it",
    ),
    (
        "/admin/orders",
        (401, {}),
        "orders",
        "URL/admin/orders: unreachable: HTTP 401",
        "check its token; docs/your-shops-records.md",
    ),
    (
        "/admin/stock",
        (500, {}),
        "stock",
        "URL/admin/stock: unreachable: HTTP 500",
        "correct it; docs/your-shops-records.md",
    ),
    (
        *(
            "/admin/orders",
            (200, {"payments": [], "next": None}),
            "orders",
            "URL/admin/orders: unreachable: not the reply expected: orders: Field required",
        ),
        "correct it; docs/your-shops-records.md",
    ),
    (
        *(
            "/payments",
            (200, b"<html>"),
            "payments",
            "URL/payments: unreachable: not the reply expected: Invalid JSON: expected value at line 1 column 1",
        ),
        "correct it; docs/your-shops-records.md",
    ),
    ("/kill", (500, b""), "kill URL", "the kill URL URL/kill doesn't answer: HTTP 500", "correct kill_url"),
]


@pytest.mark.parametrize(("path", "answer", "what", "told", "step"), BROKEN)
def test_what_is_wrong_is_told_with_the_next_step(  # noqa: PLR0913, PLR0917 - a row of the table
    path: str,
    answer: tuple[int, object],
    what: str,
    told: str,
    step: str,
    peakproof: Command,
    shop: FakeShop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop.answers[path] = answer
    found = looked(peakproof, shop, monkeypatch, kill_url=f"{shop.url}/kill")
    assert found[what] == {
        "state": "wrong",
        "what": what,
        "found": told.replace("URL/", f"{shop.url}/"),
        "next": step,
    }
    assert found["code"] == 75


def test_accounts_and_test_data_are_counted_and_what_is_wrong_with_them_is_told(
    peakproof: Command, shop: FakeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = {"accounts": {"file": "accounts.csv"}, "data": {"words": {"file": "words.csv"}}}
    (peakproof.folder / "accounts.csv").write_text("user,password\nada,hunter2\nben,x\n")
    (peakproof.folder / "words.csv").write_text("word\nhoodie\n")
    found = looked(peakproof, shop, monkeypatch, kill_url=f"{shop.url}/kill", **declared)
    assert (found["code"], found["test data"]["state"]) == (0, "ok")
    assert found["test data"]["found"] == "rows: accounts 2, words 1"
    (peakproof.folder / "words.csv").write_text("")
    found = looked(peakproof, shop, monkeypatch, kill_url=f"{shop.url}/kill", **declared)
    assert (found["code"], found["test data"]["state"]) == (75, "wrong")
    assert found["test data"]["found"] == (
        f"{peakproof.folder / 'words.csv'}: is empty; its first line names the columns, each further one is a row"
    )


def test_a_shop_whose_clock_is_elsewhere_is_told(
    peakproof: Command, shop: FakeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.headers["Date"] = format_datetime(datetime.now(UTC) + timedelta(hours=1))
    monkeypatch.setattr(
        "tests.scripts.world.BaseHTTPRequestHandler.date_time_string", lambda _self: shop.headers["Date"]
    )
    clocks = looked(peakproof, shop, monkeypatch)["clocks"]
    assert clocks["state"] == "wrong"
    assert clocks["next"] == "synchronise both by NTP: their times are compared"


def test_a_shop_that_is_not_there_is_told_whole(peakproof: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = FakeShop(url=f"http://127.0.0.1:{free_port()}")
    found = looked(peakproof, gone, monkeypatch)
    assert found["shop"]["found"] == f"{gone.url}/ doesn't answer: ConnectionError"
    assert [name for name in ("shop", "release", "metrics", "orders") if found[name]["state"] == "ok"] == []
    assert found["code"] == 75


def test_a_host_without_an_address_is_told(peakproof: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    found = looked(peakproof, FakeShop(url="http://no-such-host.invalid"), monkeypatch)
    assert found["environment"]["found"].startswith("no-such-host.invalid: has no address: ")


def test_what_is_not_declared_is_missing_with_what_to_add(
    peakproof: Command, shop: FakeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = looked(
        peakproof,
        shop,
        monkeypatch,
        release_probe=None,
        metrics=[],
        shop_records=record_pages(stock=f"{shop.url}/admin/stock"),
    )
    assert [found[name]["state"] for name in ("release", "metrics", "orders", "stock")] == ["missing"] * 3 + ["ok"]
    assert found["release"]["next"] == "add release_probe: {path: /healthz, field: version}"


def test_for_a_person_each_line_is_followed_by_its_next_step(
    peakproof: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PEAKPROOF_PROMETHEUS", "/nowhere/prometheus")
    lines = peakproof("doctor", "--port-base", str(free_base())).out.splitlines()
    at = lines.index("wrong    Prometheus   /nowhere/prometheus ($PEAKPROOF_PROMETHEUS) is not a program")
    assert lines[at + 1].strip() == "next: set PEAKPROOF_PROMETHEUS to the program's path"


def machine_of(world: World, **variables: str) -> dict[str, tuple[str, str | None]]:
    lines = machine.machine(world.context(**variables), Ports(base=free_base()))
    return {line.what: (line.state, line.next) for line in lines}


def test_a_machine_without_prometheus_or_a_way_to_get_it_is_told(world: World) -> None:
    assert machine_of(world, HOME=str(world.folder))["Prometheus"] == (
        "missing",
        "install it from prometheus.io and set PEAKPROOF_PROMETHEUS to the program's path",
    )


def test_a_machine_that_can_fetch_prometheus_is_ready_and_nothing_is_fetched(world: World) -> None:
    for name in ("apt-get", "dpkg"):
        script(world.folder / "bin" / name, f"touch {world.folder}/called")
    found = machine_of(world, HOME=str(world.folder), PATH=str(world.folder / "bin"))
    assert found["Prometheus"] == ("ok", None)
    assert not (world.folder / "called").exists()


def test_a_taken_port_is_told(world: World) -> None:
    base = free_base()
    port = base + 6
    with socket.create_server(("127.0.0.1", port)):
        lines = {line.what: line for line in machine.machine(world.context(), Ports(base=base))}
    assert (lines["ports"].state, lines["ports"].found) == (
        "wrong",
        f"port {port} (span recorder) is in use on 127.0.0.1",
    )


def test_too_few_descriptors_are_told_with_the_command(world: World) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, before[1]))
    try:
        assert machine_of(world)["descriptors"] == ("wrong", "ulimit -n 4096")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_stack_is_looked_at_only_when_asked_for(peakproof: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def looked_at(environment: object) -> tuple[()]:
        asked.append(environment)
        return ()

    monkeypatch.setattr(doctor, "check_stack", looked_at)
    base = str(free_base())
    peakproof("doctor", "--port-base", base)
    assert asked == []
    peakproof("doctor", "--port-base", base, "--stack")
    assert len(asked) == 1


PERMIT = ("doctor", "--on", "staging", "--plan", "plan.yaml", "--permit", "permit.yaml")


def test_a_permission_is_written_for_one_plan_one_environment_and_some_hours(peakproof: Command) -> None:
    write_inputs(peakproof.folder, targets=targets("https://shop.example.com", production=True))
    ended = peakproof(*PERMIT, "--who", "Ada", "--why", "the last test", "--hours", "2")
    assert (ended.code, ended.err) == (0, "")
    read = read_permission(Path("permit.yaml"))
    assert (read.environment, read.base_url, read.plan_sha256) == ("staging", "https://shop.example.com", sha256(PLAN))
    assert (read.who, read.why, read.until - read.granted_at) == ("Ada", "the last test", timedelta(hours=2))
    assert timedelta(hours=24) == LONGEST
    assert read.silences is None


def test_a_permission_names_the_alerts_that_may_be_silenced_and_says_so(peakproof: Command) -> None:
    declared = {"alertmanager_url": "https://alerts.example.com", "alert_environment": "production"}
    write_inputs(peakproof.folder, targets=targets("https://shop.example.com", production=True, **declared))
    ended = peakproof(*PERMIT, "--who", "Ada", "--why", "the last test")
    assert read_permission(Path("permit.yaml")).silences == "production"
    assert ended.out.splitlines()[-1] == (
        "it also permits a silence of the alerts of production for as long as the run plays"
    )


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--who", "Ada"), "--permit needs --why"),
        (("--who", "Ada", "--why", "b", "--hours", "25"), "--hours: expected more than 0 and at most 24, found 25"),
        (("--who", "Ada", "--why", "b", "--hours", "nan"), "--hours: expected more than 0 and at most 24, found nan"),
        (("--who", "", "--why", "b"), "permit.yaml: who: String should have at least 1 character, found ''"),
    ],
)
def test_a_permission_that_says_too_little_is_not_written(
    more: tuple[str, ...], message: str, peakproof: Command
) -> None:
    write_inputs(peakproof.folder)
    ended = peakproof(*PERMIT, *more)
    assert (ended.code, ended.err) == (2, f"peakproof: {message}\n")
    assert not (peakproof.folder / "permit.yaml").exists()


def test_an_alias_of_production_is_called_production(
    peakproof: Command, shop: FakeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    for name, said in (("127.0.0.1", ", production"), ("10.0.0.1", "")):
        document = json.loads(targets(shop.url, traces=None))
        ours = {"base_url": "http://shop.test", "resolve": {"shop.test": name}, "production": True}
        document["environments"]["shop"] = {**document["environments"]["staging"], **ours}
        write_inputs(peakproof.folder, targets=json.dumps(document))
        ended = peakproof("doctor", "--on", "staging", "--json", "--port-base", str(free_base()))
        told = {line["what"]: line["found"] for line in json.loads(ended.out)["lines"]}
        assert told["environment"] == f"staging at {shop.url}, loopback{said}"


OWN_RECORDS = """\
from loadtests.audit.own_records import ShopRecords


class Mine(ShopRecords):
    def orders(self, run):
        for number in range(100):
            yield dict(order_id=number, created_at=self.since, total_cents=900, lines=[("tee", 1)])

    def stock(self):
        return [dict(sku="tee", quantity=self.settings["left"], reserved=2, location="York")]

    def funnel(self):
        return []
"""


def test_a_file_of_shop_records_is_asked_for_its_first_rows(
    peakproof: Command, shop: FakeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    (peakproof.folder / "mine.py").write_text(OWN_RECORDS)
    declared: dict[str, Any] = {"file": "mine.py", "settings": {"left": 5}}
    found = looked(peakproof, shop, monkeypatch, shop_records=declared)
    assert {name: (found[name]["state"], found[name]["found"]) for name in ("orders", "stock", "funnel")} == {
        "orders": ("ok", "it answers; the first: order 0, accepted, 1 lines, 900 cents; without key and run"),
        "stock": ("ok", "it answers; the first: 3 of tee at York"),
        "funnel": ("ok", "it answers, without a row of the last 7 days"),
    }
    assert found["payments"] == {
        "state": "missing",
        "what": "payments",
        "found": "mine.py has no payments(): its part of the audit is left out",
        "next": "add payments(), or shop_records: {payments: …}; docs/your-shops-records.md",
    }
    declared["settings"] = {"left": "many"}
    declared |= record_pages(payments=f"{shop.url}/payments")
    found = looked(peakproof, shop, monkeypatch, shop_records=declared)
    why = "mine.py: stock(): row 1: quantity: must be a whole number, found 'many'"
    assert (found["stock"]["state"], found["stock"]["found"]) == ("wrong", why)
    assert found["payments"]["state"] == "ok"
    found = looked(peakproof, shop, monkeypatch, shop_records={**declared, **record_pages(orders=shop.url)})
    why = f"{peakproof.folder}/mine.py: has orders(), and shop_records declares orders: keep one of them"
    assert (found["shop records"]["state"], found["shop records"]["found"]) == ("wrong", why)


PENDING_RECORDS = """\
from loadtests.audit.own_records import ShopRecords


class Mine(ShopRecords):
    def orders(self, run):
        yield dict(order_id=7, created_at=self.since, total_cents=900, lines=[("tee", 1)], status="pending")
"""


@pytest.mark.parametrize(("window", "state"), [({}, "wrong"), ({"pending_window_s": "none"}, "ok")])
def test_an_order_that_is_pending_for_longer_than_one_may_be_is_named(
    window: dict[str, Any], state: str, peakproof: Command, shop: FakeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    (peakproof.folder / "mine.py").write_text(PENDING_RECORDS)
    found = looked(peakproof, shop, monkeypatch, shop_records={"file": "mine.py", **window})["orders"]
    assert found["state"] == state
    if state == "wrong":
        assert re.fullmatch(
            r"order 7 has been pending for 604,8\d\d(\.\d)? s, which over 300 s breaks a promise", found["found"]
        )
        assert "shop_records.pending_window_s" in found["next"]


HEADLESS = """\
from peakproof import Shop, journey


class Mine(Shop):
    @journey
    def look(self):
        self.get("products", "/api/products")

    @journey(buys=True)
    def buy(self):
        self.look()
"""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (HEADLESS, ("ok", "mine.py has the journeys look, buy (buys)", None)),
        (
            HEADLESS.replace("(buys=True)", ""),
            (
                "missing",
                "mine.py has no journey that buys, only look, buy",
                "add one, marked @journey(buys=True); docs/write-a-storefront.md",
            ),
        ),
        (
            HEADLESS.replace("(self):", "(self:", 1),
            (
                "wrong",
                "FOLDER/mine.py: line 6: '(' was never closed: def look(self:",
                "correct the file; docs/write-a-storefront.md",
            ),
        ),
    ],
)
def test_a_storefront_of_one_s_own_is_loaded_and_its_shop_needs_no_page_at_its_root(
    text: str,
    line: tuple[str, str, str | None],
    peakproof: Command,
    shop: FakeShop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (peakproof.folder / "mine.py").write_text(text)
    shop.answers["/"] = (404, b"")
    found = looked(peakproof, shop, monkeypatch, storefront={"file": "mine.py"})
    storefront = found["storefront"]
    state, told, step = line
    assert (storefront["state"], storefront["found"], storefront.get("next")) == (
        state,
        told.replace("FOLDER", str(peakproof.folder)),
        step,
    )
    assert found["shop"]["state"] == "ok"
    assert found["shop"]["found"] == "it answers HTTP 404 to /: no page there, as with a headless API"


PLAYED = """\
import os
from locust import HttpUser, task
WORDS = "words.txt"
REGION = os.getenv("REGION", "eu")

class Looker(HttpUser):
    @task
    def look(self):
        self.client.get("/")
"""


def test_a_locustfile_is_loaded_and_what_belongs_to_it_and_is_played_otherwise_is_said(
    peakproof: Command, shop: FakeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    (peakproof.folder / "mine.py").write_text(PLAYED)
    (peakproof.folder / "words.txt").write_text("tee")
    found = looked(peakproof, shop, monkeypatch, storefront={"locustfile": "mine.py"})
    assert (found["storefront"]["state"], found["storefront"]["found"]) == (
        "missing",
        "mine.py has the journeys looker, and 1 files with it: words.txt; none of them says what it orders",
    )
    assert found["locustfile"]["found"] == (
        "mine.py:4: the variable REGION isn't seen where sessions are played: variables: [REGION]"
    )
    (peakproof.folder / "mine.py").write_text(PLAYED + "        self.environment.runner.quit()\n")
    found = looked(peakproof, shop, monkeypatch, storefront={"locustfile": "mine.py"})
    assert (found["storefront"]["state"], found["storefront"]["next"]) == (
        "wrong",
        "correct the file; docs/from-a-locustfile.md",
    )


CLEANUP_FILE = """\
from peakproof import Shop, cleanup


class Mine(Shop):
    @cleanup("order")
    def cancel(self, order): ...
"""


@pytest.mark.parametrize(
    ("text", "own", "told"),
    [
        (CLEANUP_FILE, {"file": "cleanup.py"}, ("ok", "cleanup.py removes each order")),
        (CLEANUP_FILE, {}, ("ok", "the storefront removes each order, each account")),
        ("import nowhere", {"file": "cleanup.py"}, ("wrong", "cleanup.py: line 1: ModuleNotFoundError")),
    ],
)
def test_what_cleans_up_is_loaded_and_said(
    peakproof: Command,
    shop: FakeShop,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    own: dict[str, str],
    told: tuple[str, str],
) -> None:
    (peakproof.folder / "cleanup.py").write_text(text)
    line = looked(peakproof, shop, monkeypatch, cleanup=own)["cleanup"]
    assert (line["state"], told[1] in line["found"]) == (told[0], True)


def test_a_shop_that_the_built_in_storefront_plays_needs_its_page(
    peakproof: Command, shop: FakeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.answers["/"] = (404, b"")
    assert looked(peakproof, shop, monkeypatch)["shop"]["found"] == "it answers HTTP 404"


def test_a_declared_alertmanager_is_asked_and_it_is_said_whose_alerts_a_run_silences(
    peakproof: Command, shop: FakeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fake_shop({"/alerts/api/v2/silences": (200, [])}) as watcher:
        url = f"{watcher.url}/alerts"
        found = looked(peakproof, shop, monkeypatch, alertmanager_url=url, alert_environment="stage")
        assert found["alerts"]["found"] == f"a run silences alerts of environment='stage' at {url}"
    found = looked(peakproof, shop, monkeypatch, alertmanager_url=shop.url)
    assert found["alerts"]["state"] == "wrong"
    assert found["alerts"]["found"] == f"the Alertmanager at {shop.url} answers HTTP 404 to GET /silences"
