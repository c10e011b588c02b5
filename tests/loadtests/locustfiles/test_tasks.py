"""A session is on_start, its tasks by weight or one pass of a sequence, on_stop; sets nest and are left as Locust's."""

from collections import Counter
from pathlib import Path

import pytest

from loadtests.locustfiles.exceptions import NotPlayedError
from loadtests.shopper.session_errors import SessionFailedError
from slo.documents import BadInput
from tests.loadtests.locustfiles.players import Player
from tests.loadtests.locustfiles.small_shop import running

HEAD = "from locust import *\nfrom locust.exception import *\n"
WEIGHTS = (
    HEAD
    + """
class Buyer(HttpUser):
    @task(6)
    def a(self):
        self.client.get("/a")

    @task(3)
    def b(self):
        self.client.get("/b")

    @task
    def c(self):
        self.client.get("/c")
"""
)
NESTED = (
    HEAD
    + """
class Inner(TaskSet):
    def on_start(self):
        self.client.get("/inner-start")

    @task
    def one(self):
        self.client.get("/one")
        self.interrupt(reschedule=RESCHEDULE)

    def on_stop(self):
        self.client.get("/inner-stop")

class Buyer(HttpUser):
    def wait_time(self):
        self.client.get("/wait")
        return 0

    def on_start(self):
        self.client.get("/start")

    tasks = [Inner]

    def on_stop(self):
        self.client.get("/stop")
"""
)
SEQUENCE = (
    HEAD
    + """
def loose(taken):
    taken.client.get("/loose")

class Steps(SequentialTaskSet):
    @task(3)
    def first(self):
        self.client.get("/first")

    tasks = [loose]

    @task
    class Free(TaskSet):
        @task
        def free(self):
            self.client.get("/free")

    @task
    def last(self):
        self.client.get("/last")
        self.schedule_task(self.again)

    def again(self):
        self.client.get("/again")

class Buyer(HttpUser):
    @task
    class Only(Steps):
        pass
"""
)
ENDS = (
    HEAD
    + """
class Buyer(HttpUser):
    @task
    def ends(self):
        self.client.get("/")
        raise KIND

    def on_stop(self):
        self.client.get("/stop")
"""
)
TAGS = (
    HEAD
    + """
class Buyer(HttpUser):
    @tag("read")
    @task
    def a(self):
        self.client.get("/a")

    @tag("write")
    @task
    class B(TaskSet):
        @task
        def b(self):
            self.client.get("/b")

    @task
    def c(self):
        self.client.get("/c")
"""
)


def played(folder: Path, text: str, **how: object) -> list[str]:
    with running() as shop:
        Player(folder, shop.url, text, storefront={"tasks_per_session": 2, **how}, each_in_turn=True).play()
        return [path.removeprefix("GET ") for path in shop.paths]


def test_tasks_are_drawn_as_often_as_their_weights_say(tmp_path: Path) -> None:
    with running() as shop:
        player = Player(tmp_path, shop.url, WEIGHTS)
        for number in range(120):
            player.play(seed=number * 7919, number=number)
        counts = Counter(player.steps)
    total = sum(counts.values())
    assert 4 < total / 120 < 6  # five tasks in the mean
    for step, share in (("GET /a", 0.6), ("GET /b", 0.3), ("GET /c", 0.1)):
        assert abs(counts[step] / total - share) < 0.06, counts


def test_in_turn_each_task_comes_exactly_as_often_as_its_weight(tmp_path: Path) -> None:
    with running() as shop:
        player = Player(tmp_path, shop.url, WEIGHTS, each_in_turn=True)
        assert player.storefront.sessions_to_count == 3
        for number in range(2):
            player.play(number=number)
        assert Counter(player.steps) == {"GET /a": 6, "GET /b": 3, "GET /c": 1}


@pytest.mark.parametrize(("reschedule", "waits"), [("True", []), ("False", ["/wait"])])
def test_a_set_that_is_interrupted_goes_back_to_its_user_at_once_or_after_a_wait(
    tmp_path: Path, reschedule: str, waits: list[str]
) -> None:
    inner = ["/inner-start", "/one", "/inner-stop"]
    found = played(tmp_path, NESTED.replace("RESCHEDULE", reschedule))
    assert found == ["/start", *inner, *waits, *inner, "/stop"]


def test_a_sequence_is_played_once_in_the_order_in_which_it_is_written(tmp_path: Path) -> None:
    found = played(tmp_path, SEQUENCE)
    assert found == ["/first", "/first", "/first", "/loose", "/free", "/free", "/last", "/again"]


@pytest.mark.parametrize(
    ("kind", "paths"),
    [
        ("StopUser", ["/", "/stop"]),
        ("RescheduleTask", ["/", "/", "/stop"]),
        ("RescheduleTaskImmediately", ["/", "/", "/stop"]),
    ],
)
def test_what_a_task_raises_ends_the_session_or_only_the_task(tmp_path: Path, kind: str, paths: list[str]) -> None:
    assert played(tmp_path, ENDS.replace("KIND", kind)) == paths


def test_a_user_that_stops_itself_ends_its_session(tmp_path: Path) -> None:
    assert played(tmp_path, ENDS.replace("raise KIND", "self.stop()")) == ["/", "/stop"]


@pytest.mark.parametrize(
    ("how", "paths"),
    [
        ({"tags": ["read"]}, {"/a"}),
        ({"tags": ["write"]}, {"/b"}),
        ({"exclude_tags": ["write"]}, {"/a", "/c"}),
        ({"tags": ["read", "write"], "exclude_tags": ["read"]}, {"/b"}),
    ],
)
def test_tags_choose_the_tasks(tmp_path: Path, how: dict[str, list[str]], paths: set[str]) -> None:
    assert set(played(tmp_path, TAGS, **how)) == paths


def test_tags_that_leave_no_task_are_refused_by_the_user_s_name(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"locustfile.py:4: Buyer: it has no task that its tags leave"):
        played(tmp_path, TAGS, tags=["nothing"])


def test_a_reply_that_a_task_can_t_read_is_a_wrong_one_and_ends_the_session(tmp_path: Path) -> None:
    with running() as shop:
        text = ENDS.replace("raise KIND", 'assert "Welcome" in self.client.get("/b").text, "no welcome"')
        player = Player(tmp_path, shop.url, text)
        with pytest.raises(SessionFailedError, match="GET /b: wrong_reply"):
            player.play()
        assert player.errors == [("GET /", None), ("GET /b", "wrong_reply")]
        assert player.unexpected == [("GET /b", 200, "locustfile.py:8: AssertionError: no welcome")]


def test_an_error_of_the_shop_s_that_a_task_then_stumbles_over_stays_what_it_was(tmp_path: Path) -> None:
    with running() as shop:
        player = Player(tmp_path, shop.url, ENDS.replace("raise KIND", 'self.client.get("/status/500").json()["x"]'))
        with pytest.raises(SessionFailedError, match=r"GET /status/\{id\}: http_5xx"):
            player.play()
        assert player.errors[-1] == ("GET /status/{id}", "http_5xx")


def test_a_mistake_of_the_code_s_own_is_no_reply_s(tmp_path: Path) -> None:
    with running() as shop:
        player = Player(tmp_path, shop.url, ENDS.replace("raise KIND", "self.nothing()"))
        with pytest.raises(AttributeError, match="nothing"):
            player.play()
        assert player.errors == [("GET /", None)]


def test_what_only_locust_has_is_refused_by_name_when_it_is_reached(tmp_path: Path) -> None:
    with running() as shop:
        player = Player(tmp_path, shop.url, ENDS.replace("raise KIND", 'getattr(self.environment, "runner")'))
        with pytest.raises(NotPlayedError, match=r"environment\.runner: there is no runner"):
            player.play()


WITHOUT_END = {
    "a set that is left before its first task": """
class Guarded(TaskSet):
    def on_start(self):
        self.interrupt()

    @task
    def a(self):
        self.client.get("/a")

class Buyer(HttpUser):
    tasks = [Guarded]

    def on_stop(self):
        self.client.get("/end")
""",
    "a task that schedules itself": """
class Polling(TaskSet):
    @task
    def a(self):
        self.schedule_task(self.a)

class Buyer(HttpUser):
    tasks = [Polling]

    def on_stop(self):
        self.client.get("/end")
""",
}


@pytest.mark.parametrize("kind", WITHOUT_END)
def test_a_session_ends_though_its_tasks_would_go_on_for_ever(tmp_path: Path, kind: str) -> None:
    with running() as shop:
        player = Player(tmp_path, shop.url, HEAD + WITHOUT_END[kind])
        player.play()
        assert shop.paths == ["GET /end"]


@pytest.mark.parametrize(
    "code",
    [
        "self.client.mount('http://', None)",
        "self.client.base_url = 'http://other.example'",
        "response.raw",
        "self.environment.parsed_options.run_time",
        "self.client.get('/b', hooks={})",
    ],
)
def test_a_name_that_is_not_played_here_is_no_reply_s_fault(tmp_path: Path, code: str) -> None:
    text = f"""{HEAD}
class Buyer(HttpUser):
    @task
    def a(self):
        response = self.client.get("/a")
        {code}
"""
    with running() as shop:
        player = Player(tmp_path, shop.url, text)
        with pytest.raises((AttributeError, NotPlayedError)):
            player.play()
        assert player.errors == [("GET /a", None)]
