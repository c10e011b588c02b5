"""The subject probe: what is on a timer stands on /metrics/probe, and /probe plays what it is asked for."""

from pathlib import Path
from typing import Any, Self

import requests

from exporters.config import ExportersConfig, pages_of, subjects
from exporters.serving.pages import serve
from exporters.subjects.probe.subject import ProbeSubject, subject
from tests.exporters.subjects.probe.made import CONFIG, Clock, Player, book, config, context, within, write_targets


class Exporter:
    """The probes of the configuration, served."""

    def __init__(self, folder: Path, player: Player, **changed: Any) -> None:
        self.clock = Clock()
        self.book = book(folder, player, self.clock, **changed)
        self.subject = subject(config(**changed), context(folder, self.clock), self.book)
        self.server = serve([self.subject], pages=pages_of([self.subject]))

    def get(self, path: str, timeout: str = "10") -> requests.Response:
        headers = {"X-Prometheus-Scrape-Timeout-Seconds": timeout}
        return requests.get(self.server.url + path, headers=headers, timeout=20)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()


def test_probe_answers_with_what_it_found_within_the_scrape_s_deadline(tmp_path: Path) -> None:
    player = Player()
    with Exporter(tmp_path, player) as exporter:
        reply = exporter.get("/probe?target=production&module=browse", timeout="8")
    assert reply.status_code == 200
    assert 'probe_success{module="browse",target="production"} 1.0\n' in reply.text
    ((target, module, within_s),) = player.played
    assert (target, module) == ("production", "browse")
    assert 6.5 < within_s <= 6.9


def test_a_query_that_can_not_be_answered_is_400_and_plays_nothing(tmp_path: Path) -> None:
    player = Player()
    with Exporter(tmp_path, player) as exporter:
        answers = {
            path: (reply.status_code, reply.text)
            for path in ("?module=browse", "?target=staging&module=gaze", "?target=staging&module=browse&debug=true")
            for reply in [exporter.get("/probe" + path)]
        }
    assert answers == {
        "?module=browse": (400, "target: no target ''; there are: production, staging\n"),
        "?target=staging&module=gaze": (400, "module: no module 'gaze'; there are: browse, buy\n"),
        "?target=staging&module=browse&debug=true": (400, "debug: unknown field; expected target and module\n"),
    }
    assert player.played == []


def test_metrics_hold_the_timed_probes_and_a_scrape_plays_none(tmp_path: Path) -> None:
    player = Player()
    with Exporter(tmp_path, player) as exporter:
        before = exporter.get("/metrics/probe").text
        exporter.book.ask("staging", "browse", within(10))
        after = exporter.get("/metrics/probe").text
    assert 'probe_exporter_up{source="staging/browse"} 0.0\n' in before
    assert "probe_success{" not in before
    assert 'probe_exporter_up{source="staging/browse"} 1.0\n' in after
    assert 'probe_success{module="browse",target="staging"} 1.0\n' in after
    assert len(player.played) == 1


def test_the_configuration_makes_it_and_its_page(tmp_path: Path) -> None:
    write_targets(tmp_path)
    part = {"modules": CONFIG["modules"]}
    made = subjects(
        ExportersConfig.model_validate({"format": "peakproof/exporters/v1", "probe": part}), context(tmp_path)
    )
    assert ([one.name for one in made], list(pages_of(made))) == (["probe"], ["/probe"])
    (one,) = made
    assert isinstance(one, ProbeSubject)
    one.close()
