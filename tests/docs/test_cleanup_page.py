"""The cleanup of its page removes what a try left in the stand-in, and its settings are those of targets.yaml."""

import json
import re
from pathlib import Path

import pytest
import yaml

from loadtests.environment.targets import redacted
from scripts.local_stack.shop import TOKEN_VARIABLE, Shop
from tests.bad_input.conftest import shop
from tests.bad_input.process import peakproof

__all__ = ["shop"]
PAGE = (Path(__file__).parents[2] / "docs" / "cleanup.md").read_text(encoding="utf-8")
(PYTHON,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
(YAML,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.heavy
def test_the_cleanup_of_the_page_cleans_the_stand_in_up(tmp_path: Path, shop: Shop) -> None:
    told = json.loads(json.dumps(redacted("staging", shop.environment_with_customers())))
    staging = told["environments"]["staging"]
    own = yaml.safe_load(YAML)["cleanup"]
    own["hosts"]["admin"]["url"] = staging["cleanup"]["hosts"]["admin"]["url"]
    staging["cleanup"] = own
    (tmp_path / "targets.yaml").write_text(json.dumps(told))
    (tmp_path / "cleanup.py").write_text(PYTHON)
    known = {TOKEN_VARIABLE: shop.token, "TEES_ADMIN_KEY": shop.token}
    journeys = ("--journey", "search-and-buy", "--journey", "personalised-home", "--times", "2")
    tried = peakproof(tmp_path, "try", "--on", "staging", *journeys, **known)
    assert tried.code == 0, tried.out + tried.err
    (run,) = (tmp_path / "tries").iterdir()
    ended = peakproof(tmp_path, "cleanup", f"tries/{run.name}", "--unaudited", **known)
    assert (ended.code, ended.err) == (0, ""), ended.out
    assert "removed: 2 orders, 1 account" in ended.out.splitlines()
