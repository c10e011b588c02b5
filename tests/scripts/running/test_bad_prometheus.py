"""A Prometheus that answers badly: an objective whose query it can't answer has no data, and nothing is a traceback."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from loadtests.results.recorded_run import read_answers
from scripts.local_stack import prometheus as api
from scripts.local_stack.prometheus import Prometheus
from scripts.running.metrics_archive import keep_objectives
from slo.objectives.evidence import read_evidence
from slo.objectives.indicators import Availability, Window
from slo.objectives.objective import Objective
from slo.objectives.selectors import parse_selector
from slo.objectives.sources import Counters, Queries, Source
from slo.outcomes import EnvironmentLacks
from tests.slo.objectives.request_table import RequestTable

SECOND = 1_000_000_000
WINDOW = Window(starts_at=1_000 * SECOND, ends_at=1_300 * SECOND)
JSON, HTML = "application/json", "text/html"
REFUSED = '{"status": "error", "errorType": "execution", "error": "too many samples"}'
NOTHING = '{"status": "success", "data": {"resultType": "matrix", "result": []}}'
NAN = '{"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[1015, "NaN"]]}]}}'
ANSWERS = {
    "500": (500, JSON, "", "doesn't answer"),
    "422": (422, JSON, REFUSED, "Prometheus refuses ratio: too many samples"),
    "HTML": (200, HTML, "<html>Sign in</html>", "doesn't answer"),
    "half": (200, JSON, NOTHING[:40], "doesn't answer"),
    "a list": (200, JSON, "[]", "Prometheus refuses ratio"),
    "no result": (200, JSON, '{"status": "success", "data": {}}', "with no series that can be read"),
    "no samples": (200, JSON, NOTHING.replace("[]", '[{"metric": {}}]'), "with no series that can be read"),
    "nothing": (200, JSON, NOTHING, "Prometheus answered ratio with no series"),
    "NaN": (200, JSON, NAN, "20 of 20 answers over 15 s are missing or count nothing"),
}


@contextmanager
def answering(status: int, kind: str, text: str, after_s: float = 0.0) -> Iterator[Prometheus]:
    """Serve one answer to everything on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            time.sleep(after_s)
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield Prometheus(f"http://127.0.0.1:{server.server_port}", None)
    finally:
        server.shutdown()
        server.server_close()


def objective(source: Source) -> Objective:
    """Return an objective of what a source counts."""
    return Objective(
        name="one",
        display_name="One",
        description="",
        service="shop",
        indicator=Availability(source=source),
        target=0.9,
        window="28d",
    )


EVALUATED = objective(Queries(part="ratio", part_is="good", total=None))


def _no_data(prometheus: Prometheus, path: Path) -> str | None:
    keep_objectives(prometheus, [EVALUATED], (WINDOW.starts_at, WINDOW.ends_at), path)
    return read_evidence(EVALUATED, RequestTable(table=None), read_answers(path), WINDOW).no_data


@pytest.mark.parametrize("case", ANSWERS)
def test_an_answer_that_can_t_be_used_is_no_data_with_its_reason(tmp_path: Path, case: str) -> None:
    status, kind, text, why = ANSWERS[case]
    with answering(status, kind, text) as prometheus:
        told = _no_data(prometheus, tmp_path / "objectives.parquet")
    assert told is not None
    assert why in told


def test_an_answer_that_comes_too_late_is_no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.Prometheus.range, "__defaults__", (1.0, 0.05))
    with answering(200, JSON, NOTHING, after_s=0.3) as prometheus:
        told = _no_data(prometheus, tmp_path / "objectives.parquet")
    assert told is not None
    assert told.endswith("doesn't answer: ReadTimeout")


def test_raw_samples_that_can_t_be_read_are_what_the_environment_lacks(tmp_path: Path) -> None:
    counters = objective(Counters(good=parse_selector("a_total"), total=parse_selector("b_total")))
    with answering(200, JSON, '{"status": "success", "data": {}}') as prometheus, pytest.raises(EnvironmentLacks):
        keep_objectives(prometheus, [counters], (WINDOW.starts_at, WINDOW.ends_at), tmp_path / "objectives.parquet")


def test_each_query_is_kept_with_its_answer(tmp_path: Path) -> None:
    path = tmp_path / "objectives.parquet"
    text = NAN.replace('[1015, "NaN"]', '[1015, "1"], [1030, "0.5"]')
    with answering(200, JSON, text) as prometheus:
        keep_objectives(prometheus, [EVALUATED], (WINDOW.starts_at, WINDOW.ends_at), path)
    (row,) = read_answers(path).to_pylist()
    assert (row["query"], row["kind"], row["value"]) == ("ratio", "range", [1.0, 0.5])
    assert (row["asked_from"], row["asked_to"]) == (1_015 * SECOND, 1_300 * SECOND)
