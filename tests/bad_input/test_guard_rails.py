"""Each guard rail holds: no load goes where it isn't allowed, or where it couldn't be ended.

The shop is the stand-in, on loopback. Who is refused calls `peakproof` in this process; who plays has a process.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from loadtests.guardrails.lease import Place, held
from scripts.local_stack.shop import TOKEN_VARIABLE, Shop
from tests.bad_input.conftest import Peakproof
from tests.bad_input.process import Running, peakproof, running
from tests.bad_input.test_endings import PLAN, Played, account_adds_up
from tests.ports import free_base, free_port
from tests.scripts.world import OBJECTIVES, fake_shop
from tests.waiting import wait_for

LONG = PLAN.replace("duration_s: 6,", "duration_s: 60,")


def environment_of(shop: Shop, **changed: Any) -> dict[str, Any]:
    return {**shop.environment().model_dump(mode="json", exclude_none=True), **changed}


def write(folder: Path, plan: str = PLAN, **environments: dict[str, Any]) -> Path:
    document = {"format": "peakproof/targets/v1", "environments": environments}
    (folder / "plan.yaml").write_text(plan)
    (folder / "objectives.yaml").write_text(OBJECTIVES)
    (folder / "targets.yaml").write_text(json.dumps(document))
    return folder


def command(shop: Shop, *more: str) -> tuple[str, ...]:
    return ("run", "plan.yaml", "--on", "staging", "--port-base", str(shop.ports.base), *more)


def variables(shop: Shop, prometheus: str) -> dict[str, str]:
    return {TOKEN_VARIABLE: shop.token, "PEAKPROOF_PROMETHEUS": prometheus}


@contextmanager
def played(folder: Path, shop: Shop, prometheus: str, *more: str) -> Iterator[Played]:
    with running(folder, *command(shop, *more), **variables(shop, prometheus)) as peak:
        yield Played(peak, folder, shop)


def why_refused(called: Peakproof, shop: Shop, prometheus: str, *more: str) -> str:
    """Return why a run was refused: with 75, before any run was prepared."""
    ended = called(*command(shop, *more), **variables(shop, prometheus))
    assert ended.code == 75
    assert not (called.command.folder / "runs").exists()
    return ended.err.removeprefix("peakproof: ").rstrip("\n")


def seen_by(shop: Shop) -> int:
    return shop.access_log.read_text().count("\n") if shop.access_log.exists() else 0


def permit(called: Peakproof, **changed: Any) -> None:
    ended = called(
        *("doctor", "--on", "staging", "--plan", "plan.yaml", "--permit", "permit.yaml", "--who", "Ada"),
        *("--why", "the last test"),
    )
    assert ended.code == 0, ended.err
    path = called.command.folder / "permit.yaml"
    permission = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**permission, **changed}))


def test_production_gets_no_request_without_a_permission(
    called: Peakproof, tmp_path: Path, shop: Shop, prometheus: str
) -> None:
    before = seen_by(shop)
    write(tmp_path, staging=environment_of(shop, production=True))
    assert why_refused(called, shop, prometheus).startswith(
        "staging is production: it is loaded only with a permission;"
    )
    assert seen_by(shop) == before


def test_production_gets_no_request_by_another_name(
    called: Peakproof, tmp_path: Path, shop: Shop, prometheus: str
) -> None:
    write(tmp_path, shop=environment_of(shop, production=True), staging=environment_of(shop))
    assert why_refused(called, shop, prometheus).startswith("staging is production: ")


@pytest.mark.parametrize("alias", ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "2130706433", "0x7f000001", "127.1"])
def test_production_gets_no_request_by_an_alias_or_its_bare_address(
    alias: str, called: Peakproof, tmp_path: Path, shop: Shop, prometheus: str
) -> None:
    before, port = seen_by(shop), shop.ports.front
    names = {"base_url": f"http://shop.test:{port}", "resolve": {"shop.test": "127.0.0.1"}}
    real = {**environment_of(shop, production=True, hosts={}), **names}
    write(tmp_path, shop=real, staging=environment_of(shop, base_url=f"http://{alias}:{port}", hosts={}))
    assert why_refused(called, shop, prometheus).startswith(
        "staging leads to addresses of production (shop's: 127.0.0.1), and is production unless"
    )
    assert seen_by(shop) == before


@pytest.mark.heavy
def test_a_front_that_serves_production_too_is_loaded_when_the_environment_says_so_and_run_json_keeps_it(
    tmp_path: Path, shop: Shop, prometheus: str
) -> None:
    names = {"base_url": "http://shop.test:80", "resolve": {"shop.test": "127.0.0.1"}}
    real = {**environment_of(shop, production=True, hosts={}), **names}
    staging = environment_of(
        shop, base_url=f"http://localhost:{shop.ports.front}", shares_addresses_with=["shop"], hosts={}
    )
    write(tmp_path, shop=real, staging=staging)
    with played(tmp_path, shop, prometheus) as run:
        assert run.peak.ended() == 0, run.peak.told()
        found = run.document()["environment"]
    assert found["shares_addresses"] == {"shop": ["127.0.0.1"]}
    assert found["destinations"]["kind"] == "loopback"
    assert "127.0.0.1" in found["destinations"]["hosts"]["localhost"]["addresses"]
    assert run.document()["permission"] is None


def test_a_permission_that_has_ended_is_none(called: Peakproof, tmp_path: Path, shop: Shop, prometheus: str) -> None:
    write(tmp_path, staging=environment_of(shop, production=True))
    now = datetime.now(UTC).replace(microsecond=0)
    permit(called, granted_at=now - timedelta(hours=2), until=now - timedelta(hours=1))
    ends = (now - timedelta(hours=1)).isoformat("T", "seconds")
    assert why_refused(called, shop, prometheus, "--permit", "permit.yaml") == (
        f"permit.yaml: doesn't permit this run: it ended at {ends}"
    )


def test_a_permission_for_the_plan_of_yesterday_is_none(
    called: Peakproof, tmp_path: Path, shop: Shop, prometheus: str
) -> None:
    write(tmp_path, staging=environment_of(shop, production=True))
    permit(called)
    write(tmp_path, LONG, staging=environment_of(shop, production=True))
    assert why_refused(called, shop, prometheus, "--permit", "permit.yaml") == (
        "permit.yaml: doesn't permit this run: it is for another plan, or for this one before it was changed"
    )


@pytest.mark.heavy
def test_production_with_a_permission_is_loaded_and_run_json_says_who_permitted_it(
    called: Peakproof, tmp_path: Path, shop: Shop, prometheus: str
) -> None:
    write(tmp_path, staging=environment_of(shop, production=True))
    permit(called)
    with played(tmp_path, shop, prometheus, "--permit", "permit.yaml", "--release", "2026.47.0") as run:
        assert run.peak.ended() == 0, run.peak.told()
        document = run.document()
    assert (document["permission"]["who"], document["permission"]["why"]) == ("Ada", "the last test")
    assert document["permission"]["plan_sha256"] == document["plan"]["sha256"]
    assert document["release"]["expected"] == ["2026.47.0"]
    assert [one["release"] for one in document["release"]["seen"]] == ["2026.47.0"]
    assert document["lease"]["took_over"] is None
    assert [path.name for path in (tmp_path / "leases").iterdir()] == [".lock"]


def test_the_wrong_release_gets_no_load(called: Peakproof, tmp_path: Path, shop: Shop, prometheus: str) -> None:
    write(tmp_path, staging=environment_of(shop))
    assert why_refused(called, shop, prometheus, "--release", "2026.48.0") == (
        "the shop is on release 2026.47.0, expected 2026.48.0; deploy it first"
    )
    assert [path.name for path in (tmp_path / "leases").iterdir()] == [".lock"]


def test_an_environment_that_another_run_holds_gets_no_load(
    called: Peakproof, tmp_path: Path, shop: Shop, prometheus: str
) -> None:
    write(tmp_path, staging=environment_of(shop))
    place = Place(folder=tmp_path / "shared", environment="staging", base_url=shop.environment().base_url)
    with held(place, print) as lease:
        lease.name_run("another")
        refusal = why_refused(called, shop, prometheus, "--lease-folder", "shared")
    assert refusal.startswith("staging is taken by run another (process ")


@pytest.mark.heavy
def test_of_two_runs_that_start_together_exactly_one_gets_through(tmp_path: Path, shop: Shop, prometheus: str) -> None:
    with ExitStack() as both:
        peaks: list[Running] = []
        for name, base in (("a", shop.ports.base), ("b", free_base())):
            folder = tmp_path / name
            folder.mkdir()
            write(folder, staging=environment_of(shop))
            more = ("--lease-folder", "../leases", "--port-base", str(base))
            peaks.append(both.enter_context(running(folder, *command(shop, *more), **variables(shop, prometheus))))
        codes = [peak.ended() for peak in peaks]
        outputs = [peak.told() for peak in peaks]
    # Whether the other's load was fit to judge by is no question of the lease: a busy machine may send late.
    assert set(codes) <= {0, 75}, outputs
    (loser,) = [text for text in outputs if "is taken by" in text]
    assert codes[outputs.index(loser)] == 75
    assert "wait for its end, or end it" in loser


@pytest.mark.heavy
def test_a_lease_that_somebody_takes_away_ends_the_run(tmp_path: Path, shop: Shop, prometheus: str) -> None:
    write(tmp_path, LONG, staging=environment_of(shop, hosts={}))
    with played(tmp_path, shop, prometheus) as run:
        run.wait_for_load()
        (lease,) = (tmp_path / "leases").glob("*.json")
        lease.unlink()
        assert run.peak.ended() == 75
    document = run.document()
    assert document["ended"] == "stopped"
    assert document["ended_because"] == f"the lease {lease} is not ours any more"
    assert account_adds_up(document)


@pytest.mark.heavy
def test_the_kill_url_ends_the_run_with_its_directory_whole(tmp_path: Path, shop: Shop, prometheus: str) -> None:
    with fake_shop({"/kill": (200, b"go on")}) as switch:
        environment = environment_of(shop, kill_url=f"{switch.url}/kill", kill_poll_s=0.2)
        write(tmp_path, LONG, staging=environment)
        with played(tmp_path, shop, prometheus) as run:
            run.wait_for_load()
            switch.answers["/kill"] = (200, {"stop": True})
            assert run.peak.ended() == 75
            document = run.document()
        because = f"the kill URL {switch.url}/kill says stop"
    assert (document["ended"], document["ended_because"]) == ("stopped", because)
    assert account_adds_up(document)
    assert document["account"]["not_due"] > 0
    assert (run.directory / "metrics" / "dashboards.parquet").exists()
    assert f"stopping: {because}\n" in run.peak.told()
    assert run.judged() == 75


def test_a_kill_url_that_says_stop_already_or_is_not_there_lets_no_run_begin(
    called: Peakproof, tmp_path: Path, shop: Shop, prometheus: str
) -> None:
    with fake_shop({"/kill": (200, b"stop")}) as switch:
        for path, why in (("kill", "says stop: no run may begin"), ("none", "doesn't answer: HTTP 404")):
            url = f"{switch.url}/{path}"
            write(tmp_path, staging=environment_of(shop, kill_url=url))
            assert why_refused(called, shop, prometheus) == f"the kill URL {url} {why}"


@pytest.mark.heavy
def test_a_deploy_and_its_rollback_in_mid_run_make_the_run_invalid(tmp_path: Path, shop: Shop, prometheus: str) -> None:
    """Before and after the release is the same: only who looks in between sees it."""
    with fake_shop({"/version": (200, {"version": "one"})}) as shown:
        probe = {"path": "/version", "field": "version"}
        front = environment_of(shop, release_probe=probe, kill_url=f"{shown.url}/kill")
        shown.answers["/kill"] = (200, b"go on")
        front["base_url"] = shown.url  # a shop whose answers the test sets
        write(tmp_path, LONG.replace("duration_s: 60,", "duration_s: 30,"), staging=front)
        with played(tmp_path, shop, prometheus) as run:
            wait_for(lambda: list(tmp_path.glob("runs/*/live.json")), "the load")
            shown.answers["/version"] = (200, {"version": "two"})
            wait_for(lambda: "the release changed from one to two" in run.peak.told(), "the deploy to be seen")
            shown.answers["/version"] = (200, {"version": "one"})
            wait_for(lambda: "the release changed from two to one" in run.peak.told(), "the rollback to be seen")
            shown.answers["/kill"] = (200, b"stop")
            assert run.peak.ended() == 75
            output = run.peak.told()
        document = run.document()
    assert (document["release"]["before"], document["release"]["after"]) == ("one", "one")
    assert [one["release"] for one in document["release"]["seen"]] == ["one", "two", "one"]
    assert "not valid: release two was seen during the run, expected one; keep deploys off the environment" in output


@pytest.mark.heavy
def test_a_shop_behind_a_rate_limit_is_left_alone(tmp_path: Path, shop: Shop, prometheus: str) -> None:
    with fake_shop({path: (429, {}) for path in ("/", "/search")}) as wall:
        wall.answers["/healthz"] = (200, {"version": "2026.47.0"})
        write(tmp_path, LONG, staging=environment_of(shop, base_url=wall.url))
        with played(tmp_path, shop, prometheus) as run:
            assert run.peak.ended() == 75
        document = run.document()
    assert document["ended"] == "stopped"
    assert document["ended_because"].startswith("blocked by a firewall or rate limit before the shop: ")
    assert document["account"]["not_due"] > 0
    assert account_adds_up(document)


def test_a_shop_that_others_use_gets_no_load(called: Peakproof, tmp_path: Path, shop: Shop, prometheus: str) -> None:
    name = "http_server_request_duration_seconds"
    page = b'# TYPE %b histogram\n%b_count{a="b"} 1\n' % (name.encode(), name.encode())
    with fake_shop({"/metrics": (404, page)}) as metrics:
        target = [{"job": "shop", "url": f"{metrics.url}/metrics"}]
        write(tmp_path, staging=environment_of(shop, idle={"max_requests_per_s": 0}, metrics=target))
        why = why_refused(called, shop, prometheus)
    assert why == f"the metrics at {target[0]['url']} don't answer: HTTP 404"


@pytest.mark.parametrize("key", ["base_url", "target", "environment", "targets", "host"])
def test_a_plan_names_no_target(key: str, called: Peakproof, tmp_path: Path, shop: Shop) -> None:
    write(tmp_path, f"{PLAN}{key}: http://127.0.0.1:9\n", staging=environment_of(shop))
    ended = called("run", "plan.yaml", "--on", "staging", SHOP_TOKEN="x")
    assert (ended.code, ended.err) == (2, f"peakproof: plan.yaml: {key}: unknown key\n")


STEERING = ("LOCUST_HOST", "LOCUST_RUN_DIRECTORY", "PEAKPROOF_BASE_URL", "HTTP_PROXY", "http_proxy", "ALL_PROXY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Steered:
    """A run with two workers of its own that was played amid variables which would lead it to another shop."""

    code: int
    output: str
    run: Mapping[str, Any]
    asked_elsewhere: int


@pytest.fixture(scope="module")
def steered(tmp_path_factory: pytest.TempPathFactory, shop: Shop, prometheus: str) -> Steered:
    folder = tmp_path_factory.mktemp("steered")
    with fake_shop({}) as elsewhere:
        write(folder, staging=environment_of(shop, traces=False))
        steering = dict.fromkeys(STEERING, elsewhere.url) | {"LOCUST_RUN_DIRECTORY": str(folder)}
        ended = peakproof(folder, *command(shop, "--workers", "2"), **steering, **variables(shop, prometheus))
        output = ended.out + ended.err
        (path,) = folder.glob("runs/*/run.json")
        return Steered(
            code=ended.code, output=output, run=json.loads(path.read_text()), asked_elsewhere=len(elsewhere.asked)
        )


@pytest.mark.heavy
def test_no_variable_leads_the_load_elsewhere(steered: Steered) -> None:
    assert steered.code == 0, steered.output
    assert steered.run["requests"]["sent"] > 20
    assert steered.asked_elsewhere == 0


@pytest.mark.heavy
def test_workers_of_one_s_own_join_with_a_token_of_the_run_s_own(steered: Steered) -> None:
    assert steered.code == 0, steered.output
    assert steered.run["workers_refused"] == []
    assert [(one["name"], one["lost"]) for one in steered.run["workers"]] == [("w0", False), ("w1", False)]


def test_an_exporter_or_recorder_that_others_reach_wants_to_know_who_asks(called: Peakproof, tmp_path: Path) -> None:
    (tmp_path / "runs" / "20260101T000000Z-a-0000").mkdir(parents=True)
    (tmp_path / "runs" / "20260101T000000Z-a-0000" / "run.json").write_text("{}")
    port = free_port()
    reach = "other machines reach that address, so clients must"
    recorder = called("recorder", "--host", "0.0.0.0", "--port", str(port))  # noqa: S104 - refused
    assert (recorder.code, recorder.err) == (
        2,
        f"peakproof: --host 0.0.0.0: {reach} send a token: add --web-token-env NAME, the variable that holds it\n",
    )
    exporter = called("exporter", "loadgen", "--host", "0.0.0.0", "--port", str(port))  # noqa: S104 - refused
    assert (exporter.code, exporter.err) == (
        2,
        (
            f"peakproof: 0.0.0.0:{port}: {reach} show who they are: add --web-token-env NAME, the variable that holds a"
            " token, or --web.config.file with users or client certificates\n"
        ),
    )
