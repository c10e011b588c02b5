"""What a run follows of the shipped objectives is what will be judged, and a breach is told only when certain."""

import shutil
from pathlib import Path

import pytest

from loadtests.demand.plan import Plan, read_plan
from loadtests.demand.visits import VISITS
from loadtests.live.objectives import watches_of
from loadtests.live.so_far import Judged, SoFar
from loadtests.live.worker_figures import Watch
from loadtests.results.run_directory import RunDirectory
from slo.documents import BadInput
from tests.loadtests.fakes import SECOND, step_record

ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "slo" / "objectives" / "twisted-threads.yaml"
LATE = 1000 * SECOND + SECOND // 2 + 1


@pytest.fixture
def plan() -> Plan:
    return read_plan(ROOT / "loadtests" / "demand" / "plans" / "demo.yaml")


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    directory = RunDirectory(path=tmp_path)
    directory.objectives.mkdir()
    shutil.copy(SHIPPED, directory.objectives)
    return directory


@pytest.fixture
def watches(directory: RunDirectory, plan: Plan) -> dict[str, Watch]:
    return {watch.name: watch for watch in watches_of(directory, plan)}


def test_every_objective_read_from_records_is_followed_and_no_other(watches: dict[str, Watch]) -> None:
    told = {name: (sorted(watch.steps), watch.limit_s) for name, watch in watches.items()}
    assert told == {
        "checkout-availability": (["checkout"], None),
        "checkout-latency": (["checkout"], 0.5),
        "browse-availability": (["home", "product", "search"], None),
        "browse-latency": (["home", "product", "search"], 0.3),
    }


@pytest.mark.parametrize(
    ("changes", "availability", "latency"),
    [
        ({}, False, False),
        ({"error": "http_5xx"}, True, True),
        ({"finished_at": LATE - 1}, False, False),
        ({"finished_at": LATE}, False, True),
        ({"error": "blocked"}, None, None),
        ({"error": "cut_off"}, None, None),
        ({"error": "cut_off", "finished_at": LATE}, None, True),
    ],
    ids=["good", "failed", "at the limit", "late", "blocked", "cut off", "cut off when late"],
)
def test_a_request_is_bad_while_the_run_goes_on_as_in_the_verdict(
    watches: dict[str, Watch], changes: dict[str, object], *, availability: bool | None, latency: bool | None
) -> None:
    record = step_record(step="checkout", **changes)
    assert watches["checkout-availability"].bad(record) is availability
    assert watches["checkout-latency"].bad(record) is latency


def so_far(bad: int, total: int, seconds: int = 40, sessions: int | None = None) -> SoFar:
    """Return counts that grew evenly, each bad request of a session of its own unless there are so few sessions."""
    squares = bad if sessions is None else bad * bad // sessions
    each = [
        Judged(bad=bad * second // seconds, total=total * second // seconds, bad_squares=squares * second // seconds)
        for second in range(1, seconds + 1)
    ]
    return SoFar(now=Judged(bad=bad, total=total, bad_squares=squares), seconds=each)


def least_certain(watch: Watch, **facts: int) -> int:
    return next(bad for bad in range(2000) if watch.is_certain(so_far(bad, 2000, **facts)))


def test_a_miss_is_not_certain_while_the_rest_of_the_plan_can_still_mend_it(
    watches: dict[str, Watch], plan: Plan
) -> None:
    planned = plan.expected_events(VISITS)["checkout"]
    budget = 0.01 * planned
    for bad in range(int(budget) + 1):
        assert not watches["checkout-availability"].is_certain(so_far(bad, bad))


def test_a_miss_is_certain_once_no_number_of_good_requests_helps(watches: dict[str, Watch]) -> None:
    assert watches["checkout-availability"].is_certain(so_far(400, 400))
    assert not watches["checkout-availability"].is_certain(so_far(400, 400_000))


@pytest.mark.parametrize("name", ["checkout-availability", "checkout-latency", "browse-latency"])
def test_more_bad_requests_never_make_a_miss_less_certain(watches: dict[str, Watch], name: str) -> None:
    told = [watches[name].is_certain(so_far(bad, 2000)) for bad in range(0, 2001, 20)]
    assert told == sorted(told)
    assert (told[0], told[-1]) == (False, True)


def test_a_miss_is_not_certain_before_there_are_twenty_seconds_of_it(watches: dict[str, Watch]) -> None:
    assert not watches["checkout-availability"].is_certain(so_far(400, 400, seconds=19))
    assert watches["checkout-availability"].is_certain(so_far(400, 400, seconds=20))


def test_one_outage_makes_no_miss_certain_which_as_many_bad_requests_spread_out_do(watches: dict[str, Watch]) -> None:
    """GATE §2.1: certain by the plan's prior alone, an outage of 6.5 s in 90 stopped the run as a false FAIL."""
    watch = watches["checkout-latency"]
    spread = so_far(300, 2000, seconds=40)
    each = [Judged(total=50 * second, bad=min(300, 50 * max(0, second - 30))) for second in range(1, 41)]
    assert watch.is_certain(spread)
    assert not watch.is_certain(SoFar(now=spread.now, seconds=each))


def test_shoppers_with_many_bad_requests_each_make_a_miss_certain_later(watches: dict[str, Watch]) -> None:
    watch = watches["checkout-latency"]
    assert least_certain(watch, sessions=10) > least_certain(watch)


def test_objectives_that_cannot_be_read_are_refused(directory: RunDirectory, plan: Plan) -> None:
    path = directory.objectives / "broken.yaml"
    path.write_text("- 1\n")
    with pytest.raises(BadInput) as refusal:
        watches_of(directory, plan)
    assert str(path) in str(refusal.value)


def test_a_run_without_objectives_is_refused(tmp_path: Path, plan: Plan) -> None:
    directory = RunDirectory(path=tmp_path)
    directory.objectives.mkdir()
    with pytest.raises(BadInput) as refusal:
        watches_of(directory, plan)
    assert str(refusal.value) == "no file given: no SLO found; expected at least one document with kind: SLO"


@pytest.mark.parametrize("steps", [["asset"], ["checkout", "asset"]])
def test_a_breach_of_what_nobody_could_plan_is_never_certain(
    directory: RunDirectory, plan: Plan, steps: list[str]
) -> None:
    path = directory.objectives / SHIPPED.name
    path.write_text(path.read_text().replace("steps: [checkout]", f"steps: {steps}".replace("'", "")))
    with_assets = plan.model_copy(update={"assets": "shop"})
    watch = next(one for one in watches_of(directory, with_assets) if one.name == "checkout-availability")
    assert watch.steps == set(steps)
    assert not watch.is_certain(so_far(5000, 5000))
