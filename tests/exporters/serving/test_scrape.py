"""One read at a time, a deadline that holds, and a log that speaks once."""

import logging
import threading
from concurrent.futures import Future

import pytest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from exporters.serving.scrape import Reading, Scraper, Subject
from exporters.serving.source import Deadline, NotYet, Unreadable


class Source:
    """A source that answers when its gate opens."""

    def __init__(self) -> None:
        self.reads = 0
        self.fails: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.done = threading.Semaphore(0)

    def read(self, deadline: Deadline) -> int:
        del deadline
        self.reads += 1
        self.gate.wait()
        self.done.release()
        if self.fails is not None:
            raise self.fails
        return self.reads


def families(value: int) -> list[Metric]:
    return [GaugeMetricFamily("reads", "How often.", value)]


def scraper_of(source: Source) -> Scraper[int]:
    return Scraper(Subject(name="fake", about="a fake", read=source.read, families=families))


def far() -> Deadline:
    return Deadline(at=30.0, clock=lambda: 0.0)


def passed() -> Deadline:
    return Deadline(at=0.0, clock=lambda: 1.0)


def test_those_who_ask_during_a_read_share_it_and_the_next_has_its_own() -> None:
    source = Source()
    scraper = scraper_of(source)
    source.gate.clear()
    waiting = [scraper.begin(far()) for _ in range(5)]
    source.gate.set()
    assert {landed().families[0].samples[0].value for landed in waiting} == {1}
    assert scraper.begin(far())().families[0].samples[0].value == 2
    assert source.reads == 2


def test_a_scrape_never_waits_past_its_deadline_and_starts_no_second_read_beside_a_hanging_one() -> None:
    source = Source()
    scraper = scraper_of(source)
    source.gate.clear()
    for _ in range(3):
        reading = scraper.begin(passed())()
        assert (reading.families, reading.failure) == ((), "no answer within the deadline")
    assert source.reads == 1
    source.gate.set()


def test_an_answer_after_the_deadline_is_a_failure() -> None:
    late: Future[Reading] = Future()
    scraper_of(Source())._run(late, passed())
    assert (late.result().families, late.result().failure) == ((), "answered after the deadline")


def test_a_change_of_state_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    source = Source()
    scraper = scraper_of(source)
    for failure in (None, Unreadable("it is gone"), Unreadable("still"), None, None, Unreadable("again")):
        source.fails = failure
        scraper.begin(far())()
    assert [record.getMessage() for record in caplog.records] == [
        "fake: can't be read: it is gone",
        "fake: can be read again",
        "fake: can't be read: again",
    ]


def test_what_is_not_there_yet_is_down_and_no_cause_for_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    source = Source()
    scraper = scraper_of(source)
    told = []
    for failure in (NotYet("not started"), None, Unreadable("it is gone")):
        source.fails = failure
        told.append(scraper.begin(far())().failure)
    assert told == ["not started", None, "it is gone"]
    assert [record.getMessage() for record in caplog.records] == ["fake: can't be read: it is gone"]


def test_a_defect_of_ours_is_a_failed_read_too(caplog: pytest.LogCaptureFixture) -> None:
    source = Source()
    source.fails = KeyError("oops")
    assert scraper_of(source).begin(far())().failure == "the exporter itself failed"
    assert caplog.records[0].getMessage() == "fake: the exporter itself failed"
