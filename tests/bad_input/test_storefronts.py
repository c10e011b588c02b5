"""A storefront's file that can't be played ends `run` and `try` with 2 before any request, named with its line."""

from pathlib import Path

import pytest

from loadtests.environment import own_module
from tests.bad_input.conftest import Peakproof
from tests.scripts.world import PLAN, targets, write_inputs

MINE = """\
from peakproof import Shop, journey


class Mine(Shop):
    @journey(buys=True)
    def search_and_buy(self):
        self.get("home", "/")
"""
CASES: dict[str, tuple[str | bytes, str]] = {
    "a syntax error": ("class Mine(Shop:\n", "line 1: invalid syntax"),
    "bytes that are no text": (b"\xff\xfe", "not UTF-8 at byte 0"),
    "no class": ("import json\n", "expected one class that is a Shop (class Mine(Shop):), found none"),
    "two classes": (
        f"{MINE}\n\nclass Other(Shop):\n    pass\n",
        "expected one class that is a Shop (class Mine(Shop):), found Mine, Other",
    ),
    "no journey": (MINE.replace("    @journey(buys=True)\n", ""), "Mine has no journey: mark a method with @journey"),
    "a module that isn't installed": (
        f"import nothing_of_the_kind\n{MINE}",
        (
            "line 1: ModuleNotFoundError: No module named 'nothing_of_the_kind': install it beside peakproof, and on"
            " each machine of a worker"
        ),
    ),
    "an exception when it is read": (f"{MINE}\n{{}}['sku']\n", "line 9: KeyError: 'sku'"),
    "an end of the process": (
        f"{MINE}\nexit(0)\n",
        "line 9: the file ends the process: take sys.exit() or exit() out of it",
    ),
    "code that never ends": (
        f"{MINE}\nwhile True:\n    pass\n",
        "line {}: the file's own code hasn't ended after 0.2 s: requests belong into journeys, not beside them",
    ),
    "code that keeps every exception and never ends": (
        "import time\nwhile True:\n    try:\n        time.sleep(9)\n    except Exception:\n        pass\n",
        "line 4: the file's own code hasn't ended after 0.2 s: requests belong into journeys, not beside them",
    ),
    "a journey's bad name": (
        MINE.replace("@journey(buys=True)", '@journey(name="Buy it")'),
        (
            "Mine.search_and_buy: the journey's name 'Buy it' must be 1 to 40 of a-z, 0-9 and inner hyphens; give"
            " @journey(name=...)"
        ),
    ),
    "a journey twice": (
        f'{MINE}\n    @journey(name="search-and-buy")\n    def again(self):\n        pass\n',
        "Mine.again: a second journey is named search-and-buy",
    ),
    "a method with arguments": (
        MINE.replace("def search_and_buy(self):", "def search_and_buy(self, word):"),
        "Mine.search_and_buy: a journey is called with nothing but self, and this one needs word",
    ),
    "too large a file": ("#" * ((1 << 20) + 1), "larger than the 1048576 bytes allowed"),
}


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_module, "MOST_S", 0.2)


@pytest.mark.parametrize("verb", ["run", "try"])
@pytest.mark.parametrize("case", CASES)
def test_a_file_that_can_not_be_played_is_named(tmp_path: Path, called: Peakproof, verb: str, case: str) -> None:
    content, why = CASES[case]
    write_inputs(tmp_path, targets=targets(storefront={"file": "mine.py"}))
    (tmp_path / "mine.py").write_bytes(content if isinstance(content, bytes) else content.encode())
    ended = called(verb, "plan.yaml", "--on", "staging", SHOP_TOKEN="made-up")
    place = f"peakproof: {tmp_path / 'mine.py'}: "
    wanted = {place + why.format(9), place + why.format(10)}
    assert (ended.code, ended.out) == (2, "")
    assert any(ended.err.startswith(one) for one in wanted), ended.err
    assert not (tmp_path / "runs").exists()
    assert not (tmp_path / "tries").exists()


@pytest.mark.parametrize("verb", ["run", "try"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, called: Peakproof, verb: str) -> None:
    write_inputs(tmp_path, targets=targets(storefront={"file": "none.py"}))
    ended = called(verb, "plan.yaml", "--on", "staging", SHOP_TOKEN="made-up")
    assert ended.code == 2
    assert ended.err == f"peakproof: {tmp_path / 'none.py'}: can't be read: No such file or directory\n"


@pytest.mark.parametrize("verb", ["run", "try"])
@pytest.mark.parametrize(
    ("source", "why"),
    [
        ({"env": "MINE_KEY"}, "the environment variable MINE_KEY is not set; targets.yaml names it in"),
        ({"file": "key.txt"}, "key.txt: can't be read: No such file or directory"),
    ],
)
def test_a_setting_without_its_secret_is_named(
    tmp_path: Path, called: Peakproof, verb: str, source: dict[str, str], why: str
) -> None:
    visits = "visits: {search-and-buy: {steps: {checkout: 1}, orders: 1}}\n"
    write_inputs(
        tmp_path, plan=PLAN + visits, targets=targets(storefront={"file": "mine.py", "settings": {"key": source}})
    )
    (tmp_path / "mine.py").write_text(MINE)
    ended = called(verb, "plan.yaml", "--on", "staging", SHOP_TOKEN="made-up")
    assert ended.code == 2
    assert why in ended.err
