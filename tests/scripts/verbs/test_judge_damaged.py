"""No damage to a run directory ever turns into a PASS, and none ends in a traceback.

What lies in it is listed anew after each damage, as if the run had left it so: that a file was altered since, the
manifest shows, whatever it holds (test_altered_evidence.py).

A finding never makes a verdict better, so a damage that is found in the run that passed is found in the others too.
Those are judged where the damage leaves the PASS a PASS, because there it could hide what they failed by.
The pages are left out but for a few cases: how they bear damage is tested in tests/dashboards.
"""

import json
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scripts.running import judging
from tests.scripts.made_run import listed_anew
from tests.scripts.world import Command, Damage

RESTS_ON = (
    *("plan.yaml", "objectives/objectives.yaml", "targets.redacted.json", "run.json", "audit.json"),
    *("requests-w0-00000.parquet", "requests-w1-00000.parquet", "sessions-w0-00000.parquet"),
    *("sessions-w1-00000.parquet", "metrics/objectives.parquet"),
)
# What a PASS doesn't rest on: told on the page, not weighed. Everything else of run.json is weighed.
NOT_WEIGHED = {
    *("peakproof", "command", "ended_because", "requests.errors", "requests.accepted_5xx", "storefront_failures"),
    *("scheduling_lag_s.p50", "scheduling_lag_s.max", "recorder.spans", "page_gaps", "platform"),
    *("environment", "environment.name", "environment.base_url", "environment.fingerprint", "release.expected"),
    *("environment.production_fingerprint", "not_played"),
    *("permission", "lease", "environment.destinations", "environment.shares_addresses", "workers_refused"),
    *("shop_records", "alert_silence", "annotation"),
    *("clock_offsets.w0.pings", "clock_offsets.w1.pings"),
    *(
        "live",
        "live.gaps",
        "undeclared_hosts",
        "assets",
        "assets.fetched",
        "assets.left_out",
        "browser",
        "shared_connections",
    ),
    *("versions", "versions.python", "versions.locust", "versions.prometheus-client"),
    *("versions.opentelemetry-sdk", "versions.pyarrow", "versions.duckdb"),
    "ended_since_boot",  # else wall clocks tell whether the audit came after: tests/slo/validity/test_consistency.py
    "canaries",  # the records say what was shown: tests/slo/verdict/test_own_data.py
    "data_pools",  # these runs declare none; where some are it is weighed: tests/slo/validity/test_data_pools.py
}
NOT_WEIGHED_OF_AUDIT = {"format"}


@pytest.fixture
def no_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the pages out."""
    monkeypatch.setattr(judging, "report_page", lambda _path: b"")


def judged(runs: dict[str, Path], outcome: str, peakproof: Command, damage: Damage) -> int:
    """Judge a damaged copy of the run of an outcome; return the exit code, which was explained."""
    copy = shutil.copytree(runs[outcome], peakproof.folder / outcome)
    damage(copy)
    listed_anew(copy)
    ended = peakproof("judge", outcome)
    shutil.rmtree(copy)
    assert ended.code in {2, *_OUTCOME}
    assert ended.err.startswith("peakproof: ") if ended.code == 2 else ended.out.startswith(_OUTCOME[ended.code])
    return ended.code


_OUTCOME = {0: "PASS", 99: "FAIL", 75: "INCONCLUSIVE"}


def judged_as_pass(runs: dict[str, Path], peakproof: Command, damage: Damage) -> set[str]:
    """Return the outcomes whose run, damaged, is a PASS; the others are judged if the run that passed still does."""
    if judged(runs, "PASS", peakproof, damage) != 0:
        return set()
    return {"PASS"} | {name for name in ("FAIL", "INCONCLUSIVE") if judged(runs, name, peakproof, damage) == 0}


def paths(value: Any, place: str = "") -> Iterator[str]:
    """Return the place of each key of a JSON object, its objects' keys too."""
    for key, inner in value.items():
        yield place + key
        if isinstance(inner, dict) and key not in ("inputs", "generator_cpu"):
            yield from paths(inner, f"{place}{key}.")


def change_json(path: Path, place: str, value: Any) -> None:
    """Set the key at `place` (`account.planned`) of a JSON file."""
    document = inner = json.loads(path.read_text())
    *outer, last = place.split(".")
    for key in outer:
        inner = inner[key]
    inner[last] = value
    path.write_text(json.dumps(document))


@pytest.mark.usefixtures("no_pages")
@pytest.mark.parametrize("name", RESTS_ON)
def test_a_run_without_a_file_it_rests_on_never_passes(
    name: str, made_runs: dict[str, Path], peakproof: Command
) -> None:
    assert judged(made_runs, "PASS", peakproof, lambda run: (run / name).unlink()) != 0


@pytest.mark.usefixtures("no_pages")
@pytest.mark.parametrize("name", RESTS_ON)
def test_a_run_with_a_truncated_file_never_passes(name: str, made_runs: dict[str, Path], peakproof: Command) -> None:
    def truncate(run: Path) -> None:
        data = (run / name).read_bytes()
        (run / name).write_bytes(data[: int(len(data) * 0.999)])

    assert judged(made_runs, "PASS", peakproof, truncate) != 0


@pytest.mark.usefixtures("no_pages")
@pytest.mark.parametrize("wrong", [b"", b"{}", b"\xff\xfe", b"[" * 100_000])
@pytest.mark.parametrize("name", RESTS_ON)
def test_a_run_with_something_else_in_a_file_never_passes(
    name: str, wrong: bytes, made_runs: dict[str, Path], peakproof: Command
) -> None:
    assert judged(made_runs, "PASS", peakproof, lambda run: (run / name).write_bytes(wrong)) != 0


@pytest.mark.heavy  # every fact is judged: half a minute
@pytest.mark.usefixtures("no_pages")
def test_a_fact_of_the_run_that_is_not_known_is_weighed_unless_nothing_rests_on_it(
    made_runs: dict[str, Path], peakproof: Command
) -> None:
    run = shutil.copytree(made_runs["PASS"], peakproof.folder / "run")
    whole = (run / "run.json").read_text()
    harmless = set()
    for place in paths(json.loads(whole)):
        change_json(run / "run.json", place, None)
        listed_anew(run)
        if peakproof("judge", "run").code == 0:
            harmless.add(place)
        (run / "run.json").write_text(whole)
    assert harmless == NOT_WEIGHED


@pytest.mark.heavy  # every fact is judged: half a minute
@pytest.mark.usefixtures("no_pages")
@pytest.mark.parametrize("outcome", ["FAIL", "INCONCLUSIVE"])
def test_a_fact_that_nothing_rests_on_makes_no_pass_of_another_run_when_it_is_not_known(
    outcome: str, made_runs: dict[str, Path], peakproof: Command
) -> None:
    for place in sorted(NOT_WEIGHED):
        forget = partial(_change_run, place=place, value=None)
        assert judged(made_runs, outcome, peakproof, forget) in {2, 75, 99}, place


@pytest.mark.heavy  # every fact is judged: half a minute
@pytest.mark.usefixtures("no_pages")
@pytest.mark.parametrize("wrong", ["PASS", [], 1 << 70], ids=str)
def test_nonsense_in_place_of_a_fact_never_makes_a_pass(
    wrong: Any, made_runs: dict[str, Path], peakproof: Command
) -> None:
    for place in json.loads((made_runs["PASS"] / "run.json").read_text()):
        spoil = partial(_change_run, place=place, value=wrong)
        assert judged_as_pass(made_runs, peakproof, spoil) <= {"PASS"}, place


def _change_run(run: Path, place: str, value: Any) -> None:
    change_json(run / "run.json", place, value)


@pytest.mark.usefixtures("no_pages")
@pytest.mark.parametrize("key", ["sources", "checks", "counts", "format", "checked_at"])
@pytest.mark.parametrize("wrong", [None, {}, 7, [{}]])
def test_an_audit_that_does_not_say_never_passes(
    key: str, wrong: Any, made_runs: dict[str, Path], peakproof: Command
) -> None:
    passed = judged_as_pass(made_runs, peakproof, lambda run: change_json(run / "audit.json", key, wrong))
    assert passed == ({"PASS"} if key in NOT_WEIGHED_OF_AUDIT else set())


@pytest.mark.usefixtures("no_pages")
@pytest.mark.parametrize("key", ["name", "outcome", "checked", "broken"])
def test_a_promise_that_the_audit_does_not_tell_of_is_not_kept(
    key: str, made_runs: dict[str, Path], peakproof: Command
) -> None:
    def forget(run: Path) -> None:
        document = json.loads((run / "audit.json").read_text())
        document["checks"][3][key] = None
        (run / "audit.json").write_text(json.dumps(document))

    assert judged(made_runs, "PASS", peakproof, forget) == 75


COLUMNS = [
    *[("requests-w0-00000.parquet", name) for name in ("step", "scheduled_at", "sent_at", "finished_at", "trace_id")],
    *[("sessions-w0-00000.parquet", name) for name in ("session", "scheduled_at", "started_at", "outcome")],
    *[("metrics/objectives.parquet", name) for name in ("query", "kind", "asked_from", "labels", "at", "value")],
]
TEXTS = {"step", "trace_id", "outcome", "query", "kind", "labels"}  # another text in one of these is no damage
DAMAGED = [
    (*column, how) for column in COLUMNS for how in ("null", "gone", "text") if how != "text" or column[1] not in TEXTS
]


@pytest.mark.usefixtures("no_pages")
@pytest.mark.parametrize(("name", "column", "how"), DAMAGED)
def test_a_column_that_is_null_or_gone_or_of_another_kind_never_passes(
    name: str, column: str, how: str, made_runs: dict[str, Path], peakproof: Command
) -> None:
    kind_now = pq.read_schema(made_runs["PASS"] / name).field(column).type

    def spoil(run: Path) -> None:
        table = pq.read_table(run / name)
        place = table.schema.get_field_index(column)
        if how == "gone":
            pq.write_table(table.drop_columns([column]), run / name)
            return
        kind = kind_now if how == "null" else pa.string()
        values = pa.array([None if how == "null" else "<script>"] * table.num_rows, kind)
        pq.write_table(table.set_column(place, pa.field(column, kind), values), run / name)

    assert judged(made_runs, "PASS", peakproof, spoil) != 0


@pytest.mark.usefixtures("no_pages")
@pytest.mark.parametrize("wrong", [-(1 << 63), 0, (1 << 63) - 1])
@pytest.mark.parametrize("column", ["scheduled_at", "finished_at", "sent_at"])
def test_times_out_of_this_world_end_in_a_verdict(
    column: str, wrong: int, made_runs: dict[str, Path], peakproof: Command
) -> None:
    def spoil(run: Path) -> None:
        path = run / "requests-w0-00000.parquet"
        table = pq.read_table(path)
        values = pa.array([wrong] * table.num_rows, pa.int64())
        pq.write_table(table.set_column(table.schema.get_field_index(column), column, values), path)

    assert judged_as_pass(made_runs, peakproof, spoil) <= {"PASS"}


@pytest.mark.usefixtures("no_pages")
@pytest.mark.parametrize(
    "window", [{"starts_at": -(1 << 70), "ends_at": 1 << 70}, {"starts_at": 0, "ends_at": 1 << 70}]
)
def test_a_judged_time_out_of_this_world_never_passes(
    window: dict[str, int], made_runs: dict[str, Path], peakproof: Command
) -> None:
    def spoil(run: Path) -> None:
        change_json(run / "run.json", "judged", window)
        change_json(run / "run.json", "ended_at", None)

    assert judged(made_runs, "PASS", peakproof, spoil) != 0


@pytest.mark.usefixtures("no_pages")
def test_an_objective_that_is_taken_away_after_the_run_is_missed_by_its_hash(
    made_runs: dict[str, Path], peakproof: Command
) -> None:
    """A FAIL whose missed objective is cut off the file, at a document's border, would else be a PASS."""
    run = shutil.copytree(made_runs["FAIL"], peakproof.folder / "run")
    path = run / "objectives" / "objectives.yaml"
    path.write_text(path.read_text().partition("---\n")[0])
    listed_anew(run)
    ended = peakproof("judge", "run")
    message = f"peakproof: {path}: not what the run was given: its hash differs from run.json's\n"
    assert (ended.code, ended.err) == (2, message)


def test_a_second_objectives_file_that_was_not_given_is_refused(made_runs: dict[str, Path], peakproof: Command) -> None:
    run = shutil.copytree(made_runs["PASS"], peakproof.folder / "run")
    path = run / "objectives" / "more.yaml"
    path.write_text("")
    listed_anew(run)
    ended = peakproof("judge", "run")
    message = f"peakproof: {path}: not what the run was given: its hash differs from run.json's\n"
    assert (ended.code, ended.err) == (2, message)


def test_an_input_that_is_gone_is_named(made_runs: dict[str, Path], peakproof: Command) -> None:
    run = shutil.copytree(made_runs["PASS"], peakproof.folder / "run")
    (run / "plan.yaml").unlink()
    listed_anew(run)
    ended = peakproof("judge", "run")
    message = f"peakproof: {run / 'plan.yaml'}: missing: the run was given it\n"
    assert (ended.code, ended.err) == (2, message)


def test_a_row_of_an_answer_whose_labels_are_no_object_is_refused(
    made_runs: dict[str, Path], peakproof: Command
) -> None:
    run = shutil.copytree(made_runs["PASS"], peakproof.folder / "run")
    path = run / "metrics" / "objectives.parquet"
    table = pq.read_table(path)
    table = table.set_column(table.schema.get_field_index("labels"), "labels", pa.array(["{}", "[]"]))
    pq.write_table(table, path)
    listed_anew(run)
    ended = peakproof("judge", "run")
    message = f"peakproof: {path}: row 1: expected labels as a JSON object, and a value for each time\n"
    assert (ended.code, ended.err) == (2, message)


@pytest.mark.parametrize("name", ["spans-0.parquet", "metrics/dashboards.parquet"])
def test_what_only_the_pages_show_may_be_missing_and_the_verdict_stays(
    name: str, made_runs: dict[str, Path], peakproof: Command
) -> None:
    run = shutil.copytree(made_runs["PASS"], peakproof.folder / "run")
    (run / name).unlink()
    listed_anew(run)
    ended = peakproof("judge", "run")
    assert (ended.code, ended.err) == (0, "")
    assert "</html>" in (run / "report.html").read_text()


@pytest.mark.parametrize("wrong", [b"", b"PAR1", b"{"])
@pytest.mark.parametrize(("name", "codes"), [("spans-0.parquet", {99}), ("ledger-w0.jsonl", {75, 99})])
def test_a_broken_trace_or_ledger_does_not_save_a_run_that_failed(
    name: str, codes: set[int], wrong: bytes, made_runs: dict[str, Path], peakproof: Command
) -> None:
    run = shutil.copytree(made_runs["FAIL"], peakproof.folder / "run")
    (run / name).write_bytes(wrong)
    listed_anew(run)
    assert peakproof("judge", "run").code in codes
