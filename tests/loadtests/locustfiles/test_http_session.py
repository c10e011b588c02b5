"""A user's client sends what requests would send, gives back what requests would give, and records what came."""

from pathlib import Path

import pytest

from loadtests.environment.ceilings import CeilingReachedError, Ceilings
from loadtests.environment.targets import Ceiling
from loadtests.locustfiles.exceptions import NotPlayedError
from loadtests.shopper.session_errors import SessionFailedError
from tests.loadtests.locustfiles.players import Player
from tests.loadtests.locustfiles.small_shop import running

TASK = """
import requests
from locust import {kind}, events, task
from locust.exception import CatchResponseError, LocustError, ResponseError

class Buyer({kind}):
    network_timeout = 3

    @task
    def buy(self):
{code}
"""


def play(folder: Path, code: str, kind: str = "HttpUser", **how: object) -> Player:
    indented = "\n".join(f"        {line}" for line in code.strip().splitlines())
    with running() as shop:
        player = Player(folder, shop.url, TASK.format(kind=kind, code=indented), **how, each_in_turn=True)
        object.__setattr__(player.storefront.played.declared, "tasks_per_session", 1)
        player.shop = shop  # type: ignore[attr-defined]
        player.play()
    return player


SENT = {
    "a form": ('self.client.post("/echo", {"a": [1, 2], "b": "ü", "c": None})', "a=1&a=2&b=%C3%BC",
               "application/x-www-form-urlencoded"),
    "pairs": ('self.client.post("/echo", data=[("a", "1"), ("a", "2")])', "a=1&a=2",
              "application/x-www-form-urlencoded"),
    "json": ('self.client.post("/echo", json={"a": [1]})', '{"a":[1]}', "application/json"),
    "json of its own type": ('self.client.post("/echo", json={"a": 1}, headers={"content-type": "a/ld+json"})',
                             '{"a":1}', "a/ld+json"),
    "json with numbers as names": ('self.client.post("/echo", json={1: 2}, headers={"Content-Type": "a/b"})',
                                   '{"1":2}', "a/b"),
    "a text": ('self.client.post("/echo", data="{}", headers={"Content-Type": "application/json"})', "{}",
               "application/json"),
    "bytes of no type": ('self.client.put("/echo", data=b"\\x00")', "\x00", None),
    "nothing": ('self.client.post("/echo")', "", None),
    "a form of its own type": ('self.client.post("/echo", {"a": "b c"}, headers={"Content-Type": "text/x"})', "a=b+c",
                               "text/x"),
}  # fmt: skip


@pytest.mark.parametrize("what", SENT)
def test_what_is_sent_is_what_requests_sends(tmp_path: Path, what: str) -> None:
    code, body, kind = SENT[what]
    told = f"told = {code}.json()\nassert told['body'] == {body!r}, told\n"
    told += f"assert told['headers'].get('Content-Type') == {kind!r}, told"
    assert play(tmp_path, told).errors[0][1] is None


@pytest.mark.parametrize(
    "code",
    [
        'assert self.client.get("/echo", params={"q": "a b", "n": None}).json()["query"] == {"q": ["a b"]}',
        'assert self.client.get("/echo?x=1", params="y=2").json()["query"] == {"x": ["1"], "y": ["2"]}',
        'assert self.client.get("echo").json()["path"] == "/echo"',
        'assert self.client.get("/echo/ü b#part").json()["path"] == "/echo/%C3%BC%20b"',
        'assert self.client.get(self.host + "/echo").json()["path"] == "/echo"',
        'assert self.client.get("/echo", auth=("a", "b")).json()["headers"]["Authorization"] == "Basic YTpi"',
        (
            'a = requests.auth.HTTPBasicAuth("a", "b")\n'
            'assert self.client.get("/echo", auth=a).json()["headers"]["Authorization"] == "Basic YTpi"'
        ),
        'assert self.client.get("/echo", cookies={"a": "1"}).json()["cookies"] == {"a": "1"}',
        (
            'self.client.cookies["a"] = "1"\nself.client.cookies.update({"b": "2"})\n'
            'assert self.client.get("/echo", cookies={"a": "3"}).json()["cookies"] == {"b": "2", "a": "3"}\n'
            'assert self.client.cookies.get_dict() == {"a": "1", "b": "2"} and "a" in self.client.cookies\n'
            'assert [one.name for one in self.client.cookies] == ["a", "b"]\n'
            'del self.client.cookies["a"]\nassert self.client.get("/echo").json()["cookies"] == {"b": "2"}'
        ),
        (
            'self.client.headers["X-A"] = "1"\n'
            'own = {"x-a": "2", "X-B": None, "Connection": "close"}\n'
            'told = self.client.get("/echo", headers=own).json()["headers"]\n'
            'assert told["x-a"] == "2" and "X-B" not in told and "Connection" not in told, told'
        ),
        (
            'answer = self.client.get("/product/1")\n'
            'assert answer.cookies["sid"] == "s1" and answer.cookies.get_dict() == {"sid": "s1"}'
        ),
        (
            'answer = self.client.get("/status/404")\nassert not answer and not answer.ok\n'
            'assert answer.reason == "Not Found"\n'
            "try:\n    answer.raise_for_status()\n    raise SystemError\n"
            "except requests.exceptions.HTTPError as error:\n"
            '    assert "404 Client Error: Not Found for url: GET /status/{id}" in str(error)\n'
            "    assert error.response.status_code == 404"
        ),
        (
            'answer = self.client.get("/")\n'
            "try:\n    answer.json()\n    raise SystemError\nexcept requests.exceptions.JSONDecodeError:\n    pass\n"
            'assert answer.text == "<h1>/</h1>" == answer.content.decode() and answer.encoding == "utf-8"\n'
            'assert list(answer.iter_lines()) == [b"<h1>/</h1>"] and answer.request.method == "GET"\n'
            'assert answer.headers["content-type"] == answer.headers["Content-Type"]'
        ),
    ],
    ids=lambda code: code.splitlines()[0][:60],
)
@pytest.mark.parametrize("kind", ["HttpUser", "FastHttpUser"])
def test_the_client_is_used_as_a_session_of_requests(tmp_path: Path, code: str, kind: str) -> None:
    if kind == "FastHttpUser":
        code = code.replace("assert not answer and", "assert answer and")
    play(tmp_path, code, kind)


def test_redirects_are_followed_and_each_is_a_record(tmp_path: Path) -> None:
    code = 'answer = self.client.post("/checkout", {"a": 1}, name="buy")\n'
    code += "assert answer.url.endswith('/order/1') and [one.status_code for one in answer.history] == [302]\n"
    code += 'answer = self.client.post("/checkout", {"a": 1}, allow_redirects=False, name="stay")\n'
    code += "assert answer.is_redirect and answer.headers['location'] == '/order/2' and answer.ok"
    assert play(tmp_path, code).errors == [("buy", None), ("buy-redirect", None), ("stay", None)]


def test_a_redirect_without_end_and_one_to_a_host_that_isn_t_declared_are_errors(tmp_path: Path) -> None:
    player = play(tmp_path, 'self.client.get("/loop", name="loop")\nself.client.get("/away", name="away")')
    assert player.errors[-1] == ("away", "redirected_away")
    assert player.errors[-2] == ("loop-redirect", "wrong_reply")
    assert len(player.errors) == 12


def test_an_address_of_a_host_that_isn_t_declared_is_never_asked(tmp_path: Path) -> None:
    with pytest.raises(SessionFailedError, match=r"redirected_away: http://elsewhere\.example isn't declared"):
        play(tmp_path, 'self.client.get("http://elsewhere.example/")')


def test_an_answer_that_doesn_t_come_in_time_is_a_timeout_and_no_exception(tmp_path: Path) -> None:
    code = 'answer = self.client.get("/slow/1", timeout=0.1, name="slow")\n'
    code += "assert answer.status_code == 0 and not answer.ok and not answer.content\n"
    code += "try:\n    answer.raise_for_status()\n    raise SystemError\nexcept requests.exceptions.Timeout:\n    pass"
    assert play(tmp_path, code).errors == [("slow", "timeout")]


CAUGHT = {
    "success of an error": ('with ASK("/status/404") as r:\n    r.success()', None),
    "failure of an answer": ('with ASK("/") as r:\n    r.failure("no")', "wrong_reply"),
    "failure of an error": ('with ASK("/status/500") as r:\n    r.failure("no")', "http_5xx"),
    "no word": ('with ASK("/status/500"):\n    pass', "http_5xx"),
    "no block": ('ASK("/status/404")', "http_4xx"),
    "an error of a response": ('with ASK("/") as r:\n    raise ResponseError("no")', "wrong_reply"),
    "a word after another request": ('with ASK("/status/404") as r:\n    self.client.get("/")\n    r.success()', None),
    "too many requests stay a firewall's": ('with ASK("/status/429") as r:\n    r.success()', "blocked"),
}


@pytest.mark.parametrize("what", CAUGHT)
def test_the_word_of_the_block_on_a_caught_response_is_what_is_recorded(tmp_path: Path, what: str) -> None:
    code, error = CAUGHT[what]
    player = play(tmp_path, code.replace("ASK(", 'self.client.get(name="x", catch_response=True, url='))
    assert ("x", error) in player.errors
    assert len(player.errors) == 1 + ("another" in what)


def test_what_a_block_raises_about_a_reply_makes_its_record_wrong_and_ends_the_session(tmp_path: Path) -> None:
    with running() as shop:
        code = '        with self.client.get("/", catch_response=True) as r:\n            r.json()["x"]'
        player = Player(tmp_path, shop.url, TASK.format(kind="HttpUser", code=code))
        with pytest.raises(SessionFailedError, match="GET /: wrong_reply"):
            player.play()
        assert player.errors == [("GET /", "wrong_reply")]


def test_a_name_may_be_given_after_the_request(tmp_path: Path) -> None:
    code = 'with self.client.get("/", catch_response=True) as r:\n    r.request_meta["name"] = "front"'
    assert play(tmp_path, code).errors == [("front", None)]


def test_success_without_catch_response_is_refused_as_locust_does(tmp_path: Path) -> None:
    code = 'try:\n    self.client.get("/").success()\n    raise SystemError\nexcept LocustError:\n    pass'
    play(tmp_path, code)


def test_rest_parses_json_and_what_its_block_asserts_is_the_request_s_failure(tmp_path: Path) -> None:
    code = 'with self.rest("GET", "/api/products") as r:\n    assert r.js["products"][0]["id"] == 101\n'
    code += 'with self.rest("GET", "/api/products", name="b") as r:\n    assert r.js == [], "not empty"\n'
    code += 'with self.rest("GET", "/", name="c") as r:\n    assert r.js is None\n'
    code += 'with self.rest_("GET", "/api/products", name="d") as r:\n    pass'
    player = play(tmp_path, code, "FastHttpUser")
    assert player.errors == [("GET /api/products", None), ("b", "wrong_reply"), ("c", "wrong_reply"), ("d", None)]
    assert player.unexpected[0] == ("b", 200, "not empty")


def test_a_header_host_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"the header Host is 'other\.example'"):
        play(tmp_path, 'self.client.get("/", headers={"Host": "other.example"})')


def test_an_argument_that_can_t_be_played_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(NotPlayedError, match=r"self\.client\.get: hooks can't be played"):
        play(tmp_path, 'self.client.get("/", hooks={})')


def test_a_ceiling_ends_the_session_whatever_the_task_catches(tmp_path: Path) -> None:
    code = "        for _ in range(9):\n            try:\n                self.client.get('/')\n"
    code += "            except Exception:\n                pass"
    with running() as shop:
        player = Player(tmp_path, shop.url, TASK.format(kind="HttpUser", code=code))
        few = Ceilings(Ceiling(requests_per_s=1, open_sessions=9, orders=1), 0, 1)
        object.__setattr__(player.context, "ceilings", few)
        with pytest.raises(CeilingReachedError):
            player.play()
        assert len(shop.asked) < 9


def test_listeners_hear_of_each_request_once_with_its_time_and_its_exception(tmp_path: Path) -> None:
    code = "self.environment.events.request.add_listener(lambda **told: HEARD.append(told))\n"
    code += 'self.client.get("/")\nself.client.get("/status/500")\n'
    code += 'with self.client.get("/", catch_response=True, name="x", context={"k": 1}) as r:\n    r.failure("no")\n'
    code += 'self.client.post("/checkout")'
    player = play(tmp_path, "global HEARD\nHEARD = []\n" + code)
    user = player.storefront.played.users["buyer"]
    heard = vars(__import__("sys").modules[user.__module__])["HEARD"]
    assert [(one["request_type"], one["name"]) for one in heard] == [
        ("GET", "GET /"), ("GET", "GET /status/{id}"), ("GET", "x"), ("POST", "POST /checkout"),
    ]  # fmt: skip
    assert [type(one["exception"]).__name__ for one in heard] == [
        "NoneType", "HTTPError", "CatchResponseError", "NoneType",
    ]  # fmt: skip
    assert heard[2]["context"] == {"k": 1}
    assert all(one["response_time"] > 0 for one in heard)


@pytest.mark.parametrize("leaves", ["RescheduleTask", "StopUser", "InterruptTaskSet"])
def test_leaving_a_task_within_a_block_is_no_word_on_its_reply(tmp_path: Path, leaves: str) -> None:
    player = play(
        tmp_path,
        f"""
from locust.exception import {leaves}
with self.client.get("/a", catch_response=True):
    raise {leaves}()
""",
    )
    assert player.errors == [("GET /a", None)]


def test_what_is_not_played_is_no_failure_of_a_block_of_rest(tmp_path: Path) -> None:
    with pytest.raises(NotPlayedError, match="there is no runner"):
        play(
            tmp_path,
            """
with self.rest("GET", "/api/products"):
    getattr(self.environment, "run" + "ner")
""",
            "FastHttpUser",
        )


def test_cookies_that_are_set_anew_take_the_place_of_those_before(tmp_path: Path) -> None:
    player = play(
        tmp_path,
        """
self.client.cookies.set("a", "1")
self.client.cookies = {"b": "2"}
assert self.client.get("/echo").json()["cookies"] == {"b": "2"}
""",
    )
    assert player.errors == [("GET /echo", None)]


def test_a_user_s_host_that_is_not_declared_is_noted(tmp_path: Path) -> None:
    text = TASK.format(kind="HttpUser", code="        pass")
    with running() as shop:
        for host, noted in (("http://api.example", True), (f"{shop.url}/", False)):
            folder = tmp_path / str(noted)
            folder.mkdir()
            player = Player(folder, shop.url, text.replace("network_timeout = 3", f'host = "{host}"'))
            assert (
                f"Buyer.host: {host} is no declared host: its paths go to base_url" in player.storefront.notes
            ) is noted
