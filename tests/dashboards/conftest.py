"""Run directories and schemas that the tests of this room share."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

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
        return [f"{error.json_path}: {error.message}" for error in Draft7Validator(schema).iter_errors(value)]

    def read(self, file: str) -> dict[str, Any]:
        if file not in self._read:
            self._read[file] = json.loads((self._folder / f"{file}.jsonschema.json").read_text())
        return self._read[file]


@pytest.fixture(scope="session")
def schemas() -> Schemas:
    shared = Path(os.environ.get("PEAKPROOF_SHARED", CHECKOUT.parent / "shared"))
    folder = shared / "data" / "grafana_jsonschema"
    if not folder.is_dir():
        pytest.skip("Grafana's JSON schemas are not at hand: set PEAKPROOF_SHARED")
    return Schemas(folder)
