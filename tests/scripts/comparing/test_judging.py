"""Judging a comparison's folder: what a job that was cut short is worth."""

from pathlib import Path

import pytest

from loadtests.comparison.compared import Compared
from loadtests.comparison.job import FILE, BlockEntry, ComparisonJob, DesignEntry, VariantEntry
from scripts.comparing import judging
from scripts.comparing.judging import judge_comparison
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
    monkeypatch.setattr(judging, "invalid_because", lambda _: (stopped,))
    written(tmp_path, ended, because)
    found = judge_comparison(tmp_path)
    assert found.outcome == outcome
    assert outcome != "INCONCLUSIVE" or because in found.because
