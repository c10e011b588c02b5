"""A run that passed and was altered afterwards never passes again: each kind of file, by each kind of alteration.

The manifest names what isn't as it was. Where whoever altered the run rewrote the manifest as well, records that
contradict each other are found all the same, and a signature shows the rest.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from dashboards.report.answers import answers
from dashboards.report.run_files import read as read_page
from dashboards.report.summary import hero
from loadtests.evidence.steps import recorded_step
from loadtests.results.run_directory import RunDirectory
from loadtests.run_store.store import RunStore
from scripts.ci.finished import read_finished
from scripts.run_store.opened import put_run
from scripts.running import judging
from scripts.running.evidence import page_flaws
from slo.outcomes import Outcome
from tests.loadtests.killed import KilledError
from tests.scripts.made_run import START, listed_anew, make_run
from tests.scripts.world import OBJECTIVES, PLAN, Command, targets

SECOND = 1_000_000_000
Alter = Callable[[Path, Path], object]
"""What is done to a run directory; the second is that of another run."""
FILES = (
    *("plan.yaml", "objectives/objectives.yaml", "targets.redacted.json", "run.json", "live.json", "audit.json"),
    *("stock-before.json", "worker-w0.json", "ledger-w0.jsonl", "requests-w0-00000.parquet"),
    *("sessions-w1-00000.parquet", "spans-0.parquet", "metrics/objectives.parquet", "metrics/dashboards.parquet"),
)
_LIKE = {
    "requests-w0-00000.parquet": "requests-w1-00000.parquet",
    "sessions-w1-00000.parquet": "sessions-w0-00000.parquet",
    "metrics/objectives.parquet": "metrics/dashboards.parquet",
    "metrics/dashboards.parquet": "metrics/objectives.parquet",
    "worker-w0.json": "worker-w1.json",
}
"""A file of the same kind in the run; any other is swapped with the plan, the plan with run.json."""
_SAME_IN_EVERY_RUN = {"stock-before.json", "worker-w0.json", "metrics/dashboards.parquet"}


def _remove(run: Path, name: str, _other: Path) -> None:
    (run / name).unlink()


def _cut(run: Path, name: str, _other: Path) -> None:
    rewrite(run / name, (run / name).read_bytes()[:-3])


def _double(run: Path, name: str, _other: Path) -> None:
    path = run / name
    shutil.copyfile(path, path.with_name(f"{path.stem.removesuffix('-00000')}-00001{path.suffix}"))


def _edit(run: Path, name: str, _other: Path) -> None:
    data = (run / name).read_bytes()
    rewrite(run / name, data[:-1] + bytes([data[-1] ^ 1]) if name.endswith(".parquet") else data + b"\n")


def _swap(run: Path, name: str, _other: Path) -> None:
    like = run / _LIKE.get(name, "run.json" if name == "plan.yaml" else "plan.yaml")
    data, others = (run / name).read_bytes(), like.read_bytes()
    rewrite(run / name, others)
    rewrite(like, data)


def _of_another_run(run: Path, name: str, other: Path) -> None:
    assert (other / name).read_bytes() != (run / name).read_bytes()
    rewrite(run / name, (other / name).read_bytes())


ALTERATIONS = {
    "removed": _remove,
    "cut": _cut,
    "doubled": _double,
    "edited": _edit,
    "swapped": _swap,
    "of another run": _of_another_run,
}
MATRIX = [
    # One alteration of each file in `make test`, all the others in `make test-heavy`.
    pytest.param(name, how, marks=() if (place + number) % len(ALTERATIONS) == 0 else pytest.mark.heavy)
    for place, name in enumerate(FILES)
    for number, how in enumerate(ALTERATIONS)
    if not (how == "of another run" and name in _SAME_IN_EVERY_RUN)
]


def rewrite(path: Path, data: bytes) -> None:
    """Replace a file, which other copies of the run share, by one of its own."""
    path.unlink()
    path.write_bytes(data)


def change_json(path: Path, **changed: Any) -> None:
    rewrite(path, json.dumps({**json.loads(path.read_text()), **changed}, indent=1).encode())


def change_table(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    table = change(pq.read_table(path))
    path.unlink()
    pq.write_table(table, path)


@pytest.fixture(scope="session")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("passed"), "PASS")


@pytest.fixture(scope="session")
def another(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run that passed, of which each input is another."""
    given = {
        "plan": PLAN.replace("seed: 7", "seed: 8"),
        "objectives": OBJECTIVES.replace("0.95", "0.94"),
        "targets": targets("http://127.0.0.1:10"),
    }
    return make_run(tmp_path_factory.mktemp("another"), "PASS", **given)


@pytest.fixture
def run(passed: Path, peakproof: Command, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the passed run by hard links, to be altered; it is judged without its page."""
    monkeypatch.setattr(judging, "report_page", lambda _path: b"")
    return shutil.copytree(passed, peakproof.folder / "runs" / passed.name, copy_function=os.link)


def judged(run: Path, peakproof: Command, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Judge a run; return the exit code, which is the verdict's, and the verdict."""
    ended = peakproof("judge", run.name, *arguments)
    assert ended.err == ""
    verdict: dict[str, Any] = json.loads((run / "verdict.json").read_text())
    assert ended.code == verdict["exit_code"]
    return ended.code, verdict


def found_by(verdict: dict[str, Any], subject: str) -> str:
    return "; ".join(one["message"] for one in verdict["findings"] if one["subject"] == subject)


def test_an_untouched_run_passes_and_passes_again(run: Path, peakproof: Command) -> None:
    assert [judged(run, peakproof)[0], judged(run, peakproof)[0]] == [0, 0]
    ended = peakproof("verify", run.name)
    assert (ended.code, ended.out.startswith("whole: ")) == (0, True)


def test_a_run_directory_may_be_copied_elsewhere_and_renamed(run: Path, peakproof: Command) -> None:
    run.rename(peakproof.folder / "runs" / "artifact")
    assert judged(peakproof.folder / "runs" / "artifact", peakproof)[0] == 0


def test_a_verdict_is_that_of_the_run_while_its_page_is_drawn_and_after_that_was_killed(
    run: Path, peakproof: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(path: Path) -> bytes:
        assert (read_finished(path).outcome, read_finished(path).blocks_because) == (Outcome.PASS, "")
        raise KilledError

    monkeypatch.setattr(judging, "report_page", killed)
    for _ in range(2):
        with pytest.raises(KilledError):
            judging.judge_run(run)
        assert read_finished(run).blocks_because == ""
        assert peakproof("verify", run.name).code == 0


@pytest.mark.parametrize(("name", "how"), MATRIX)
def test_a_file_that_is_altered_is_named_and_the_run_is_inconclusive(
    name: str, how: str, run: Path, another: Path, peakproof: Command
) -> None:
    ALTERATIONS[how](run, name, another)
    code, verdict = judged(run, peakproof)
    assert (code, verdict["outcome"]) == (75, "INCONCLUSIVE")
    assert Path(name).stem.removesuffix("-00000") in found_by(verdict, "manifest")


def _as_steps(run: Path, change: Callable[[list[dict[str, Any]]], object]) -> None:
    path = run / "manifest.json"
    manifest = orjson.loads(path.read_bytes())
    change(manifest["steps"])
    rewrite(path, orjson.dumps(manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _edit_with_its_file(run: Path, _other: Path) -> None:
    change_json(run / "live.json", sequence=2)
    size = (run / "live.json").stat().st_size

    def tell(steps: list[dict[str, Any]]) -> None:
        entry = next(one for one in steps[0]["wrote"] if one["path"] == "live.json")
        entry["size"] = size

    _as_steps(run, tell)


def _swap_entries(run: Path, _other: Path) -> None:
    def swap(steps: list[dict[str, Any]]) -> None:
        first, second = steps[0]["wrote"][0], steps[0]["wrote"][1]
        first["sha256"], second["sha256"] = second["sha256"], first["sha256"]

    _as_steps(run, swap)


MANIFESTS: dict[str, Alter] = {
    "removed": lambda run, _other: (run / "manifest.json").unlink(),
    "cut": lambda run, _other: _cut(run, "manifest.json", run),
    "doubled": lambda run, _other: _as_steps(run, lambda steps: steps.append(steps[-1])),
    "edited": _edit_with_its_file,
    "reformatted": lambda run, _other: _edit(run, "manifest.json", run),
    "swapped": _swap_entries,
    "of another run": lambda run, other: rewrite(run / "manifest.json", (other / "manifest.json").read_bytes()),
    "of another format": lambda run, _other: change_json(run / "manifest.json", format="peakproof/manifest/v0"),
    "its last step taken away": lambda run, _other: _as_steps(run, lambda steps: steps.pop()),
    "its first step taken away": lambda run, _other: _as_steps(run, lambda steps: steps.pop(0)),
}


@pytest.mark.parametrize("how", MANIFESTS)
def test_a_manifest_that_is_altered_leaves_no_verdict(how: str, run: Path, another: Path, peakproof: Command) -> None:
    MANIFESTS[how](run, another)
    code, verdict = judged(run, peakproof)
    assert (code, verdict["outcome"]) == (75, "INCONCLUSIVE")
    assert found_by(verdict, "manifest")


def _foreign(run: Path) -> None:
    (run / "requests-w9-00000.parquet").write_bytes((run / "requests-w0-00000.parquet").read_bytes() + b" ")


def _linked(run: Path) -> None:
    (run / "audit.json").rename(run.parent / "audit.json")
    (run / "audit.json").symlink_to(run.parent / "audit.json")


def _old_format(run: Path) -> None:
    (run / "manifest.json").unlink()
    change_json(run / "run.json", format="peakproof/run/v0", peakproof="0.1.0")


def _folder_linked(run: Path) -> None:
    (run / "metrics").rename(run.parent / "metrics")
    (run / "metrics").symlink_to(run.parent / "metrics")


def _waits_rewritten(run: Path) -> None:
    for path in run.glob("requests-*.parquet"):
        change_table(path, lambda table: with_column(table, "finished_at", pc.add(table["sent_at"], 1_000_000)))


def _loosened(run: Path) -> None:
    path = run / "objectives" / "objectives.yaml"
    rewrite(path, path.read_bytes().replace(b"0.95", b"0.5"))
    inputs = json.loads((run / "run.json").read_text())["inputs"]
    change_json(run / "run.json", inputs={**inputs, "objectives/objectives.yaml": _sha256(path)})


def _advisory(run: Path) -> None:
    path = run / "policy.yaml"
    path.write_text("format: peakproof/policy/v1\nmode: advisory\n")
    inputs = json.loads((run / "run.json").read_text())["inputs"]
    change_json(run / "run.json", inputs={**inputs, "policy.yaml": _sha256(path)})


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


NOTICED = {
    "a part of a worker that there never was": (_foreign, "requests-w9-00000.parquet"),
    "a file that is a link": (_linked, "audit.json"),
    "a folder that is a link": (_folder_linked, "metrics"),
    "an older format claimed, without a manifest": (_old_format, "manifest.json"),
    "all waits rewritten": (_waits_rewritten, "requests-w0-00000.parquet"),
    "objectives loosened and their hash rewritten": (_loosened, "objectives/objectives.yaml"),
    "a policy that lets everything pass": (_advisory, "policy.yaml"),
}


@pytest.mark.parametrize("what", NOTICED)
def test_what_no_step_did_is_noticed(what: str, run: Path, peakproof: Command) -> None:
    alter, named = NOTICED[what]
    alter(run)
    code, verdict = judged(run, peakproof)
    assert (code, verdict["outcome"]) == (75, "INCONCLUSIVE")
    assert named in found_by(verdict, "manifest")


def test_late_ledgers_do_not_make_a_changed_run_json_that_of_the_run(run: Path, peakproof: Command) -> None:
    uploads = peakproof.folder / "uploads" / run.name
    uploads.mkdir(parents=True)
    shutil.copyfile(run / "ledger-w0.jsonl", uploads / "ledger-w0.jsonl")
    change_json(run / "run.json", command="peakproof gate")
    peakproof("audit", run.name, "--worker-folder", str(uploads))
    code, verdict = judged(run, peakproof)
    assert (code, verdict["outcome"]) == (75, "INCONCLUSIVE")
    assert "run.json: the step late ledgers read another than the step run wrote" in found_by(verdict, "manifest")


def with_column(table: pa.Table, name: str, values: Any) -> pa.Table:
    place = table.schema.get_field_index(name)
    return table.set_column(place, table.schema.field(name), values.cast(table.schema.field(name).type))


def _backwards(run: Path) -> None:
    change_table(
        run / "requests-w0-00000.parquet",
        lambda table: with_column(table, "finished_at", pc.subtract(table["scheduled_at"], SECOND)),
    )


def _no_error(run: Path) -> None:
    for path in run.glob("requests-*.parquet"):
        change_table(
            path, lambda table: with_column(table, "status", pa.chunked_array([[500] * table.num_rows], pa.int16()))
        )


def _error_of_another_status(run: Path) -> None:
    for path in run.glob("requests-*.parquet"):
        change_table(path, lambda table: with_column(table, "error", pa.chunked_array([["http_5xx"] * table.num_rows])))


def _twice(run: Path) -> None:
    change_table(
        run / "sessions-w0-00000.parquet",
        lambda table: with_column(table, "session", pa.chunked_array([[0] * table.num_rows], pa.int64())),
    )


def _copied_part(run: Path) -> None:
    rewrite(run / "requests-w1-00000.parquet", (run / "requests-w0-00000.parquet").read_bytes())


def _judged(run: Path, starts_s: int, ends_s: int) -> None:
    judged_ = json.loads((run / "run.json").read_text())["judged"]
    moved = {"starts_at": judged_["starts_at"] + starts_s * SECOND, "ends_at": judged_["ends_at"] + ends_s * SECOND}
    change_json(run / "run.json", judged=moved)


def _later(run: Path) -> None:
    """Tell of the whole run as if it had begun two seconds before."""
    document = json.loads((run / "run.json").read_text())
    moved = {name: document["judged"][name] - 2 * SECOND for name in ("starts_at", "ends_at")}
    phases = [
        {**one, "starts_at": one["starts_at"] - 2 * SECOND, "ends_at": one["ends_at"] - 2 * SECOND}
        for one in document["phases"]
    ]
    change_json(run / "run.json", started_at=document["started_at"] - 2 * SECOND, judged=moved, phases=phases)


def _of_run(**changed: Any) -> Callable[[Path], None]:
    return lambda run: change_json(run / "run.json", **changed)


def _seven_of_ten(table: pa.Table) -> pa.Table:
    return table.filter(pa.array([one % 10 >= 3 for one in table["session"].to_pylist()]))


def _fewer(run: Path) -> None:
    """Remove three sessions in ten, their requests too, and tell the account, the workers and the counts so."""
    document = json.loads((run / "run.json").read_text())
    rows = {"requests": 0, "sessions": 0}
    for path in (*run.glob("requests-*.parquet"), *run.glob("sessions-*.parquet")):
        change_table(path, _seven_of_ten)
        rows[path.name.partition("-")[0]] += pq.read_metadata(path).num_rows
    for number in range(2):
        requests = pq.read_metadata(run / f"requests-w{number}-00000.parquet").num_rows
        change_json(run / f"worker-w{number}.json", requests=requests, arrivals=requests // 5)
    account = {**document["account"], "planned": rows["sessions"], "completed": rows["sessions"]}
    sent = {**document["requests"], "sent": rows["requests"]}
    change_json(run / "run.json", account=account, requests=sent)


def _thinned(run: Path) -> None:
    def thin(table: pa.Table) -> pa.Table:
        rows = [{**row, "at": row["at"][::20], "value": row["value"][::20]} for row in table.to_pylist()]
        return pa.Table.from_pylist(rows, schema=table.schema)

    change_table(run / "metrics" / "objectives.parquet", thin)


def _fewer_counters(run: Path) -> None:
    change_table(run / "metrics" / "objectives.parquet", lambda table: table.slice(1))


def _of_audit(**changed: Any) -> Callable[[Path], None]:
    return lambda run: change_json(run / "audit.json", **changed)


def _shift_account(run: Path) -> None:
    account = json.loads((run / "run.json").read_text())["account"]
    change_json(run / "run.json", account={**account, "completed": account["completed"] - 3, "failed": 3})


def _longer_account(run: Path) -> None:
    account = json.loads((run / "run.json").read_text())["account"]
    change_json(run / "run.json", account={**account, "lost": {"w0": 3}})


def _fewer_requests(run: Path) -> None:
    for path in run.glob("requests-*.parquet"):
        change_table(path, lambda table: table.slice(table.num_rows // 10))


def _of_worker(**changed: Any) -> Callable[[Path], None]:
    def tell(run: Path) -> None:
        first, *others = json.loads((run / "run.json").read_text())["workers"]
        change_json(run / "run.json", workers=[{**first, **changed}, *others])

    return tell


REWRITTEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "replies that ended before they were wanted": (_backwards, "run backwards"),
    "status 500 without an error everywhere": (_no_error, "accepted replies of status 5xx"),
    "errors of a status that replies didn't have": (_error_of_another_status, "their status is another"),
    "session numbers twice": (_twice, "have a number that another has"),
    "a part replaced by a copy of another": (_copied_part, ""),
    "the judged window shrunk": (lambda run: _judged(run, 5, 0), "judged window"),
    "the judged window moved": (lambda run: _judged(run, 1, 1), "judged window"),
    "the whole run told as earlier": (_later, "live.json"),
    "another run's name": (_of_run(run="20261127T120000Z-other-0000"), "20261127T120000Z-other-0000"),
    "another format": (_of_run(format="peakproof/run/v0"), "format"),
    "another plan's hash": (_of_run(plan={"name": "small", "sha256": "0" * 64}), "the plan's name, hash"),
    "another plan's seed": (_of_run(seed=8), "the plan's name, hash"),
    "three sessions in ten removed and the account told smaller": (_fewer, "planned sessions"),
    "samples thinned to one in twenty": (_thinned, "samples of Prometheus"),
    "an instance's counters removed": (_fewer_counters, "samples of Prometheus"),
    "the ledger removed": (lambda run: (run / "ledger-w0.jsonl").unlink(), "rows of the ledger of w0"),
    "an audit of another run": (_of_audit(run="20261127T120000Z-other-0000"), "the audit is of"),
    "an audit of no named run": (_of_audit(run=None), "of which run the audit is"),
    "an audit made before the run ended": (_of_audit(checked_at=START + SECOND), "before the run ended"),
    "an audit whose counts contradict the run": (
        _of_audit(counts={"attempted": 1, "accepted": 1, "refused": 0, "unknown": 0}),
        "the audit counts 1 orders",
    ),
    "the account told otherwise": (
        _shift_account,
        "sessions are recorded as completed",
    ),
    "a request in ten dropped": (_fewer_requests, "requests are recorded, the workers reported"),
    "the ledger and its worker told shorter": (_of_worker(ledger_rows_expected=5), "of 5 rows of the ledger of w0"),
    "the account told longer": (_longer_account, "were planned"),
    "errors that no record holds": (_of_run(requests={"sent": 2620, "errors": 5, "accepted_5xx": 0}), "of errors"),
}


CONTRADICTIONS = ("manifest", "consistency", "audit of the run", "records", "account")


@pytest.mark.parametrize("what", REWRITTEN)
def test_records_that_contradict_each_other_are_found_though_the_manifest_was_rewritten(
    what: str, run: Path, peakproof: Command
) -> None:
    alter, found = REWRITTEN[what]
    alter(run)
    listed_anew(run)
    code, verdict = judged(run, peakproof)
    assert (code, verdict["outcome"]) == (75, "INCONCLUSIVE")
    assert found in "; ".join(found_by(verdict, subject) for subject in CONTRADICTIONS)
    ended = peakproof("verify", run.name)
    told = [one["message"] for one in verdict["findings"] if one["subject"] in CONTRADICTIONS]
    assert (ended.code, [one for one in told if one not in ended.out]) == (75, [])


@pytest.mark.parametrize("what", ["replies that ended before they were wanted", "an audit of another run"])
def test_no_advisory_policy_lets_evidence_pass_that_contradicts_itself(
    what: str, run: Path, peakproof: Command
) -> None:
    _advisory(run)
    REWRITTEN[what][0](run)
    listed_anew(run)
    code, verdict = judged(run, peakproof)
    assert (code, verdict["policy"]["mode"]) == (75, "advisory")
    assert "the policy's advisory mode isn't taken" in verdict["policy"]["lines"][0]
    finished = read_finished(run)
    assert (finished.code, finished.is_advisory, bool(finished.blocks_because)) == (75, False, True)


def test_a_clock_that_was_set_back_before_the_audit_is_noted_and_contradicts_nothing(
    run: Path, peakproof: Command
) -> None:
    ended_at = json.loads((run / "run.json").read_text())["ended_at"]
    change_json(run / "run.json", ended_since_boot={"boot": "one", "elapsed_ns": SECOND})
    _of_audit(checked_at=ended_at - 5 * SECOND, checked_since_boot={"boot": "one", "elapsed_ns": 3 * SECOND})(run)
    listed_anew(run)
    assert peakproof("verify", run.name).code == 0
    code, verdict = judged(run, peakproof)
    assert (code, verdict["outcome"]) == (0, "PASS")
    assert "was set back by 7 s between the run's end and its audit" in found_by(verdict, "audit of the run")


def _link_of(name: str) -> Callable[[Path], None]:
    def link(run: Path) -> None:
        (run / name).rename(run.parent / "elsewhere")
        (run / name).symlink_to(run.parent / "elsewhere")

    return link


def _secret(run: Path) -> None:
    (run.parent / "secret").write_text("root:x:0:0")
    (run / "audit.json").unlink()
    (run / "audit.json").symlink_to(run.parent / "secret")


def _pipe_as_manifest(run: Path) -> None:
    (run / "manifest.json").unlink()
    os.mkfifo(run / "manifest.json")


LINKS: dict[str, tuple[Callable[[Path], None], str]] = {
    "the manifest": (_link_of("manifest.json"), "manifest.json"),
    "a pipe as manifest": (_pipe_as_manifest, "manifest.json"),
    "run.json": (_link_of("run.json"), "run.json"),
    "a folder": (_link_of("objectives"), "objectives"),
    "a secret of the machine": (_secret, "audit.json"),
}


@pytest.mark.parametrize("what", LINKS)
def test_nothing_is_read_through_a_link_or_from_a_pipe(what: str, run: Path, peakproof: Command) -> None:
    alter, named = LINKS[what]
    alter(run)
    code, verdict = judged(run, peakproof)
    assert (code, verdict["outcome"]) == (75, "INCONCLUSIVE")
    assert f"{named}: no plain file: evidence is never a link" in found_by(verdict, "manifest")
    assert "root:" not in (run / "verdict.json").read_text()
    ended = peakproof("verify", run.name)
    assert (ended.code, f"{named}: no plain file" in ended.out, "root:" in ended.out) == (75, True, False)
    if what != "a pipe as manifest":
        ended = peakproof("report", run.name)
        assert (ended.code, f"{named}: a link, which evidence never is" in ended.err) == (2, True)


def test_what_is_judged_unverified_says_so_first_and_is_no_pass(run: Path, peakproof: Command) -> None:
    (run / "manifest.json").unlink()
    ended = peakproof("judge", run.name, "--unverified")
    assert (ended.code, ended.err) == (75, "")
    assert ended.out.startswith("INCONCLUSIVE, UNVERIFIED (by what is there: PASS)  release 2026.47.0 on staging")
    assert json.loads((run / "verdict.json").read_text())["unverified"] == "PASS"


def test_a_fail_that_is_judged_unverified_is_one(made_runs: dict[str, Path], peakproof: Command) -> None:
    run = shutil.copytree(made_runs["FAIL"], peakproof.folder / "run")
    (run / "manifest.json").unlink()
    assert peakproof("judge", "run").code == 75
    assert "peakproof judge RUN --unverified" in peakproof("verify", "run").out.splitlines()[-1]
    ended = peakproof("judge", "run", "--unverified")
    assert ended.code == 99
    assert ended.out.startswith("FAIL, UNVERIFIED (by what is there: FAIL)")


def test_a_page_of_evidence_that_is_not_whole_shows_no_verdict_and_names_the_file(
    run: Path, peakproof: Command
) -> None:
    judged(run, peakproof)
    reading = read_page(run, [("audit.json", "missing: the step audit wrote it")])
    shown = hero(reading)
    assert (shown.word, shown.exit_code) == ("NOT JUDGED", None)
    assert "its evidence isn't whole: audit.json: missing" in shown.headline
    assert ("audit.json", "missing: the step audit wrote it") in [(gap.file, gap.why) for gap in reading.gaps]
    verify = f"peakproof verify {run.name} names each file that isn't as it was"
    assert [one.words for one in answers(reading)] == [
        "No. This run's evidence isn't whole: take nothing on this page for a pass.",
        f"Take the run directory as the run left it, or run again: {verify}.",
    ]


def test_a_verdict_that_was_rewritten_is_no_success_in_a_pipeline(run: Path, peakproof: Command) -> None:
    (run / "audit.json").unlink()
    assert judged(run, peakproof)[0] == 75
    change_json(run / "verdict.json", outcome="PASS", exit_code=0)
    finished = read_finished(run)
    assert (finished.outcome, finished.blocks_because) == (
        Outcome.INCONCLUSIVE,
        "verdict.json: changed: not what the step judge wrote",
    )
    ended = peakproof("verify", run.name)
    assert (ended.code, "verdict.json: changed: not what the step judge wrote" in ended.out) == (75, True)


def test_a_verdict_without_the_manifest_of_its_run_is_no_success_in_a_pipeline(run: Path, peakproof: Command) -> None:
    assert judged(run, peakproof)[0] == 0
    assert (read_finished(run).outcome, read_finished(run).blocks_because) == (Outcome.PASS, "")
    (run / "manifest.json").unlink()
    finished = read_finished(run)
    assert (finished.outcome, finished.code) == (Outcome.INCONCLUSIVE, 75)
    assert finished.blocks_because == "verdict.json: a PASS of a run without manifest.json: nothing shows whose it is"


@pytest.mark.parametrize("option", [(), ("--unverified",)])
def test_no_advisory_policy_of_the_run_lets_evidence_pass_a_pipeline_that_is_not_whole(
    option: tuple[str, ...], run: Path, peakproof: Command
) -> None:
    _advisory(run)
    assert judged(run, peakproof, *option)[0] == 75
    finished = read_finished(run)
    assert not finished.is_advisory
    assert (finished.outcome, finished.code) == (Outcome.INCONCLUSIVE, 75)
    assert "policy.yaml" in finished.blocks_because or "unverified" in finished.blocks_because


@pytest.mark.parametrize("name", ["requests-w0-00000.parquet", "verdict.json", "manifest.json"])
def test_a_run_that_is_not_whole_is_no_day_to_compare_with(name: str, run: Path, peakproof: Command) -> None:
    assert judged(run, peakproof)[0] == 0
    store = RunStore(str(peakproof.folder / "store"))
    directory = RunDirectory(path=run)
    assert put_run(store, directory).invalid == ()
    if name == "requests-w0-00000.parquet":
        _waits_rewritten(run)
    elif name == "verdict.json":
        change_json(run / name, headline="PASS")
    else:
        (run / name).unlink()
    assert any(one.startswith(f"{name}: ") for one in put_run(store, directory).invalid)


@pytest.mark.parametrize("name", ["audit.json", "cleanup.jsonl"])
def test_a_verdict_of_before_a_later_audit_is_no_success_in_a_pipeline(
    name: str, run: Path, peakproof: Command
) -> None:
    assert judged(run, peakproof)[0] == 0
    step = name.partition(".")[0]
    with recorded_step(RunDirectory(path=run), step, writes=[run / name]):
        (run / name).unlink(missing_ok=True)
        (run / name).write_text("{}\n")
    older = "verdict.json: older than audit.json, which the step audit wrote: judge the run again"
    assert read_finished(run).blocks_because == (older if name == "audit.json" else "")
    flaws = page_flaws(run)
    assert [f"{file}: {what}" for file, what in flaws] == ([older] if name == "audit.json" else [])


def test_a_verdict_of_before_a_later_audit_is_no_pass_in_a_store_or_on_a_page(run: Path, peakproof: Command) -> None:
    assert judged(run, peakproof)[0] == 0
    with recorded_step(RunDirectory(path=run), "audit", writes=[run / "audit.json"]):
        change_json(run / "audit.json", checked_at=START + 3600 * SECOND)
    store = RunStore(str(peakproof.folder / "store"))
    assert put_run(store, RunDirectory(path=run)).outcome == "INCONCLUSIVE"
    ended = peakproof("report", run.name)
    assert (ended.code, "verdict.json: older than audit.json" in ended.out) == (75, True)
    assert judged(run, peakproof)[0] == 0
    assert put_run(store, RunDirectory(path=run)).outcome == "PASS"
