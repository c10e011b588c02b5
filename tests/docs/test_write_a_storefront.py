"""Each storefront of the tutorial is tried against the stand-in's pages, and each mistake shows as the page says."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from loadtests.environment.targets import read_targets, redacted
from scripts.local_stack.shop import TOKEN_VARIABLE, Shop
from tests.bad_input.conftest import shop
from tests.bad_input.process import Ended, peakproof

__all__ = ["shop"]

PAGE = (Path(__file__).parents[2] / "docs" / "write-a-storefront.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
YAML = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
LOOK, BUY, DROP, LOGIN = PYTHON


def tried(folder: Path, shop: Shop, text: str) -> Ended:
    (folder / "storefront.py").write_text(text)
    told = json.loads(json.dumps(redacted("staging", shop.environment_with_customers())))
    told["environments"]["staging"]["storefront"] = {"file": "storefront.py"}
    (folder / "targets.yaml").write_text(json.dumps(told))
    return peakproof(folder, "try", "--on", "staging", **{TOKEN_VARIABLE: shop.token})


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("text", "visits"),
    [
        (LOOK, ["window-shop: home 1, search 1, product 1"]),
        (
            BUY,
            [
                "window-shop: home 1, search 1, product 1",
                (
                    "buy: home 1, search 1, product 1, cart 1, cart-redirect 1, checkout-page 1, checkout 1, order 1;"
                    " orders 1"
                ),
            ],
        ),
        (DROP, ["drop: home 1, drops 1, cart 1, checkout 1; orders 1"]),
        (
            LOGIN,
            ["my-orders: consent 1, home 1, login 1, login-form 1, login-submit 1, login-return 2, orders 1"],
        ),
    ],
    ids=["look", "buy", "drop", "login"],
)
def test_each_storefront_of_the_page_plays(tmp_path: Path, shop: Shop, text: str, visits: list[str]) -> None:
    ended = tried(tmp_path, shop, text)
    assert ended.code == 0, ended.out + ended.err
    for line in visits:
        assert f"  {line}" in ended.out.splitlines()


MISTAKES = {
    "no Python": (LOOK.replace("def window_shop(self):", "def window_shop(self:"), 2, "storefront.py: line 9: "),
    "another selector": (LOOK.replace('a[href^="/search?q="]', "a.nothing"), 75, "nothing to pick from"),
    "another path": (LOOK.replace('"home", "/"', '"home", "/nowhere"'), 75, "FAILED: home: http_4xx"),
    "a slip": (LOOK.replace('self.get("home", "/")', '{}["sku"]'), 2, "KeyError: 'sku'"),
    "away": (LOOK.replace('self.open("search", self.pick(words))', 'self.open("search", "https://elsewhere.example/")'),
             75, "redirected_away"),
    "no outcome": (BUY.replace("order.accepted(", "dict(order="), 2,
                   "the order's block ended without accepted(...) and without a refusal"),
}  # fmt: skip


@pytest.mark.heavy
@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_of_the_page_shows_as_it_says(tmp_path: Path, shop: Shop, mistake: str) -> None:
    text, code, shown = MISTAKES[mistake]
    ended = tried(tmp_path, shop, text)
    assert (ended.code, shown in ended.out + ended.err) == (code, True), ended.out + ended.err
    assert "storefront.py" in ended.out + ended.err


def whole_targets() -> Iterator[str]:
    whole, part = YAML
    yield whole
    yield whole.replace("    storefront: {file: storefront.py}\n", part)


@pytest.mark.parametrize("text", list(whole_targets()), ids=["first", "last"])
def test_each_targets_file_of_the_page_is_valid(tmp_path: Path, text: str) -> None:
    (tmp_path / "targets.yaml").write_text(text)
    environment = read_targets(tmp_path / "targets.yaml").environments["staging"]
    assert set(yaml.safe_load(text)["environments"]["staging"]) <= environment.model_fields_set
