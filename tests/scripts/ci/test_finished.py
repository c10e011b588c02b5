"""What CI reads of a finished run: its reasons, which of them a retry may help, its bundle, its refusals."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loadtests.comparison.job import FILE as COMPARISON
from loadtests.comparison.job import VARIANTS, ComparisonJob, DesignEntry, VariantEntry
from loadtests.evidence.check import hold
from loadtests.evidence.manifest import read_manifest
from loadtests.evidence.replacing import write_outputs
from loadtests.evidence.steps import write_manifest
from loadtests.results.run_directory import RunDirectory
from scripts.ci.bundle import LEFT_OUT, write_bundle
from scripts.ci.conclusion import Rule, conclude
from scripts.ci.finished import Finished, own_page, read_finished, unplayed
from scripts.ci.objective_lines import objective_places
from scripts.ci.playing import Child, play
from scripts.comparing.one_at_a_time import JobFile
from slo.documents import BadInput
from slo.outcomes import Outcome
from slo.regression.verdict_document import FILE, ComparisonVerdict, MeasureEntry, PairEntry, ReleaseEntry
from tests.scripts.ci.conftest import Repository
from tests.scripts.ci.judged import SUMMARY, judged, objective, validity


@pytest.mark.parametrize(
    ("document", "outside"),
    [
        ({"findings": [validity("generator CPU"), validity("load")]}, ("generator CPU",)),
        ({"findings": [validity("blocked")]}, ("blocked",)),
        ({"objectives": [objective("a", "no_data", source="prometheus")]}, ("no Prometheus",)),
        ({"objectives": [objective("a", "no_data", source="records")]}, ()),
        ({"objectives": [objective("a", "undecided", source="prometheus")]}, ()),
        ({"findings": [validity("load")]}, ()),
        ({"findings": [validity("generator CPU"), validity("release")]}, ()),
        ({"findings": [validity("generator CPU", known=False)]}, ()),
        ({"findings": [validity("blocked"), {**validity("order-exists"), "kind": "audit"}]}, ()),
        ({"findings": [{**validity("blocked"), "severity": "note"}]}, ()),
        ({}, ()),
    ],
)
def test_only_causes_outside_the_shop_and_no_other_are_worth_a_retry(
    tmp_path: Path, document: dict[str, Any], outside: tuple[str, ...]
) -> None:
    assert read_finished(judged(tmp_path / "r", "INCONCLUSIVE", **document)).outside == outside
    assert read_finished(judged(tmp_path / "r", "FAIL", **document)).outside == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "expected a mapping at the top, found list"),
        ('{"outcome": "GOOD", "exit_code": 0}', "outcome: expected PASS, FAIL or INCONCLUSIVE, found 'GOOD'"),
        ('{"exit_code": 0}', "outcome: required and missing"),
    ],
)
def test_a_broken_verdict_is_refused_with_its_file(tmp_path: Path, text: str, message: str) -> None:
    run = judged(tmp_path / "r", "PASS")
    (run / "verdict.json").write_text(text)
    with pytest.raises(BadInput, match=f"verdict.json: .*{message}"):
        read_finished(run)


def test_a_run_without_a_verdict_is_refused_with_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=f"judge it first, `peakproof judge {tmp_path.name}`"):
        read_finished(tmp_path)


def compared(folder: Path, outcome: str, **more: Any) -> ComparisonVerdict:
    """Write a judged comparison into `folder` and return its verdict."""
    limits: dict[str, Any] = {"kind": "latency", "fail_over": 1.05, "pass_under": 1.1}
    verdict = ComparisonVerdict(
        name="20261127T120000Z-compare-small-abcd",
        outcome=outcome,
        because="checkout-latency is 12 % slower",
        how="variants",
        a=ReleaseEntry(label="a"),
        b=ReleaseEntry(label="b"),
        looks=(4,),
        block_s=30,
        skip_s=5,
        pairs=4,
        pairs_played=4,
        measures=more.pop("measures", None)
        or (
            MeasureEntry(name="checkout-latency", outcome="FAIL", because="12 % slower", **limits),
            MeasureEntry(name="home-answers", outcome="PASS", **limits),
        ),
        decided_at=1,
        **more,
    )
    (folder / FILE).write_text(verdict.model_dump_json())
    return verdict


def test_a_comparison_is_read_from_its_own_verdict(tmp_path: Path) -> None:
    verdict = compared(tmp_path, "FAIL")
    found = read_finished(tmp_path)
    assert (found.outcome, found.reason, found.code) == (Outcome.FAIL, "checkout-latency is 12 % slower", 99)
    assert (found.name, found.outside) == (verdict.name, ())
    assert [(one.objective, one.level, one.message) for one in found.points] == [
        ("checkout-latency", "failure", "fail: 12 % slower")
    ]


def test_a_command_without_a_run_is_open_only_with_75() -> None:
    assert unplayed(75, "peakproof: no Prometheus was found").outside == ("no Prometheus",)
    assert unplayed(75, "peakproof: staging: the shop doesn't answer").outside == ()
    assert [unplayed(code, "x").outcome for code in (75, 2, 1, 0, -9)] == [Outcome.INCONCLUSIVE, *(None,) * 4]


def test_the_bundle_holds_aggregates_evidence_on_request_and_never_more_than_its_bound(tmp_path: Path) -> None:
    run, folder = judged(tmp_path / "r", "PASS"), tmp_path / "out"
    (run / "job.json").write_text("{}")
    (run / "audit.json").symlink_to("/etc/passwd")
    write_bundle(run, folder)
    own = {"verdict.json", "run.json", "manifest.json", "summary.md", "junit.xml", "report.html"}
    assert {path.name for path in folder.iterdir()} == {*own, LEFT_OUT}
    write_bundle(run, folder, evidence=True)
    assert {path.name for path in folder.iterdir()} == {*own, "requests-w0-00000.parquet"}
    total = write_bundle(run, folder, evidence=True, max_bytes=1_000)
    held = sum(path.stat().st_size for path in folder.iterdir())
    assert total == held <= 1_000
    assert (folder / LEFT_OUT).read_text().startswith("left out")


def test_a_bundle_with_evidence_is_whole_and_still_signed(tmp_path: Path) -> None:
    run = judged(tmp_path / "r", "PASS")
    for name in ("storefront/logs.py", "storefront/.data.csv", "shop_records/own.py", "budget.json", "cleanup.jsonl"):
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).write_text(name)
    write_manifest(RunDirectory(path=run))
    (run / "manifest.json.sig").write_text("a signature")
    (run / "job.json").write_text("{}")
    write_bundle(run, tmp_path / "out", evidence=True)
    assert hold(tmp_path / "out").flaws == ()
    assert (tmp_path / "out" / "manifest.json.sig").exists()
    assert not (tmp_path / "out" / "job.json").exists()


def test_objectives_are_found_in_documents_lists_and_sloth_files_inside_the_repository(tmp_path: Path) -> None:
    inside = tmp_path / "repository"
    inside.mkdir()
    texts = {
        "list.yaml": "- kind: SLO\n  metadata: {name: one}\n- kind: SLO\n  metadata:\n    name: two\n",
        "sloth.yaml": "version: prometheus/v1\nservice: shop\nslos:\n- name: three\n",
        "broken.yaml": "a: [",
        "odd.yaml": "- 1\n- metadata: x\n---\n- null\n",
    }
    for name, text in texts.items():
        (inside / name).write_text(text)
    (tmp_path / "outside.yaml").write_text("metadata: {name: four}\n")
    files = [*(inside / name for name in texts), tmp_path / "outside.yaml", inside / "missing.yaml"]
    assert {name: (one.file, one.line) for name, one in objective_places(files, inside).items()} == {
        "one": ("list.yaml", 2),
        "two": ("list.yaml", 5),
        "three": ("sloth.yaml", 4),
    }


PLAYED = """\
import json, pathlib, sys
count = pathlib.Path("count")
times = int(count.read_text()) if count.exists() else 0
count.write_text(str(times + 1))
print("playing", flush=True)
run = sys.argv[1:][min(times, len(sys.argv) - 2)]
if run != "-":
    print(("comparison=" if times else "run=") + run)
print("peakproof: no Prometheus was found" if run == "-" else "the end", file=sys.stderr)
verdict = pathlib.Path(run) / "verdict.json"
sys.exit(json.loads(verdict.read_text())["exit_code"] if verdict.exists() else 75)
"""


def played(folder: Path, *runs: str) -> tuple[str, int, tuple[str, ...]]:
    """Play a command that leaves these runs, one after the other; return the last's name, how often, and the notes."""
    argv = [sys.executable, "-c", PLAYED, *runs]
    finished, notes = play(Child(argv=argv, folder=folder, variables={}), lambda _: None)
    return finished.name, int((folder / "count").read_text()), notes


def test_it_is_played_once_more_and_never_twice_where_only_the_outside_kept_it_open(tmp_path: Path) -> None:
    judged(tmp_path / "saturated", "INCONCLUSIVE", findings=[validity("generator CPU")])
    judged(tmp_path / "good", "PASS")
    judged(tmp_path / "open", "INCONCLUSIVE", objectives=[objective("a", "undecided")])
    judged(tmp_path / "bad", "FAIL", findings=[validity("generator CPU")])
    name, times, notes = played(tmp_path, "saturated", "good")
    assert (name, times) == ("good", 2)
    assert notes[0].startswith("not shown at first, for causes outside the shop (generator CPU): played once more; ")
    for runs, count in (
        (("saturated", "saturated"), 2),
        (("open", "good"), 1),
        (("bad", "good"), 1),
        (("-", "good"), 2),
    ):
        (tmp_path / "count").unlink()
        assert played(tmp_path, *runs)[1] == count


def counters(*values: float | None, outcome: str = "INCONCLUSIVE", source: str = "prometheus") -> MeasureEntry:
    pairs = tuple(PairEntry(number=number, a=one, b=one) for number, one in enumerate(values, 1))
    limits: dict[str, Any] = {"kind": "errors", "fail_over": 0.01, "pass_under": 0.02}
    return MeasureEntry(name="server", outcome=outcome, source=source, blocks=pairs, **limits)


@pytest.mark.parametrize(
    ("verdict", "causes"),
    [
        ({"outside": ("generator CPU",), "invalid_because": ("the generator was saturated",)}, ("generator CPU",)),
        ({"invalid_because": ("a worker was lost",), "measures": (counters(None),)}, ()),
        ({"measures": (counters(None, None),)}, ("no Prometheus",)),
        ({"measures": (counters(None, 0.1),)}, ()),
        ({"measures": (counters(None), counters(0.1, source="records"))}, ()),
        ({"measures": (counters(None), counters(0.1, source="records", outcome="PASS"))}, ("no Prometheus",)),
        ({"measures": (counters(),)}, ()),
        ({}, ()),
    ],
)
def test_a_comparison_is_worth_a_retry_for_causes_outside_the_shop_alone(
    tmp_path: Path, verdict: dict[str, Any], causes: tuple[str, ...]
) -> None:
    compared(tmp_path, "INCONCLUSIVE", **verdict)
    listed(tmp_path)
    assert read_finished(tmp_path).outside == causes
    compared(tmp_path, "FAIL", **verdict)
    listed(tmp_path)
    assert read_finished(tmp_path).outside == ()


def test_a_comparison_that_was_spoilt_from_outside_is_played_once_more(tmp_path: Path) -> None:
    for name in ("spoilt", "undecided", "unswitched"):
        (tmp_path / name).mkdir()
    compared(tmp_path / "spoilt", "INCONCLUSIVE", outside=("generator CPU",), invalid_because=("saturated",))
    compared(tmp_path / "undecided", "INCONCLUSIVE")
    notes = ("A IS NOT BACK: exit code 1",)
    compared(tmp_path / "unswitched", "INCONCLUSIVE", outside=("stalls",), invalid_because=("s",), notes=notes)
    for name in ("spoilt", "undecided", "unswitched"):
        listed(tmp_path / name)
    for runs, count in ((("spoilt", "spoilt"), 2), (("undecided", "spoilt"), 1), (("unswitched", "spoilt"), 1)):
        assert played(tmp_path, *runs)[1] == count
        (tmp_path / "count").unlink()


def ended(folder: Path, line: str, code: int) -> Finished:
    """Play a command that prints `line` and ends with `code`."""
    argv = [sys.executable, "-c", f"print({line!r}); raise SystemExit({code})"]
    return play(Child(argv=argv, folder=folder, variables={}), lambda _: None)[0]


@pytest.mark.parametrize(
    ("outcome", "mode", "code", "word"),
    [
        ("PASS", "enforce", 0, "shown"),
        ("PASS", "enforce", 75, "not-shown-blocks"),
        ("PASS", "enforce", 1, "not-shown-blocks"),
        ("PASS", "advisory", 1, "not-shown-blocks"),
        ("FAIL", "enforce", 99, "failed"),
        ("FAIL", "enforce", 0, "failed"),
        ("FAIL", "advisory", 0, "advisory"),
        ("FAIL", "advisory", 1, "failed"),
        ("INCONCLUSIVE", "enforce", 75, "not-shown-warns"),
        ("INCONCLUSIVE", "enforce", 1, "not-shown-blocks"),
        ("INCONCLUSIVE", "advisory", 0, "advisory"),
    ],
)
def test_an_exit_code_that_does_not_fit_the_verdict_is_no_success_and_no_warning(
    tmp_path: Path, outcome: str, mode: str, code: int, word: str
) -> None:
    judged(tmp_path / "r", outcome, policy={"mode": mode})
    found = ended(tmp_path, "run=r", code)
    assert conclude(found, Rule(on_inconclusive="warn", because="a pull request")).word == word


def listed(folder: Path) -> None:
    """List a judged comparison without blocks in its manifest, as it was played and then judged."""
    sides = {one: VariantEntry(variant=one, label=one) for one in VARIANTS}
    design = DesignEntry(looks=(4,), block_s=30, skip_s=5)
    job = ComparisonJob(name=folder.name, how="variants", **sides, design=design, ended="played_out")
    JobFile(folder=folder, job=job).update()
    directory = RunDirectory(path=folder)
    write_outputs(directory, "judge", read_manifest(folder), {folder / FILE: (folder / FILE).read_bytes()})


def test_an_advisory_policy_of_a_comparison_lets_its_fail_block_nothing(tmp_path: Path) -> None:
    compared(tmp_path, "FAIL")
    rule = Rule(on_inconclusive="block", because="a tag")
    assert conclude(read_finished(tmp_path), rule).word == "failed"
    (tmp_path / "policy.yaml").write_text("format: peakproof/policy/v1\nmode: advisory\n")
    assert conclude(read_finished(tmp_path), rule).word == "failed"  # nothing shows whose policy it is
    listed(tmp_path)
    for found in (read_finished(tmp_path), ended(tmp_path, "comparison=.", 0)):
        assert (conclude(found, rule).word, conclude(found, rule).code) == ("advisory", 0)


def _pass_in_words(folder: Path) -> None:
    verdict = json.loads((folder / FILE).read_text())
    (folder / FILE).write_text(json.dumps({**verdict, "outcome": "PASS"}))


def _fewer_pairs(folder: Path) -> None:
    job = json.loads((folder / COMPARISON).read_text())
    (folder / COMPARISON).write_text(json.dumps({**job, "seed": "00"}))


def _advisory(folder: Path) -> None:
    (folder / "policy.yaml").write_text("format: peakproof/policy/v1\nmode: advisory\n")


def _no_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


@pytest.mark.parametrize(
    ("outcome", "alter", "why"),
    [
        ("FAIL", _pass_in_words, "comparison-verdict.json: changed: not what the step judge wrote"),
        ("PASS", _fewer_pairs, "comparison.json: cut: "),
        ("FAIL", _advisory, "policy.yaml: foreign: no step of the manifest wrote it"),
        ("PASS", _no_manifest, "comparison-verdict.json: a PASS of a run without manifest.json"),
        ("INCONCLUSIVE", _no_manifest, "manifest.json: missing"),
    ],
)
def test_a_comparison_that_was_altered_is_no_success_in_a_pipeline(
    tmp_path: Path, outcome: str, alter: Callable[[Path], None], why: str
) -> None:
    compared(tmp_path, outcome)
    listed(tmp_path)
    assert read_finished(tmp_path).blocks_because == ""
    alter(tmp_path)
    found = read_finished(tmp_path)
    assert found.blocks_because.startswith(why)
    assert conclude(found, Rule(on_inconclusive="warn", because="x", is_advisory=True)).blocks


@pytest.mark.parametrize("mode", ["enforce", "advisory"])
@pytest.mark.parametrize("outcome", ["PASS", "INCONCLUSIVE", "FAIL"])
def test_a_verdict_of_a_run_without_a_manifest_lets_no_change_go_on(tmp_path: Path, outcome: str, mode: str) -> None:
    run = judged(tmp_path / "r", outcome, policy={"mode": mode})
    rule = Rule(on_inconclusive="warn", because="a pull request")
    assert conclude(read_finished(run), rule).blocks is (outcome == "FAIL" and mode == "enforce")
    (run / "manifest.json").unlink()
    found = conclude(read_finished(run), rule)
    assert (found.blocks, found.code) == (True, 99 if outcome == "FAIL" else 75)


@pytest.mark.parametrize("name", ["verdict.json", "summary.md", "junit.xml", "run.json", "manifest.json"])
def test_nothing_is_read_or_published_of_a_run_that_holds_a_link(tmp_path: Path, name: str) -> None:
    run = judged(tmp_path / "r", "PASS")
    (run / name).rename(tmp_path / name)
    (run / name).symlink_to(tmp_path / name)
    with pytest.raises(BadInput, match=f"{name}: a link, which evidence never is"):
        read_finished(run)


def test_pages_that_are_not_as_they_were_made_are_not_published(tmp_path: Path) -> None:
    run = judged(tmp_path / "r", "FAIL")
    assert read_finished(run).summary == SUMMARY
    (run / "summary.md").write_text("### PASS")
    (run / "junit.xml").write_text("<testsuites/>")
    assert (read_finished(run).summary, own_page(run, "junit.xml")) == ("", None)


def test_a_comparison_of_evidence_that_is_not_whole_is_no_success_under_any_policy(tmp_path: Path) -> None:
    compared(tmp_path, "INCONCLUSIVE", untrusted="r1: ledger-w0.jsonl: missing: the step run wrote it")
    (tmp_path / "policy.yaml").write_text("format: peakproof/policy/v1\nmode: advisory\n")
    for found in (read_finished(tmp_path), ended(tmp_path, "comparison=.", 75)):
        told = conclude(found, Rule(on_inconclusive="warn", because="x", is_advisory=True))
        assert (told.word, told.code) == ("not-shown-blocks", 75)
        assert told.title.startswith("Not shown, blocks (r1: ledger-w0.jsonl: missing")


def test_a_comparison_after_which_a_is_not_back_is_no_success_under_any_policy(tmp_path: Path) -> None:
    compared(tmp_path, "PASS", notes=("switches took 9 s", "A IS NOT BACK: exit code 1\n  by hand: ./deploy.sh a"))
    for found in (read_finished(tmp_path), ended(tmp_path, "comparison=.", 75)):
        told = conclude(found, Rule(on_inconclusive="warn", because="x", is_advisory=True))
        assert (told.word, told.code, found.outcome) == ("not-shown-blocks", 75, Outcome.INCONCLUSIVE)
        assert told.title.startswith("Not shown, blocks (A IS NOT BACK: exit code 1")


@pytest.mark.heavy
def test_what_was_played_is_published_and_no_run_is_no_pass(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.variables = {"PATH": "/nowhere"}
    monkeypatch.chdir(repository.folder)
    assert repository.ci("run", "--host", "jenkins", "--", "gate", "missing.yaml", "--on", "staging") == 2
    assert repository.written("conclusion") == "not-played\n"
    assert "missing.yaml" in json.loads(repository.written("outcome.json"))["title"]


def test_only_a_gate_or_a_comparison_is_played(repository: Repository) -> None:
    with pytest.raises(BadInput, match="expected gate or compare after --, found demo"):
        repository.ci("run", "--host", "jenkins", "--", "demo")
