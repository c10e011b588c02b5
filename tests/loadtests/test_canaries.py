"""A secret is on the wire and nowhere else, though the shop repeats it in every reply: every byte kept is searched."""

import base64
import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import gevent
import pyarrow.parquet as pq
import pytest

from loadtests.audit.sources import Played, gather, sources_of
from loadtests.audit.unavailable import SourceUnavailableError
from loadtests.environment.credentials import credentials_of, token_of
from loadtests.environment.pinned_http import PinnedHttp
from loadtests.results.ledger import read_ledgers
from loadtests.results.run_directory import RunDirectory, write_json
from loadtests.runtime.clock import Clock
from loadtests.worker.job import read_job
from loadtests.worker.worker import Worker
from tests.loadtests.fake_shop import FakeShop, running
from tests.loadtests.hostile_server import HostileServer, Seen, reply
from tests.loadtests.prepared import prepared_run
from tests.record_pages import record_pages

# One for every place that a secret may come from; the user's name is only masked.
VARIABLES = {
    "SHOP_API_KEY": "canary-1-api/key+value==",
    "STAGING_USER": "canary-6-user",
    "STAGING_PASSWORD": 'canary-2 pass"word\\',
    "SHOP_TOKEN": "canary-3-token",
}
GATE, COOKIE = "canary-4-gate", "gate=canary-5-cookie"
PAIR = base64.b64encode(f"{VARIABLES['STAGING_USER']}:{VARIABLES['STAGING_PASSWORD']}".encode()).decode()
CANARIES = [VARIABLES["SHOP_API_KEY"], VARIABLES["STAGING_PASSWORD"], VARIABLES["SHOP_TOKEN"], GATE, COOKIE, PAIR]


def worded(secret: str) -> set[str]:
    return {secret, json.dumps(secret)[1:-1], quote(secret, safe=""), base64.b64encode(secret.encode()).decode()}


FORBIDDEN = sorted(one for canary in CANARIES for one in worded(canary)) + [f"canary-{n}" for n in range(1, 7)]


class Parrot(FakeShop):
    """A shop that repeats what it was told in order numbers, in pages and, every seventh time, in an error."""

    def _reply(self, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, bytes, str]:
        bare = {name: value for name, value in headers.items() if name != "Cookie"}
        sid = headers.get("Cookie", "").rpartition("sid=")[2]
        status, data, sid = super()._reply(method, path, body, {**bare, "Cookie": f"sid={sid}"} if sid else bare)
        if len(self.asked) % 7 == 0:
            return 500, "".join(f"{name}: {value}\n" for name, value in headers.items()).encode(), sid
        told = {**json.loads(data), "debug": headers}
        if "order_id" in told and method == "POST":
            user = base64.b64decode(headers["Authorization"].split()[1]).decode().partition(":")[0]
            told["order_id"] += f" {headers['X-Api-Key']} {headers['Authorization']} {headers['X-Gate']} {user}"
        return status, json.dumps(told).encode(), sid


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeShop]:
    monkeypatch.setattr("tests.loadtests.fake_shop.FakeShop", Parrot)
    with running() as one:
        yield one
    gc.collect()


def declared(folder: Path) -> dict[str, Any]:
    (folder / "gate").write_text(f"{GATE}\n")
    (folder / "cookie").write_text(COOKIE)
    return {
        "headers": {
            "X-Api-Key": {"env": "SHOP_API_KEY"},
            "X-Gate": {"file": str(folder / "gate")},
            "Cookie": {"file": str(folder / "cookie")},
            "Accept-Language": "en-GB",
        },
        "basic_auth": {"user_env": "STAGING_USER", "password_env": "STAGING_PASSWORD"},
        "token_env": "SHOP_TOKEN",
    }


def everything(directory: RunDirectory) -> Iterator[tuple[str, str]]:
    """Return every text in the run directory: each file's bytes, and Parquet's rows as they are when read."""
    for path in sorted(directory.path.rglob("*")):
        if path.is_file():
            yield path.name, path.read_bytes().decode("latin-1")
            if path.suffix == ".parquet":
                yield f"{path.name}, read", json.dumps(pq.read_table(path).to_pylist())


def found(texts: Iterator[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(where, canary) for where, text in texts for canary in FORBIDDEN if canary in text]


def test_no_secret_of_the_load_is_kept_told_or_traced(
    tmp_path: Path, shop: FakeShop, capfd: pytest.CaptureFixture[str]
) -> None:
    with HostileServer(reply(b"")) as recorder:
        directory = prepared_run(tmp_path, shop.url, recorder.url, declared=declared(tmp_path))
        job = read_job(directory.path, VARIABLES)
        player = Worker(job, 0, 1, Clock.start().now())
        with gevent.Timeout(60):
            player.play()
        change, gauges = player.take()
        write_json(directory.live, {"change": repr(change), "gauges": repr(gauges), "job": repr(job)})
        spans = [seen.body.decode("latin-1") for seen in recorder.seen]
    told = capfd.readouterr()
    sent = shop.headers[0]
    assert {sent["X-Api-Key"], sent["X-Gate"], sent["Authorization"], sent["Accept-Language"]} == {
        VARIABLES["SHOP_API_KEY"],
        GATE,
        f"Basic {PAIR}",
        "en-GB",
    }
    assert all(seen["Cookie"].startswith(COOKIE) for seen in shop.headers)
    assert any(seen["Cookie"] != COOKIE for seen in shop.headers)  # the shop's own cookie goes along
    assert any("**" in (attempt.order_id or "") for attempt in read_ledgers(directory.ledgers()))
    assert spans
    texts = [*everything(directory), ("stdout", told.out), ("stderr", told.err), ("repr", repr(job.accesses()))]
    texts += [("a span", span) for span in spans]
    assert found(iter(texts)) == []


def parrot(connection: Any, seen: Seen) -> bool:
    """Answer as a source would, with what was sent in every field that is read."""
    token = seen.headers["authorization"]
    order = {"order_id": token, "key": token, "run": token, "status": token, "created_at": 1, "total_cents": 1}
    unit = {"sku": token, "quantity": 1, "location": token}
    body = {"orders": [{**order, "lines": [unit]}], "next": None, "taken_at": 1, "stock": [unit], "payments": token}
    connection.sendall(reply(json.dumps(body).encode()))
    return True


def test_no_secret_of_the_audit_is_told_when_a_source_repeats_it(tmp_path: Path) -> None:
    with HostileServer(parrot) as source:
        pages = record_pages(**{name: f"{source.url}/{name}" for name in ("orders", "payments", "stock")})
        directory = prepared_run(tmp_path, source.url, declared={**declared(tmp_path), "shop_records": pages})
        environment = read_job(directory.path).environment
        token, credentials = token_of(environment, VARIABLES), credentials_of(environment, VARIABLES)
        assert token is not None
        sources = sources_of(environment, token.reveal(), PinnedHttp(environment, credentials), None, VARIABLES)
        with pytest.raises(SourceUnavailableError) as failure:
            tuple(sources.payments(0))
        order = next(sources.orders("run"))
        stock = sources.stock_document()
        evidence = gather(directory, sources, Played(started_at=0), lambda: 0)
        sources.close()
        assert {seen.headers["authorization"] for seen in source.seen} == {f"Bearer {VARIABLES['SHOP_TOKEN']}"}
    assert evidence.orders is not None
    assert order.order_id == "Bearer " + "*" * len(VARIABLES["SHOP_TOKEN"])
    kept = (evidence, evidence.orders.order_id.to_pylist(), order)
    texts = [("failure", str(failure.value)), ("evidence", repr(kept)), ("stock", repr(stock))]
    texts += everything(directory)
    assert found(iter(texts)) == []
    gc.collect()
