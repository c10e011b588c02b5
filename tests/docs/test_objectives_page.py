"""docs/objectives.md shows documents that are read, and names every indicator there is."""

import re
from pathlib import Path

from slo.objectives.http_metrics import HTTP_METRICS
from slo.objectives.reading import read_objectives

PAGE = (Path(__file__).parents[2] / "docs" / "objectives.md").read_text(encoding="utf-8")


def test_each_document_of_the_page_is_read(tmp_path: Path) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    path = tmp_path / "objectives.yaml"
    path.write_text("---\n".join(blocks), encoding="utf-8")
    assert [objective.name for objective in read_objectives([path])] == ["purchases", "edge-latency"]


def test_the_page_names_every_indicator_and_its_counters() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| `([a-z_]+)`", PAGE, re.MULTILINE))
    assert rows == {name: metrics.requests for name, metrics in HTTP_METRICS.items()}
