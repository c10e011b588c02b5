"""A probe plays its journey behind the guard rails that apply, and tells a failure of the shop from what it may not."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from loadtests.guardrails.lease import Place, held
from loadtests.probe.result import FailedStep, ProbeResult
from loadtests.results.inputs import sha256
from loadtests.results.ledger import read_ledgers
from loadtests.results.run_directory import RunDirectory
from slo.validity.run_document import parse_run
from tests.loadtests.certificates import Authority
from tests.loadtests.probe.made import ANSWERS, MINE, Player, player, probe_of, silent, write_shop
from tests.scripts.world import PLAN, FakeShop, fake_shop

JOURNEYS = "looks, buys, buys-twice, sneaks, breaks, leads-away, raises, endless, waits, sleeps, loops"
NO_PERMISSION = (
    "probe.modules.m.permit: staging is production: a probe buys there only with a permission; write one with:"
    " peakproof doctor --on staging --plan PLAN --permit FILE --who NAME --why REASON, and name both"
)


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Player]:
    with player(tmp_path_factory.mktemp("scratch")) as one:
        yield one


@pytest.fixture
def shop() -> Iterator[FakeShop]:
    with fake_shop(dict(ANSWERS)) as one:
        one.headers["Location"] = "http://127.0.0.2:9/elsewhere"
        yield one


@contextmanager
def slow_shop(wait_s: float) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            time.sleep(wait_s if "page=2" in self.path else 0.0)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_slow_step_succeeds_and_is_the_one_that_took_long(tmp_path: Path, play: Player) -> None:
    with slow_shop(0.2) as url:
        found = play(probe_of(tmp_path, write_shop(tmp_path, url), "looks"))
    assert found.success is True
    assert found.steps_s["list"] >= 0.2 > found.steps_s["home"]
    assert found.requests_s == sum(found.steps_s.values())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "ours")


@pytest.mark.parametrize(
    ("name", "days", "reason"), [("shop.test", 3, None), ("shop.test", -1, "tls"), ("other.test", 5, "tls")]
)
def test_a_certificate_is_measured_though_the_journey_fails_for_it(
    tmp_path: Path, play: Player, authority: Authority, name: str, days: int, reason: str | None
) -> None:
    with fake_shop(dict(ANSWERS), authority.serve(authority.sign(name, days=days))) as one:
        url = f"https://shop.test:{one.url.rpartition(':')[2]}"
        own: dict[str, Any] = {"ca": str(authority.certificate), "resolve": {"shop.test": "127.0.0.1"}}
        found = play(probe_of(tmp_path, write_shop(tmp_path, url, **own), "looks"))
    (host,) = found.hosts
    assert (host.host, host.trusted, found.success) == (url[len("https://") :], reason is None, reason is None)
    assert host.not_after_s is not None
    assert round((host.not_after_s - time.time()) / 86_400) == days
    if reason is not None:
        why = f"home: connection: the certificate of {host.host} isn't trusted"
        assert found.failed == FailedStep(step="home", reason=reason, message=why)


def skipped(found: ProbeResult) -> tuple[str, str]:
    assert found.skipped is not None
    assert (found.success, found.failed) == (None, None)
    return found.skipped.reason, found.skipped.message


def asked(shop: FakeShop) -> list[str]:
    return [path for path, _, _ in shop.asked]


def test_a_journey_that_can_be_walked_succeeds_and_leaves_nothing_behind(
    tmp_path: Path, shop: FakeShop, play: Player
) -> None:
    found = play(probe_of(tmp_path, write_shop(tmp_path, shop.url), "looks"))
    assert (found.success, list(found.steps_s), found.requests, found.status) == (True, ["home", "list"], 2, 200)
    assert [host.host for host in found.hosts] == [shop.url.removeprefix("http://")]
    assert asked(shop) == ["/api", "/api"]
    assert not (tmp_path / "probes").exists()


@pytest.mark.parametrize(
    ("journey", "failed"),
    [
        ("breaks", FailedStep(step="list", reason="http_5xx", message="list: http_5xx")),
        ("raises", FailedStep(step="home", reason="storefront", message="RuntimeError: in mid visit")),
        (
            "endless",
            FailedStep(step="home", reason="stuck", message="the session made 60 requests and hasn't ended"),
        ),
    ],
)
def test_what_fails_is_the_first_step_and_why(
    tmp_path: Path, shop: FakeShop, play: Player, journey: str, failed: FailedStep
) -> None:
    assert play(probe_of(tmp_path, write_shop(tmp_path, shop.url), journey)).failed == failed


def test_a_redirect_to_a_host_that_is_not_declared_is_not_followed(
    tmp_path: Path, shop: FakeShop, play: Player
) -> None:
    shop.answers["/away"] = (302, {})
    found = play(probe_of(tmp_path, write_shop(tmp_path, shop.url), "leads-away"))
    why = "home: redirected_away: leads to http://127.0.0.2:9, which hosts doesn't declare"
    assert found.failed == FailedStep(step="home", reason="redirected_away", message=why)


def test_a_shop_that_takes_no_connection_fails_it(tmp_path: Path, play: Player) -> None:
    found = play(probe_of(tmp_path, write_shop(tmp_path, "http://127.0.0.1:9"), "looks"))
    assert found.failed == FailedStep(step="home", reason="connection", message="home: connection")


def test_a_shop_that_hangs_fails_at_the_deadline_in_the_step_that_is_waited_for(tmp_path: Path, play: Player) -> None:
    with silent() as url:
        found = play(probe_of(tmp_path, write_shop(tmp_path, url), "looks"), within_s=1.5)
    assert found.failed == FailedStep(step="home", reason="deadline", message="the probe's time is over")


def test_a_time_that_is_over_before_the_first_request_is_skipped(tmp_path: Path, shop: FakeShop, play: Player) -> None:
    found = play(probe_of(tmp_path, write_shop(tmp_path, shop.url), "looks"), within_s=0.4)
    assert (skipped(found), asked(shop)) == (("late", "the time was over before the first request"), [])


def test_a_name_without_an_address_fails_it(tmp_path: Path, play: Player) -> None:
    found = play(probe_of(tmp_path, write_shop(tmp_path, "http://nowhere.invalid"), "looks"))
    assert found.failed is not None
    assert (found.failed.step, found.failed.reason) == ("none", "dns")


@pytest.mark.parametrize(
    ("asked_for", "why"),
    [
        (("gaze", {}), ("config", f"probe.modules.m.journey: mine has no gaze; it has {JOURNEYS}")),
        (
            ("buys", {}),
            ("not_allowed", "probe.modules.m: buys buys; say buys: true, or name another journey"),
        ),
        (("sneaks", {}), ("ceiling", "ceiling_orders: the environment's ceiling allows no more")),
        (
            ("looks", {"headers": {"X-Key": {"env": "NOT_SET_AT_ALL"}}}),
            ("config", "the environment variable NOT_SET_AT_ALL is not set; targets.yaml names it in headers.X-Key"),
        ),
    ],
)
def test_what_it_may_not_do_is_skipped_before_any_request(
    tmp_path: Path, shop: FakeShop, play: Player, asked_for: tuple[str, dict[str, Any]], why: tuple[str, str]
) -> None:
    journey, changed = asked_for
    assert skipped(play(probe_of(tmp_path, write_shop(tmp_path, shop.url, **changed), journey))) == why
    assert asked(shop) == []


def test_the_token_of_the_shop_s_sources_is_not_needed(tmp_path: Path, shop: FakeShop, play: Player) -> None:
    targets = write_shop(tmp_path, shop.url, token_env="NOT_SET_AT_ALL")
    assert play(probe_of(tmp_path, targets, "looks")).success is True


def test_an_address_outside_the_allowed_networks_is_not_asked(tmp_path: Path, shop: FakeShop, play: Player) -> None:
    targets = write_shop(tmp_path, shop.url, network={"allow": ["10.0.0.0/8"]})
    reason, message = skipped(play(probe_of(tmp_path, targets, "looks")))
    assert (reason, "network.allow" in message, asked(shop)) == ("config", True, [])


def test_a_file_that_is_no_storefront_is_skipped_with_its_line(tmp_path: Path, shop: FakeShop, play: Player) -> None:
    targets = write_shop(tmp_path, shop.url, mine=MINE.replace("def looks(self):", "def looks(self:"))
    reason, message = skipped(play(probe_of(tmp_path, targets, "looks")))
    assert (reason, f"{tmp_path / 'mine.py'}" in message) == ("config", True)


def test_a_kill_url_that_says_stop_or_does_not_answer_is_honoured(tmp_path: Path, shop: FakeShop, play: Player) -> None:
    targets = write_shop(tmp_path, shop.url, kill_url=f"{shop.url}/stop")
    assert skipped(play(probe_of(tmp_path, targets, "looks"))) == (
        "kill_url",
        f"the kill URL {shop.url}/stop says stop",
    )
    targets = write_shop(tmp_path, shop.url, kill_url=f"{shop.url}/nothing")
    assert skipped(play(probe_of(tmp_path, targets, "looks")))[0] == "kill_url"
    targets = write_shop(tmp_path, shop.url, kill_url=f"{shop.url}/go")
    assert play(probe_of(tmp_path, targets, "looks")).success is True


def test_while_a_run_holds_the_environment_none_is_played(tmp_path: Path, shop: FakeShop, play: Player) -> None:
    targets = write_shop(tmp_path, shop.url)
    place = Place(folder=tmp_path / "leases", environment="staging", base_url=shop.url)
    with held(place, print) as lease:
        lease.name_run("a-run")
        reason, message = skipped(play(probe_of(tmp_path, targets, "looks")))
        assert (reason, message.startswith("staging is taken by run a-run (process ")) == ("run", True)
        assert (asked(shop), lease.lost) == ([], None)
    assert play(probe_of(tmp_path, targets, "looks")).success is True


def test_a_run_that_begins_breaks_a_probe_off(tmp_path: Path, shop: FakeShop, play: Player) -> None:
    shop.answers["/hangs"] = (200, {})
    targets = write_shop(tmp_path, shop.url, mine=MINE.replace('"/hangs")', '"/hangs")\n        time.sleep(60)'))
    place = Place(folder=tmp_path / "leases", environment="staging", base_url=shop.url)
    found: list[ProbeResult] = []
    probing = threading.Thread(target=lambda: found.append(play(probe_of(tmp_path, targets, "waits"))))
    probing.start()
    while "/hangs" not in asked(shop):
        time.sleep(0.01)
    with held(place, print):
        probing.join(20)
    assert skipped(found[0])[0] == "run"


def kept(folder: Path) -> RunDirectory:
    (one,) = (folder / "probes" / "staging").glob("2*")
    return RunDirectory(path=one)


def test_an_order_is_in_a_ledger_that_an_audit_reads_and_carries_the_directory_s_name(
    tmp_path: Path, shop: FakeShop, play: Player
) -> None:
    probe = probe_of(tmp_path, write_shop(tmp_path, shop.url), "buys", buys=True)
    found = play(probe)
    assert (found.success, found.orders) == (True, {"attempted": 1, "accepted": 1})
    assert play(probe).success is True
    directory = kept(tmp_path)
    attempts = read_ledgers(directory.ledgers())
    assert [(one.outcome, one.order_id, one.amount_cents) for one in attempts] == [("accepted", "o1", 900)] * 2
    run = parse_run(json.loads(directory.run.read_text()))
    rows = [json.loads(line) for path in directory.ledgers() for line in path.read_text().splitlines()]
    assert run.started_at is not None
    assert run.ended_at is not None
    assert run.started_at < min(row["at"] for row in rows)  # an audit looks for payments between the two
    assert run.ended_at > max(row["at"] for row in rows)
    assert run.orders is not None
    assert (run.orders.attempted, run.orders.accepted, run.ended) == (2, 2, "completed")


def test_the_ceiling_of_orders_holds_over_a_day_and_is_said(tmp_path: Path, shop: FakeShop, play: Player) -> None:
    targets = write_shop(tmp_path, shop.url)
    twice = probe_of(tmp_path, targets, "buys-twice", buys=True)
    assert play(twice).success is True
    assert skipped(play(twice)) == ("ceiling", "ceiling_orders: the environment's ceiling allows no more")
    message = "3 orders in the last 24 h; staging's ceiling.orders is 3"
    assert skipped(play(probe_of(tmp_path, targets, "buys", buys=True, module="other"))) == ("ceiling", message)
    assert asked(shop).count("/order") == 3


def test_production_is_bought_from_only_with_a_permission_that_names_the_plan(
    tmp_path: Path, shop: FakeShop, play: Player
) -> None:
    targets = write_shop(tmp_path, shop.url, production=True)
    probe = probe_of(tmp_path, targets, "buys", buys=True)
    reason, message = skipped(play(probe))
    assert (reason, message) == ("not_allowed", NO_PERMISSION)
    assert play(probe_of(tmp_path, targets, "looks")).success is True
    (tmp_path / "plan.yaml").write_text(PLAN.replace("search-and-buy", "buys"))
    permit = {"plan": tmp_path / "plan.yaml", "permit": tmp_path / "permit.yaml"}
    permission(tmp_path, shop.url, "0" * 64)
    reason, message = skipped(play(probe_of(tmp_path, targets, "buys", buys=True, **permit)))
    assert (reason, message.endswith("it is for another plan, or for this one before it was changed")) == (
        "not_allowed",
        True,
    )
    permission(tmp_path, shop.url, sha256((tmp_path / "plan.yaml").read_text()))
    assert play(probe_of(tmp_path, targets, "buys", buys=True, **permit)).success is True
    run = parse_run(json.loads(kept(tmp_path).run.read_text()))
    assert run.permission is not None
    assert run.permission.who == "Ann"


def permission(folder: Path, url: str, plan: str) -> None:
    now = datetime.now(UTC)
    granted, until = (now - timedelta(minutes=1)).isoformat(), (now + timedelta(hours=1)).isoformat()
    facts = {"environment": "staging", "base_url": url, "plan_sha256": plan, "who": "Ann", "why": "uptime"}
    document = {"format": "peakproof/permission/v1", **facts, "granted_at": granted, "until": until}
    (folder / "permit.yaml").write_text(json.dumps(document))
