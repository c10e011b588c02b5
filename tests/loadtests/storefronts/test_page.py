"""Values are read out of a reply; what isn't there is the reply's fault, and its record says so."""

from decimal import Decimal
from pathlib import Path

import pytest

from loadtests.client.interface import Reply
from loadtests.shopper.session_errors import SessionFailedError
from loadtests.storefronts.amounts import cents
from loadtests.storefronts.html import MAX_BYTES, document
from loadtests.storefronts.page import Page
from tests.loadtests.fakes import ok
from tests.loadtests.storefronts.shopping import Shopper, html

ORDER = {"order": {"id": 7, "total": "19.90", "lines": [{"sku": "a"}, {"sku": "b"}], "note": None}}


def page_of(folder: Path, reply: Reply) -> tuple[Shopper, Page]:
    shopper = Shopper(folder, lambda _: reply._replace())
    return shopper, shopper.shop.get("order", "/order")


def test_values_of_the_json_are_read_by_path(tmp_path: Path) -> None:
    _, page = page_of(tmp_path, ok(ORDER))
    assert (page["order.id"], page["order.lines.1.sku"], page["order.note"]) == (7, "b", None)
    assert (page.cents("order.total"), page.get("order.tax"), page.get("order.tax", 0)) == (1990, None, 0)
    assert page.json == ORDER


def test_a_list_at_the_top_is_read_by_index(tmp_path: Path) -> None:
    _, page = page_of(tmp_path, ok([{"sku": "a"}]))
    assert page["0.sku"] == "a"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("order.tax", "order.tax: not there"),
        ("order.lines.2", "order.lines.2: not there"),
        ("order.lines.sku", "order.lines.sku: not there"),
        ("order.id.x", "order.id.x: not there"),
    ],
)
def test_what_is_not_there_is_a_wrong_reply_of_its_step(tmp_path: Path, path: str, why: str) -> None:
    shopper, page = page_of(tmp_path, ok(ORDER))
    with pytest.raises(SessionFailedError, match=r"^order: wrong_reply$"):
        page[path]
    assert (shopper.errors, shopper.unexpected) == ([("order", "wrong_reply")], [("order", 200, why)])


def test_what_is_read_after_the_next_request_ends_the_visit_but_changes_no_record(tmp_path: Path) -> None:
    shopper, page = page_of(tmp_path, ok(ORDER))
    shopper.shop.get("home", "/")
    with pytest.raises(SessionFailedError, match=r"^order: wrong_reply$"):
        page["order.tax"]
    assert (shopper.errors, shopper.unexpected) == ([("order", None), ("home", None)], [])


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[" * 3000])
def test_what_is_no_json_is_a_wrong_reply(tmp_path: Path, body: bytes) -> None:
    shopper, page = page_of(tmp_path, Reply(status=200, body=body))
    with pytest.raises(SessionFailedError):
        page["order"]
    assert shopper.unexpected == [("order", 200, "expected JSON")]


@pytest.mark.parametrize("total", ["free", None, True, 1.999, "", [1]])
def test_what_is_no_amount_is_a_wrong_reply(tmp_path: Path, total: object) -> None:
    shopper, page = page_of(tmp_path, ok({"total": total}))
    with pytest.raises(SessionFailedError):
        page.cents("total")
    assert shopper.errors == [("order", "wrong_reply")]


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (19.99, 1999), (0.1, 10), (5, 500), ("19.9", 1990), ("£1,299.00", 129900), ("1.299,00 €", 129900),
        ("1'299.50 CHF", 129950), ("1 299,5 kr", 129950), ("$1,299", 129900), ("USD 3", 300), ("-4.50", -450),
        ("Total: 7.", 700), (1.1e3, 110000),
    ],
)  # fmt: skip
def test_amounts_are_read_as_shops_write_them(amount: object, expected: int) -> None:
    assert cents(amount) == expected


def test_an_amount_beyond_what_can_be_calculated_with_is_none() -> None:
    with pytest.raises(ValueError, match=r"^an amount out of range$"):
        cents(Decimal("1e999999"))


PAGE = """<!doctype html><title>Tees</title><ul><li class=tee data-id=1><b>Tea</b>
 <i>12.50</i></li><li class="tee sold" data-id=2>Pies</li></ul><form><input name=csrf value=x></form>"""


def test_elements_are_found_by_css(tmp_path: Path) -> None:
    _, page = page_of(tmp_path, html(PAGE))
    first, second = page.select("li.tee")
    assert (first.text, first["data-id"], first.get("nothing", "-"), second.text) == ("Tea 12.50", "1", "-", "Pies")
    assert [one["data-id"] for one in page.select("li.tee:not(.sold)")] == ["1"]
    assert (page.one("title").text, page.select("p"), first.select("i")[0].text) == ("Tees", [], "12.50")
    assert page.form().fields == (("csrf", "x"),)
    with pytest.raises(LookupError):
        first["nothing"]
    with pytest.raises(ValueError, match="not a CSS selector"):
        page.select("li..tee")


def test_elements_are_found_by_their_text_in_one_page_after_another() -> None:
    for sku in ("KNIT-1", "KNIT-2"):
        page = document(f"<table><tr><th>UPC</th><td>{sku}</td></tr></table>".encode())
        assert [one.text for one in page.select('th:contains("UPC") + td')] == [sku]


def test_a_form_has_the_fields_that_a_browser_would_send(tmp_path: Path) -> None:
    _, page = page_of(
        tmp_path,
        html(
            "<form><input name=q><input name=off disabled value=1><input value=nameless><input type=file name=f>"
            "<input type=submit name=go value=Go><input type=checkbox name=a><input type=checkbox name=b checked>"
            "<input type=radio name=r value=1><input type=radio name=r value=2 checked><textarea name=t> x </textarea>"
            "<select name=s><option disabled>none<option>one<option value=2>two</select>"
            "<select name=m multiple><option selected>a<option value=B selected>b<option>c</select>"
            "<select name=n multiple><option>a</select></form>"
        ),
    )
    assert page.form().fields == (
        ("q", ""), ("b", "on"), ("r", "2"), ("t", " x "), ("s", "one"), ("m", "a"), ("m", "B"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("css", "why"), [("p.none", "no element matches p.none"), ("form#none", "no element matches form#none")]
)
def test_an_element_that_is_not_there_is_a_wrong_reply(tmp_path: Path, css: str, why: str) -> None:
    shopper, page = page_of(tmp_path, html(PAGE))
    with pytest.raises(SessionFailedError):
        page.form(css) if css.startswith("form") else page.one(css)
    assert (shopper.errors, shopper.unexpected) == ([("order", "wrong_reply")], [("order", 200, why)])


def test_what_is_no_form_is_named(tmp_path: Path) -> None:
    shopper, page = page_of(tmp_path, html(PAGE))
    with pytest.raises(SessionFailedError):
        page.form("ul")
    assert shopper.unexpected == [("order", 200, "ul: is no form but <ul>")]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "the page has no HTML"),
        (b"<p>" + b"x" * MAX_BYTES, f"the page has {MAX_BYTES + 3} bytes; at most {MAX_BYTES} are read"),
    ],
    ids=["empty", "huge"],
)
def test_a_page_that_can_not_be_read_is_a_wrong_reply(tmp_path: Path, body: bytes, why: str) -> None:
    shopper, page = page_of(tmp_path, Reply(status=200, body=body))
    with pytest.raises(SessionFailedError):
        page.select("p")
    assert shopper.unexpected == [("order", 200, why)]


@pytest.mark.parametrize("body", [b"\0<p>a</p>", b"<p>a<p>" * 3000, b"<div>" * 5000 + b"<p>a", b"\xff<p>a</p>"])
def test_a_hostile_page_is_read_or_refused_and_nothing_else(tmp_path: Path, body: bytes) -> None:
    shopper, page = page_of(tmp_path, Reply(status=200, body=body))
    try:
        page.select("p")
    except SessionFailedError:
        assert shopper.errors == [("order", "wrong_reply")]
