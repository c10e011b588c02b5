"""Who a session is, what it is given, and what of that nothing may show."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from loadtests.demand.arrivals import revised, schedule
from loadtests.demand.revision import Revision
from loadtests.demand.splitmix import SplitMix64
from loadtests.environment.data_files import read_data
from loadtests.environment.data_targets import AccountShare, DataTargets
from loadtests.shopper.customers import COLUMNS, new_customer
from loadtests.shopper.data_pools import DataPools, UnknownPoolError, kind_of
from loadtests.shopper.rows import Account, MissingColumnError, Row
from loadtests.shopper.session import Session
from tests.loadtests.fakes import FakeClient, arrival, ledger_rows, ok, small_plan, worker

RUN = "20261127T000000Z-small-abcd"


def taken(given: DataPools, session: int, name: str, draws: SplitMix64) -> Row:
    row = given.row(session, name, draws)
    assert row is not None
    return row


def pools(
    folder: Path, declared: dict[str, Any], now: Callable[[], int] = lambda: 0, seat: tuple[int, int] = (0, 1)
) -> DataPools:
    (folder / "accounts.csv").write_text("user,password,points\nada@example.com,Sesam 1,10\nben@example.com,pw,20\n")
    (folder / "coupons.csv").write_text("code\nHOLIDAY-10\nHOLIDAY-20\n")
    (folder / "words.csv").write_text("word\nhoodie\nshirts\n")
    targets = DataTargets.model_validate(declared)
    targets = targets.model_copy(update=targets.anchored_data(folder))
    return DataPools(targets, read_data(targets), RUN, seat, now)


RETURNING = {"accounts": {"file": "accounts.csv"}}


def test_the_shares_are_kept_and_a_session_is_the_same_whenever_it_is_asked() -> None:
    share = AccountShare(guest=0.5, new=0.1, returning=0.4)
    kinds = [kind_of(seed, share) for seed in range(20_000)]
    assert [round(kinds.count(kind) / 20_000, 2) for kind in ("guest", "new", "returning")] == [0.5, 0.1, 0.4]
    assert kinds == [kind_of(seed, share) for seed in range(20_000)]


@pytest.mark.parametrize("kind", ["guest", "new", "returning"])
def test_where_all_are_of_one_kind_each_is(kind: str) -> None:
    share = AccountShare.model_validate({kind: 1.0})
    assert {kind_of(seed, share) for seed in range(2000)} == {kind}


def test_a_revision_of_the_plan_leaves_the_sessions_before_it_who_they_were() -> None:
    plan, share = small_plan(), AccountShare(guest=0.3, new=0.3, returning=0.4)
    revision = Revision(number=1, at_s=0.5, factor=2.0, why="a test")
    before = {one.number: kind_of(one.seed, share) for one in schedule(plan) if one.at_s < 0.5}
    after = {one.number: kind_of(one.seed, share) for one in revised(plan, [revision])}
    assert before
    assert {number: after[number] for number in before} == before


def test_a_returning_customer_has_an_account_and_no_other_session_has_it(tmp_path: Path) -> None:
    given = pools(tmp_path, RETURNING)
    assert [given.admit(arrival(number)) for number in range(3)] == [True, True, False]
    first, second = given.account(0), given.account(1)
    assert first is not None
    assert second is not None
    assert (first.user, first.password, first["points"], first.is_new) == ("ada@example.com", "Sesam 1", "10", False)
    assert second.user == "ben@example.com"
    assert given.account(2) is None
    given.release(0)
    given.release(0)
    assert [given.admit(arrival(number)) for number in (3, 4)] == [True, False]
    again = given.account(3)
    assert again is not None
    assert again.user == "ada@example.com"


def test_of_two_workers_each_has_its_own_accounts(tmp_path: Path) -> None:
    users = []
    for index in range(2):
        one = pools(tmp_path, RETURNING, seat=(index, 2))
        assert [one.admit(arrival(number)) for number in (0, 1)] == [True, False]
        users.append(getattr(one.account(0), "user", None))
    assert users == ["ada@example.com", "ben@example.com"]


def test_a_guest_has_no_account(tmp_path: Path) -> None:
    given = pools(tmp_path, {"accounts": {"share": {"guest": 1.0}}})
    assert given.admit(arrival())
    assert given.account(0) is None
    assert given.masks(0) == ()


def test_an_account_that_the_shop_locked_is_given_to_nobody_again(tmp_path: Path) -> None:
    given = pools(tmp_path, RETURNING)
    assert given.admit(arrival(0))
    account = given.account(0)
    assert account is not None
    account.locked()
    given.release(0)
    assert [given.admit(arrival(number)) for number in (1, 2)] == [True, False]
    assert given.pools["accounts"].locked == 1


def test_new_customers_are_unique_over_sessions_and_runs_and_their_mail_goes_to_nobody() -> None:
    made = [
        dict(zip(COLUMNS, new_customer(run, session), strict=True)) for run in (RUN, "other") for session in range(5000)
    ]
    for column in ("user", "email", "password", "unique"):
        assert len({one[column] for one in made}) == len(made)
    assert new_customer(RUN, 7) == new_customer(RUN, 7)
    assert {one["email"].rpartition("@")[2] for one in made} == {"example.com"}
    assert max(len(one["email"].partition("@")[0]) for one in made) <= 64
    assert all(one["phone"].startswith("+447700900") and len(one["phone"]) == 13 for one in made)


def test_a_new_customer_takes_no_account_of_the_file(tmp_path: Path) -> None:
    given = pools(tmp_path, {"accounts": {"file": "accounts.csv", "share": {"new": 1.0}}})
    assert all(given.admit(arrival(number)) for number in range(5))
    account = given.account(4)
    assert account is not None
    assert account.is_new
    assert account["email"] == account.user == new_customer(RUN, 4)[0]
    account.locked()
    assert (given.pools["accounts"].given, given.pools["accounts"].locked) == (0, 0)


def test_a_pool_gives_rows_as_it_says(tmp_path: Path) -> None:
    given = pools(
        tmp_path,
        {
            "data": {
                "coupons": {"file": "coupons.csv", "once": True},
                "cards": {"file": "coupons.csv", "exclusive": True},
                "words": {"file": "words.csv"},
            }
        },
    )
    assert given.admit(arrival(0))
    draws = SplitMix64(1)
    assert [taken(given, 0, "coupons", draws)["code"] for _ in range(2)] == ["HOLIDAY-10", "HOLIDAY-20"]
    assert dict(taken(given, 0, "cards", draws)) == {"code": "HOLIDAY-10"}
    assert {taken(given, 0, "words", draws)["word"] for _ in range(50)} == {"hoodie", "shirts"}
    given.release(0)
    assert taken(given, 1, "cards", draws)["code"] == "HOLIDAY-20"
    assert taken(given, 1, "cards", draws)["code"] == "HOLIDAY-10"
    for name in ("cards", "coupons"):
        assert given.row(2, name, draws) is None


def test_a_pool_that_nobody_declared_and_a_column_that_is_not_there_are_named(tmp_path: Path) -> None:
    given = pools(tmp_path, {**RETURNING, "data": {"words": {"file": "words.csv"}}})
    given.admit(arrival(0))
    for name in ("word", "accounts"):
        with pytest.raises(UnknownPoolError) as unknown:
            given.row(0, name, SplitMix64(1))
        assert str(unknown.value) == f"targets.yaml declares no data {name!r}; it declares: words"
    account = given.account(0)
    assert account is not None
    with pytest.raises(MissingColumnError) as missing:
        account["email"]
    assert str(missing.value) == "accounts has no column 'email'; it has user, password, points"
    assert account.get("email") == ""


def test_a_row_shows_nothing_of_itself() -> None:
    row, account = Row("coupons", ("code",), ("HOLIDAY-10",)), Account(("user", "password"), ("ada", "secret"))
    assert (repr(row), f"{row}", repr(account)) == ("<row of coupons>", "<row of coupons>", "<new account>")
    assert repr(Account(("user", "password"), ("ada", "secret"), lambda: None)) == "<account>"
    assert (list(row), len(row), row.keys(), row.values()) == (["code"], 1, ("code",), ("HOLIDAY-10",))


def test_all_that_a_session_was_given_is_masked_in_every_form_unless_it_is_no_secret(tmp_path: Path) -> None:
    given = pools(
        tmp_path,
        {
            **RETURNING,
            "data": {"coupons": {"file": "coupons.csv"}, "words": {"file": "words.csv", "secret": False}},
        },
    )
    given.admit(arrival(0))
    code = taken(given, 0, "coupons", SplitMix64(1))["code"]
    word = taken(given, 0, "words", SplitMix64(1))["word"]
    masks = given.masks(0)
    password = "Sesam 1"
    forms = [json.dumps(password)[1:-1], quote(password), quote_plus(password), password]
    for text in ["ada@example.com", "ada%40example.com", code, base64.b64encode(password.encode()).decode(), *forms]:
        assert any(mask in text.encode() for mask in masks)
    assert word.encode() not in masks
    assert sorted(masks, key=len, reverse=True) == list(masks)
    assert given.masks(1) == ()


def test_an_address_in_a_name_is_found_and_a_number_that_may_be_an_order_s_is_not(tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text("user,password,customer\nada@example.com,checkout,100200\n")
    targets = DataTargets.model_validate({"accounts": {"file": str(tmp_path / "accounts.csv")}})
    given = DataPools(targets, read_data(targets), RUN, (0, 1), lambda: 0)
    given.admit(arrival(0))
    assert given.held_in(0, "page of ada@example.com")
    assert not any(given.held_in(0, word) for word in ("checkout", "order-100200-1", "ada"))
    assert not given.held_in(1, "page of ada@example.com")


def test_users_and_passwords_are_masked_though_they_are_short(tmp_path: Path) -> None:
    given = pools(tmp_path, {"accounts": {"file": "accounts.csv", "exclusive": True}})
    given.admit(arrival(0))
    (tmp_path / "accounts.csv").write_text("user,password,points\nAda,1234,10\n")
    targets = DataTargets.model_validate({"accounts": {"file": str(tmp_path / "accounts.csv")}})
    short = DataPools(targets, read_data(targets), RUN, (0, 1), lambda: 0)
    short.admit(arrival(0))
    assert {b"Ada", b"ada", b"1234"} <= set(short.masks(0))
    assert b"10" not in short.masks(0)


def test_a_new_customer_may_have_registered_once_their_password_was_asked_for(tmp_path: Path) -> None:
    given = pools(tmp_path, {"accounts": {"file": "accounts.csv", "share": {"new": 1.0}}})
    given.admit(arrival(4))
    context = worker(tmp_path, FakeClient(lambda _: ok()))
    object.__setattr__(context, "pools", given)
    session = Session(context, arrival(4), context.clock.now())
    account = session.own.account
    assert account is not None
    assert account.user in {mask.decode() for mask in session.own.masks()}
    assert (account["email"], ledger_rows(tmp_path)) == (account.user, [])
    for _ in range(2):
        assert dict(session.own.account or {})["password"] == new_customer(RUN, 4)[1]
    assert [(row["event"], row["session"], row["kind"], row["id"]) for row in ledger_rows(tmp_path)] == [
        ("created", 4, "account", None)
    ]
    assert account.user not in (tmp_path / "ledger-w0.jsonl").read_text()
