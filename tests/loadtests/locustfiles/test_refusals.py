"""What can't be played is refused by name, place and what to do, before anything of it is run."""

from pathlib import Path

import pytest

from loadtests.environment.storefront_targets import Locustfile
from loadtests.locustfiles.loading import load_locustfile
from slo.documents import BadInput

TWICE = """from locust import HttpUser, task
class A_b(HttpUser):
    @task
    def t(self): ...
class A_B(HttpUser):
    @task
    def t(self): ...
"""
USER = """
class Buyer(HttpUser):
    @task
    def buy(self):
        {}
"""
IMPORTS = {
    "import gevent\n": ("gevent.spawn(self.buy)", "gevent.spawn: a session is one greenlet"),
    "from gevent.pool import Pool\n": ("Pool(5).spawn(self.buy)", "gevent.pool: a session is one greenlet"),
    "import threading\n": ("threading.Thread(target=self.buy).start()", "threading.Thread: a session is one greenlet"),
    "from concurrent.futures import ThreadPoolExecutor\n": ("pass", "concurrent.futures: a session is one greenlet"),
    "import requests\n": ("requests.get('http://x.example')", "requests.get: its requests would go round hosts"),
    "from requests import Session\n": ("Session()", "requests.Session: its requests would go round hosts"),
    "from requests.sessions import Session as S\n": ("S()", "requests.sessions: its requests would go round hosts"),
    "import requests_html\n": ("pass", "requests_html: its requests would go round hosts"),
    "import urllib3\n": ("urllib3.HTTPConnectionPool('x')", "urllib3.HTTPConnectionPool: its requests would go round"),
    "import websocket\n": ("pass", "websocket: only HTTP is played"),
    "import grpc\n": ("pass", "grpc: only HTTP is played"),
    "import psycopg2\n": ("pass", "psycopg2: workers reach the shop only"),
    "from locust import LoadTestShape\n": ("pass", "locust.LoadTestShape: the plan's phases are the shape"),
    "from locust import HttpLocust\n": ("pass", "locust.HttpLocust: it is of before Locust 1.0"),
    "from locust.contrib.fasthttp import FastHttpLocust\n": ("pass", "FastHttpLocust: it is of before Locust 1.0"),
    "import time\n": ("time.sleep(3600)", "time.sleep(3600): a session waits up to 600 s"),
    "from time import sleep\n": ("sleep(60 * 60)", "time.sleep(3600): a session waits up to 600 s"),
    "import time as t\n": (f"t.sleep(1{'0' * 400})", "time.sleep(9.22337e+18): a session waits up to 600 s"),
    "from prometheus_client import start_http_server\n": ("pass", "prometheus_client.start_http_server: "),
    "": ("self.environment.runner.quit()", "environment.runner: there is no runner here"),
    "\n": ("self.user.environment.stats.total", "environment.stats: there are no statistics here"),
    "from locust import events\n": (
        "events.quitting.add_listener(print)",
        "events.quitting: what it would check of the statistics is an objective",
    ),
    "from locust import events as hooks\n": (
        "self.environment.events.request.fire(name='x')",
        "events.request.fire: only requests of self.client are recorded",
    ),
}


def refused(folder: Path, text: str) -> str:
    file = folder / "locustfile.py"
    file.write_text(text)
    with pytest.raises(BadInput) as refusal:
        load_locustfile(Locustfile(locustfile=str(file)), "http://127.0.0.1:1")
    return str(refusal.value).replace(f"{folder}/", "")


@pytest.mark.parametrize("imported", IMPORTS)
def test_each_thing_is_refused_with_its_place_and_what_to_do(tmp_path: Path, imported: str) -> None:
    code, why = IMPORTS[imported]
    text = "import sys\nfrom locust import HttpUser, task\n" + imported + "sys.exit(3)\n" + USER.format(code)
    lines = refused(tmp_path, text).splitlines()
    assert [line for line in lines if why in line and line.startswith("locustfile.py:")], lines
    assert lines[-1] == "what a locustfile may hold: docs/from-a-locustfile.md"


def test_all_are_named_at_once_with_those_of_the_modules_beside_it(tmp_path: Path) -> None:
    (tmp_path / "shape.py").write_text("from locust import LoadTestShape\n\nclass Shape(LoadTestShape):\n    pass\n")
    text = "import gevent\nfrom locust import HttpUser, task\nfrom shape import Shape\n"
    first, second, _ = refused(tmp_path, text + USER.format("gevent.spawn(1)")).splitlines()
    assert first == (
        "locustfile.py:8: gevent.spawn: a session is one greenlet, which the run starts and counts: make its requests"
        " one after the other"
    )
    assert second == (
        "shape.py:1: locust.LoadTestShape: the plan's phases are the shape of the load: peakproof plan build, then"
        " plan.yaml"
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("from locust import User, task\nclass Mqtt(User):\n    @task\n    def t(self):\n        pass\n",
         "locustfile.py:2: Mqtt: a User without HTTP: only HttpUser and FastHttpUser are played; leave it out"),
        ("x = 1\n", "locustfile.py: it has no user: a class that is an HttpUser or a FastHttpUser, with a task"),
        ("from locust import HttpUser\nclass Buyer(HttpUser):\n    pass\n", "locustfile.py:2: Buyer: it has no task"),
        ("def f(:\n", "locustfile.py: line 1: "),
        ("import nowhere_at_all\n", "locustfile.py: line 1: ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("open('users.csv')\n", "locustfile.py: line 1: FileNotFoundError: "),
        ("from locust import HttpUser\nclass A(HttpUser):\n    task_set = 1\n",
         "locustfile.py:3: A.task_set: it is of before Locust 1.0: write tasks = [Y]"),
        ("from locust import MarkovTaskSet\n", "locustfile.py:1: locust.MarkovTaskSet: write its transitions"),
        ("import locust.web\n", "ModuleNotFoundError: locust.web can't be played here"),
        ("import locust\nlocust.nothing\n", "NotPlayedError: locust.nothing: it can't be played here"),
        ("import sys\nsys.exit(1)\n", "locustfile.py: line 2: the file ends the process"),
        (TWICE, "locustfile.py:5: A_B: a second user makes the journey a-b"),
    ],
)  # fmt: skip
def test_a_file_that_holds_no_users_that_can_be_played_is_refused(tmp_path: Path, text: str, why: str) -> None:
    assert why in refused(tmp_path, text)


def test_a_file_that_only_uses_what_a_session_has_is_not_refused(tmp_path: Path) -> None:
    text = (
        "import gevent, requests, threading, urllib3\nfrom gevent import monkey\nmonkey.patch_all()\n"
        "urllib3.disable_warnings()\nfrom locust import HttpUser, task, events\nfrom requests import codes\n"
        "from locust.runners import MasterRunner\nimport locust.stats\nlocust.stats.CONSOLE_STATS_INTERVAL_SEC = 5\n"
        "LOCK = threading.Lock()\n" + USER.format("gevent.sleep(1)")
    )
    (tmp_path / "locustfile.py").write_text(text)
    played = load_locustfile(Locustfile(locustfile=str(tmp_path / "locustfile.py")), "http://127.0.0.1:1")
    assert list(played.users) == ["buyer"]


def test_a_wait_time_that_is_no_function_is_refused_by_its_user(tmp_path: Path) -> None:
    file = tmp_path / "locustfile.py"
    file.write_text(
        "from locust import HttpUser, task\nclass A(HttpUser):\n    wait_time = 5\n    @task\n    def t(self): ...\n"
    )
    with pytest.raises(BadInput, match="A: wait_time is 5, not a function"):
        load_locustfile(Locustfile(locustfile=str(file)), "http://127.0.0.1:1")
