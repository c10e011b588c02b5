"""A locustfile's session leaves its canary, and a reply with another's is an error, whatever its task makes of it."""

from pathlib import Path
from typing import Any

import pytest

import peakproof
from loadtests.shopper.canaries import Canaries
from tests.loadtests.locustfiles.players import Player
from tests.loadtests.locustfiles.small_shop import running

TEXT = """
import peakproof
from locust import HttpUser, task

class Customer(HttpUser):
    @task
    def look(self):
        {code}
"""
ECHO = 'self.client.post("/echo", data="I am " + {word}, name="echo"{how})'
OWN = "peakproof.canary()"
OTHER = Canaries("").of_session(99)  # of the run of these tests, which has no name


def played(folder: Path, code: str, sessions: int = 1, reply: Any = None) -> Player:
    with running() as shop:
        shop.reply = reply or shop.reply  # type: ignore[method-assign]
        text = TEXT.format(code=code.replace("OTHER", repr(OTHER)))
        player = Player(folder, shop.url, text, each_in_turn=True,
                        storefront={"tasks_per_session": 1})  # fmt: skip
        for number in range(sessions):
            player.play(number=number)
    return player


def test_a_session_is_shown_its_own_canary(tmp_path: Path) -> None:
    player = played(tmp_path, ECHO.format(word=OWN, how=""), sessions=2)
    assert player.errors == [("echo", None), ("echo", None)]
    assert (player.context.canaries.given, player.context.canaries.shown) == (2, 0)


def test_the_canary_of_a_session_is_one_word_however_often_it_is_asked_for(tmp_path: Path) -> None:
    code = f"assert {OWN} == {OWN} and len({OWN}) == 23; " + ECHO.format(word=OWN, how="")
    player = played(tmp_path, code)
    assert (player.errors, player.context.canaries.given) == ([("echo", None)], 1)


HOW = {
    "plain": ECHO.format(word="OTHER", how=""),
    "read": ECHO.format(word="OTHER", how="") + ".json()",
    "a success": "with " + ECHO.format(word="OTHER", how=", catch_response=True") + " as r: r.success()",
    "caught": "with " + ECHO.format(word="OTHER", how=", catch_response=True") + " as r: pass",
    "an error": 'self.client.get("/login?" + OTHER, name="echo")',
}


@pytest.mark.parametrize("how", HOW)
def test_a_reply_with_another_s_is_an_error_whatever_its_task_makes_of_it(how: str, tmp_path: Path) -> None:
    def reply(_method: str, path: str, _headers: object, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        return (404 if "login" in path else 200), [], b'"' + body + path.encode() + b'"'

    player = played(tmp_path, HOW[how], reply=reply)
    assert player.errors == [("echo", "others_data")]
    assert player.context.canaries.shown == 1
    ((step, _, why),) = player.unexpected
    assert (step, why.partition(" at byte")[0]) == ("echo", "another shopper's data: the canary of session 99")


def test_a_redirect_is_followed_no_further_than_to_another_s_data(tmp_path: Path) -> None:
    def reply(_method: str, path: str, _headers: object, _body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        number = int(path[1:])
        return 302, [("Location", f"/{number + 1}")], OTHER.encode() if number == 2 else b""

    player = played(tmp_path, 'self.client.get("/1", name="go")', reply=reply)
    assert player.errors == [("go", None), ("go-redirect", "others_data")]


def test_played_by_locust_itself_it_is_a_word_that_nobody_looks_for() -> None:
    assert len(peakproof.canary()) == 23
    assert peakproof.canary() != peakproof.canary()
