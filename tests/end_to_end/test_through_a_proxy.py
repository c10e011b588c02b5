"""A run whose environment only a proxy reaches, from the first look to the verdict; the proxy counts it, too."""

import json
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow.parquet as pq
import pytest

from loadtests.environment.record_targets import KINDS
from loadtests.environment.targets import redacted
from scripts.local_stack.shop import TOKEN_VARIABLE, Shop
from tests.bad_input.conftest import prometheus, shop
from tests.bad_input.process import Ended, peakproof
from tests.bad_input.test_endings import PLAN
from tests.loadtests.forward_proxy import Leads
from tests.loadtests.hostile_server import HostileServer, Seen, reply
from tests.ports import free_base
from tests.scripts.world import slo

__all__ = ["prometheus", "shop"]
pytestmark = [pytest.mark.heavy, pytest.mark.timeout(240)]

NOWHERE = "192.0.2.7"  # RFC 5737: no machine has it
USER, PASSWORD = "gate-keeper", "canary-open-sesame"
OBJECTIVES = slo("checkout-answers", "{steps: [checkout]}", "{steps: [checkout]}", target=0.5)
SIDE_EFFECTS = dict.fromkeys(("mail", "tax", "erp", "analytics", "payments"), "off")


@dataclass(kw_only=True)
class Tiring(Leads):
    """A proxy that lets only so many of the load's requests through."""

    most: int | None
    passed: Iterator[int] = field(default_factory=count)

    def answer(self, connection: socket.socket, seen: Seen) -> bool:
        if self.most is not None and "x-peakproof-run" in seen.headers and next(self.passed) >= self.most:
            connection.sendall(reply(b"", status="407 Proxy Authentication Required"))
            return True
        return super().answer(connection, seen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """A folder with what a run needs of a shop that lies behind a proxy."""

    folder: Path
    shop: Shop
    prometheus: str
    proxy: HostileServer

    def peakproof(self, *arguments: str) -> Ended:
        secrets = {TOKEN_VARIABLE: self.shop.token, "PROXY_USER": USER, "PROXY_PASSWORD": PASSWORD}
        return peakproof(self.folder, *arguments, PEAKPROOF_PROMETHEUS=self.prometheus, **secrets)

    def run(self) -> Ended:
        return self.peakproof("run", "plan.yaml", "--on", "staging", "--port-base", str(free_base()))

    @property
    def directory(self) -> Path:
        (run,) = (self.folder / "runs").iterdir()
        return run

    def document(self, name: str) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self.directory / name).read_text())
        return told

    def recorded(self) -> list[dict[str, Any]]:
        return [row for one in self.directory.glob("requests-*") for row in pq.read_table(one).to_pylist()]

    def shop_saw(self) -> int:
        lines = self.shop.access_log.read_text().splitlines()
        return sum(row["run"] == self.directory.name for row in map(json.loads, lines))

    def load_at_proxy(self) -> Counter[str]:
        """Return the trace ids of what the proxy was asked for on behalf of this run's shoppers."""
        tagged = [seen for seen in self.proxy.seen if seen.headers.get("x-peakproof-run") == self.directory.name]
        return Counter(seen.headers["traceparent"].split("-")[1] for seen in tagged)


@contextmanager
def behind(
    folder: Path, shop: Shop, prometheus: str, *, reaches: bool = True, most: int | None = None
) -> Iterator[Behind]:
    """Put the shop at addresses that nothing has, and a proxy before it that knows better, or doesn't.

    With `most` it lets so many of the load's requests through, and knows the password no more for those that follow.
    """
    told = json.loads(json.dumps(redacted("staging", shop.environment())).replace("127.0.0.1", NOWHERE))
    one = told["environments"]["staging"]
    one["traces"] = False  # the shop's spans go elsewhere
    urls = [one["base_url"], *(one["shop_records"][name]["http"]["url"] for name in KINDS)]
    urls += [target["url"] for target in one["metrics"]]
    ports = {urlsplit(url).port or 80 for url in urls}
    leads = {f"{NOWHERE}:{port}": port for port in ports}
    if not reaches:
        leads.pop(urlsplit(one["base_url"]).netloc)
    with HostileServer(Tiring(to=leads, user_and_password=f"{USER}:{PASSWORD}", most=most).answer) as proxy:
        basic = {"user_env": "PROXY_USER", "password_env": "PROXY_PASSWORD"}
        one |= {"proxy": {"url": proxy.url, "basic_auth": basic}, "side_effects": SIDE_EFFECTS, "hosts": {}}
        one = {key: value for key, value in one.items() if value is not None}
        (folder / "targets.yaml").write_text(json.dumps({**told, "environments": {"staging": one}}))
        (folder / "plan.yaml").write_text(PLAN)
        (folder / "objectives.yaml").write_text(OBJECTIVES)
        yield Behind(folder=folder, shop=shop, prometheus=prometheus, proxy=proxy)


def texts(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.name, path.read_bytes()
            if path.suffix == ".parquet":
                yield path.name, json.dumps(pq.read_table(path).to_pylist()).encode()


def test_what_the_proxy_counted_is_what_was_recorded_and_the_whole_way_goes_through_it(
    tmp_path: Path, shop: Shop, prometheus: str
) -> None:
    with behind(tmp_path, shop, prometheus) as world:
        ended = world.run()
        assert ended.code == 0, ended.out + ended.err
        audited, judged = world.peakproof("audit"), world.peakproof("judge")
        reported = world.peakproof("report")
        rows = world.recorded()
        assert Counter(row["trace_id"] for row in rows) == world.load_at_proxy()
        assert {row["error"] for row in rows} == {None}
        metrics = {seen.path for seen in world.proxy.seen if seen.path.endswith("/metrics")}
    assert len(rows) == world.shop_saw() == world.document("run.json")["requests"]["sent"] > 50
    assert len(metrics) == len(shop.environment().metrics)  # Prometheus went through it, too
    assert audited.code == 0, audited.out + audited.err
    assert {check["outcome"] for check in world.document("audit.json")["checks"]} == {"holds"}
    assert judged.code == 0, judged.out + judged.err
    assert reported.code == 0, reported.err
    shown = f'through the proxy</th><td class="code">{world.proxy.url}<'
    assert shown in (world.directory / "report.html").read_text()
    verdict = world.document("verdict.json")
    noted = f"the load went through the proxy {world.proxy.url}: what it takes is in every figure"
    assert verdict["outcome"] == "PASS"
    assert noted in [finding["message"] for finding in verdict["findings"]]
    assert world.document("run.json")["environment"]["proxy"]["url"] == world.proxy.url
    said = [("said", one.encode()) for end in (ended, audited, judged, reported) for one in (end.out, end.err)]
    assert [name for name, told in (*texts(tmp_path), *said) if b"open-sesame" in told or USER.encode() in told] == []


def test_a_proxy_that_does_not_let_through_ends_it_before_any_load(tmp_path: Path, shop: Shop, prometheus: str) -> None:
    with behind(tmp_path, shop, prometheus, reaches=False) as world:
        ended = world.run()
        url = f"http://{NOWHERE}:{shop.ports.front}"
    why = "the proxy doesn't lead there: it answers HTTP 502; start it, or correct the address"
    assert (ended.code, ended.err) == (75, f"peakproof: base_url: {url} {why}\n")
    assert not (tmp_path / "runs").exists()


def test_a_proxy_that_refuses_in_mid_run_ends_it_and_is_not_the_shops_failure(
    tmp_path: Path, shop: Shop, prometheus: str
) -> None:
    with behind(tmp_path, shop, prometheus, most=60) as world:
        ended = world.run()
        assert ended.code == 75, ended.out + ended.err
        judged = world.peakproof("judge")
        assert world.shop_saw() == 60
    run, verdict = world.document("run.json"), world.document("verdict.json")
    assert run["ended"] == "stopped"
    assert run["ended_because"].startswith("failed at the proxy before the shop: ")
    assert Counter(row["error"] for row in world.recorded())[None] == 60
    assert {row["error"] for row in world.recorded()} <= {None, "proxy", "cut_off"}
    assert (judged.code, verdict["outcome"]) == (75, "INCONCLUSIVE")
    assert {finding["kind"] for finding in verdict["findings"] if finding["severity"] == "fail"} == set()
    assert any(
        finding["subject"] == "proxy"
        and " never reached the shop (" in finding["message"]
        and " failed at the proxy), at most " in finding["message"]
        for finding in verdict["findings"]
    )
