"""Judging a comparison's folder: what a job that was cut short is worth."""

from pathlib import Path

import pytest

from loadtests.comparison.compared import Compared
from loadtests.comparison.job import FILE, VARIANTS, BlockEntry, ComparisonJob, DesignEntry, VariantEntry
from scripts.comparing import judging
from scripts.comparing.judging import judge_comparison
from scripts.running.evidence import Trust
from slo.findings import Finding, Severity
from slo.regression.limits import latency_measure
from slo.regression.measures import Measured, Pair, Value
from slo.regression.settings import ComparisonSettings

S = 1_000_000_000
FAST = latency_measure("fast", ("home",), ComparisonSettings())


def written(folder: Path, ended: str | None, because: str) -> None:
    blocks = [
        BlockEntry.model_validate(
            {
                "pair": n // 2 + 1,
                "variant": "ab"[n % 2],
                "run": "run",
                "starts_at": 1 + 30 * n * S,
                "ends_at": 30 * (n + 1) * S,
            }
        )
        for n in range(8)
    ]
    job = ComparisonJob(
        name="job",
        how="variants",
        a=VariantEntry(variant="a", label="a"),
        b=VariantEntry(variant="b", label="b"),
        design=DesignEntry(looks=(4, 6), block_s=30, skip_s=5),
        blocks=tuple(blocks),
        ended=ended,
        because=because,
    )
    (folder / FILE).write_text(job.model_dump_json())


@pytest.mark.parametrize(
    ("ended", "because", "slower", "outcome"),
    [
        ("decided", "decided after 4 pairs", 1.0, "PASS"),
        ("stopped", "the kill URL says stop", 1.0, "INCONCLUSIVE"),
        ("stopped", "by hand or signal", 1.0, "INCONCLUSIVE"),
        ("stopped", "by hand or signal", 1.5, "FAIL"),
        ("failed", "a worker was lost", 1.0, "INCONCLUSIVE"),
        (None, "", 1.0, "INCONCLUSIVE"),
    ],
)
def test_a_run_that_anything_but_a_look_stopped_never_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: str | None, because: str, slower: float, outcome: str
) -> None:
    noise = (1.0, 1.003, 0.998, 1.001)
    pairs = tuple(
        Pair(number=n, a=Value(value=0.2, events=500), b=Value(value=0.2 * slower * one, events=500))
        for n, one in enumerate(noise, 1)
    )
    stopped = Finding(
        kind="validity",
        severity=Severity.INCONCLUSIVE,
        subject="ended",
        message=f"it was stopped: {because}",
        change="",
    )
    compared = Compared(measures=(FAST,), counters={}, left_out=())
    monkeypatch.setattr(judging, "_compared", lambda *_: compared)
    monkeypatch.setattr(judging, "observe", lambda *_: (Measured(measure=FAST, pairs=pairs),))
    monkeypatch.setattr(judging, "invalid_because", lambda *_: (stopped,))
    written(tmp_path, ended, because)
    without = judge_comparison(tmp_path)
    missing = "manifest.json: missing: nothing says which evidence the run left"
    assert (without.outcome, without.untrusted) == ("INCONCLUSIVE", missing)
    assert f"run: {missing}" in without.because
    unverified = judge_comparison(tmp_path, Trust(unverified=True))
    assert unverified.outcome == outcome.replace("PASS", "INCONCLUSIVE")
    assert f"would be {outcome}" in str(unverified.untrusted)
    monkeypatch.setattr(judging, "_altered", lambda *_: ())
    monkeypatch.setattr(judging, "_shown", lambda *_: ())
    found = judge_comparison(tmp_path)
    assert found.outcome == outcome
    assert outcome != "INCONCLUSIVE" or because in found.because


def job_of_blocks(ended: str, *void: tuple[int, tuple[str, ...]], looks: tuple[int, ...] = (4, 5)) -> ComparisonJob:
    """Return a job whose blocks are runs; of each pair in `void` A's doesn't count, for causes outside or for none."""
    invalid = dict(void)
    blocks = tuple(
        BlockEntry(
            pair=pair,
            variant=variant,
            run=f"{variant}{pair}",
            starts_at=1,
            ends_at=2,
            invalid_because="spoilt" if variant == "a" and pair in invalid else None,
            outside=invalid.get(pair, ()) if variant == "a" else (),
        )
        for pair in range(1, looks[-1] + 1)
        for variant in VARIANTS
    )
    sides = {one: VariantEntry(variant=one, label=one) for one in VARIANTS}
    design = DesignEntry(looks=looks, block_s=30, skip_s=5)
    return ComparisonJob(name="job", how="switch", **sides, design=design, blocks=blocks, ended=ended)


CPU, LAG = ("generator CPU",), ("scheduling lag",)


@pytest.mark.parametrize(
    ("job", "causes"),
    [
        (job_of_blocks("played_out", (2, CPU), (4, LAG)), (*CPU, *LAG)),
        (job_of_blocks("played_out", (2, CPU), (4, ())), ()),
        (job_of_blocks("played_out"), ()),
        (job_of_blocks("failed", (2, CPU)), ()),
        (job_of_blocks("failed", (2, CPU), (3, CPU)), CPU),
        (job_of_blocks("stopped", (2, CPU), (3, CPU)), ()),
    ],
)
def test_blocks_that_were_spoilt_from_outside_are_a_cause_where_they_alone_kept_the_job_open(
    job: ComparisonJob, causes: tuple[str, ...]
) -> None:
    assert judging._outside(job, ()) == causes
