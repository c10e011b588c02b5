"""Metrics on the wire: OpenMetrics or Prometheus text by the Accept header, gzip when it is accepted.

The collectors and the registry are prometheus-client's; the last step is ours: `docs/performance.md` says what it
saves, and a test holds that the bytes are the same.
"""

import logging
import re
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from exporters.serving.column_lines import Chunk, ColumnLines, is_plain
from exporters.serving.columns import ColumnFamily
from exporters.serving.text_lines import openmetrics_header, openmetrics_lines, text_header, text_lines

_LOG = logging.getLogger(__name__)
_OPENMETRICS = "application/openmetrics-text"
_WEIGHT = re.compile(r"q\s*=\s*(?P<q>0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")
_LEVEL = 1  # prometheus-client's level 9 costs 375 ms for 6.9 MB, level 1 costs 16 ms
_GZIP_HEAD = b"\x1f\x8b\x08\0\0\0\0\0\x04\xff"  # RFC 1952: deflate, no name, no time, fastest, system unknown
_LAST_BLOCK = b"\x03\0"  # RFC 1951: an empty block that says that it is the last


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A body and its headers."""

    headers: tuple[tuple[str, str], ...]
    body: bytes


class Exposition:
    """Renders registries and keeps the lines of families of many series from one scrape to the next."""

    def __init__(self, kept: ColumnLines | None = None) -> None:
        self._kept = ColumnLines() if kept is None else kept

    def page(self, registry: Collector, accept: str, accept_encoding: str) -> Page:
        """Render what `registry` collects in the first format of `accept` that is known, plain text without one.

        Versions and escapings of `accept` are not echoed: every name here is valid in all of them, and
        prometheus-client's own choice raises on a version that is no number.
        """
        accepted = [part.split(";")[0].strip().lower() for part in accept.split(",")]
        known = [kind for kind in accepted if kind in (_OPENMETRICS, "text/plain")]
        is_openmetrics = bool(known) and known[0] == _OPENMETRICS
        chunks = self.chunks(registry, is_openmetrics=is_openmetrics)
        content_type = CONTENT_TYPE_LATEST if is_openmetrics else CONTENT_TYPE_PLAIN_0_0_4
        headers = (("Content-Type", content_type), ("Vary", "Accept, Accept-Encoding"))
        if takes_gzip(accept_encoding):
            return Page(headers=(*headers, ("Content-Encoding", "gzip")), body=gzipped(chunks))
        return Page(headers=headers, body=b"".join([chunk.lines for chunk in chunks]))

    def chunks(self, registry: Collector, *, is_openmetrics: bool) -> Sequence[Chunk]:
        """Return the lines of all that `registry` collects, as prometheus-client's `generate_latest` has them.

        A family that can't be rendered is left out and logged: it must not take the others with it.
        """
        chunks: list[Chunk] = []
        for family in registry.collect():
            try:
                chunks += self._family(family, is_openmetrics=is_openmetrics)
            except Exception:  # noqa: BLE001 - whatever a sample holds that isn't one
                _LOG.exception("%s: can't be rendered and is left out", family.name)
        return [*chunks, Chunk(b"# EOF\n")] if is_openmetrics else chunks

    def _family(self, family: Metric, *, is_openmetrics: bool) -> Iterable[Chunk]:
        if isinstance(family, ColumnFamily) and is_plain(family):
            header = openmetrics_header(family) if is_openmetrics else text_header(family)
            return (Chunk(header.encode()), *self._kept.chunks(family))
        return (Chunk(openmetrics_lines(family) if is_openmetrics else text_lines(family)),)


def takes_gzip(accept_encoding: str) -> bool:
    """Return whether gzip is acceptable, and not less welcome than plain (RFC 9110, 12.5.3): `gzip;q=0` forbids it."""
    weights = dict(map(_weighed, accept_encoding.lower().split(",")))
    gzip = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def _weighed(coding: str) -> tuple[str, float]:
    """Return a coding's name and weight; one whose weight is none isn't acceptable."""
    name, _, parameters = coding.partition(";")
    weight = _WEIGHT.fullmatch(parameters.strip())
    return name.strip(), 1.0 if not parameters.strip() else float(weight["q"]) if weight else 0.0


def gzipped(chunks: Sequence[Chunk]) -> bytes:
    """Return the chunks as one gzip member; those that were deflated for an earlier scrape aren't again."""
    parts, crc, size = [_GZIP_HEAD], 0, 0
    for chunk in chunks:
        parts.append(chunk.deflated(_LEVEL))
        crc, size = zlib.crc32(chunk.lines, crc), size + len(chunk.lines)
    return b"".join([*parts, _LAST_BLOCK, struct.pack("<II", crc, size & 0xFFFFFFFF)])


def rendered(registry: Collector, accept: str, accept_encoding: str) -> Page:
    """Render a registry of few series, keeping nothing."""
    return Exposition().page(registry, accept, accept_encoding)
