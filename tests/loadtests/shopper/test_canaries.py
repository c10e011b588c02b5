"""A session's canary is its own: another's in what it is shown is found wherever it stands, and nothing else is."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.client.interface import Event, Reply
from loadtests.shopper.canaries import Canaries, OthersDataError
from loadtests.shopper.session_errors import SessionFailedError
from tests.loadtests.storefronts.shopping import Plain, Shopper

RUN = "20261127T090000Z-peak-ab12"
OTHERS = Canaries("").of_session(812)  # the scripted run's name is empty


@given(one=st.integers(0, 26**6 - 1), other=st.integers(0, 26**6 - 1))
def test_a_canary_is_23_letters_and_tells_whose_it_is(one: int, other: int) -> None:
    canaries = Canaries(RUN)
    mine, theirs = canaries.of_session(one), canaries.of_session(other)
    assert mine.isalpha()
    assert mine.islower()
    assert len(mine) == 23
    found = canaries.other_in(f"<p>{mine}</p><p>{theirs.title()}</p>".encode(), mine)
    assert (found is None) is (one == other)
    assert found is None or found.whose == f"session {other}"


def test_every_process_of_a_run_gives_the_same_canary_and_another_run_another_one() -> None:
    assert Canaries(RUN).of_session(7) == Canaries(RUN).of_session(7)
    assert Canaries(RUN).other_in(Canaries("another run").of_session(8).encode(), Canaries(RUN).of_session(7)) is None


@pytest.mark.parametrize("cut", range(1, 23))
def test_a_canary_that_was_cut_or_changed_is_none(cut: int) -> None:
    canaries = Canaries(RUN)
    whole, mine = canaries.of_session(812), canaries.of_session(813)
    changed = whole[: cut - 1] + ("b" if whole[cut - 1] == "a" else "a") + whole[cut:]
    assert canaries.other_in(f'"{whole[:cut]}"'.encode(), mine) is None
    assert cut <= 6 or canaries.other_in(changed.encode(), mine) is None


def test_sessions_of_one_account_have_one_canary_and_another_account_another() -> None:
    canaries = Canaries(RUN)
    found = canaries.other_in(canaries.of_account(4).encode(), canaries.of_account(3))
    assert found is not None
    assert found.whose == "the account in row 5"
    assert canaries.of_account(3) not in {canaries.of_session(3), canaries.of_account(4)}


@pytest.mark.parametrize("error", [None, "http_5xx"])
def test_a_reply_with_another_s_canary_ends_the_visit_with_an_error_of_its_own(
    tmp_path: Path, error: str | None
) -> None:
    body = f'{{"name": "{OTHERS}", "total": 1}}'.encode()
    shopper = Shopper(tmp_path, lambda _: Reply(status=200, body=body, error=error))
    with pytest.raises(SessionFailedError, match=r"^account: others_data$"):
        shopper.shop.get("account", "/account")
    assert shopper.errors == [("account", "others_data")]
    told = f"another shopper's data: the canary of session 812 at byte 16: …{body.decode()}…"
    assert shopper.unexpected == [("account", 200, told)]
    assert shopper.context.canaries.shown == 1


def test_what_a_step_expects_or_takes_for_a_refusal_changes_nothing(tmp_path: Path) -> None:
    shopper = Shopper(tmp_path, lambda _: Reply(status=409, body=OTHERS.encode(), error="http_4xx"))
    with pytest.raises(SessionFailedError, match=r"^cart: others_data$"):
        shopper.shop.post("cart", "/cart", {}, refused={"out_of_stock": 409})
    with pytest.raises(SessionFailedError, match=r"^cart: others_data$"):
        shopper.shop.post("cart", "/cart", {}, expect=409)


def test_its_own_canary_and_another_run_s_are_no_finding_and_what_is_shared_may_show_any(tmp_path: Path) -> None:
    pages = [Canaries("last week").of_session(812), ""]
    shopper = Shopper(tmp_path, lambda _: Reply(status=200, body=pages[-1].encode()))
    pages.insert(0, shopper.shop.canary)
    while pages:
        shopper.shop.get("home", "/")
        pages.pop()
    pages.append(OTHERS)
    shopper.shop.get("reviews", "/reviews", shared_ok=True)
    assert {error for _, error in shopper.errors} == {None}
    assert shopper.context.canaries.shown == 0


def test_a_session_that_asks_for_its_canary_is_counted_once(tmp_path: Path) -> None:
    shopper = Shopper(tmp_path)
    assert shopper.context.canaries.given == 0
    assert shopper.shop.canary == shopper.shop.canary == Canaries("").of_session(0)
    assert shopper.context.canaries.given == 1


def test_an_order_whose_reply_shows_another_s_data_is_of_unknown_outcome(tmp_path: Path) -> None:
    shopper = Shopper(tmp_path, lambda _: Reply(status=201, body=OTHERS.encode()))

    def buy(shop: Plain) -> None:
        with shop.order([shop.line("tea")], 100) as order:
            order.accepted(shop.post("checkout", "/checkout", {}, expect=201)["order_id"])

    with pytest.raises(SessionFailedError):
        shopper.play(buy)
    assert shopper.ledger[-1]["reason"] == "checkout: others_data"


def test_a_pushed_event_with_another_s_canary_is_kept_as_evidence(tmp_path: Path) -> None:
    shopper = Shopper(tmp_path)
    shopper.session._check_own("order-paid", Event("paid", shopper.shop.canary, ""))
    with pytest.raises(OthersDataError):
        shopper.session._check_own("order-paid", Event("paid", f"for {OTHERS}", ""))
    assert [(step, status) for step, status, _ in shopper.unexpected] == [("order-paid", 200)]
