"""What the pages of the exporters show can be used as it stands."""

import json
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from exporters.config import read_config
from exporters.names.catalogue import FAMILIES
from exporters.subjects.recovery.drill_records import DrillRecord
from exporters.subjects.releases.release_events import ReleaseEvent
from slo.documents import validate

PAGES = Path(__file__).parents[2] / "docs" / "exporters"


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (PAGES / page).read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", ["recovery", "releases"])
def test_the_configuration_of_a_page_is_one(page: str, tmp_path: Path) -> None:
    (whole,) = blocks(f"{page}.md", "yaml")
    (tmp_path / "exporters.yaml").write_text(whole)
    assert getattr(read_config(tmp_path / "exporters.yaml"), page) is not None


@pytest.mark.parametrize(("page", "model", "lines"), [("recovery", DrillRecord, 1), ("releases", ReleaseEvent, 4)])
def test_the_records_of_a_page_are_records(page: str, model: type[BaseModel], lines: int) -> None:
    (shown,) = blocks(f"{page}.md", "json")
    assert len([validate(json.loads(line), model, page) for line in shown.splitlines()]) == lines


@pytest.mark.parametrize("page", ["recovery", "releases"])
def test_a_page_names_every_metric_of_its_subject(page: str) -> None:
    text = (PAGES / f"{page}.md").read_text()
    short = re.findall(r"`…(\w+)`", text)
    names = [family.name for family in FAMILIES[page]]
    assert [name for name in names if f"`{name}`" not in text and not name.endswith(tuple(short))] == []
