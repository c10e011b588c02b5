"""Before a run it is said how many accounts its peak needs, and how many there are."""

from pathlib import Path

import pytest

from loadtests.demand.plan import Plan
from loadtests.environment.data_files import FileFacts
from loadtests.environment.data_targets import DataTargets
from scripts.running.data_need import check_enough, data_needed
from slo.documents import BadInput
from tests.loadtests.fakes import small_plan
from tests.scripts.world import Command, targets, write_inputs

ACCOUNTS = {"file": "accounts.csv", "share": {"guest": 0.5, "new": 0.1, "returning": 0.4}}


def lines(rows: int, accounts: dict[str, object] | None = None, workers: int = 1, plan: Plan | None = None) -> str:
    own = DataTargets.model_validate({"accounts": accounts or ACCOUNTS})
    files = {"accounts": FileFacts(rows=rows, digest=b"")}
    return "\n".join(data_needed(plan or small_plan(), own, files, workers))


def test_what_is_too_few_is_said_with_the_next_step() -> None:
    assert lines(3) == (
        "accounts: 50 % guests, 10 % new, 40 % returning customers\n"
        "  the peak needs about 4: 4.0 returning customers/s for about 5.0 s each, at 1 s a reply; accounts.csv has 3\n"
        "  1 too few: sessions without one are dropped (no_account); add accounts, or lower share.returning"
    )


def test_what_is_enough_is_said_without_more() -> None:
    _, told = lines(5, workers=2).splitlines()
    assert told == (
        "  the peak needs about 4: 4.0 returning customers/s for about 5.0 s each, at 1 s a reply, over 2 workers;"
        " accounts.csv has 5"
    )


def test_what_is_not_counted_is_not_known() -> None:
    plan = small_plan(journeys={"mine": 1.0})
    _, told = lines(5, plan=plan).splitlines()
    assert told == (
        "  accounts.csv has 5; how many the peak needs isn't known: how many steps a session of mine has isn't counted"
        " yet (peakproof try)"
    )


def test_accounts_that_sessions_share_are_enough() -> None:
    assert lines(1, {"file": "accounts.csv", "exclusive": False}).splitlines()[1:] == [
        "  accounts.csv has 1, which sessions share: more than one may be in the same account"
    ]


def test_guests_and_new_customers_need_none() -> None:
    assert (
        lines(0, {"share": {"guest": 0.25, "new": 0.75}}) == "accounts: 25 % guests, 75 % new, 0 % returning customers"
    )


def test_each_pool_says_how_it_is_given_out() -> None:
    own = DataTargets.model_validate(
        {
            "data": {
                "coupons": {"file": "c.csv", "once": True},
                "cards": {"file": "c.csv", "exclusive": True},
                "words": {"file": "c.csv"},
            }
        }
    )
    files = {name: FileFacts(rows=1200, digest=b"") for name in own.data}
    assert data_needed(small_plan(), own, files, 1) == [
        "coupons: 1,200 rows, each used once, by up to 10 sessions",
        "cards: 1,200 rows, each in one session at a time",
        "words: 1,200 rows, drawn at random",
    ]


def test_fewer_rows_than_workers_are_refused_where_workers_do_not_share_them() -> None:
    own = DataTargets.model_validate({"accounts": {"file": "/a.csv"}, "data": {"words": {"file": "/w.csv"}}})
    files = {name: FileFacts(rows=2, digest=b"") for name in ("accounts", "words")}
    check_enough(own, files, 2)
    with pytest.raises(BadInput) as refused:
        check_enough(own, files, 3)
    assert str(refused.value) == (
        "/a.csv: has 2 rows for 3 workers, which share none of them; add rows, or use fewer --workers"
    )


def test_plan_show_says_it_for_an_environment(peakproof: Command, tmp_path: Path) -> None:
    write_inputs(tmp_path, targets=targets(accounts=ACCOUNTS, data={"words": {"file": "words.csv"}}))
    (tmp_path / "accounts.csv").write_text("user,password\nada,pw\nben,pw\n")
    (tmp_path / "words.csv").write_text("word\nhoodie\n")
    shown = peakproof("plan", "show", "plan.yaml", "--on", "staging", "--workers", "2")
    assert shown.code == 0
    lines = shown.out.splitlines()
    at = lines.index("accounts: 50 % guests, 10 % new, 40 % returning customers")
    assert lines[at : at + 4] == [
        "accounts: 50 % guests, 10 % new, 40 % returning customers",
        (
            "  the peak needs about 74: 8.0 returning customers/s for about 5.4 s each, at 1 s a reply, over 2 workers;"
            " accounts.csv has 2"
        ),
        "  72 too few: sessions without one are dropped (no_account); add accounts, or lower share.returning",
        "words: 1 row, drawn at random",
    ]
    assert peakproof("plan", "show", "plan.yaml").out.splitlines() == [*lines[:at], *lines[at + 4 :]]


def test_plan_show_names_what_is_wrong_with_the_accounts(peakproof: Command, tmp_path: Path) -> None:
    write_inputs(tmp_path, targets=targets(accounts=ACCOUNTS))
    (tmp_path / "accounts.csv").write_text("user,password\nada,pw\nada,pw\n")
    shown = peakproof("plan", "show", "plan.yaml", "--on", "staging")
    assert (shown.code, shown.err) == (
        2,
        "peakproof: accounts.csv: the same user twice: line 3 as line 2; remove one of each\n".replace(
            "accounts.csv", str(tmp_path / "accounts.csv")
        ),
    )
