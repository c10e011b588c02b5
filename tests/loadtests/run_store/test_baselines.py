"""What may become a baseline, and what may take the place of one."""

from pathlib import Path
from typing import Any

import pytest

from loadtests.run_store.aggregates import ReleaseIdentity
from loadtests.run_store.baselines import baseline_identity, why_no_baseline, why_not_in_place_of
from loadtests.run_store.entries import Mark
from loadtests.run_store.store import RunStore
from slo.documents import BadInput
from tests.loadtests.run_store.made_aggregates import NOON, latency_objective, made


def test_a_run_that_passed_unchanged_of_a_known_release_may_become_a_baseline() -> None:
    assert why_no_baseline(made()) == ()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"outcome": "FAIL"}, "its verdict is FAIL, only a PASS may become one"),
        ({"outcome": "INCONCLUSIVE"}, "its verdict is INCONCLUSIVE, only a PASS may become one"),
        ({"outcome": None}, "it was never judged: `peakproof judge 20261127T120000Z-peak-0001`"),
        ({"ended": "stopped"}, "it was not played to its end: stopped"),
        ({"invalid": ("workers: 1 lost",)}, "it isn't valid: workers: 1 lost"),
        (
            {"changed": ("the release changed while it was played: 1, 2",)},
            "the release changed while it was played: 1, 2",
        ),
        ({"plan_sha256": None}, "its run.json has no hash of its plan or its objectives"),
    ],
)
def test_a_run_that_failed_was_invalid_or_changed_may_not(changed: dict[str, Any], said: str) -> None:
    assert why_no_baseline(made(**changed)) == (said,)


def test_a_run_of_an_unknown_release_may_not_for_nothing_could_put_it_up_again() -> None:
    (said,) = why_no_baseline(made(identity=ReleaseIdentity()))
    assert said.startswith("nothing says which release it tested")


@pytest.mark.parametrize(("p95_s", "refused"), [(0.1, False), (0.2, False), (0.2039, False), (0.2041, True)])
def test_a_run_that_is_over_2_percent_slower_does_not_replace_the_one_before(p95_s: float, *, refused: bool) -> None:
    reasons = why_not_in_place_of(made("later", objectives=(latency_objective(p95_s),)), made())
    assert bool(reasons) == refused


def test_by_how_much_it_is_slower_is_said() -> None:
    run = made("later", objectives=(latency_objective(0.23),))
    assert why_not_in_place_of(run, made()) == (
        "checkout-latency: its p95 230 ms is 15 % slower than the baseline's 200 ms, allowed 2 %",
    )


@pytest.mark.parametrize("objectives", [(), (latency_objective(None),)])
def test_a_p95_that_is_not_known_is_not_taken_for_a_fast_one(objectives: Any) -> None:
    (said,) = why_not_in_place_of(made("later", objectives=objectives), made())
    assert said == "checkout-latency: no p95 to compare: unknown instead of 200 ms"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"plan_sha256": "c" * 64}, "plan: peak (sha256 cccccccccccc) instead of peak (sha256 aaaaaaaaaaaa)"),
        ({"objectives_sha256": "c" * 64}, "objectives: (sha256 cccccccccccc) instead of (sha256 bbbbbbbbbbbb)"),
        ({"environment": "qa"}, "environment: qa instead of staging"),
        ({"base_url": "https://qa.example"}, "shop: https://qa.example instead of https://staging.example"),
        ({"fingerprint": {"replicas": 4}}, "environment's replicas: 4 instead of 2"),
        ({"fingerprint": {}}, "environment's replicas: not declared instead of 2"),
        ({"plan_sha256": None}, "plan not known"),
    ],
)
def test_runs_of_other_conditions_do_not_compare_and_the_difference_is_said(changed: dict[str, Any], said: str) -> None:
    (reason,) = why_not_in_place_of(made("later", **changed), made())
    assert reason.endswith(f": {said}")


def test_another_image_or_another_port_of_this_machine_is_no_other_condition() -> None:
    here = made(base_url="http://127.0.0.1:1", fingerprint={"replicas": 2, "image_digest": "sha256:1"})
    there = made(base_url="http://127.0.0.1:2", fingerprint={"replicas": 2, "image_digest": "sha256:2"})
    assert why_not_in_place_of(here, there) == ()


def test_a_baseline_hands_on_its_image_and_without_one_the_probes_answer(tmp_path: Path) -> None:
    store = RunStore(str(tmp_path / "store"))
    image = ReleaseIdentity(image="sha256:1", release="1.0")
    store.mark(Mark(kind="baseline", run="r", name="main", identity=image, marked_at=NOON))
    store.mark(Mark(kind="baseline", run="r", name="old", identity=ReleaseIdentity(release="0.9"), marked_at=NOON))
    assert [baseline_identity(store, name).handed_on for name in ("main", "old")] == ["sha256:1", "0.9"]


def test_a_baseline_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    store = RunStore(str(tmp_path / "store"))
    store.mark(Mark(kind="baseline", run="r", name="main", identity=ReleaseIdentity(release="1"), marked_at=NOON))
    with pytest.raises(BadInput) as refused:
        baseline_identity(store, "mian")
    assert str(refused.value) == (
        f"{tmp_path}/store: no baseline mian: there are main; `peakproof runs mark RUN --baseline mian` makes it"
    )
