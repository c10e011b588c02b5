"""A finished run is compared with earlier days of one release under the same conditions, or refused."""

import argparse
import math
from pathlib import Path

import pytest

from loadtests.run_store.aggregates import Aggregates, ReleaseIdentity
from loadtests.run_store.days import earlier_days, measured_days, why_not_compared
from loadtests.run_store.entries import Mark
from loadtests.run_store.store import RunStore
from scripts.ci.finished import read_finished
from scripts.comparing.judging import judge_comparison
from scripts.context import Context
from scripts.run_store.days import against_days, compare_with_days, days_lines
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks, ExitCode, Outcome
from slo.regression.settings import ComparisonSettings
from slo.regression.verdict_document import FILE as VERDICT
from slo.regression.verdict_document import ComparisonVerdict
from tests.loadtests.run_store.made_aggregates import DAY_NS, NOON, latency_objective, made, put

NEW = ReleaseIdentity(release="1.1")


def _day(number: int, p95_s: float | None = 0.2, **changed: object) -> Aggregates:
    name = f"20261101T{number:06}Z-peak-0001"
    return made(name, started_at=NOON + number * DAY_NS, objectives=(latency_objective(p95_s),), **changed)


def _store(folder: Path, *runs: Aggregates) -> RunStore:
    store = RunStore(str(folder / "store"))
    for one in runs:
        put(store, one, folder / "runs")
    store.mark(Mark(kind="baseline", run=runs[0].run, name="main", identity=runs[0].identity, marked_at=NOON))
    return store


def _days(most: int) -> list[Aggregates]:
    return [_day(number, 0.2 + 0.001 * (number % 3)) for number in range(1, most + 1)]


def test_a_release_that_is_much_slower_than_eight_days_fails(tmp_path: Path) -> None:
    days, found = against_days(
        _store(tmp_path, *_days(8)), "main", _day(20, 0.3, identity=NEW), ComparisonSettings(min_change_ms=0)
    )
    latency = next(one for one in found.results if one.measure.name == "checkout-latency")
    assert (len(days.runs), latency.outcome, found.outcome) == (8, Outcome.FAIL, Outcome.FAIL)


def test_seven_days_show_nothing(tmp_path: Path) -> None:
    _, found = against_days(
        _store(tmp_path, *_days(7)), "main", _day(20, 0.3, identity=NEW), ComparisonSettings(min_change_ms=0)
    )
    assert found.outcome is Outcome.INCONCLUSIVE


def test_days_that_differ_too_much_give_advice_which_decides_nothing(tmp_path: Path) -> None:
    days = [_day(number, 0.2 * 1.5 ** (number % 3)) for number in range(1, 10)]
    store, run = _store(tmp_path, *days), _day(20, 2.0, identity=NEW)
    _, found = against_days(store, "main", run, ComparisonSettings())
    assert (found.outcome, found.is_advisory) == (Outcome.FAIL, True)
    code, folder, said = _compared(tmp_path, run)
    assert (code, said[-1].split()[0]) == (ExitCode.INCONCLUSIVE, "INCONCLUSIVE")
    verdict = ComparisonVerdict.model_validate_json((folder / VERDICT).read_text())
    assert verdict.because.startswith(
        "advice alone, FAIL: only a change of over 20 % would be found of checkout-latency"
    )


def _compared(folder: Path, run: Aggregates, policy: Path | None = None) -> tuple[ExitCode, Path, list[str]]:
    """Compare a run as the command does; return the exit code, the folder that is left, and what was printed."""
    put(RunStore(str(folder / "store")), run, folder / "runs")
    said: list[str] = []
    context = Context(
        environment={}, folder=folder / "here", say=said.append, is_terminal=False, command="peakproof compare"
    )
    options = argparse.Namespace(store=str(folder / "store"), run_name=run.run, baseline_days="main", policy=policy)
    settings = ComparisonSettings(min_change_ms=0)
    code = compare_with_days(options, context, settings)
    (line,) = (line for line in said if line.startswith("comparison="))
    return code, Path(line.partition("=")[2]), said


def test_a_comparison_with_days_leaves_what_every_comparison_leaves(tmp_path: Path) -> None:
    _store(tmp_path, *_days(8))
    code, folder, said = _compared(tmp_path, _day(20, 0.3, identity=NEW))
    assert (code, said[-1]) == (ExitCode.FAIL, f"FAIL  {folder / 'comparison.html'}")
    verdict = ComparisonVerdict.model_validate_json((folder / VERDICT).read_text())
    assert (verdict.outcome, verdict.how, verdict.pairs, verdict.a.label) == ("FAIL", "days", 8, "main")
    latency = next(one for one in verdict.measures if one.name == "checkout-latency")
    assert [(round(one.a or 0, 3), one.b) for one in latency.blocks[:2]] == [(0.201, 0.3), (0.202, 0.3)]
    assert '<testcase classname="peakproof.comparison" name="checkout-latency">' in (folder / "junit.xml").read_text()
    for page in ("summary.md", "comparison.html"):
        assert "earlier days, a value a day" in (folder / page).read_text()
    assert read_finished(folder).outcome is Outcome.FAIL
    with pytest.raises(BadInput, match="its days are in the store: compare again by peakproof compare --run 2026"):
        judge_comparison(folder)


def test_an_advisory_policy_lets_a_comparison_with_days_end_with_0(tmp_path: Path) -> None:
    _store(tmp_path, *_days(8))
    policy = tmp_path / "policy.yaml"
    policy.write_text("format: peakproof/policy/v1\nmode: advisory\n")
    code, folder, said = _compared(tmp_path, _day(20, 0.3, identity=NEW), policy)
    assert (code, said[-1]) == (ExitCode.OK, f"FAIL  {folder / 'comparison.html'}  (advisory: exit 0)")


def test_valid_earlier_runs_of_the_baselines_release_count_whatever_their_verdict(tmp_path: Path) -> None:
    store = _store(
        tmp_path,
        _day(1),
        _day(2, outcome="FAIL"),
        _day(3, identity=ReleaseIdentity(release="0.9")),
        _day(4, plan_sha256="f" * 64),
        _day(5, changed=("the release changed",)),
        _day(6, outcome="INCONCLUSIVE"),
        _day(7, outcome="FAIL", invalid=("load: too little",)),
        _day(30),
    )
    found = earlier_days(store, "main", _day(20, identity=NEW))
    assert [one.run for one in found.runs] == [_day(number).run for number in (1, 2, 6)]
    assert [line.split(": ", 1)[0] for line in found.left_out] == [_day(number).run for number in (4, 5, 7)]


def test_what_is_not_compared_is_named_with_why(tmp_path: Path) -> None:
    server = latency_objective(name="server-latency").model_copy(update={"source": "prometheus", "steps": ()})
    odd = latency_objective(name="odd").model_copy(update={"indicator": None})
    objectives = (latency_objective(), server, odd)
    runs = [one.model_copy(update={"objectives": objectives}) for one in (*_days(8), _day(20, identity=NEW))]
    days, found = against_days(_store(tmp_path, *runs[:-1]), "main", runs[-1], ComparisonSettings())
    assert [one.measure.name for one in found.results if one.measure.name in {"server-latency", "odd"}] == []
    assert [line for line in days_lines(days, found, runs[-1]) if line.startswith("not compared")] == [
        "not compared  server-latency: of a latency from prometheus no quantile is kept",
        "not compared  odd: its indicator is not known: only latencies and failed requests are compared",
    ]


def test_a_run_of_other_conditions_is_refused_with_each_difference(tmp_path: Path) -> None:
    run = _day(20, identity=NEW, plan_sha256="f" * 64, base_url="https://qa.example")
    with pytest.raises(BadInput) as refused:
        earlier_days(_store(tmp_path, *_days(8)), "main", run)
    assert str(refused.value).splitlines() == [
        (
            f"{run.run}: can't be compared with {_day(1).run}: plan: peak (sha256 ffffffffffff) instead of peak"
            " (sha256 aaaaaaaaaaaa)"
        ),
        f"{run.run}: can't be compared with {_day(1).run}: shop: https://qa.example instead of https://staging.example",
    ]


def test_a_run_that_was_changed_shows_nothing_of_its_release(tmp_path: Path) -> None:
    run = _day(20, changed=("its plan was revised",))
    assert why_not_compared(run) == ("its plan was revised",)
    with pytest.raises(EnvironmentLacks, match="nothing is shown of its release: its plan was revised"):
        against_days(_store(tmp_path, *_days(8)), "main", run, ComparisonSettings())


def test_a_failed_quantile_is_infinite_and_a_missing_objective_unknown(tmp_path: Path) -> None:
    store = _store(tmp_path, _day(1), _day(2, None))
    bare = _day(20, identity=NEW).model_copy(update={"objectives": ()})
    days = earlier_days(store, "main", bare)
    latency = measured_days(days, bare, ComparisonSettings())[0]
    assert [one.value.value for one in latency.earlier] == [0.2, math.inf]
    assert (latency.now.value, latency.now.because) == (None, f"{bare.run}: has no objective checkout-latency")


def test_a_quantile_that_is_not_kept_is_refused(tmp_path: Path) -> None:
    days = earlier_days(_store(tmp_path, *_days(8)), "main", _day(20))
    with pytest.raises(BadInput, match=r"of earlier days 0.5, 0.95 and 0.99 are kept, found 0.9$"):
        measured_days(days, _day(20), ComparisonSettings(quantile=0.9))
