"""Orders and requests of a day are whole numbers of that whole day, or they aren't known."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from exporters.context import ExporterContext
from exporters.serving.source import Deadline, Unreadable
from exporters.subjects.cost.config import CountsConfig
from exporters.subjects.cost.counts import counts_in, counts_reader
from slo.documents import BadInput

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ENDS = [datetime(2026, 11, 20, tzinfo=UTC) - timedelta(days=13 - n) for n in range(14)]
ORDERS, REQUESTS = 'shop_orders_total{status="accepted"}', "http_server_request_duration_seconds_count"


def test_a_csv_file_gives_its_days(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_text("day,orders,requests\n2026-11-01,12,3400\n2026-11-02,0,\n")
    found = counts_in(path)
    assert found.orders == {date(2026, 11, 1): 12, date(2026, 11, 2): 0}
    assert found.requests == {date(2026, 11, 1): 3400}


WRONG = [
    ("day,orders\n2026-11-01,1,234\n", "line 2: more fields than the first line names"),
    ("", "expected a first line day,orders,requests and 1 to 100000 days"),
    ("date,orders\n2026-11-01,1\n", "expected a first line day,orders,requests and 1 to 100000 days"),
    ("day,orders\n01.11.2026,1\n", "line 2: day: expected YYYY-MM-DD, found '01.11.2026'"),
    ("day,orders\n2026-11-01,-1\n", "line 2: orders: expected a whole number from 0 up, found '-1'"),
    ("day,orders\n2026-11-01\n", "line 2: orders: expected a whole number from 0 up, found None"),
    ("day,orders\n2026-11-01,NaN\n", "line 2: orders: expected a whole number from 0 up, found 'NaN'"),
    (
        "day,orders,requests\n2026-11-01,1,1e3\n",
        "line 2: requests: expected a whole number from 0 up, found '1e3'",
    ),
    ("day,orders\n2026-11-01,1\n2026-11-01,1\n", "line 3: day: 2026-11-01 stands there twice"),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_a_csv_file_that_is_wrong_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "counts.csv"
    path.write_text(text)
    with pytest.raises(Unreadable) as refused:
        counts_in(path)
    assert str(refused.value) == f"{path}: {message}"


def test_a_csv_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as refused:
        counts_in(tmp_path / "counts.csv")
    assert str(refused.value) == f"{tmp_path / 'counts.csv'}: can't be read: No such file or directory"


class FakePrometheus:
    """Answers range queries: `values` are those of each query by the day's end."""

    def __init__(self) -> None:
        self.values: dict[str, Sequence[float | str]] = {}
        self.asked: list[dict[str, str]] = []
        self.tokens: list[str | None] = []
        self.raw: tuple[int, bytes] | None = None

    def answer(self, query: dict[str, str]) -> tuple[int, bytes]:
        self.asked.append(query)
        if self.raw is not None:
            return self.raw
        values = self.values.get(query["query"])
        points = [[end.timestamp(), str(value)] for end, value in zip(ENDS, values or [], strict=False)]
        series = [{"metric": {}, "values": points}] if values is not None else []
        return 200, json.dumps({"status": "success", "data": {"resultType": "matrix", "result": series}}).encode()


@contextmanager
def serving(fake: FakePrometheus) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            fake.tokens.append(self.headers.get("Authorization"))
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            status, body = fake.answer(query)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def fake() -> FakePrometheus:
    return FakePrometheus()


@pytest.fixture
def url(fake: FakePrometheus) -> Iterator[str]:
    with serving(fake) as one:
        yield one


def read(url: str, folder: Path, **prometheus: Any) -> Any:
    config = CountsConfig.model_validate({"prometheus": {"url": url, "orders": ORDERS, **prometheus}})
    context = ExporterContext(
        variables={"PROM_TOKEN": "canary-of-prometheus"},
        folder=folder,
        runs=folder,
        now=lambda: round(NOW.timestamp() * 1e9),
    )
    return counts_reader(config, context)(Deadline(at=1e12))


def samples(selector: str) -> str:
    return f"max(count_over_time({selector}[1d]))"


def growth(selector: str) -> str:
    return f"sum(increase({selector}[1d]))"


def test_prometheus_gives_the_days_that_it_saw_throughout(fake: FakePrometheus, url: str, tmp_path: Path) -> None:
    fake.values = {
        samples(ORDERS): [5760.0] * 12 + [5000.0, 5700.0],
        growth(ORDERS): [float(n) for n in range(14)],
    }
    found = read(url, tmp_path)
    assert found.requests == {}
    assert date(2026, 11, 18) not in found.orders
    assert found.orders[date(2026, 11, 19)] == 13
    assert found.orders[date(2026, 11, 6)] == 0
    assert len(found.orders) == 13
    (first, *_) = fake.asked
    assert (float(first["start"]), float(first["end"])) == (ENDS[0].timestamp(), ENDS[-1].timestamp())
    assert first["step"] == "86400"


def test_a_counter_that_prometheus_does_not_have_gives_no_day(fake: FakePrometheus, url: str, tmp_path: Path) -> None:
    found = read(url, tmp_path, requests=REQUESTS, token={"env": "PROM_TOKEN"})
    assert (found.orders, found.requests) == ({}, {})
    assert set(fake.tokens) == {"Bearer canary-of-prometheus"}


LIES = [
    ((200, b"<html>"), "the answer: Invalid JSON: expected value at line 1 column 1"),
    ((503, b"{}"), "answered 503, expected 200 and at most 1 MiB"),
    (
        (200, b'{"status": "error", "data": {"result": []}}'),
        "status: Input should be 'success'",
    ),
]


@pytest.mark.parametrize(("raw", "message"), LIES)
def test_an_answer_that_is_none_is_refused(
    fake: FakePrometheus, url: str, tmp_path: Path, raw: tuple[int, bytes], message: str
) -> None:
    fake.raw = raw
    with pytest.raises(Unreadable) as refused:
        read(url, tmp_path)
    assert str(refused.value) == f"{url}: {message}"


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-1"])
def test_a_count_that_can_be_none_is_refused(fake: FakePrometheus, url: str, tmp_path: Path, value: str) -> None:
    fake.values = {samples(ORDERS): [5760.0] * 14, growth(ORDERS): [1.0] * 13 + [value]}
    with pytest.raises(Unreadable) as refused:
        read(url, tmp_path)
    assert str(refused.value) == f"{url}: a count of a day is {value!r}, expected a number from 0 up"


def test_a_token_that_is_not_given_is_named_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refused:
        read("http://127.0.0.1:9", tmp_path, token={"env": "OTHER_TOKEN"})
    assert str(refused.value) == (
        "the environment variable OTHER_TOKEN: expected a token, as cost.counts.prometheus.token names it"
    )
