"""A shopper visits the steps that the plan's evidence rests on, and a shop that lies is found out at that step."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loadtests.client.interface import Event, Listener, Reply, Request
from loadtests.demand.visits import BROWSE_STEPS, ORDER_NEWS, ORDER_STREAM, VISITS, expected_events, visits_of
from loadtests.guardrails.plan_check import too_much
from loadtests.shopper.session import Session
from loadtests.shopper.session_errors import SessionFailedError
from loadtests.storefronts import Given
from loadtests.storefronts.twisted_threads_customers import STOREFRONT
from tests.loadtests.fakes import (
    NO_CEILING,
    FakeClient,
    Memory,
    TalkingShop,
    arrival,
    ledger_rows,
    small_plan,
    worker,
)

# The journeys that need no host but the shop's own, and no account.
GUESTS = ("window-shop", "search-and-buy", "click-and-collect", "design-your-own")
Change = Callable[[dict[str, Any]], object]


class Visit:
    """One visit of a scripted shop, and all it left behind."""

    def __init__(self, folder: Path, journey: str, shop: TalkingShop | None = None, seed: int = 1) -> None:
        self.folder, self.memory = folder, Memory()
        self.client = FakeClient(shop or TalkingShop())
        shared = worker(folder, self.client, memory=self.memory)
        self.session = Session(shared, arrival(journey=journey, seed=seed), shared.clock.now())

    def go(self) -> None:
        STOREFRONT.play(self.session, Given())

    def steps(self) -> list[str]:
        return [record.step for record in self.memory.steps]


def test_journeys_are_those_that_a_plan_may_name() -> None:
    assert set(STOREFRONT.journeys) == set(VISITS)
    assert {step for visits in VISITS.values() for step in visits} >= set(BROWSE_STEPS)


@pytest.mark.parametrize("journey", GUESTS)
@pytest.mark.parametrize("seed", range(5))
def test_a_journey_visits_exactly_the_steps_that_evidence_rests_on(tmp_path: Path, journey: str, seed: int) -> None:
    visit = Visit(tmp_path, journey, seed=seed)
    visit.go()
    assert Counter(visit.steps()) == VISITS[journey]
    assert {record.error for record in visit.memory.steps} == {None}


@pytest.mark.parametrize("journey", GUESTS)
def test_each_step_is_asked_for_with_the_method_that_is_told_of_it(tmp_path: Path, journey: str) -> None:
    visit = Visit(tmp_path, journey)
    visit.go()
    told = STOREFRONT.methods
    assert {(request.step, request.method) for request in visit.client.sent} == {
        (step, told[step]) for step in VISITS[journey]
    }


def test_the_same_seed_is_the_same_shopper(tmp_path: Path) -> None:
    visits = [Visit(tmp_path, "search-and-buy", seed=seed) for seed in (3, 3, 4)]
    for visit in visits:
        visit.go()
    sent = [[(r.path, r.body) for r in visit.client.sent if r.step != "checkout"] for visit in visits]
    assert sent[0] == sent[1]
    assert sent[0] != sent[2]


def test_an_order_is_written_as_it_was_put_into_the_cart(tmp_path: Path) -> None:
    visit = Visit(tmp_path, "search-and-buy")
    visit.go()
    cart, checkout = (next(r for r in visit.client.sent if r.step == step) for step in ("cart", "checkout"))
    attempt, outcome = ledger_rows(tmp_path)
    assert cart.body is not None
    assert checkout.headers == {"Idempotency-Key": attempt["key"]}
    assert [{"sku": line["sku"], "quantity": line["quantity"]} for line in attempt["lines"]] == cart.body["lines"]
    assert {line["location"] for line in attempt["lines"]} == {"warehouse"}
    assert (outcome["outcome"], outcome["order_id"], outcome["total_cents"]) == (
        "accepted",
        "o1",
        attempt["amount_cents"],
    )


def test_a_collected_order_is_taken_from_one_store_and_looked_up(tmp_path: Path) -> None:
    visit = Visit(tmp_path, "click-and-collect")
    visit.go()
    checkout = next(r for r in visit.client.sent if r.step == "checkout")
    (place,) = {line["location"] for line in ledger_rows(tmp_path)[0]["lines"]}
    assert place.startswith("store-")
    assert checkout.body is not None
    name = visit.session.own.canary
    assert checkout.body["delivery"] == {"method": "collect", "location": place, "name": name}
    assert visit.client.sent[-1].path == "/orders/o1"


def test_a_design_of_one_s_own_is_put_into_the_cart(tmp_path: Path) -> None:
    visit = Visit(tmp_path, "design-your-own")
    visit.go()
    cart = next(r for r in visit.client.sent if r.step == "cart")
    assert cart.body is not None
    assert cart.body["lines"][0]["design_id"] == "d1"


@pytest.mark.parametrize(
    ("status", "reason"), [(402, "payment_declined"), (409, "out_of_stock")], ids=["declined", "out of stock"]
)
@pytest.mark.parametrize("journey", ["search-and-buy", "click-and-collect", "design-your-own"])
def test_a_refusal_ends_the_journey_and_is_no_error(tmp_path: Path, journey: str, status: int, reason: str) -> None:
    visit = Visit(tmp_path, journey, TalkingShop(replies={"checkout": Reply(status=status, body=b"{}")}))
    visit.go()
    assert visit.steps()[-1] == "checkout"
    assert {record.error for record in visit.memory.steps} == {None}
    outcome = ledger_rows(tmp_path)[-1]
    assert (outcome["outcome"], outcome["status"], outcome["reason"]) == ("refused", status, reason)


@pytest.mark.parametrize("journey", ["search-and-buy", "click-and-collect", "design-your-own"])
def test_a_shopper_who_finds_too_little_in_stock_leaves_without_an_order(tmp_path: Path, journey: str) -> None:
    visit = Visit(tmp_path, journey, TalkingShop(stock=1))
    visit.go()
    assert "cart" not in visit.steps()
    assert ledger_rows(tmp_path) == []


def test_the_same_order_told_again_is_accepted(tmp_path: Path) -> None:
    shop = TalkingShop()
    visit = Visit(tmp_path, "search-and-buy", shop)
    visit.client.answer = lambda request: (
        Reply(status=200, body=shop(request).body) if request.step == "checkout" else shop(request)
    )
    visit.go()
    assert ledger_rows(tmp_path)[-1]["outcome"] == "accepted"


def top(**changes: object) -> Change:
    return lambda body: {**body, **changes}


def without(name: str) -> Change:
    return lambda body: {key: value for key, value in body.items() if key != name}


def skus(**changes: object) -> Change:
    return lambda body: {**body, "skus": [{**sku, **changes} for sku in body["skus"]]}


LIES: list[tuple[str, str, Change]] = [
    ("search-and-buy", "home", top(recommended=[])),
    ("search-and-buy", "home", without("recommended")),
    ("search-and-buy", "home", top(recommended=["tee"])),
    ("search-and-buy", "home", top(recommended={"tee": 1})),
    ("search-and-buy", "home", top(recommended=[{"style": "tee", "price_cents": 1}])),
    ("search-and-buy", "home", top(recommended=[{"style": "tee", "name": " – ", "price_cents": 1}])),
    ("search-and-buy", "home", top(recommended=[{"style": "tee", "name": None, "price_cents": 1}])),
    ("search-and-buy", "home", top(recommended=[{"style": "tee", "name": "Tee", "price_cents": "free"}])),
    ("search-and-buy", "home", lambda _: [1]),
    ("search-and-buy", "search", top(results=[])),
    ("search-and-buy", "search", top(results=None)),
    ("search-and-buy", "product", top(style="another")),
    ("search-and-buy", "product", top(skus=[])),
    ("search-and-buy", "product", without("skus")),
    ("search-and-buy", "product", skus(stock=None)),
    ("search-and-buy", "product", skus(stock={"warehouse": "plenty"})),
    ("search-and-buy", "product", skus(colour="")),
    ("search-and-buy", "product", skus(sku=None)),
    ("search-and-buy", "product", top(skus=["tee-s"])),
    ("design-your-own", "design", without("design_id")),
    ("search-and-buy", "cart", top(lines=[])),
    ("search-and-buy", "cart", without("total_cents")),
    ("search-and-buy", "cart", top(total_cents=None)),
    ("search-and-buy", "cart", lambda body: {**body, "lines": [*body["lines"], {"sku": "extra"}]}),
    ("search-and-buy", "checkout", without("order_id")),
    ("search-and-buy", "checkout", top(order_id=None)),
    ("search-and-buy", "checkout", top(total_cents=1)),
    ("search-and-buy", "checkout", without("total_cents")),
    ("click-and-collect", "order-status", top(order_id="o2")),
    ("click-and-collect", "order-status", without("order_id")),
]


@pytest.mark.parametrize(("journey", "step", "change"), LIES)
def test_a_lie_is_a_wrong_reply_at_the_step_that_told_it(
    tmp_path: Path, journey: str, step: str, change: Change
) -> None:
    visit = Visit(tmp_path, journey, TalkingShop(changed={step: change}))
    with pytest.raises(SessionFailedError) as failure:
        visit.go()
    assert str(failure.value) == f"{step}: wrong_reply"
    assert [(r.step, r.error) for r in visit.memory.steps if r.error] == [(step, "wrong_reply")]


@pytest.mark.parametrize("step", ["home", "search", "product", "cart", "checkout"])
@pytest.mark.parametrize("body", [b"", b"<html>challenge</html>", b"null", b"\xff", b"[" * 3000])
def test_a_page_that_is_no_json_object_is_a_wrong_reply(tmp_path: Path, step: str, body: bytes) -> None:
    visit = Visit(tmp_path, "search-and-buy", TalkingShop(replies={step: Reply(status=200, body=body)}))
    with pytest.raises(SessionFailedError, match=f"^{step}: wrong_reply$"):
        visit.go()


def test_a_lying_checkout_leaves_an_unknown_attempt(tmp_path: Path) -> None:
    visit = Visit(tmp_path, "search-and-buy", TalkingShop(changed={"checkout": top(order_id="")}))
    with pytest.raises(SessionFailedError):
        visit.go()
    outcome = ledger_rows(tmp_path)[-1]
    assert (outcome["outcome"], outcome["reason"]) == ("unknown", "checkout: wrong_reply")


def test_an_order_at_another_price_than_was_shown_is_written_as_it_was_promised_and_ends_the_visit(
    tmp_path: Path,
) -> None:
    visit = Visit(tmp_path, "search-and-buy", TalkingShop(changed={"checkout": top(total_cents=1)}))
    with pytest.raises(SessionFailedError) as failed:
        visit.go()
    attempt, outcome = ledger_rows(tmp_path)
    assert (outcome["outcome"], outcome["total_cents"]) == ("accepted", attempt["amount_cents"])
    assert failed.value.why == f"the price drifted: the cart showed {attempt['amount_cents']}, the order costs 1"
    assert [(r.step, r.error) for r in visit.memory.steps if r.error] == [("checkout", "wrong_reply")]


def test_a_cart_at_another_price_than_the_product_s_page_showed_is_not_ordered(tmp_path: Path) -> None:
    visit = Visit(tmp_path, "search-and-buy", TalkingShop(unit_cents=1600))
    with pytest.raises(SessionFailedError, match=r"^cart: wrong_reply$") as failed:
        visit.go()
    assert failed.value.why.startswith("the price drifted: the product's page showed ")
    assert "checkout" not in visit.steps()


def test_what_a_shop_calls_its_things_cannot_change_the_request(tmp_path: Path) -> None:
    evil = "tee/../../admin?x=1\r\nX-Evil: 1 é"
    told = {"style": evil, "name": "Tee!", "price_cents": 1}
    shop = TalkingShop(
        changed={"home": top(recommended=[told])},
        replies={"product": Reply(error="http_4xx", status=404)},
    )
    visit = Visit(tmp_path, "design-your-own", shop)
    with pytest.raises(SessionFailedError, match=r"^product: http_4xx$"):
        visit.go()
    path = visit.client.sent[-1].path
    assert path == "/products/tee%2F..%2F..%2Fadmin%3Fx%3D1%0D%0AX-Evil%3A%201%20%C3%A9"


def test_a_word_is_searched_for_as_a_shopper_would_type_it(tmp_path: Path) -> None:
    told = {"style": "tee", "name": "– Größe!", "price_cents": 1}
    shop = TalkingShop(
        changed={"home": top(recommended=[told])}, replies={"search": Reply(error="http_4xx", status=404)}
    )
    visit = Visit(tmp_path, "search-and-buy", shop)
    with pytest.raises(SessionFailedError):
        visit.go()
    assert visit.client.sent[-1].path == "/search?q=Gr%C3%B6%C3%9Fe"


def test_few_cards_are_declined_and_by_the_shopper_s_own_luck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "think", lambda _: None)
    cards: Counter[str] = Counter()
    for seed in range(400):
        visit = Visit(tmp_path, "search-and-buy", seed=seed)
        visit.go()
        body = visit.client.sent[-1].body
        assert body is not None
        cards[body["payment"]["card_token"]] += 1
    assert cards.keys() <= {"tok_ok", "tok_declined"}
    assert 0 < cards["tok_declined"] < 20


def news(status: str, order: str = "o1") -> Event:
    return Event(status, f'{{"order_id": "{order}", "status": "{status}"}}', "")


class Pushing(FakeClient):
    """A client of a shop that pushes: it listens, too, to `events` that come with the stream's head."""

    def __init__(self, *events: Event) -> None:
        super().__init__(TalkingShop())
        self.first = list(events)
        self.last_id = ""
        self.retry_ms: int | None = 3_600_000

    def send(self, request: Request, traceparent: str) -> Reply:
        if request.step != "order-stream":
            return super().send(request, traceparent)
        self.sent.append(request)
        return Reply(status=200)

    def listener(self) -> Listener:
        return self

    def receive(self) -> None:
        return None


def following(folder: Path, journey: str, *events: Event) -> Visit:
    visit = Visit(folder, journey)
    visit.client = Pushing(*events)
    shared = worker(folder, visit.client, plan=small_plan(streams="orders"), memory=visit.memory)
    visit.session = Session(shared, arrival(journey=journey), shared.clock.now())
    return visit


@pytest.mark.parametrize("journey", GUESTS)
def test_a_buyer_follows_the_order_where_the_plan_says_so(tmp_path: Path, journey: str) -> None:
    visit = following(tmp_path, journey, Event("message", "hello", ""), *map(news, ("paid", "printing", "shipped")))
    visit.go()
    visits = visits_of(visit.session.plan)[journey]
    assert Counter(visit.steps()) == visits
    assert ("order-shipped" in visits) == ("checkout" in visits)
    assert [request.path for request in visit.client.sent if request.step == "order-stream"] == (
        ["/orders/o1/events"] if "checkout" in visits else []
    )
    assert visit.session.listening is None
    assert {**ORDER_STREAM, **ORDER_NEWS}.keys() <= STOREFRONT.methods.keys()


@pytest.mark.parametrize("wrong", [news("paid", "o2"), Event("paid", "[", ""), Event("paid", "{}", "")])
def test_news_of_another_order_or_none_at_all_are_a_wrong_reply(tmp_path: Path, wrong: Event) -> None:
    visit = following(tmp_path, "search-and-buy", wrong)
    with pytest.raises(SessionFailedError, match="order-paid: wrong_reply"):
        visit.go()
    visit.session.close()
    assert [row["event"] for row in ledger_rows(tmp_path)] == ["attempt", "outcome"]  # the order stands all the same


def test_what_is_awaited_is_planned_but_is_no_request_under_the_ceiling() -> None:
    plan = small_plan(journeys={"search-and-buy": 1.0}, streams="orders")
    events = expected_events(plan)
    assert events["order-shipped"] == events["order-stream"] == events["checkout"]
    assert "order-stream" not in expected_events(small_plan())
    enough = NO_CEILING.model_copy(update={"requests_per_s": 60.0})  # six requests in each of ten sessions a second
    assert too_much(plan, plan.curve(), enough) is None
    less = enough.model_copy(update={"requests_per_s": 59.0})
    assert too_much(plan, plan.curve(), less) is not None
