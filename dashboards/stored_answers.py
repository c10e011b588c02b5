"""Reading the answers of Prometheus that a run keeps: one reader of `metrics/*.parquet` for report and snapshots."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dashboards.grafana.upgrade import Json
from loadtests.results.part_footers import missing_columns
from loadtests.results.schemas import ANSWERS
from slo.documents import BadInput

MAX_BYTES = 256 << 20
_LABEL = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def stored_rows(path: Path) -> list[Json]:
    """Return the rows of `path` that hold an answer; raises BadInput with one line when they can't be read."""
    if not path.exists():
        raise BadInput("is not there")
    if path.stat().st_size > MAX_BYTES:
        raise BadInput(f"left out: larger than the {MAX_BYTES} bytes allowed")
    try:
        missing = missing_columns(pq.read_schema(path).names, ANSWERS)
        rows = pq.read_table(path, schema=ANSWERS).to_pylist()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadInput(f"can't be read: {str(error).splitlines()[0]}") from error
    if missing:
        raise BadInput(f"left out: {missing}")
    return [row for row in rows if row["query"] and row["at"] is not None]


def labels_of(row: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the labels of a row's series, none when they can't be read."""
    try:
        known = json.loads(row["labels"] or "{}")
    except (ValueError, RecursionError):
        return {}
    return {str(name): str(value) for name, value in known.items()} if isinstance(known, dict) else {}


def legend(pattern: str, labels: Mapping[str, str]) -> str:
    """Return how a series is called: `{{label}}` filled in, `all` when nothing is left."""
    return _LABEL.sub(lambda match: labels.get(match[1], ""), pattern).strip() or "all"
