"""The columns of the run directory's Parquet files (docs/contracts.md)."""

import pyarrow as pa

REQUESTS = pa.schema(
    [
        ("session", pa.int64()),
        ("journey", pa.string()),
        ("step", pa.string()),
        ("scheduled_at", pa.int64()),
        ("sent_at", pa.int64()),
        ("finished_at", pa.int64()),
        ("status", pa.int16()),
        ("error", pa.string()),
        ("bytes", pa.int64()),
        ("trace_id", pa.string()),
    ]
)
SESSIONS = pa.schema(
    [
        ("session", pa.int64()),
        ("journey", pa.string()),
        ("scheduled_at", pa.int64()),
        ("started_at", pa.int64()),
        ("ended_at", pa.int64()),
        ("outcome", pa.string()),
        ("reason", pa.string()),
        ("late_s", pa.float64()),
    ]
)
SPANS = pa.schema(
    [
        ("trace_id", pa.string()),
        ("span_id", pa.string()),
        ("parent_id", pa.string()),
        ("service", pa.string()),
        ("name", pa.string()),
        ("kind", pa.string()),
        ("started_at", pa.int64()),
        ("ended_at", pa.int64()),
        ("status", pa.string()),
        ("attributes", pa.string()),
    ]
)
# One page that the real browser opened; seconds from the start of its navigation, null for what never came.
BROWSER = pa.schema(
    [
        ("page", pa.string()),
        ("started_at", pa.int64()),
        ("ended_at", pa.int64()),
        ("status", pa.int16()),
        ("error", pa.string()),
        ("ttfb_s", pa.float64()),
        ("first_paint_s", pa.float64()),
        ("first_contentful_paint_s", pa.float64()),
        ("largest_contentful_paint_s", pa.float64()),
        ("dom_content_loaded_s", pa.float64()),
        ("load_s", pa.float64()),
        ("requests", pa.int64()),
        ("failed", pa.int64()),
        ("blocked", pa.int64()),
        ("bytes", pa.int64()),
        ("trace_id", pa.string()),
    ]
)
_IDS = frozenset({"trace_id", "span_id", "parent_id"})
ANSWERS = pa.schema(
    [
        ("query", pa.string()),
        ("kind", pa.string()),
        ("asked_from", pa.int64()),
        ("asked_to", pa.int64()),
        ("labels", pa.string()),
        ("at", pa.list_(pa.int64())),
        ("value", pa.list_(pa.float64())),
        # Null in runs of before they were kept, and in raw answers.
        ("expr", pa.string()),
        ("left_out", pa.int64()),
        ("error", pa.string()),
    ]
)
