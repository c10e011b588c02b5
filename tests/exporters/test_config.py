"""`exporters.yaml` names what is exported; what it doesn't name can't be asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from exporters import config
from exporters.config import ExportersConfig, names, pages_of, read_config, subjects
from exporters.context import ExporterContext
from exporters.serving.pages import QueryPage
from exporters.serving.scrape import Subject, of_one_source
from slo.documents import BadInput


class Two(ExportersConfig):
    """A configuration of one subject, and of one that answers queries too."""

    weather: str | None = None
    lookup: str | None = None


def weather(part: str, context: ExporterContext) -> Subject[int]:
    return of_one_source("weather", f"{part} from {context.path('here')}", "here", lambda _: 1, lambda _: ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering(Subject[int]):
    """A subject with pages of its own."""

    pages: Mapping[str, QueryPage]


def lookup(part: str, _context: ExporterContext) -> Subject[int]:
    page = QueryPage(about=part, collect=lambda _query, _deadline: CollectorRegistry())
    return Answering(name="lookup", about=part, sources={}, families=lambda _: (), pages={"/lookup": page})


@pytest.fixture(autouse=True)
def tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "SUBJECTS", {"weather": weather, "lookup": lookup})
    monkeypatch.setattr(config, "ExportersConfig", Two)


@pytest.fixture
def context(tmp_path: Path) -> ExporterContext:
    return ExporterContext(variables={}, folder=tmp_path, runs=tmp_path / "runs", now=lambda: 1)


def written(folder: Path, text: str) -> Path:
    path = folder / "exporters.yaml"
    path.write_text(f"format: peakproof/exporters/v1\n{text}")
    return path


def test_all_that_is_configured_is_made_or_one_part_of_it(tmp_path: Path, context: ExporterContext) -> None:
    both = read_config(written(tmp_path, "weather: rain\nlookup: asks\n"))
    assert names() == ("weather", "lookup")
    made = subjects(both, context)
    assert [one.about for one in made] == [f"rain from {tmp_path / 'here'}", "asks"]
    assert {path: page.about for path, page in pages_of(made).items()} == {"/lookup": "asks"}
    alone = subjects(both, context, "weather")
    assert ([one.name for one in alone], pages_of(alone)) == (["weather"], {})


def test_what_is_not_configured_can_not_be_asked_for(tmp_path: Path, context: ExporterContext) -> None:
    one = read_config(written(tmp_path, "weather: rain\n"))
    with pytest.raises(BadInput, match=r"^lookup: not in the configuration; there are: weather$"):
        subjects(one, context, "lookup")


def test_what_was_made_before_a_refusal_is_closed(
    tmp_path: Path, context: ExporterContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []

    def opened(part: str, _context: ExporterContext) -> Subject[int]:
        return Subject(name="weather", about=part, sources={}, families=lambda _: (), close=lambda: closed.append(part))

    def refuses(_part: str, _context: ExporterContext) -> Subject[int]:
        raise BadInput("lookup: no such place")

    monkeypatch.setattr(config, "SUBJECTS", {"weather": opened, "lookup": refuses})
    with pytest.raises(BadInput, match=r"^lookup: no such place$"):
        subjects(read_config(written(tmp_path, "weather: rain\nlookup: asks\n")), context)
    assert closed == ["rain"]


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "no subject; expected at least one of weather, lookup"), ("wether: rain\n", "wether: unknown key")],
)
def test_a_configuration_of_nothing_or_of_something_else_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(BadInput) as refused:
        read_config(path)
    assert str(refused.value) == f"{path}: {message}"
