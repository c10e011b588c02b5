"""Kinds of locustfiles that are met in the wild are played as they are."""

from pathlib import Path

import pytest

from slo.documents import BadInput
from tests.loadtests.locustfiles.players import Player
from tests.loadtests.locustfiles.small_shop import running

KINDS = Path(__file__).parent / "kinds"
PLAYED = {
    "boutique.py": {
        "website-user": {"GET /", "POST /currency", "GET /product/{product}", "POST /cart", "POST /checkout",
                         "POST /checkout-redirect"},
    },
    "socks.py": {
        "looker": {"GET /", "GET /api/products", "GET /detail.html"},
        "buyer": {"GET /login", "GET /api/products", "DELETE /cart", "POST /cart", "GET /basket.html",
                  "POST /checkout", "POST /checkout-redirect"},
    },
    "robots.py": {
        "visitor": {"POST /api/token", "GET /", "GET /api/products", "PUT /api/ratings/{id}/{id}",
                    "GET /api/cart/add/{id}/{id}/1", "GET /api/shipping/{id}", "POST /api/pay/ada"},
    },
    "forms.py": {
        "customer": {"GET /login/", "POST /login/", "POST /login/-redirect", "basket", "product", "add to basket",
                     "account", "after logout"},
    },
    "graph.py": {"reader": {"graphql products", "graphql product", "graphql add"}},
    "store/locustfile.py": {"customer": {"POST /api/token", "product", "pay"}},
    "owners.py": {
        "clerk": {"GET /echo/owners", "PUT /echo/owners/{id}", "PATCH /echo/owners/{id}", "HEAD /echo/owners/{id}",
                  "OPTIONS /echo/owners/{id}", "POST /echo/pictures", "missing owner"},
    },
    "recorded.py": {"recorded": {"GET /shop", "POST /api/cart"}},
    "arguments.py": {"quick": {"GET /{channel}/list"}, "patient": {"GET /{channel}/list"}},
}  # fmt: skip
ERRORS = {"missing owner": "http_4xx"}


@pytest.mark.parametrize("kind", PLAYED)
def test_every_step_of_a_kind_is_played_and_is_no_error_but_where_the_shop_says_so(tmp_path: Path, kind: str) -> None:
    with running() as shop:
        player = Player(tmp_path, shop.url, KINDS / kind, each_in_turn=True)
        played: dict[str, set[str]] = {}
        for journey in player.storefront.journeys:
            for number in range(6):
                player.play(journey, seed=number, number=number)
            played[journey] = {one.step for one in player.memory.steps}
            wrong = {(one.step, one.error) for one in player.memory.steps if one.error != ERRORS.get(one.step)}
            assert wrong == set()
            player.memory.written.clear()
    assert played == PLAYED[kind]


def test_the_same_seed_plays_the_same_session(tmp_path: Path) -> None:
    with running() as shop:
        player = Player(tmp_path, shop.url, KINDS / "boutique.py")
        player.play(seed=7)
        once = [(method, path, body) for method, path, _, body in shop.asked]
        shop.asked.clear()
        player.play(seed=7, number=1)
        again = [(method, path, body) for method, path, _, body in shop.asked]
        shop.asked.clear()
        player.play(seed=8, number=2)
        another = [(method, path, body) for method, path, _, body in shop.asked]
    assert once == again != another


def test_a_listener_hears_each_request_by_its_name_and_arguments_come_from_the_settings(tmp_path: Path) -> None:
    with running() as shop:
        player = Player(
            tmp_path, shop.url, KINDS / "arguments.py", storefront={"settings": {"channel": "shop", "depth": "3"}}
        )
        player.play("quick")
        user = player.storefront.played.users["quick"]
        heard = vars(__import__("sys").modules[user.__module__])["HEARD"]
        assert heard[:3] == [("GET", "GET /{channel}/list", True)] * 3
        assert shop.paths[:3] == ["GET /shop/list?page=0", "GET /shop/list?page=1", "GET /shop/list?page=2"]


def test_a_task_opens_what_lies_beside_the_file_wherever_the_process_stands(tmp_path: Path) -> None:
    text = (
        "from locust import HttpUser, task\nclass Buyer(HttpUser):\n    @task\n    def buy(self):\n"
        "        with open('data/words.txt') as file:\n            self.client.get('/' + file.read())\n"
    )
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "words.txt").write_text("tees")
    with running() as shop:
        Player(tmp_path, shop.url, text).play()
        assert set(shop.paths) == {"GET /tees"}


def test_a_listener_that_fails_at_the_start_or_at_the_end_is_named(tmp_path: Path) -> None:
    text = (
        "from locust import HttpUser, events, task\n@events.{}.add_listener\ndef listen(environment, **_):\n"
        "    raise KeyError('users')\nclass Buyer(HttpUser):\n    @task\n    def buy(self):\n        pass\n"
    )
    with running() as shop:
        with pytest.raises(BadInput, match=r"a listener of test_start: KeyError: 'users'"):
            Player(tmp_path, shop.url, text.format("test_start"))
        player = Player(tmp_path, shop.url, text.format("test_stop"))
        with pytest.raises(BadInput, match=r"locustfile\.py: a listener of test_stop: KeyError: 'users'"):
            player.storefront.end()


def test_listeners_of_init_start_and_stop_hear_of_them_once_and_in_their_turn(tmp_path: Path) -> None:
    text = "from locust import HttpUser, events, task\nHEARD = []\n"
    for event in ("init", "test_start", "test_stop"):
        text += f"@events.{event}.add_listener\ndef on_{event}(environment, **_):\n"
        text += f"    HEARD.append(('{event}', environment.host))\n"
    text += "class Buyer(HttpUser):\n    @task\n    def buy(self):\n        HEARD.append(('buy', self.host))\n"
    with running() as shop:
        player = Player(tmp_path, shop.url, text, storefront={"tasks_per_session": 1}, each_in_turn=True)
        player.play()
        player.storefront.end()
        heard = vars(__import__("sys").modules[player.storefront.played.users["buyer"].__module__])["HEARD"]
    assert heard == [(event, shop.url) for event in ("init", "test_start", "buy", "test_stop")]
