"""One read at a time, a deadline that holds, and a log that speaks once."""

import logging
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future

import pytest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from exporters.serving.scrape import Reading, Scraper, SourceReader, Subject, of_one_source
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
    return Scraper(of_one_source("fake", "a fake", "here", source.read, families))


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
        scraped = scraper.begin(passed())()
        assert (scraped.families, scraped.up) == ((), {"here": False})
    assert source.reads == 1
    source.gate.set()


def test_an_answer_after_the_deadline_is_a_failure() -> None:
    late: Future[Reading[int]] = Future()
    SourceReader("fake", "here", Source().read)._run(late, passed())
    assert (late.result().value, late.result().failure) == (None, "answered after the deadline")


def test_a_change_of_state_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    source = Source()
    scraper = scraper_of(source)
    for failure in (None, Unreadable("it is gone"), Unreadable("still"), None, None, Unreadable("again")):
        source.fails = failure
        scraper.begin(far())()
    assert [record.getMessage() for record in caplog.records] == [
        "fake (here): can't be read: it is gone",
        "fake (here): can be read again",
        "fake (here): can't be read: again",
    ]


def test_a_failure_of_several_lines_is_one_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    source = Source()
    source.fails = Unreadable("x.json: a: missing\nx.json: b: missing")
    scraper_of(source).begin(far())()
    assert [record.getMessage() for record in caplog.records] == [
        "fake (here): can't be read: x.json: a: missing; x.json: b: missing"
    ]


def test_what_is_not_there_yet_is_down_and_no_cause_for_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    source = Source()
    scraper = scraper_of(source)
    up = []
    for failure in (NotYet("not started"), None, Unreadable("it is gone")):
        source.fails = failure
        up.append(scraper.begin(far())().up["here"])
    assert up == [False, True, False]
    assert [record.getMessage() for record in caplog.records] == ["fake (here): can't be read: it is gone"]


def test_a_defect_of_ours_is_a_failed_read_too(caplog: pytest.LogCaptureFixture) -> None:
    source = Source()
    source.fails = KeyError("oops")
    assert scraper_of(source).begin(far())().up == {"here": False}
    assert caplog.records[0].getMessage() == "fake (here): the exporter itself failed"


def test_a_source_that_fails_takes_no_other_down() -> None:
    good, bad = Source(), Source()
    bad.fails = Unreadable("it is gone")

    def of(values: Mapping[str, int]) -> list[Metric]:
        return [GaugeMetricFamily(name, "How often.", value) for name, value in values.items()]

    two = Subject(name="fake", about="a fake", sources={"good": good.read, "bad": bad.read}, families=of)
    scraped = Scraper(two).begin(far())()
    assert ([family.name for family in scraped.families], scraped.up) == (["good"], {"good": True, "bad": False})


def test_a_source_that_hangs_takes_no_other_down() -> None:
    good, bad = Source(), Source()
    bad.gate.clear()
    two = Subject(
        name="fake", about="a fake", sources={"bad": bad.read, "good": good.read}, families=lambda v: families(len(v))
    )
    deadline = Deadline(at=0.3 + time.monotonic())
    scraped = Scraper(two).begin(deadline)()
    assert (scraped.families[0].samples[0].value, scraped.up) == (1, {"good": True, "bad": False})
    bad.gate.set()


def test_families_that_fail_make_every_source_down(caplog: pytest.LogCaptureFixture) -> None:
    def fails(_: int) -> list[Metric]:
        raise KeyError("oops")

    scraped = Scraper(of_one_source("fake", "a fake", "here", Source().read, fails)).begin(far())()
    assert (scraped.families, scraped.up) == ((), {"here": False})
    assert caplog.records[0].getMessage() == "fake: the exporter itself failed"
