"""A whole worker fetches its pages' assets, says what it left out, and gives no secret away."""

import socket
from collections import Counter
from pathlib import Path

import gevent

from loadtests.results.account import read_sessions
from loadtests.results.run_directory import RunDirectory, read_tables
from loadtests.results.schemas import REQUESTS
from loadtests.results.worker_status import read_workers
from loadtests.runtime.clock import Clock
from loadtests.worker.job import read_job
from loadtests.worker.worker import Worker
from tests.loadtests.hostile_server import HostileServer, Seen, reply
from tests.loadtests.page_visits import PNG, collected
from tests.loadtests.prepared import prepared_run

__all__ = ["collected"]


def play(directory: RunDirectory) -> Worker:
    player = Worker(read_job(directory.path), 0, 1, Clock.start().now())
    with gevent.Timeout(60):
        player.play()
    return player


def only_window_shoppers(url: str, folder: Path, **plan: object) -> RunDirectory:
    declared = plan.pop("declared", None)
    return prepared_run(folder, url, declared=declared, journeys={"window-shop": 1.0}, **plan)  # type: ignore[arg-type]


STYLES = b'[{"style":"s","name":"Tea","price_cents":1}]'
SKUS = b'[{"sku":"s-s","colour":"red","stock":{"warehouse":9}}]'
LINKS = b"<img src=/a.png><img src=%s/b.png>"
HTML_THAT_IS_JSON = (
    b'{"recommended":'
    + STYLES
    + b',"results":'
    + STYLES
    + b',"style":"s","price_cents":1,"skus":'
    + SKUS
    + b',"x":"'
    + LINKS
    + b'"}'
)


def test_a_worker_fetches_what_the_plan_says_and_says_what_it_left_out(tmp_path: Path) -> None:
    with HostileServer(PNG) as cdn:
        body = HTML_THAT_IS_JSON % cdn.url.encode()

        def answer(connection: socket.socket, seen: Seen) -> bool:
            html = seen.path != "/a.png"
            connection.sendall(reply(body, headers=("Content-Type: text/html",)) if html else PNG)
            return True

        for assets, steps, connected in (
            ("off", set(), False),
            ("shop", {"asset"}, False),
            ("all", {"asset", "cdn-asset"}, True),
        ):
            with HostileServer(answer) as shop:
                folder = tmp_path / assets
                declared = {"hosts": {"cdn": {"url": cdn.url}}}
                directory = only_window_shoppers(shop.url, folder, assets=assets, declared=declared)
                play(directory)
            (told,) = read_workers(directory)
            sessions = read_sessions(directory).num_rows
            requests = Counter(read_tables(directory.parts("requests"), REQUESTS)["step"].to_pylist())
            pages = {"home": sessions, "search": sessions, "product": 2 * sessions}
            assert requests == {**pages, **dict.fromkeys(steps, sessions)}
            assert (cdn.connections > 0) == connected
            assert told.requests == requests.total()
            assert told.hook_failures == []
            left_out = {"off": None, "shop": {"other_host": 4 * sessions}, "all": {}}[assets]
            assert told.undeclared_hosts == {}  # declared it is, whether its assets are fetched or not
            assert told.assets_left_out == left_out
            assert set(read_sessions(directory)["outcome"].to_pylist()) == {"completed"}


def test_a_worker_says_which_hosts_its_pages_led_to_that_are_not_declared(tmp_path: Path) -> None:
    elsewhere = "http://127.0.0.9:81"

    def answer(connection: socket.socket, seen: Seen) -> bool:
        body = HTML_THAT_IS_JSON % elsewhere.encode()
        connection.sendall(PNG if seen.path == "/a.png" else reply(body, headers=("Content-Type: text/html",)))
        return True

    with HostileServer(answer) as shop:
        directory = only_window_shoppers(shop.url, tmp_path, assets="shop")
        play(directory)
    (told,) = read_workers(directory)
    assert told.undeclared_hosts == {elsewhere: 4 * read_sessions(directory).num_rows}


def test_nothing_of_the_shop_s_secrets_goes_to_the_cdn(tmp_path: Path) -> None:
    declared = {
        "hosts": {"cdn": {"url": "http://127.0.0.1:2/files"}},
        "headers": {"X-Api-Key": {"env": "THE_KEY"}},
        "tag": {"header": "X-Load", "baggage": True},
    }
    directory = prepared_run(tmp_path, "http://127.0.0.1:1", declared=declared, assets="all")
    access = read_job(directory.path, {"THE_KEY": "hidden-value"}).accesses()["cdn"]
    assert access.addresses == ("127.0.0.1",)
    assert sorted(access.headers) == ["Accept", "User-Agent", "X-Load", "baggage"]
    assert access.masks
