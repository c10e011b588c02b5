"""Shoppers who listen: what they heard is what the shop says it pushed, and nothing else of the run changes."""

from collections import Counter

import pytest

from tests.end_to_end.conftest import Ended

pytestmark = [pytest.mark.timeout(300), pytest.mark.heavy]

NEWS = ("order-paid", "order-printing", "order-shipped")
PUSHED = "SELECT 'order-' || substr(step, 8), count(*) FROM happenings WHERE step LIKE 'pushed_%' GROUP BY step"


def test_every_event_that_was_awaited_is_one_that_the_shop_says_it_pushed(listening: Ended) -> None:
    rows = [row for row in listening.rows("requests") if row["step"] in NEWS]
    assert {row["error"] for row in rows} == {None}, listening.out + listening.err
    assert Counter(row["step"] for row in rows) == dict(listening.database_says(PUSHED))
    orders = listening.document("run.json")["orders"]
    assert Counter(row["step"] for row in rows) == dict.fromkeys(NEWS, orders["accepted"])
    assert orders["accepted"] > 50


def test_each_accepted_order_s_stream_is_one_request_that_reached_the_front_once(listening: Ended) -> None:
    rows = listening.rows("requests")
    sent = Counter(row["trace_id"] for row in rows if row["step"] not in NEWS)
    assert sent == Counter(row["trace_id"] for row in listening.front_saw())
    streams = {row["trace_id"] for row in rows if row["step"] == "order-stream"}
    assert {row["trace_id"] for row in rows if row["step"] in NEWS} == streams
    assert len(streams) == listening.document("run.json")["orders"]["accepted"]
    assert listening.document("run.json")["requests"]["sent"] == len(rows)


def test_each_awaited_event_is_on_the_clock_of_the_steps(listening: Ended) -> None:
    visits: dict[int, dict[str, dict[str, int]]] = {}
    for row in listening.rows("requests"):
        visits.setdefault(row["session"], {})[row["step"]] = row
    followed = [visit for visit in visits.values() if "order-stream" in visit]
    for visit in followed:
        before = visit["order-stream"]
        for step in NEWS:
            assert visit[step]["scheduled_at"] == before["finished_at"]
            assert visit[step]["scheduled_at"] <= visit[step]["sent_at"] <= visit[step]["finished_at"]
            before = visit[step]


def test_the_audit_is_clean_and_the_run_is_valid(listening: Ended) -> None:
    assert {check["outcome"] for check in listening.document("audit.json")["checks"]} == {"holds"}
    told = listening.document("verdict.json")
    assert [one for one in told["findings"] if one["kind"] in ("validity", "audit") and one["severity"] != "note"] == []
    assert listening.document("run.json")["hook_failures"] == []
