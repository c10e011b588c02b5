"""The timings of the one real browser, page by page."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dashboards.report.run_files import Gap, Reading
from loadtests.results.schemas import BROWSER

_MAX_BYTES = 64 << 20
_MAX_PAGES = 50
_SHOWN = ("ttfb_s", "first_contentful_paint_s", "largest_contentful_paint_s", "load_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserPage:
    """One page's visits; `quantiles_s` holds its median and its 95th percentile by timing, None where it never came."""

    page: str
    visits: int
    failed: int
    requests: int | None
    bytes: int | None
    quantiles_s: Mapping[str, tuple[float, float] | None]


def browser_pages(reading: Reading) -> list[BrowserPage]:
    """Return what the browser saw by page, in the order it came to them first; empty without a browser."""
    path = reading.directory.browser
    if not path.is_file():
        return []
    if path.stat().st_size > _MAX_BYTES:
        reading.gaps.append(Gap(file=path.name, why=f"left out: it is over {_MAX_BYTES} bytes"))
        return []
    try:
        rows = pq.read_table(path, schema=BROWSER).to_pylist()
    except (pa.ArrowException, OSError, ValueError) as error:
        reading.gaps.append(Gap(file=path.name, why=f"can't be read: {str(error).splitlines()[0]}"))
        return []
    by_page: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: row["started_at"] or 0):
        by_page.setdefault(row["page"] or "", []).append(row)
    return [_page(page, rows) for page, rows in list(by_page.items())[:_MAX_PAGES]]


def _page(page: str, rows: Sequence[Mapping[str, Any]]) -> BrowserPage:
    good = [row for row in rows if row["error"] is None]
    return BrowserPage(
        page=page,
        visits=len(rows),
        failed=len(rows) - len(good),
        requests=_median([row["requests"] for row in good]),
        bytes=_median([row["bytes"] for row in good]),
        quantiles_s={name: _quantiles([row[name] for row in good]) for name in _SHOWN},
    )


def _median(values: Sequence[int | None]) -> int | None:
    known = sorted(value for value in values if value is not None)
    return known[(len(known) - 1) // 2] if known else None


def _quantiles(values: Sequence[float | None]) -> tuple[float, float] | None:
    """Return the median and the 95th percentile, each a value that was observed."""
    known = sorted(value for value in values if value is not None and math.isfinite(value))
    if not known:
        return None
    return known[math.ceil(0.5 * len(known)) - 1], known[math.ceil(0.95 * len(known)) - 1]
