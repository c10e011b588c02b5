"""What a process tells of its connections to the database, and of itself, on the page that Prometheus scrapes."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from staging.connection_metrics import observe_connections
from staging.database import Database
from staging.telemetry import Telemetry, start_telemetry
from tests.staging.conftest import opened


@pytest.fixture
def telemetry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Telemetry]:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
    one = start_telemetry("shop", "127.0.0.1:0", None)
    yield one
    one.meters.shutdown()


@pytest.fixture
def few(tmp_path: Path) -> Iterator[Database]:
    database = opened(f"sqlite:///{tmp_path}/few.db")
    yield database
    database.close()


def told(telemetry: Telemetry) -> dict[str, float]:
    """Return each sample by its name and its connections' state."""
    families = text_string_to_metric_families(telemetry.exposition().decode())
    samples = [sample for family in families for sample in family.samples]
    state = "db_client_connection_state"
    return {" ".join(filter(None, (one.name, one.labels.get(state)))): one.value for one in samples}


def test_connections_are_told_as_used_while_they_are_and_idle_afterwards(telemetry: Telemetry, few: Database) -> None:
    observe_connections(telemetry.meters, few, "shop")
    with few.reading(), few.reading():
        during = told(telemetry)
    after = told(telemetry)
    used, idle = "db_client_connection_count used", "db_client_connection_count idle"
    assert [(one[used], one[idle]) for one in (during, after)] == [(2, 0), (0, 2)]


def test_the_most_is_what_the_pool_keeps_and_what_it_opens_beyond(telemetry: Telemetry, few: Database) -> None:
    observe_connections(telemetry.meters, few, "shop")
    assert told(telemetry)["db_client_connection_max"] == 24 + 10


def test_a_process_tells_its_processor_time_memory_and_files(telemetry: Telemetry) -> None:
    before = told(telemetry)
    files = [os.open(os.devnull, os.O_RDONLY) for _ in range(7)]
    after = told(telemetry)
    for file in files:
        os.close(file)
    assert after["process_open_fds"] - before["process_open_fds"] == 7
    assert after["process_cpu_seconds_total"] > 0
    assert after["process_resident_memory_bytes"] > 1e6
    assert after["process_max_fds"] > after["process_open_fds"]
