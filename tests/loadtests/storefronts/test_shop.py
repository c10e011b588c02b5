"""A storefront says what is asked for and what is expected; everything else is done for it."""

import sys
from pathlib import Path
from typing import Any

import pytest

from loadtests.client.interface import Reply, Request
from loadtests.shopper.session_errors import SessionFailedError
from loadtests.storefronts import Shop
from loadtests.storefronts.journey import journey
from loadtests.storefronts.order import RefusedError
from loadtests.storefronts.shop import CreatedNameError, StepNameError
from tests.loadtests.fakes import ok
from tests.loadtests.storefronts.shopping import Plain, Shopper, html


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_each_method_is_asked_by_its_own_name(tmp_path: Path, method: str) -> None:
    shopper = Shopper(tmp_path)
    page = getattr(shopper.shop, method)("cart", "/cart?a=1")
    (sent,) = shopper.sent
    assert (sent.step, sent.method, sent.path, page.status) == ("cart", method.upper(), "/cart?a=1", 200)
    assert shopper.errors == [("cart", None)]


def test_params_json_forms_and_headers_are_sent(tmp_path: Path) -> None:
    shopper = Shopper(tmp_path)
    shopper.shop.get("search", "/search?page=2", params={"q": "tea & pies", "size": ["s", "m"]})
    shopper.shop.post("cart", "/cart", {"lines": [1]}, headers={"X-A": "b"})
    shopper.shop.post("login", "/login", form={"user": "a", "tries": 2})
    search, cart, login = shopper.sent
    assert search.path == "/search?page=2&q=tea+%26+pies&size=s&size=m"
    assert (cart.body, cart.headers) == ({"lines": [1]}, {"X-A": "b"})
    assert (login.body, login.form) == (None, (("user", "a"), ("tries", "2")))


def test_headers_of_the_shopper_go_with_each_request_and_its_own_go_before_them(tmp_path: Path) -> None:
    class Keyed(Plain):
        def headers(self) -> dict[str, str]:
            return {"x-key": self.settings["key"], "accept": "text/html"}

    shopper = Shopper(tmp_path, shop=Keyed, settings={"key": "k1"})
    shopper.shop.get("home", "/")
    shopper.shop.get("api", "/api", headers={"accept": "application/json"})
    assert [request.headers for request in shopper.sent] == [
        {"x-key": "k1", "accept": "text/html"},
        {"x-key": "k1", "accept": "application/json"},
    ]


def test_a_visit_knows_its_run_its_number_and_its_settings_and_begins_once(tmp_path: Path) -> None:
    begun: list[str] = []

    class Consenting(Plain):
        def begin(self) -> None:
            begun.append(self.run)
            self.post("consent", "/consent", {"all": False})

    shopper = Shopper(tmp_path, shop=Consenting, settings={"currency": "gbp"})
    shopper.play(lambda shop: shop.get("home", f"/{shop.settings['currency']}/{shop.session}"))
    assert (begun, [request.path for request in shopper.sent]) == (["r1"], ["/consent", "/gbp/0"])


def answering(status: int, body: object = None) -> Any:
    return lambda _: ok(body, status)


def failing(status: int, body: object = None) -> Any:
    return lambda _: ok(body, status)._replace(error="http_4xx" if status < 500 else "http_5xx")


@pytest.mark.parametrize(
    ("expect", "body", "why"),
    [
        ({"type": "order"}, {"type": "order"}, None),
        ({"type": "order"}, {"type": "cart"}, "type: expected 'order', found 'cart'"),
        ({"a.0.b": 1}, {"a": [{"b": 1}]}, None),
        ({"a.1.b": 1}, {"a": [{"b": 1}]}, "a.1.b: not there, expected 1"),
        (lambda page: page["total"] > 1, {"total": 2}, None),
        (lambda page: page["total"] > 1, {"total": 1}, "<lambda> says no"),
    ],
)
def test_what_is_expected_is_a_value_or_a_function_too(
    tmp_path: Path, expect: Any, body: object, why: str | None
) -> None:
    shopper = Shopper(tmp_path, answering(200, body))
    if why is None:
        assert shopper.shop.get("cart", "/cart", expect=expect).json == body
        assert shopper.errors == [("cart", None)]
        return
    with pytest.raises(SessionFailedError, match=r"^cart: wrong_reply$"):
        shopper.shop.get("cart", "/cart", expect=expect)
    assert (shopper.errors, shopper.unexpected) == ([("cart", "wrong_reply")], [("cart", 200, why)])


def test_statuses_that_are_expected_go_to_the_client(tmp_path: Path) -> None:
    shopper = Shopper(tmp_path, answering(200, {"a": 1}))
    for expect in (201, {200, 404}, {"a": 1}):
        shopper.shop.get("cart", "/cart", expect=expect)
    shopper.shop.get("cart", "/cart")
    assert [sorted(request.accept) for request in shopper.sent] == [
        [201], [200, 404], list(range(200, 300)), list(range(200, 300)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("refused", "status", "body"),
    [
        (409, 409, {}),
        ([402, 409], 409, {}),
        ({"error.code": "none_left"}, 422, {"error": {"code": "none_left"}}),
        ({"error.code": "none_left"}, 200, {"error": {"code": "none_left"}}),
        (lambda page: "Sold out" in page.text, 500, "Sold out!"),
    ],
)
def test_a_refusal_is_an_answer_and_no_error(tmp_path: Path, refused: Any, status: int, body: object) -> None:
    shopper = Shopper(tmp_path, failing(status, body) if status >= 400 else answering(status, body))
    with pytest.raises(RefusedError) as refusal:
        shopper.shop.post("checkout", "/checkout", refused={"other": {"x": 1}, "out_of_stock": refused})
    assert (refusal.value.reason, refusal.value.page.status) == ("out_of_stock", status)
    assert (shopper.errors, shopper.unexpected) == ([("checkout", None)], [])


@pytest.mark.parametrize(("error", "status"), [("http_4xx", 404), ("http_5xx", 503), ("blocked", 409), ("timeout", 0)])
def test_what_is_no_refusal_stays_an_error(tmp_path: Path, error: str, status: int) -> None:
    shopper = Shopper(tmp_path, lambda _: Reply(status=status, body=b"no", error=error))
    with pytest.raises(SessionFailedError, match=f"^checkout: {error}$"):
        shopper.shop.post("checkout", "/checkout", refused={"out_of_stock": 409, "other": {"a": 1}})
    assert shopper.errors == [("checkout", error)]


def test_redirects_are_followed_and_recorded_under_the_step_s_name_or_another(tmp_path: Path) -> None:
    def answer(request: Request) -> Reply:
        return Reply(status=303, location="/basket") if request.method == "POST" else ok({"path": request.path})

    shopper = Shopper(tmp_path, answer)
    page = shopper.shop.post("add", "/add", form={"sku": "a"})
    assert (page["path"], page.path) == ("/basket", "/basket")
    shopper.shop.post("add", "/add", follow="basket")
    assert [step for step, _ in shopper.errors] == ["add", "add-redirect", "add", "basket"]
    stays = shopper.shop.post("add", "/add", expect=303, follow=False)
    assert (stays.status, len(shopper.sent)) == (303, 5)


FORM = """<form id=other><input name=a></form>
<form id=order method=post action="place?step=2"><input type=hidden name=csrf value="t&amp;1">
<input name=note value=old>
<input type=checkbox name=gift value=yes checked><input type=checkbox name=news value=yes>
<select name=ship><option value=slow selected><option value=fast></select><input type=submit name=go value=Go></form>
<a id=next href="../next?a=1#top">on</a><a id=away href="https://elsewhere.example/">away</a>"""


def test_a_form_goes_where_it_says_with_its_hidden_fields(tmp_path: Path) -> None:
    shopper = Shopper(tmp_path, lambda _: html(FORM))
    page = shopper.shop.get("checkout", "/shop/checkout/")
    shopper.shop.submit("place", page.form("#order"), {"note": "new", "ship": None, "more": ["1", "2"]})
    placed = shopper.sent[-1]
    assert (placed.method, placed.path) == ("POST", "/shop/checkout/place?step=2")
    assert placed.form == (("csrf", "t&1"), ("gift", "yes"), ("note", "new"), ("more", "1"), ("more", "2"))
    page = shopper.shop.get("checkout", "/shop/checkout/?x=1")
    shopper.shop.submit("look", page.form("#other"), {"a": "é"})
    assert (shopper.sent[-1].method, shopper.sent[-1].path) == ("GET", "/shop/checkout/?a=%C3%A9")


def test_a_link_is_followed_as_a_browser_does_and_one_that_leads_away_is_not(tmp_path: Path) -> None:
    shopper = Shopper(tmp_path, lambda _: html(FORM))
    page = shopper.shop.get("checkout", "/shop/checkout/")
    shopper.shop.open("next", page.one("#next"))
    assert shopper.sent[-1].path == "/shop/next?a=1"
    shopper.shop.get("again", "http://127.0.0.1:8080/again")
    assert shopper.sent[-1].path == "/again"
    with pytest.raises(SessionFailedError, match="redirected_away"):
        shopper.shop.open("away", page.one("#away"))
    assert len(shopper.sent) == 3


def test_a_graphql_operation_is_a_step_of_its_name_and_its_data_the_page(tmp_path: Path) -> None:
    shopper = Shopper(tmp_path, answering(200, {"data": {"order": {"code": "o1"}}}))
    page = shopper.shop.graphql("addItem", "mutation addItem { x }", {"id": 1}, "/shop-api")
    (sent,) = shopper.sent
    assert (sent.step, sent.method, sent.path, sent.graphql) == ("addItem", "POST", "/shop-api", True)
    assert sent.body == {"operationName": "addItem", "query": "mutation addItem { x }", "variables": {"id": 1}}
    assert page["order.code"] == "o1"


def test_a_graphql_operation_goes_where_the_storefront_says_once(tmp_path: Path) -> None:
    class Elsewhere(Plain):
        graphql_path = "/shop-api"

    for kind, path in ((Elsewhere, "/shop-api"), (Plain, "/graphql")):
        shopper = Shopper(tmp_path, answering(200, {"data": {}}), shop=kind)
        shopper.shop.graphql("home", "query home { x }")
        assert [sent.path for sent in shopper.sent] == [path]


def test_picking_is_the_shopper_s_own_and_an_empty_shelf_is_the_last_page_s_fault(tmp_path: Path) -> None:
    shopper = Shopper(tmp_path)
    assert shopper.shop.pick({"only": 1}) == "only"
    assert sorted(shopper.shop.shuffled("abc")) == ["a", "b", "c"]
    assert {len(shopper.shop.some(range(9))) for _ in range(50)} == {1, 2, 3}  # the plan's cart_lines
    assert {len(shopper.shop.some(range(9), most=2)) for _ in range(50)} == {1, 2}
    assert len(shopper.shop.some([1])) == 1

    def visit(shop: Shop) -> None:
        shop.get("home", "/")
        shop.pick([])

    with pytest.raises(SessionFailedError, match=r"^home: wrong_reply$"):
        shopper.play(visit)
    assert shopper.errors == [("home", "wrong_reply")]
    ((step, _, why),) = shopper.unexpected
    assert (step, why.split(": ")[0].rpartition(":")[0], why.split(": ")[1]) == ("home", "test_shop.py", "LookupError")


def test_a_mistake_where_no_reply_is_at_hand_is_the_storefront_s_own(tmp_path: Path) -> None:
    shopper = Shopper(tmp_path)
    with pytest.raises(KeyError, match="sku"):
        shopper.play(lambda shop: shop.settings["sku"])
    with pytest.raises(RuntimeError, match="a slip"):
        shopper.play(lambda _: (_ for _ in ()).throw(RuntimeError("a slip")))


@pytest.mark.parametrize(
    ("sold_out_ok", "lacked"), [(False, "data_exhausted"), (True, "sold_out")], ids=["a visit", "a flash drop"]
)
def test_who_finds_nothing_left_says_so(tmp_path: Path, *, sold_out_ok: bool, lacked: str) -> None:
    class Empty(Shop):
        @journey(buys=True, sold_out_ok=sold_out_ok)
        def look(self) -> None:
            self.nothing_left()

    shopper = Shopper(tmp_path, shop=Empty)
    shopper.play()
    assert shopper.session.lacked == lacked


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 101])
def test_a_step_s_name_is_a_line_of_a_report(tmp_path: Path, name: str) -> None:
    shopper = Shopper(tmp_path)
    with pytest.raises(StepNameError, match="a step's name must have 1 to 100 printable characters"):
        shopper.play(lambda shop: shop.get(name, "/"))
    assert shopper.sent == []


def test_a_storefront_that_makes_names_up_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtests.storefronts.shop._REDIRECT_STEPS", {})
    monkeypatch.setattr("loadtests.storefronts.shop._MOST_STEPS", 5)
    shopper = Shopper(tmp_path)

    def visit(shop: Shop) -> None:
        for number in range(9):
            shop.get(f"product-{number}", "/")

    with pytest.raises(StepNameError, match="over 5 different steps, the last 'product-5'"):
        shopper.play(visit)
    assert len(shopper.sent) == 5


def test_a_refusal_that_nobody_takes_up_ends_the_visit(tmp_path: Path) -> None:
    shopper = Shopper(tmp_path, failing(409))
    shopper.play(lambda shop: shop.post("cart", "/cart", refused={"over_limit": 409}))
    assert (shopper.session.lacked, shopper.errors) == ("over_limit", [("cart", None)])


def test_a_name_that_the_storefront_lacks_is_its_own_mistake_and_no_reply_s(tmp_path: Path) -> None:
    """What a reply lacks is the reply's: only the shopper itself is told apart."""
    shopper = Shopper(tmp_path)

    def visit(shop: Any) -> None:
        shop.get("home", "/")
        shop.gett("cart", "/cart")

    with pytest.raises(AttributeError, match="has no attribute 'gett'"):
        shopper.play(visit)
    shopper.session.close()
    assert (shopper.errors, shopper.unexpected) == ([("home", None)], [])


def test_a_journey_that_would_end_the_process_is_a_mistake_of_its_own(tmp_path: Path) -> None:
    def visit(_: Any) -> None:
        sys.exit(3)

    with pytest.raises(RuntimeError, match=r"the journey ends the process: take sys.exit\(\) or exit\(\) out of it"):
        Shopper(tmp_path).play(visit)


def test_what_the_shop_has_made_is_in_the_ledger(tmp_path: Path) -> None:
    shopper = Shopper(tmp_path)
    shopper.shop.created("cart", 17)
    (row,) = shopper.ledger
    assert {name: row[name] for name in ("event", "session", "kind", "id")} == {
        "event": "created",
        "session": 0,
        "kind": "cart",
        "id": "17",
    }


@pytest.mark.parametrize(
    ("kind", "own_id", "why"),
    [
        ("My cart", "c1", "created('My cart'): a kind is 1 to 40 of a-z, 0-9 and inner hyphens, and no order"),
        ("order", "o1", "created('order'): a kind is 1 to 40 of a-z, 0-9 and inner hyphens, and no order"),
        ("cart", "", "created('cart'): an id has 1 to 200 printable characters"),
        ("cart", "a\nb", "created('cart'): an id has 1 to 200 printable characters"),
    ],
)
def test_a_kind_or_an_id_that_no_ledger_can_hold_is_refused(tmp_path: Path, kind: str, own_id: str, why: str) -> None:
    shopper = Shopper(tmp_path)
    with pytest.raises(CreatedNameError) as refused:
        shopper.shop.created(kind, own_id)
    assert (str(refused.value), shopper.ledger) == (why, [])
