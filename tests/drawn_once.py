"""What was drawn once is not drawn again: a page costs little but its drawings, and most tests change one or none."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import vl_convert

from dashboards.charts import svg as drawing


class Remembering:
    """The renderer, with a memory of what it drew of each spec."""

    def __init__(self) -> None:
        self._drawn: dict[str, str] = {}

    def vegalite_to_svg(self, spec: dict[str, Any]) -> str:
        """Return the drawing of `spec`."""
        key = json.dumps(spec)
        if key not in self._drawn:
            self._drawn[key] = vl_convert.vegalite_to_svg(spec)
        return self._drawn[key]


REMEMBERING = Remembering()


@pytest.fixture(autouse=True, scope="module")
def drawn_once() -> Iterator[None]:
    """Draw each spec once in all tests of this process; what is about drawing itself asks for `drawn_anew`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "vl_convert", REMEMBERING)
        yield


@pytest.fixture
def drawn_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw everything, as a user's report does."""
    monkeypatch.setattr(drawing, "vl_convert", vl_convert)
