"""Each value of a request is found where it came from, made up, or a setting; a small number is no other by chance."""

import json
from pathlib import Path
from typing import Any

import pytest

from loadtests.har.importing import Imported, import_visit
from loadtests.har.reading import read_har
from tests.loadtests.har.test_reading import file, har
from tests.loadtests.har.test_visit import SHOP, asked


class Calls:
    """A visit of calls for data, a second after one another."""

    def __init__(self) -> None:
        self.entries: list[Any] = []

    def get(self, path: str, reply: object, headers: dict[str, str] | None = None, **given: Any) -> "Calls":
        return self._add(path, reply, None, headers, given)

    def post(self, path: str, sent: object, reply: object, headers: dict[str, str] | None = None) -> "Calls":
        return self._add(path, reply, sent, headers, {})

    def _add(self, path: str, reply: object, sent: object, headers: dict[str, str] | None, given: Any) -> "Calls":
        kind = {"mime": "application/json", "text": json.dumps(reply), "_resourceType": "fetch"} | given
        one = asked(path, len(self.entries), headers, **kind)
        if sent is not None:
            one["request"]["method"] = "POST"
            one["request"]["postData"] = {"mimeType": "application/json", "text": json.dumps(sent)}
        self.entries.append(one)
        return self

    def replied(self, *headers: tuple[str, str]) -> "Calls":
        self.entries[-1]["response"]["headers"] = [{"name": name, "value": value} for name, value in headers]
        return self

    def imported(self, folder: Path) -> Imported:
        return import_visit(read_har(file(folder, har(*self.entries))))

    def lines(self, folder: Path) -> list[str]:
        """Return the lines of the draft's journeys, without their indentation."""
        text = self.imported(folder).draft.text
        compile(text, "draft.py", "exec")
        return [line.strip() for line in text.splitlines()]


def flat(text: str) -> str:
    """Return a draft on one line, as it would be without an end to lines."""
    return " ".join(text.split()).replace("( ", "(").replace(", )", ")").replace("{ ", "{").replace(", }", "}")


def test_a_key_is_found_whatever_it_is_called(tmp_path: Path) -> None:
    key = "01HXA7Q9ZK4M8P2R"
    lines = Calls().get("/a", {"thing": {"id": key}}).post("/b", {"of": key}, {}).lines(tmp_path)
    assert lines[-2:] == ['of = self.get("a", "/a")["thing.id"]', 'self.post("b", "/b", {"of": of})']


def test_a_small_number_is_found_only_where_its_name_is_shared(tmp_path: Path) -> None:
    reply = {"count": 7, "variants": {"id": 7}}
    lines = Calls().get("/a", reply).post("/b", {"variantId": 7, "quantity": 7, "step": 7}, {}).lines(tmp_path)
    assert lines[-2:] == [
        'variant_id = self.get("a", "/a")["variants.id"]',
        'self.post("b", "/b", {"variantId": variant_id, "quantity": 7, "step": 7})',
    ]


def test_a_value_is_sent_as_the_type_that_was_sent(tmp_path: Path) -> None:
    reply = {"variant": {"id": 1234567890}, "cart": {"token": "1234567891"}}
    sent = {"variant_id": "1234567890", "cart_token": 1234567891}
    text = flat(Calls().get("/a", reply).post("/b", sent, {}).imported(tmp_path).draft.text)
    assert '{"variant_id": str(variant_id), "cart_token": int(cart_token)}' in text


def test_what_was_typed_and_came_back_is_an_echo_and_no_source(tmp_path: Path) -> None:
    calls = Calls().post("/a", {"city": "London-East"}, {"address": {"city": "London-East"}})
    assert calls.post("/b", {"city": "London-East"}, {}).lines(tmp_path)[-1] == (
        'self.post("b", "/b", {"city": "London-East"})'
    )


def test_one_of_a_catalogue_is_picked_whole_and_one_of_a_payment_s_methods_is_not(tmp_path: Path) -> None:
    products = [{"slug": f"tee-{number}", "id": 900 + number} for number in range(3)]
    methods = {"payment_methods": [{"id": "card-method-1"}, {"id": "bill-method-2"}]}
    calls = Calls().get("/products", {"products": products}).get("/products/tee-1", {}).get("/pay/methods", methods)
    sent = {"product_id": 901, "payment_method_id": "bill-method-2"}
    text = flat(calls.post("/notes", sent, {}).imported(tmp_path).draft.text)
    assert 'product = self.pick(products["products"])' in text
    assert """self.get("product", f"/products/{product['slug']}")""" in text
    assert '["payment_methods.1.id"]' in text
    assert '{"product_id": product["id"], "payment_method_id": payment_method_id}' in text


def test_a_value_is_taken_from_one_of_several_cookies_and_from_a_header(tmp_path: Path) -> None:
    calls = (
        Calls()
        .get("/a", {})
        .replied(
            ("Set-Cookie", "theme=dark-as-night; Path=/\nxsrf=a1b2%3D%3Dc3d4; Path=/"),
            ("X-Request-Nonce", "n0nce-8812-xk"),
        )
    )
    headers = {"X-XSRF-Token": "a1b2==c3d4", "X-Nonce": "n0nce-8812-xk"}
    text = calls.post("/b", {}, {}, headers).imported(tmp_path).draft.text
    assert "from urllib.parse import unquote\n" in text
    assert '        xsrf_token = unquote(self.cookie("xsrf"))\n' in text
    assert '.header("x-request-nonce")\n' in text
    assert 'headers={"X-XSRF-Token": xsrf_token, "X-Nonce": nonce}' in flat(text)


def test_a_token_that_only_a_page_s_script_holds_is_taken_by_what_stands_around_it(tmp_path: Path) -> None:
    page = asked("/", text='<script>var shop = {"csrfToken": "k3y-93jd8-s0sl"};</script>')
    post = Calls().post("/b", {}, {}, {"X-CSRF-Token": "k3y-93jd8-s0sl"}).entries[0]
    post["startedDateTime"] = "2026-11-27T19:00:01Z"
    text = import_visit(read_har(file(tmp_path, har(page, post)))).draft.text
    assert """.text.partition('csrfToken": "')[2].partition('"')[0]""" in text


SENT: dict[str, tuple[str, object, str]] = {
    "a password": ("password", "hunter2-of-kim", '"password": self.account.password'),
    "a card": ("number", "4242 4242 4242 4242", '"number": self.settings["number"]'),
    "a card's code": ("cvv", "123", '"cvv": self.settings["cvv"]'),
    "a card's month by its looks": ("expiry", "12/29", '"expiry": self.settings["expiry"]'),
    "a card's holder": ("holder", "Kim Real", '"holder": "Ada Lee"'),
    "a password for once": ("otp", "493021", '"otp": self.settings["otp"]'),
    "a code for once": ("passcode", "493021", '"passcode": self.settings["passcode"]'),
    "a token": ("apiToken", "tok_live_secret", '"apiToken": self.settings["api_token"]'),
    "a key by its looks": ("x", "9f8e7d6c5b4a39281706f5e4", '"x": self.settings["x"]'),
    "a signed token": ("id", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln", '"id": self.settings["id"]'),
    "an address": ("email", "kim@mail.example", '"email": f"{self.run}-{self.session}@example.com"'),
    "a name": ("firstName", "Kim", '"firstName": "Ada"'),
    "a street": ("address_line1", "9 Real Road", '"address_line1": "1 High Street"'),
    "plain words": ("gift_message", "with love", '"gift_message": "with love"'),
    "a thing's name": ("slug", "blue-tee-2026-summer", '"slug": "blue-tee-2026-summer"'),
    "a password in a text of JSON": (
        "payload",
        '{"password": "hunter2-of-kim"}',
        '"payload": self.settings["payload"]',
    ),
    "a password in a text of a form": ("body", "user=kim&pwd=hunter2-of-kim", '"body": self.settings["body"]'),
    "a client's own key": (
        "clientRequestId",
        "5f0c2e1a-7b6d-4c3e-9a8b-1d2e3f405162",
        '"clientRequestId": str(uuid5(NAMESPACE_URL, f"{self.run}/{self.session}/client-request-id")',
    ),
}


@pytest.mark.parametrize("what", SENT)
def test_what_is_sent_that_no_reply_holds_is_written_only_where_it_is_no_secret(tmp_path: Path, what: str) -> None:
    name, value, written = SENT[what]
    text = Calls().get("/a", {}).post("/b", {name: value}, {}).imported(tmp_path).draft.text
    assert written in flat(text)
    assert (str(value) in text) == (str(value) in written)


def test_a_login_is_a_customer_s_by_the_account_of_the_run(tmp_path: Path) -> None:
    sent = {"username": "kim", "password": "hunter2"}
    lines = Calls().get("/", {}).post("/login", sent, {}).post("/mail", {"user": "kim"}, {}).lines(tmp_path)
    assert "@journey(customer=True)" in lines
    assert '{"username": self.account.user, "password": self.account.password},' in lines
    assert 'self.post("mail", "/mail", {"user": self.account.user})' in lines


def test_the_moment_that_keeps_caches_away_is_left_out_of_a_query(tmp_path: Path) -> None:
    lines = Calls().get("/a?_=1764270000123&page=2", {}).lines(tmp_path)
    assert lines[-1] == 'self.get("a", "/a", params={"page": "2"})'


def test_another_host_is_asked_by_its_label_without_the_shop_s_keys(tmp_path: Path) -> None:
    calls = Calls().get("/a", {}, {"X-Shop-Key": "abc"}).get("/b", {}, {"X-Shop-Key": "abc"})
    made = calls.get("https://api.shop.example/c", {}, {"X-Shop-Key": "abc"}).imported(tmp_path)
    assert dict(made.labels) == {"https://api.shop.example": "api"}
    text = " ".join(made.draft.text.split())
    assert 'return {"X-Shop-Key": "abc"}' in text
    assert '"/c", headers={"X-Shop-Key": "abc"}, host="api"' in text


def test_a_graphql_mutation_must_answer_with_what_it_did_in_the_recording(tmp_path: Path) -> None:
    query = "mutation addItem($id: ID!) { addItem(id: $id) { __typename } }"
    reply = {"data": {"addItem": {"__typename": "Order"}}}
    sent = {"operationName": "addItem", "query": query, "variables": {"id": "x"}}
    lines = Calls().get("/", {}).post("/graphql", sent, reply).lines(tmp_path)
    assert query in lines
    assert '"addItem", ADD_ITEM, {"id": "x"}, expect={"addItem.__typename": "Order"}' in lines


def test_what_stands_in_a_graphql_document_itself_is_no_less_secret(tmp_path: Path) -> None:
    query = 'mutation login { login(email: "kim@mail.example", password: "hunt\\"er2") { __typename } }'
    sent = {"operationName": "login", "query": query, "variables": {}}
    made = Calls().get("/", {}).post("/graphql", sent, {}).imported(tmp_path)
    assert [one for one in ("kim@mail", "hunt", "er2") if one in made.draft.text] == []
    assert made.draft.notes == ("login: what is secret or a shopper's own stood in the query: send it as a variable",)


def test_a_link_with_a_key_in_its_address_is_told_by_what_stays(tmp_path: Path) -> None:
    path = "/verify?token=t-9f8e7d6c5b4a"
    page = asked("/", text=f'<html><body><p class="mail"><a href="{path}">go</a></p></body></html>')
    text = import_visit(read_har(file(tmp_path, har(page, asked(path, 1, {"Referer": f"{SHOP}/"}))))).draft.text
    assert "t-9f8e7d6c5b4a" not in text
    assert 'home.one("p.mail a")' in text


def test_a_mail_address_in_a_path_is_made_up(tmp_path: Path) -> None:
    text = Calls().get("/", {}).get("/customers/kim%40mail.example", {}).imported(tmp_path).draft.text
    assert 'f"/customers/{self.run}-{self.session}@example.com"' in text


def test_a_refusal_that_the_shopper_met_is_expected(tmp_path: Path) -> None:
    calls = Calls().get("/a", {}).get("/me", {"error": "nobody"})
    calls.entries[-1]["response"]["status"] = 401
    assert calls.lines(tmp_path)[-1] == 'self.get("me", "/me", expect=401)'


ORDER = {"order": {"id": "ord-5501", "total": 19.99}}
LINE = {"variant_id": "var-778899", "sku": "TEE-1", "quantity": 2}


def bought(reply: object, total: object = 19.99) -> Calls:
    return Calls().get("/", {}).post("/cart/items", LINE, {"cart": {"total": total}}).post("/orders", {}, reply)


def test_an_order_stands_in_the_ledger_with_number_total_and_sku(tmp_path: Path) -> None:
    lines = bought(ORDER).lines(tmp_path)
    assert lines[-3:] == [
        'with self.order([self.line("TEE-1", 2)], total) as order:',
        'checkout = self.post("checkout", "/orders", {})',
        'order.accepted(checkout["order.id"], cents=checkout.cents("order.total"))',
    ]


@pytest.mark.parametrize(
    ("total", "taken"),
    [
        (19.99, ['cents("cart.total")']),
        (1999, ["# 1999 in the recording: taken to be cents"]),
        (20, ["# 20 in the recording: taken to be whole units, not cents"]),
    ],
)
def test_a_total_is_read_as_its_looks_say_and_a_guess_is_named(tmp_path: Path, total: object, taken: list[str]) -> None:
    lines = bought({"order": {"id": "ord-5501"}}, total).lines(tmp_path)
    assert [one for one in taken if not any(one in line for line in lines)] == []


def test_an_order_without_a_number_or_a_total_is_in_no_ledger_and_that_is_said(tmp_path: Path) -> None:
    made = bought({"ok": True}, None).imported(tmp_path)
    assert made.purchase is not None
    assert made.purchase.missing == ("the order's number", "its total")
    assert "# Not in the recording: the order's number, its total." in made.draft.text
    assert "self.order(" not in made.draft.text.replace("`with self.order(...)`", "")
    assert "buys=True" not in made.draft.text


def test_a_visit_that_buys_nothing_says_so(tmp_path: Path) -> None:
    made = Calls().get("/", {}).get("/products", {}).imported(tmp_path)
    assert made.purchase is None
    assert "# No request of the recording looks like one that places an order." in made.draft.text
    assert made.draft.journeys == ("window-shop",)


def test_the_shop_s_own_idempotency_key_is_the_ledger_s(tmp_path: Path) -> None:
    calls = bought(ORDER)
    calls.entries[-1]["request"]["headers"].append({"name": "Idempotency-Key", "value": "k-1"})
    assert 'headers={"Idempotency-Key": order.key}' in " ".join(calls.lines(tmp_path))


def test_the_base_address_is_without_what_stands_in_the_recording_s(tmp_path: Path) -> None:
    made = import_visit(read_har(file(tmp_path, har(asked(f"https://kim:hunter2@{SHOP[8:]}/")))))
    assert made.visit.base == SHOP
    assert "hunter2" not in made.draft.text


def test_one_shared_word_is_not_enough_for_a_small_number(tmp_path: Path) -> None:
    calls = Calls().get("/a", {"variants": {"rank": 7}}).post("/b", {"variantId": 7}, {})
    assert calls.lines(tmp_path)[-1] == 'self.post("b", "/b", {"variantId": 7})'


def test_a_line_of_a_cart_keeps_its_place(tmp_path: Path) -> None:
    reply = {"cart": {"items": [{"id": "line-88112233"}, {"id": "line-88112244"}]}}
    text = Calls().get("/a", reply).post("/b", {"line_id": "line-88112244"}, {}).imported(tmp_path).draft.text
    assert '["cart.items.1.id"]' in text


def test_a_secret_is_taken_out_wherever_else_it_stands(tmp_path: Path) -> None:
    cookie = "8c1f7e2b9a4d4f6e8b3c5a7d9e1f2a3b"
    calls = Calls().post("/login", {"user": "kim", "password": "hunter2-of-kim"}, {}, {"Cookie": f"sid={cookie}"})
    calls.get(f"/trace/{cookie}", {}).post("/b", {"note": "mine is hunter2-of-kim"}, {})
    text = calls.imported(tmp_path).draft.text
    assert [one for one in (cookie, "hunter2") if one in text] == []
    assert '{"note": "mine is …"}' in text
    assert "/trace/{self.settings['trace_id']}" in text


def test_the_total_of_a_page_is_its_largest(tmp_path: Path) -> None:
    rows = "".join(
        f'<p class="{name}">Total: £{amount}</p>'
        for name, amount in (("total-a", "5.00"), ("total-b", "24.00"), ("total-c", "19.00"))
    )
    page = asked("/cart", text=f"<html><body>{rows}</body></html>")
    calls = bought(ORDER)
    calls.entries[2:2] = [page]
    for second, one in enumerate(calls.entries):
        one["startedDateTime"] = f"2026-11-27T19:00:{second:02d}Z"
    calls.entries[1]["response"]["content"]["text"] = "{}"
    assert """cents(cart.one("p.total-b").text)""" in calls.imported(tmp_path).draft.text


def test_of_several_numbers_an_order_has_that_which_the_visit_uses(tmp_path: Path) -> None:
    calls = bought({"order": {"id": "ord-5501", "code": "XKCD-2026"}}).get("/orders/XKCD-2026", {})
    assert "order.accepted(order_code" in calls.imported(tmp_path).draft.text


def test_braces_beside_a_found_value_stay_as_they_were(tmp_path: Path) -> None:
    calls = Calls().get("/a", {"cart": {"id": "cart-11223344"}}).get("/x{1}/cart-11223344", {})
    assert calls.lines(tmp_path)[-1].endswith('f"/x{{1}}/{cart_id}")')
