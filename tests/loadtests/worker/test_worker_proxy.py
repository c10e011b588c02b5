"""A worker's load through a proxy: each request passes it once, what it refuses is its own, its password is nowhere."""

import base64
import gc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from socket import AF_INET
from typing import Any

import gevent
import pyarrow.parquet as pq
import pytest

from loadtests.client.interface import Request
from loadtests.environment.credentials import masked
from loadtests.results.run_directory import RunDirectory, write_json
from loadtests.runtime.clock import Clock
from loadtests.shopper.session import Session, in_flight
from loadtests.worker.job import Job, read_job
from loadtests.worker.worker import Worker
from tests.loadtests.fake_shop import FakeShop, running
from tests.loadtests.fakes import Blocking, Memory, arrival, worker
from tests.loadtests.forward_proxy import forward_proxy
from tests.loadtests.hostile_server import HostileServer, reply
from tests.loadtests.prepared import prepared_run
from tests.loadtests.test_canaries import everything, worded

VARIABLES = {"PROXY_USER": "canary-1-user", "PROXY_PASSWORD": 'canary-2 pass"word\\'}
PAIR = f"{VARIABLES['PROXY_USER']}:{VARIABLES['PROXY_PASSWORD']}"
ENCODED = base64.b64encode(PAIR.encode()).decode()
FORBIDDEN = [*sorted(one for canary in (*VARIABLES.values(), ENCODED) for one in worded(canary)), "canary-"]


@pytest.fixture
def shop() -> Iterator[FakeShop]:
    with running() as one:
        yield one
    gc.collect()


def behind(port: int, proxy: HostileServer) -> dict[str, Any]:
    """Return what is declared of a shop at an address that nothing here has."""
    basic = {"user_env": "PROXY_USER", "password_env": "PROXY_PASSWORD"}
    return {"base_url": f"http://192.0.2.7:{port}", "proxy": {"url": proxy.url, "basic_auth": basic}}


def played(directory: RunDirectory) -> tuple[Job, list[dict[str, Any]]]:
    job = read_job(directory.path, VARIABLES)
    worker = Worker(job, 0, 1, Clock.start().now())
    with gevent.Timeout(60):
        worker.play()
    change, gauges = worker.take()
    write_json(directory.live, {"change": repr(change), "gauges": repr(gauges), "job": repr(job)})
    rows = [row for path in directory.path.glob("requests-*.parquet") for row in pq.read_table(path).to_pylist()]
    return job, rows


def test_every_request_passes_the_proxy_once_and_its_password_goes_no_further(
    tmp_path: Path, shop: FakeShop, capfd: pytest.CaptureFixture[str]
) -> None:
    port = shop.server.server_port
    with forward_proxy({f"192.0.2.7:{port}": port}, PAIR) as proxy, HostileServer(reply(b"")) as recorder:
        directory = prepared_run(tmp_path, "http://unused", recorder.url, declared=behind(port, proxy))
        job, rows = played(directory)
        passed = Counter(seen.headers["traceparent"].split("-")[1] for seen in proxy.seen)
        spans = [seen.body.decode("latin-1") for seen in recorder.seen]
    assert Counter(row["trace_id"] for row in rows) == passed
    assert len(rows) == len(shop.asked) > 10
    assert {row["error"] for row in rows} == {None}
    assert not any("Proxy-Authorization" in told for told in shop.headers)
    said = capfd.readouterr()
    texts = [*everything(directory), ("stdout", said.out), ("stderr", said.err), ("repr", repr(job.accesses()))]
    texts += [("a span", span) for span in spans]
    assert spans
    assert [(where, canary) for where, text in texts for canary in FORBIDDEN if canary in text] == []


def test_the_cdn_is_reached_through_the_proxy_too_unless_it_is_said_not_to_be(tmp_path: Path, shop: FakeShop) -> None:
    with forward_proxy({}) as proxy:
        declared = {**behind(81, proxy), "hosts": {"cdn": {"url": "http://127.0.0.1:82/files"}}}
        through = prepared_run(tmp_path / "through", "http://unused", declared=declared, assets="all")
        beside = {**declared, "proxy": {"url": proxy.url, "straight": ["127.0.0.1"]}}
        straight = prepared_run(tmp_path / "straight", "http://unused", declared=beside, assets="all")
        places = [read_job(one.path, VARIABLES).accesses()["cdn"] for one in (through, straight)]
        ways = [one.routes for one in places]
    assert ways == [
        (((AF_INET, ("127.0.0.1", proxy.port)), b""),),
        (((AF_INET, ("127.0.0.1", 82)), None),),
    ]
    assert shop.asked == []


def test_what_a_proxy_refuses_is_recorded_as_its_own_and_its_page_masked(
    tmp_path: Path, shop: FakeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies: list[bytes] = []

    def keep(body: bytes, masks: tuple[bytes, ...]) -> bytes:
        bodies.append(masked(body, masks))
        return bodies[-1]

    monkeypatch.setattr("loadtests.client.http1_client.masked", keep)
    with forward_proxy({}, "somebody:else-knows-it") as proxy:  # its page repeats what it was shown
        directory = prepared_run(tmp_path, "http://unused", declared=behind(81, proxy))
        _, rows = played(directory)
    assert {(row["status"], row["error"]) for row in rows} == {(407, "proxy")}
    assert len(rows) == len(bodies) > 5
    assert all(b"proxy-authorization" in body and b"Basic ****" in body for body in bodies)
    assert shop.asked == []


def test_what_is_on_its_way_past_the_proxy_is_not_the_shops_yet(tmp_path: Path) -> None:
    client, memory = Blocking(), Memory()
    one = worker(tmp_path, client, memory=memory)
    session = Session(one, arrival(), one.clock.now())
    greenlet = gevent.spawn(session.step, Request(step="cart", method="POST", path="/cart"))
    assert client.under_way.wait(10)
    assert [step for step, _ in in_flight(one.under_way)] == ["cart"]
    client.at_proxy = True
    assert in_flight(one.under_way) == []
    greenlet.kill()
    assert [step.error for step in memory.steps] == ["proxy"]
