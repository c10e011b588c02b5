"""What a session waits is think time by its own clock and its own luck; nobody waits for hours."""

import random
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from loadtests.demand.splitmix import SplitMix64
from loadtests.locustfiles import randomness, wait_times
from loadtests.locustfiles.exceptions import VisitEndedError
from loadtests.locustfiles.visit import CURRENT, Turns, Visit
from tests.loadtests.locustfiles.players import Player
from tests.loadtests.locustfiles.small_shop import running

ROOT = Path(__file__).parents[3]


class Session:
    """A session's luck, its clock, and what it waited."""

    def __init__(self, seed: int = 1) -> None:
        self.random, self.due_at, self.waited = SplitMix64(seed), 0, list[float]()

    def pause(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.due_at += round(seconds * 1e9)


@pytest.fixture
def session() -> Any:
    one: Any = Session()
    token = CURRENT.set(Visit(one, {None: "http://x"}, None, 5, None))
    yield one
    CURRENT.reset(token)


def test_pacing_is_by_the_session_s_own_clock(session: Session) -> None:
    user = SimpleNamespace(_paced_at_s=0.0)
    wait = wait_times.constant_pacing(2)
    session.due_at = 500_000_000
    assert wait(user) == 1.5
    session.due_at = 2_000_000_000 + 3_000_000_000
    assert wait(user) == 0
    session.due_at += 250_000_000
    assert wait(user) == 1.75
    assert wait_times.constant_throughput(4)(SimpleNamespace(_paced_at_s=session.due_at / 1e9)) == 0.25


def test_waits_and_the_random_module_draw_from_the_session(session: Session) -> None:
    drawn = randomness.stand_in()

    def all_of() -> list[object]:
        session.random = SplitMix64(42)
        cards = list(range(9))
        drawn.shuffle(cards)
        drawn.seed(3)
        more = [drawn.choice("abc"), drawn.randint(1, 9), drawn.uniform(0, 1), drawn.sample(range(9), 3)]
        return [*more, cards, drawn.choices("abc", k=3), drawn.gauss(0, 1), wait_times.between(1, 5)(None)]

    first = all_of()
    random.seed(7)
    assert all_of() == first
    assert 1 <= first[-1] <= 5  # type: ignore[operator]
    counts = [drawn.randint(1, 3) for _ in range(600)]
    assert all(150 < counts.count(one) < 250 for one in (1, 2, 3))
    assert drawn.Random(1).random() == random.Random(1).random()  # noqa: S311 - a generator of one's own is left


@pytest.mark.parametrize("seconds", [3600, -1, float("nan")])
def test_nobody_waits_for_hours_or_for_no_time_at_all(session: Session, seconds: float) -> None:
    visit = CURRENT.get()
    assert visit is not None
    with pytest.raises(VisitEndedError, match="from 0 to 600 s can be waited"):
        visit.pause(seconds)
    assert session.waited == []


def test_in_turn_each_member_comes_as_often_as_it_stands_there() -> None:
    turns, tasks = Turns(), ["a"] * 6 + ["b"] * 3 + ["c"]
    drawn = [turns.next_of(tasks) for _ in range(20)]
    assert sorted(drawn[:10]) == sorted(drawn[10:]) == tasks
    assert set(drawn[:4]) == {"a", "b", "c"}


@pytest.mark.usefixtures("session")
def test_a_session_s_length_is_geometric_about_its_mean() -> None:
    visit = CURRENT.get()
    assert visit is not None
    lengths = [visit.length() for _ in range(2000)]
    assert min(lengths) == 1
    assert 4.5 < sum(lengths) / 2000 < 5.5


def test_a_wait_between_tasks_is_no_latency_of_the_next_request(tmp_path: Path) -> None:
    text = (
        "from locust import HttpUser, constant, task\nclass Buyer(HttpUser):\n    wait_time = constant(0.05)\n"
        "    @task\n    def buy(self):\n        self.client.get('/')\n"
    )
    with running() as shop:
        player = Player(tmp_path, shop.url, text, storefront={"tasks_per_session": 4})
        player.play(seed=5)
        records = player.memory.steps
    assert len(records) > 1
    for before, after in pairwise(records):
        assert after.scheduled_at - before.finished_at == 50_000_000


SLEEPS = """
import sys, tempfile
from pathlib import Path
from gevent import monkey
monkey.patch_all()
from tests.loadtests.locustfiles.players import Player
from tests.loadtests.locustfiles.small_shop import running
text = (
    "import time, gevent\\nfrom locust import HttpUser, task\\nclass Buyer(HttpUser):\\n    @task\\n"
    "    def buy(self):\\n"
    "        for sleep in (time.sleep, gevent.sleep):\\n            self.client.get('/')\\n            sleep(0.05)\\n"
    "        self.client.get('/')\\n"
)
with running() as shop, tempfile.TemporaryDirectory() as folder:
    player = Player(Path(folder), shop.url, text, storefront={"tasks_per_session": 1})
    player.play()
    a, b, c = player.memory.steps
    print(b.scheduled_at - a.finished_at, c.scheduled_at - b.finished_at)
"""


@pytest.mark.heavy
def test_what_a_task_sleeps_under_gevent_s_patches_is_no_latency_of_the_next_request() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SLEEPS], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "50000000 50000000\n"), done.stderr
