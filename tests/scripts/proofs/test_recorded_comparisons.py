"""Recorded comparisons of a release with itself, and what is counted over them."""

import math
import random
from pathlib import Path

import pytest

from scripts.proofs.recorded_comparisons import (
    FAILED,
    RecordedJob,
    append_job,
    decide,
    deployment_difference,
    pairs_for_the_model,
    read_jobs,
    rows_of,
)
from slo.documents import BadInput
from slo.outcomes import Outcome
from slo.regression.design import BOTH_UP_LOOKS
from slo.regression.limits import latency_measure
from slo.regression.measures import Measured, Pair, Value
from slo.regression.settings import ComparisonSettings

MEASURE = latency_measure("checkout-latency", ("checkout",), ComparisonSettings())


def job(seed: int, ratio: float = 1.0, group: str | None = None, level: float = 0.0, pairs: int = 12) -> RecordedJob:
    """Return a job whose B is `ratio` as slow as A, with little noise."""
    draw = random.Random(seed)  # noqa: S311 - made up

    def p95() -> float:
        return 0.1 * math.exp(draw.gauss(level, 0.02))

    rows = tuple((p95(), p95() * ratio, 400, 400) for _ in range(pairs))
    return RecordedJob(
        name=f"job-{seed}",
        recorded="2026-11-30T07:00:00Z",
        machine="m",
        block_s=30,
        skip_s=5,
        redeployed_with=group,
        pairs={MEASURE.name: rows},
    )


def test_what_is_recorded_is_read_again_with_what_failed_and_what_was_not_known(tmp_path: Path) -> None:
    pairs = (
        Pair(number=1, a=Value(value=0.1, events=300), b=Value(value=math.inf, events=310)),
        Pair(number=2, a=Value(value=None, events=0, because="gone"), b=Value(value=0.2, events=9)),
    )
    one = job(1).model_copy(update={"pairs": rows_of([Measured(measure=MEASURE, pairs=pairs)])})
    append_job(tmp_path / "jobs.jsonl", one)
    append_job(tmp_path / "jobs.jsonl", job(2))
    read = read_jobs(tmp_path / "jobs.jsonl")
    assert read == (one, job(2))
    assert read[0].pairs[MEASURE.name] == ((0.1, FAILED, 300, 310), (None, 0.2, 0, 9))


def test_no_file_is_nothing_recorded_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    assert read_jobs(tmp_path / "jobs.jsonl") == ()
    (tmp_path / "jobs.jsonl").write_text('{"name": 1}\n')
    with pytest.raises(BadInput, match=r"jobs\.jsonl"):
        read_jobs(tmp_path / "jobs.jsonl")


def test_a_release_against_itself_passes_and_a_slower_one_would_fail_whole_jobs() -> None:
    same = decide([job(1), job(2)], [MEASURE], BOTH_UP_LOOKS, 6, 1)
    slower = decide([job(1, 1.3), job(2, 1.3)], [MEASURE], BOTH_UP_LOOKS, 2, 1)
    assert (len(same.whole), len(same.drawn)) == (2, 4)
    assert set(same.all) == {Outcome.PASS}
    assert set(slower.all) == {Outcome.FAIL}


def test_what_a_jobs_pairs_happened_to_add_up_to_is_not_found_again_in_those_drawn_from_it() -> None:
    draw = random.Random(2)  # noqa: S311 - made up
    rows = tuple((0.1, 0.1 * math.exp(draw.gauss(0.15, 0.12)), 400, 400) for _ in range(12))
    lucky = job(1).model_copy(update={"pairs": {MEASURE.name: rows}})
    found = decide([lucky], [MEASURE], BOTH_UP_LOOKS, 101, 1)
    assert found.whole == [Outcome.FAIL]
    assert found.drawn.count(Outcome.FAIL) <= 5  # A and B of each pair are exchanged by chance


def test_a_value_that_is_not_known_never_passes() -> None:
    unknown = job(1).model_copy(update={"pairs": {MEASURE.name: ((None, 0.1, 0, 400),) * 12}})
    assert decide([unknown], [MEASURE], BOTH_UP_LOOKS, 2, 1).all == (Outcome.INCONCLUSIVE,) * 2


def test_deployments_that_differ_show_in_parts_that_were_redeployed() -> None:
    levels = random.Random(3)  # noqa: S311 - made up
    unlike = deployment_difference(
        [job(n, math.exp(levels.gauss(0, 0.1)), "g", pairs=3) for n in range(60)], MEASURE.name
    )
    alike = deployment_difference([job(n, group="g", pairs=3) for n in range(60)], MEASURE.name)
    assert unlike is not None
    assert alike is not None
    assert unlike.sd == pytest.approx(0.1, rel=0.25)
    assert unlike.sd < unlike.at_most < 0.14
    assert alike.sd < 0.01
    assert alike.sd < alike.at_most < 0.02


def test_a_drift_of_the_machine_is_no_difference_of_deployments() -> None:
    drifting = [job(n, group="g", level=0.1 * n, pairs=3) for n in range(40)]
    found = deployment_difference(drifting, MEASURE.name)
    assert found is not None
    assert found.sd < 0.01


def test_of_few_deployments_the_bound_is_wide_and_of_fewer_it_is_not_known() -> None:
    few = deployment_difference([job(n, group="g", pairs=3) for n in range(4)], MEASURE.name)
    assert few is not None
    assert few.at_most > 0.02
    assert deployment_difference([job(n, group="g") for n in range(3)], MEASURE.name) is None
    assert deployment_difference([job(n) for n in range(9)], MEASURE.name) is None


def test_the_model_gets_whole_jobs_without_the_pairs_that_are_not_known() -> None:
    damaged = job(1, pairs=2).model_copy(update={"pairs": {MEASURE.name: ((None, 0.1, 0, 4), (0.1, 0.1, 4, 4))}})
    found = pairs_for_the_model([damaged, job(2, group="g")], MEASURE.name)
    assert found == {
        "jobs": [{"name": "job-1", "recorded": "2026-11-30T07:00:00Z", "block_s": 30.0, "pairs": [[0.1, 0.1, 4, 4]]}]
    }
