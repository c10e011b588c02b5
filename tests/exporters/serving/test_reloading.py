"""A configuration that is read again counts from the next scrape on; a broken one changes nothing and is said."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.metrics_core import GaugeMetricFamily

from exporters.serving.pages import OwnFamilies, Pages
from exporters.serving.reloading import ReloadedPages
from exporters.serving.scrape import Subject
from slo.documents import BadInput
from tests.exporters.fakes import Samples, samples


class Configuration:
    """A configuration file: what it says, and what was made of it."""

    def __init__(self) -> None:
        self.value: float | None = 1.0
        self.closed: list[float] = []
        self.close_fails = False
        self.make_fails = False

    def make(self, own: OwnFamilies) -> Pages:
        if self.make_fails:
            raise KeyError("oops")
        if (value := self.value) is None:
            raise BadInput("exporters.yaml: inventory: unknown key")

        def close() -> None:
            self.closed.append(value)
            if self.close_fails:
                raise KeyError("oops")

        def family(_: object) -> Iterator[GaugeMetricFamily]:
            yield GaugeMetricFamily("configured", "As configured.", value)

        subject: Subject[int] = Subject(
            name="fake", about="a fake", sources={"here": lambda _: 1}, families=family, close=close
        )
        return Pages([subject], own=own)


class Hand:
    """A clock moved by hand, in ns."""

    def __init__(self) -> None:
        self.at = 1_000_000_000

    def __call__(self) -> int:
        return self.at


def scraped(reloaded: ReloadedPages) -> Samples:
    environ: dict[str, Any] = {"REQUEST_METHOD": "GET", "PATH_INFO": "/metrics/fake"}
    return samples(b"".join(reloaded.answer(environ, lambda _status, _headers: None)).decode())


def told(value: float, successful: int, read_at: float) -> Samples:
    return {
        ("fake_exporter_up", "here"): 1,
        ("configured",): value,
        ("peakproof_exporter_config_last_reload_successful",): successful,
        ("peakproof_exporter_config_last_reload_success_timestamp_seconds",): read_at,
    }


def test_a_new_configuration_counts_and_what_the_old_one_held_is_given_back() -> None:
    configuration, now = Configuration(), Hand()
    reloaded = ReloadedPages(configuration.make, now)
    assert scraped(reloaded) == told(1, 1, 1)
    configuration.value, now.at = 2, 5_500_000_000
    assert reloaded.reload()
    assert scraped(reloaded) == told(2, 1, 5.5)
    assert configuration.closed == [1]
    reloaded.close()
    assert configuration.closed == [1, 2]


def test_a_configuration_that_the_exporter_itself_fails_at_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    configuration = Configuration()
    reloaded = ReloadedPages(configuration.make, Hand())
    configuration.make_fails = True
    assert not reloaded.reload()
    assert scraped(reloaded) == told(1, 0, 1)
    assert [record.getMessage() for record in caplog.records] == [
        "the exporter itself failed; the configuration that was read before still counts"
    ]


def test_a_broken_configuration_keeps_the_old_one_and_says_why(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "exporters")
    configuration, now = Configuration(), Hand()
    reloaded = ReloadedPages(configuration.make, now)
    configuration.value, now.at = None, 7_000_000_000
    assert not reloaded.reload()
    assert scraped(reloaded) == told(1, 0, 1)
    assert configuration.closed == []
    configuration.value = 3
    assert reloaded.reload()
    assert scraped(reloaded) == told(3, 1, 7)
    assert [record.getMessage() for record in caplog.records] == [
        "exporters.yaml: inventory: unknown key; the configuration that was read before still counts",
        "the configuration was read again",
    ]


def test_without_a_configuration_to_begin_with_nothing_is_served() -> None:
    configuration = Configuration()
    configuration.value = None
    with pytest.raises(BadInput, match=r"^exporters.yaml: inventory: unknown key$"):
        ReloadedPages(configuration.make, Hand())


def test_a_subject_that_cannot_be_closed_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    configuration = Configuration()
    configuration.close_fails = True
    ReloadedPages(configuration.make, Hand()).close()
    assert caplog.records[0].getMessage() == "fake: can't be closed"
