"""Run directories and schemas that the tests of this room share."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from tests.dashboards.feed.filled import Feed, filled
from tests.dashboards.made import Made
from tests.dashboards.synthetic import make
from tests.drawn_once import drawn_anew, drawn_once

__all__ = ["drawn_anew", "drawn_once"]

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Return a whole run that was judged FAIL; tests may write its report, and nothing else."""
    return make(tmp_path_factory.mktemp("failed"), "FAIL")


class Schemas:
    """Grafana's published JSON schemas, read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, dict[str, Any]] = {}

    def errors(self, value: Any, file: str, definition: str) -> list[str]:
        """Return what the definition of `file` finds wrong with `value`."""
        schema = self.read(file) | {"$ref": f"#/definitions/{definition}"}
        found = Draft7Validator(schema).iter_errors(value)
        return [f"{error.json_path}: {error.message}" for error in found]

    def read(self, file: str) -> dict[str, Any]:
        if file not in self._read:
            self._read[file] = _corrected(json.loads((self._folder / f"{file}.jsonschema.json").read_text()))
        return self._read[file]


_DATA_LINK = {
    "type": "object",
    "additionalProperties": False,
    "required": ["title", "url"],
    "properties": {"title": {"type": "string"}, "url": {"type": "string"}, "targetBlank": {"type": "boolean"}},
}


def _corrected(schema: dict[str, Any]) -> dict[str, Any]:
    """Return Grafana's schema without what its generator gets wrong, as Grafana's own dashboards show.

    A value of any type, `_` in Grafana's CUE, became an object; a field's links are data links and not those of a
    dashboard; and every kind of a table's cell takes every type, so none is the only one that fits.
    """
    known = schema["definitions"]
    for definition, property_name in (("MatcherConfig", "options"), ("DynamicConfigValue", "value")):
        if definition in known:
            known[definition]["properties"][property_name] = {}
    if "FieldConfig" in known and "links" in known["FieldConfig"].get("properties", {}):
        known["FieldConfig"]["properties"]["links"]["items"] = _DATA_LINK
    if "TableCellOptions" in known:
        known["TableCellOptions"]["anyOf"] = known["TableCellOptions"].pop("oneOf")
    return schema


@pytest.fixture(scope="session")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Feed]:
    """Give a Prometheus with data for every dashboard; that takes more than a minute."""
    with filled(tmp_path_factory.mktemp("feed")) as feed:
        yield feed


@pytest.fixture(scope="session")
def schemas() -> Schemas:
    shared = Path(os.environ.get("PEAKPROOF_SHARED", CHECKOUT.parent / "shared"))
    folder = shared / "data" / "grafana_jsonschema"
    if not folder.is_dir():
        pytest.skip("Grafana's JSON schemas are not at hand: set PEAKPROOF_SHARED")
    return Schemas(folder)
