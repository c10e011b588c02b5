"""The storefront that docs/your-own-shop.md shows plays guests, new customers and returning ones."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.client.interface import Reply, Request
from loadtests.environment.data_files import read_data
from loadtests.environment.data_targets import DataTargets
from loadtests.shopper.data_pools import DataPools
from loadtests.shopper.session import Session
from loadtests.storefronts import Given, load_storefront
from tests.loadtests.fakes import FakeClient, arrival, ok, worker

PAGE = Path(__file__).parents[3] / "docs" / "your-own-shop.md"
ACCOUNTS = {"file": "accounts.csv"}


def documented(folder: Path) -> Path:
    """Write the page's storefront to a file."""
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    (shown,) = [block for block in blocks if "(Shop):" in block]
    (folder / "mine.py").write_text(shown)
    return folder / "mine.py"


def played(folder: Path, accounts: dict[str, Any], answer: Any = None) -> tuple[list[Request], Session, DataPools]:
    (folder / "accounts.csv").write_text("user,password\nada,hunter2\n")
    (folder / "words.csv").write_text("word\nhoodie\n")
    targets = DataTargets.model_validate(
        {"accounts": accounts, "data": {"search_words": {"file": "words.csv", "secret": False}}}
    )
    targets = targets.model_copy(update=targets.anchored_data(folder))
    pools = DataPools(targets, read_data(targets), "run", (0, 1), lambda: 0)
    client = FakeClient(answer or (lambda _: ok()))
    context = replace(worker(folder, client), pools=pools)
    one = arrival(journey="search")
    assert pools.admit(one)
    session = Session(context, one, 0)
    load_storefront(documented(folder)).play(session, Given(run="run"))
    return client.sent, session, pools


@pytest.mark.parametrize(
    ("accounts", "steps"),
    [
        ({"share": {"guest": 1.0}}, ["consent", "search"]),
        ({"share": {"new": 1.0}}, ["consent", "register", "login", "search"]),
        (ACCOUNTS, ["consent", "login", "search"]),
    ],
)
def test_it_consents_registers_and_logs_in(tmp_path: Path, accounts: dict[str, Any], steps: list[str]) -> None:
    sent, session, _ = played(tmp_path, accounts)
    assert [request.step for request in sent] == steps
    assert sent[-1].path == "/search?q=hoodie"
    assert session.lacked is None


def test_it_takes_a_locked_account_out_of_use(tmp_path: Path) -> None:
    def locked(request: Request) -> Reply:
        return Reply(status=423, body=b"locked", error="http_4xx") if request.step == "login" else ok()

    sent, session, pools = played(tmp_path, ACCOUNTS, locked)
    assert [request.step for request in sent] == ["consent", "login"]
    assert (session.lacked, pools.pools["accounts"].locked) == ("account_locked", 1)
