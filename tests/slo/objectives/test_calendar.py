"""A calendar's period starts at its first moment, in the zone that the document says."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from slo.objectives.calendar import NS, period_at

BERLIN = ZoneInfo("Europe/Berlin")
LAST_OF_JANUARY = datetime(2026, 1, 31, 12, tzinfo=UTC)


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp()) * NS


@pytest.mark.parametrize(
    ("window", "first", "moment", "starts", "ends"),
    [
        ("1M", None, "2026-02-28T23:59:59Z", "2026-02-01T00:00Z", "2026-03-01T00:00Z"),
        ("1M", None, "2026-03-01T00:00:00Z", "2026-03-01T00:00Z", "2026-04-01T00:00Z"),
        ("1w", None, "2026-11-30T07:00Z", "2026-11-30T00:00Z", "2026-12-07T00:00Z"),
        ("1Q", None, "2026-11-30T07:00Z", "2026-10-01T00:00Z", "2027-01-01T00:00Z"),
        ("1Y", None, "2024-12-31T23:00Z", "2024-01-01T00:00Z", "2025-01-01T00:00Z"),
        ("1M", datetime(2026, 1, 1, tzinfo=BERLIN), "2026-06-30T22:30Z", "2026-06-30T22:00Z", "2026-07-31T22:00Z"),
        ("1d", datetime(2026, 1, 1, tzinfo=BERLIN), "2026-03-29T12:00Z", "2026-03-28T23:00Z", "2026-03-29T22:00Z"),
        ("1M", LAST_OF_JANUARY, "2026-03-01T00:00Z", "2026-02-28T12:00Z", "2026-03-31T12:00Z"),
        ("1M", LAST_OF_JANUARY, "2025-12-31T13:00Z", "2025-12-31T12:00Z", "2026-01-31T12:00Z"),
    ],
)
def test_the_period_around_a_moment(window: str, first: datetime | None, moment: str, starts: str, ends: str) -> None:
    assert period_at(window, at(moment), first) == (at(starts), at(ends))
