"""A storefront's file is loaded, or what is wrong with it is said with its line."""

from pathlib import Path

import pytest

from loadtests.client.interface import Reply, Request
from loadtests.storefronts import BUILT_IN, load_storefront
from slo.documents import BadInput
from tests.loadtests.fakes import ok
from tests.loadtests.storefronts.shopping import Shopper

MINE = """\
from peakproof import Shop, journey


class Mine(Shop):
    location = "London"

    @journey
    def window_shop(self):
        self.get("home", "/")

    @journey(name="flash-drop", buys=True, sold_out_ok=True)
    def drop(self):
        with self.order([self.line("tee", 2)], 900) as order:
            order.accepted(self.post("checkout", "/checkout", {"key": order.key})["id"], cents=900)
"""


def file(folder: Path, text: str) -> Path:
    path = folder / "mine.py"
    path.write_text(text)
    return path


def test_a_file_of_one_s_own_is_a_storefront(tmp_path: Path) -> None:
    mine = load_storefront(file(tmp_path, MINE))
    assert (mine.name, set(mine.buyers), list(mine.journeys)) == ("mine", {"flash-drop"}, ["window-shop", "flash-drop"])
    drop = mine.journeys["flash-drop"]
    assert (drop.method, drop.buys, drop.sold_out_ok) == ("drop", True, True)

    def answer(request: Request) -> Reply:
        return ok({"id": 5} if request.step == "checkout" else {})

    shopper = Shopper(tmp_path, answer, journey="flash-drop")
    mine.play(shopper.session, shopper.given)
    attempt, outcome = shopper.ledger
    assert (attempt["lines"][0]["location"], outcome["order_id"]) == ("London", "5")
    assert shopper.sent[0].body == {"key": attempt["key"]}


def test_journeys_of_a_base_class_are_played_too(tmp_path: Path) -> None:
    text = MINE + "\n    class Base: pass\n" + "\n    @journey\n    def more(self):\n        pass\n"
    assert list(load_storefront(file(tmp_path, text)).journeys) == ["window-shop", "flash-drop", "more"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("def broken(:\n", "line 1: invalid syntax"),
        ("x = 1\0", "source code string cannot contain null bytes"),
        ("import no_such_module_at_all\n", "line 1: ModuleNotFoundError: No module named 'no_such_module_at_all'"),
        ("a = {}\nb = a['sku']\n", "line 2: KeyError: 'sku'"),
        ("x = 1\n", "expected one class that is a Shop (class Mine(Shop):), found none"),
        ("from peakproof import Shop\n", "expected one class that is a Shop (class Mine(Shop):), found none"),
        (
            MINE + "\n\nclass Other(Shop):\n    pass\n",
            "expected one class that is a Shop (class Mine(Shop):), found Mine, Other",
        ),
        (
            "from peakproof import Shop\nclass Mine(Shop):\n    pass\n",
            "Mine has no journey: mark a method with @journey",
        ),
        (
            MINE.replace('name="flash-drop"', 'name="Flash drop"'),
            (
                "Mine.drop: the journey's name 'Flash drop' must be 1 to 40 of a-z, 0-9 and inner hyphens; give"
                " @journey(name=...)"
            ),
        ),
        (MINE.replace('name="flash-drop"', 'name="window-shop"'), "Mine.drop: a second journey is named window-shop"),
        (MINE.replace("@journey\n", "@journey(buy=True)\n"), "line 7: TypeError: journey() got an unexpected"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_line(tmp_path: Path, text: str, why: str) -> None:
    path = file(tmp_path, text)
    with pytest.raises(BadInput) as refusal:
        load_storefront(path)
    assert str(refusal.value).startswith(f"{path}: {why}")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"mine\.py"):
        load_storefront(tmp_path / "mine.py")


def test_the_built_in_one_has_a_walk_for_a_browser() -> None:
    assert BUILT_IN["twisted-threads"].walk[0] == ("home", "/")
