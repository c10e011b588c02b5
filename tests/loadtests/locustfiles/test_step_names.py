"""A request without a name is its method and path: as the source spells it, without query and ids; bounded."""

import ast
from pathlib import Path

import pytest

from loadtests.environment.bundle import Module
from loadtests.locustfiles import step_names
from loadtests.locustfiles.exceptions import VisitEndedError
from loadtests.locustfiles.notes import notes_of
from loadtests.locustfiles.routes import routes_of, spelled
from loadtests.locustfiles.step_names import StepNames


def module(text: str) -> Module:
    return Module(file=Path("locustfile.py"), name="locustfile.py", tree=ast.parse(text))


@pytest.mark.parametrize(
    ("path", "step"),
    [
        ("/", "GET /"),
        ("/products?page=2", "GET /products"),
        ("/products/17", "GET /products/{id}"),
        ("/order/6f1b2c3d-0000-4000-8000-00000000abcd/pay", "GET /order/{id}/pay"),
        ("/cart/cart_01HZX3K6M2V8Q4", "GET /cart/{id}"),
        ("/v2/tees", "GET /v2/tees"),
        ("/tees/red-shirt", "GET /tees/red-shirt"),
        ("/a//b", "GET /a//b"),
    ],
)
def test_a_path_is_named_without_its_ids(path: str, step: str) -> None:
    assert StepNames().of("GET", path) == step


@pytest.mark.parametrize(
    ("source", "route"),
    [
        ('f"/tees/{slug}/reviews"', "/tees/{slug}/reviews"),
        ('f"/tees/{self.tee}"', "/tees/{tee}"),
        ("f\"/tees/{tee['slug']}?x={y}\"", "/tees/{slug}"),
        ('"/tees/" + choice(TEES)', "/tees/{id}"),
        ('"/tees/%s" % slug', "/tees/{id}"),
        ('"/tees/{}/{size}".format(slug, size=1)', "/tees/{id}/{size}"),
        ('self.host + "/tees/" + str(slug)', "/tees/{slug}"),
        ('f"https://shop.example/tees/{slug}"', "/tees/{slug}"),
        ('f"{BASE}/tees/{a}{b}"', "/tees/{a}"),
    ],
)
def test_a_hole_in_a_path_of_the_source_is_a_hole_in_the_step(source: str, route: str) -> None:
    routes = routes_of([module(f"self.client.get({source})")])
    assert routes == {route}
    path = route.replace("{size}", "xl")
    for hole in ("{slug}", "{tee}", "{id}", "{a}"):
        path = path.replace(hole, "red-shirt")
    assert StepNames(routes).of("GET", path) == f"GET {route}"


def test_what_is_spelled_out_goes_before_a_hole() -> None:
    names = StepNames(["/tees/{slug}", "/tees/{slug}/{size}", "/{page}"])
    assert names.of("GET", "/tees/red") == "GET /tees/{slug}"
    assert names.of("GET", "/about") == "GET /{page}"


def test_the_steps_that_the_source_spells_are_known_without_playing() -> None:
    text = """
self.client.get("/", name="front")
self.client.post(url=f"/cart/{cart}")
self.client.request("PUT", "/cart/17")
with self.rest("GET", "/api/me") as answer: pass
self.client.get(path)
self.client.get("/x", name=f"x {y}")
other.get("/nothing")
"""
    assert [one.step for one in spelled([module(text)])] == [
        "front", "POST /cart/{cart}", "PUT /cart/{id}", "GET /api/me", None, None,
    ]  # fmt: skip


def test_a_name_that_no_record_can_use_ends_the_session_and_so_do_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_names, "MOST_STEPS", 2)
    names = StepNames()
    assert names.named("pay") == "pay-redirect"
    with pytest.raises(VisitEndedError, match="1 to 100 printable characters"):
        names.named("pay\n")
    names.named("cart")
    with pytest.raises(VisitEndedError, match="over 2 different kinds of requests, the last 'third'"):
        names.named("third")


def test_what_is_played_otherwise_is_noted_with_its_line() -> None:
    text = """
import os
USER = os.environ["SHOP_USER"]
REGION = os.getenv("SHOP_REGION", "eu")
SEEN = os.environ.get("SHOP_SEEN")
class Buyer:
    min_wait = 1000
    def buy(self):
        self.client.verify = False
        self.client.get("/", verify=False)
"""
    shown = [str(one) for one in notes_of([module(text)], ("SHOP_SEEN",))]
    assert sorted(line.partition(": ")[0] for line in shown) == [
        "locustfile.py:3", "locustfile.py:4", "locustfile.py:7", "locustfile.py:9",
    ]  # fmt: skip
