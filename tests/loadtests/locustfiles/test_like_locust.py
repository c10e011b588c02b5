"""Locust itself and we ask the same of a shop with the same file: methods, paths, forms, JSON, headers of its own."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from tests.loadtests.locustfiles.players import Player
from tests.loadtests.locustfiles.small_shop import SmallShop, running
from tests.waiting import wait_for

KINDS = Path(__file__).parent / "kinds"
ROOT = Path(__file__).parents[3]
FILES = ["boutique", "socks", "robots", "forms", "graph", "store/locustfile", "owners", "recorded", "arguments"]
OWN = ("Authorization", "X-Clerk", "X-Csrftoken", "Referer", "X-Forwarded-For", "Accept-Language", "Sec-Ch-Ua-Mobile")
ENOUGH = 400
Asked = tuple[str, str, str, str, tuple[tuple[str, str], ...]]


def kinds_of(shop: SmallShop) -> set[Asked]:
    """Return what was asked, without what differs from one session to the next."""
    return {_asked(method, path, headers, body) for method, path, headers, body in shop.asked}


def _asked(method: str, path: str, headers: dict[str, str], body: bytes) -> Asked:
    told = {name.title(): value for name, value in headers.items()}
    kind = told.get("Content-Type", "").partition(";")[0] if body else ""
    own = tuple((name, _masked(told[name])) for name in OWN if name in told)
    return method, _masked(path), kind, _masked(_content(kind, body)), own


def _content(kind: str, body: bytes) -> str:
    if kind == "application/json":
        return json.dumps(json.loads(body), sort_keys=True)
    if kind == "application/x-www-form-urlencoded":
        return str(parse_qsl(body.decode()))
    if kind == "multipart/form-data":
        return str(sorted(re.findall(rb'name="[^"]*"(?:; filename="[^"]*")?', body)))
    return body.decode("latin-1")


def _masked(text: str) -> str:
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "{uuid}", text)
    return re.sub(r"127\.0\.0\.1:\d+|\d+(?:\.\d+)*|EUR|GBP|OLJC|{n}VC|{n}YMW|L9EC|\dYMW|\d\dVC|L\dEC", "{n}", text)


@pytest.mark.heavy
@pytest.mark.parametrize("kind", FILES)
def test_what_locust_asks_with_a_file_we_ask(tmp_path: Path, kind: str) -> None:
    file = KINDS / f"{kind}.py"
    with running() as shop:
        command = [sys.executable, "-m", "locust", "-f", str(file), "--headless", "-u", "8", "-r", "8", "-t", "90s"]
        variables = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "LOCUST_SKIP_UPDATE_CHECK": "1"}
        with (tmp_path / "locust.log").open("w") as log:
            locust = subprocess.Popen(
                [*command, "--host", shop.url, "--stop-timeout", "1"],
                cwd=file.parent, env=variables, stdout=log, stderr=log,
            )  # fmt: skip
            try:
                wait_for(lambda: len(shop.asked) > ENOUGH, "requests of Locust's", 80)
            finally:
                locust.terminate()
                locust.wait(20)
        theirs = kinds_of(shop)
        shop.asked.clear()
        player = Player(tmp_path, shop.url, file, each_in_turn=True)
        for journey in player.storefront.journeys:
            for number in range(25):
                player.play(journey, seed=number + 1, number=number)
        ours = kinds_of(shop)
    assert theirs == ours
    assert theirs
