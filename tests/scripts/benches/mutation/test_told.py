"""What a room's changes came to: the share, its interval where only some were drawn, the modules that lack."""

import pytest

from scripts.benches.mutation.__main__ import in_drawn_order
from scripts.benches.mutation.changes import Change
from scripts.benches.mutation.told import Share, Tried, lines_of
from scripts.benches.mutation.trial import Outcome


def tried(file: str, outcome: Outcome, because: str | None = None) -> Tried:
    change = Change(file=file, line=7, code="a < b", before="a < b", after="(a <= b)", place=(1, 2))
    return Tried(room="verdict", change=change, outcome=outcome, because=because)


def test_the_share_leaves_out_what_changes_nothing_and_counts_what_never_ended_as_killed() -> None:
    some = [
        tried("a.py", "killed"),
        tried("a.py", "too long"),
        tried("a.py", "survived"),
        tried("b.py", "survived", "x"),
    ]
    assert (Share.of(some).text, Share.of(some).holds) == ("2 of 3 killed, 66.7%", False)
    assert lines_of("verdict", 4, some) == [
        "survived: a.py:7  a < b  →  (a <= b)",
        "lacks: a.py: 2 of 3 killed, 66.7%",
        "verdict: 2 of 3 killed, 66.7%; 1 more change nothing; ≥ 95% is MISSED",
    ]


def test_of_a_sample_the_interval_of_all_is_told() -> None:
    some = [tried("a.py", "killed")] * 95 + [tried("a.py", "survived")] * 5
    assert Share.of(some).interval == pytest.approx((0.8882, 0.9785), abs=1e-4)
    assert lines_of("verdict", 400, some)[-1] == (
        "verdict: 95 of 100 killed, 95.0% (88.8% to 97.8% of all 400, of which 100 were drawn); 0 more change nothing;"
        " ≥ 95% holds"
    )


def test_nothing_that_was_tried_holds_nothing() -> None:
    assert (Share.of([]).holds, Share.of([]).interval) == (False, (0.0, 1.0))


def test_the_first_of_the_order_have_each_modules_share() -> None:
    changes = [
        Change(file=file, line=n, code="", before="", after="", place=(n, n))
        for file, count in (("a.py", 60), ("b.py", 30), ("c.py", 10))
        for n in range(count)
    ]
    first = [one.file for one in in_drawn_order(changes)[:20]]
    assert [first.count(file) for file in ("a.py", "b.py", "c.py")] == [12, 6, 2]
    assert in_drawn_order(changes) == in_drawn_order(changes)
    assert [one.line for one in in_drawn_order(changes) if one.file == "a.py"] != list(range(60))
