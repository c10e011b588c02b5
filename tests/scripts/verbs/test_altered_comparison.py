"""A comparison that passed and was altered afterwards never passes again: its documents, its runs, its verdict."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest

from loadtests.comparison.compared import Compared
from loadtests.comparison.evidence import list_comparison
from loadtests.comparison.job import FILE, VARIANTS, BlockEntry, ComparisonJob, DesignEntry, VariantEntry, read_job
from loadtests.demand.plan import read_plan
from loadtests.evidence.steps import recorded_step
from loadtests.results.run_directory import RunDirectory
from scripts.ci.finished import read_finished
from scripts.comparing import judging
from scripts.comparing.one_at_a_time import JobFile
from slo.outcomes import Outcome
from slo.regression.limits import latency_measure
from slo.regression.measures import Measured, Pair, Value
from slo.regression.settings import ComparisonSettings
from slo.regression.verdict_document import FILE as VERDICT
from tests.scripts.made_run import listed_anew, make_run
from tests.scripts.verbs.test_altered_evidence import change_json, change_table, rewrite, with_column
from tests.scripts.verbs.test_sign import make_key
from tests.scripts.world import PLAN, Command

S = 1_000_000_000
NAME = "20261127T130000Z-compare-small-0000"
FAST = latency_measure("fast", ("home",), ComparisonSettings())
ADVISORY = "format: peakproof/policy/v1\nmode: advisory\n"


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("passed"), "PASS")


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("another"), "PASS", plan=PLAN.replace("seed: 7", "seed: 8"))


@pytest.fixture
def folder(passed: Path, peakproof: Command, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a comparison's folder beside the run that holds its blocks, in which both releases measure alike."""
    pairs = tuple(
        Pair(number=n, a=Value(value=0.2, events=500), b=Value(value=0.2 * one, events=500))
        for n, one in enumerate((1.0, 1.003, 0.998, 1.001), 1)
    )
    monkeypatch.setattr(judging, "_compared", lambda *_: Compared(measures=(FAST,), counters={}, left_out=()))
    monkeypatch.setattr(judging, "observe", lambda *_: (Measured(measure=FAST, pairs=pairs),))
    run = shutil.copytree(passed, peakproof.folder / "runs" / passed.name, copy_function=os.link)
    blocks = tuple(
        BlockEntry(pair=n // 2 + 1, variant=VARIANTS[n % 2], run=run.name, starts_at=n * S, ends_at=(n + 1) * S)
        for n in range(8)
    )
    sides = {one: VariantEntry(variant=one, label=one) for one in VARIANTS}
    design = DesignEntry(looks=(4, 6), block_s=30, skip_s=5)
    job = ComparisonJob(name=NAME, how="switch", **sides, design=design, blocks=blocks, ended="decided")
    made = run.parent / NAME
    (made / "objectives").mkdir(parents=True)
    (made / "objectives" / "objectives.yaml").write_bytes((run / "objectives" / "objectives.yaml").read_bytes())
    JobFile(folder=made, job=job).update()
    return made


def judged(folder: Path, peakproof: Command) -> tuple[int, str]:
    """Judge the comparison again; return the exit code and all that was said."""
    ended = peakproof("compare", "--judge", str(folder))
    return ended.code, ended.out + ended.err


def _run(folder: Path) -> Path:
    return folder.parent / read_job(folder).blocks[0].run


def _edited(folder: Path, _other: Path) -> None:
    change_json(folder / FILE, seed="00")


def _fewer_blocks(folder: Path, _other: Path) -> None:
    change_json(folder / FILE, blocks=json.loads((folder / FILE).read_text())["blocks"][:-2])


def _cut(folder: Path, _other: Path) -> None:
    rewrite(folder / FILE, (folder / FILE).read_bytes()[:-3])


def _loosened(folder: Path, _other: Path) -> None:
    path = folder / "objectives" / "objectives.yaml"
    rewrite(path, path.read_bytes().replace(b"0.95", b"0.5"))


def _advisory(folder: Path, _other: Path) -> None:
    (folder / "policy.yaml").write_text(ADVISORY)


def _no_manifest(folder: Path, _other: Path) -> None:
    (folder / "manifest.json").unlink()


def _of_the_run(folder: Path, _other: Path) -> None:
    rewrite(folder / "manifest.json", (_run(folder) / "manifest.json").read_bytes())


def _faster(folder: Path, _other: Path) -> None:
    part = _run(folder) / "requests-w0-00000.parquet"
    change_table(part, lambda table: with_column(table, "finished_at", pc.subtract(table["sent_at"], S)))


def _faster_and_listed(folder: Path, other: Path) -> None:
    _faster(folder, other)
    listed_anew(_run(folder))


def _all_listed_anew(folder: Path, other: Path) -> None:
    _faster_and_listed(folder, other)
    list_comparison(folder, read_job(folder))


def _all_listed_anew_and_advisory(folder: Path, other: Path) -> None:
    _advisory(folder, other)
    _all_listed_anew(folder, other)


def _another_run(folder: Path, other: Path) -> None:
    run = _run(folder)
    shutil.rmtree(run)
    shutil.copytree(other, run)


ALTERED: dict[str, tuple[Callable[[Path, Path], None], str]] = {
    "edited": (_edited, "comparison.json: changed"),
    "fewer blocks": (_fewer_blocks, "comparison.json: cut"),
    "cut": (_cut, "comparison.json"),
    "an objective loosened": (_loosened, "objectives/objectives.yaml: cut"),
    "an advisory policy put beside it": (_advisory, "policy.yaml: foreign"),
    "its manifest removed": (_no_manifest, "manifest.json: missing"),
    "the manifest of a run": (_of_the_run, "comparison.json: foreign"),
    "records of a run altered": (_faster, "requests-w0-00000.parquet: changed"),
    "records altered and the run's manifest rewritten": (_faster_and_listed, "manifest.json: changed: not that of"),
    "records altered and both manifests rewritten": (_all_listed_anew, "requests run backwards"),
    "the same under an advisory policy": (_all_listed_anew_and_advisory, "requests run backwards"),
    "another run in its place": (_another_run, "manifest.json: changed: not that of"),
}


def test_an_untouched_comparison_passes_and_passes_again_and_after_a_later_step_of_its_run(
    folder: Path, peakproof: Command
) -> None:
    assert judged(folder, peakproof)[0] == 0
    assert peakproof("report", _run(folder).name).code == 0
    code, said = judged(folder, peakproof)
    assert (code, said.splitlines()[-1].partition("  ")[0]) == (0, "PASS")
    found = read_finished(folder)
    assert (found.outcome, found.blocks_because) == (Outcome.PASS, "")
    ended = peakproof("verify", NAME)
    assert (ended.code, ended.out.startswith("whole: ")) == (0, True)


def test_a_verdict_of_a_comparison_stands_while_the_next_one_is_written(
    folder: Path, peakproof: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert judged(folder, peakproof)[0] == 0
    stands: list[str] = []

    def drawn(_verdict: object) -> str:
        stands.append(read_finished(folder).blocks_because)
        return ""

    monkeypatch.setattr(judging, "comparison_page", drawn)
    assert judged(folder, peakproof)[0] == 0
    assert (stands, read_finished(folder).blocks_because) == ([""], "")


def test_a_comparison_is_judged_from_its_own_folder_too(
    folder: Path, peakproof: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    for command in (("compare", "--judge", "."), ("verify", ".")):
        ended = peakproof(*command)
        assert ended.code == 0, ended.out + ended.err


@pytest.mark.parametrize("what", ALTERED)
def test_a_comparison_that_is_altered_never_passes_again(
    what: str, folder: Path, another: Path, peakproof: Command
) -> None:
    alter, named = ALTERED[what]
    alter(folder, another)
    code, said = judged(folder, peakproof)
    assert (code, named in said) == (75, True), said
    ended = peakproof("verify", NAME)
    assert (ended.code, named in ended.out + ended.err) == (75, True)


def test_a_comparison_with_another_run_in_its_place_is_not_signed(
    folder: Path, another: Path, peakproof: Command
) -> None:
    (folder.parent / "key").write_text("no key: it isn't asked for")
    _another_run(folder, another)
    ended = peakproof("sign", NAME, "--key", str(folder.parent / "key"))
    assert (ended.code, "not signed, its evidence isn't whole" in ended.err) == (75, True), ended.err


needs_openssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs OpenSSH's ssh-keygen")
SIGNERS = ("--signers", "key.signers")


@pytest.fixture
def signed(folder: Path, peakproof: Command) -> Path:
    for name in ("key", "other"):
        make_key(peakproof.folder, name)
    assert peakproof("sign", NAME, "--key", "key").code == 0
    return folder


def both(peakproof: Command, *arguments: str) -> tuple[set[int], str]:
    """Judge and verify the comparison; return the exit codes and all that both said."""
    ended = [peakproof(*command, *arguments) for command in (("compare", "--judge", f"runs/{NAME}"), ("verify", NAME))]
    return {one.code for one in ended}, "".join(one.out + one.err for one in ended)


@needs_openssh
def test_a_signed_comparison_passes_with_its_signers_and_with_no_others(signed: Path, peakproof: Command) -> None:
    assert both(peakproof, *SIGNERS)[0] == {0}
    codes, said = both(peakproof, "--signers", "other.signers")
    assert (codes, said.count("signed by nobody whom the file of signers names")) == ({75}, 2)
    (signed / "manifest.json.sig").unlink()
    codes, said = both(peakproof, *SIGNERS)
    assert (codes, said.count("manifest.json.sig: missing: nobody signed the run")) == ({75}, 2)


@needs_openssh
def test_manifests_rewritten_with_altered_records_show_by_the_comparisons_signature(
    signed: Path, peakproof: Command
) -> None:
    change_json(_run(signed) / "live.json", sequence=2)
    listed_anew(_run(signed))
    list_comparison(signed, read_job(signed))
    assert both(peakproof)[0] == {0}
    codes, said = both(peakproof, *SIGNERS)
    assert (codes, "does not fit manifest.json: that was rewritten since" in said) == ({75}, True)


@needs_openssh
def test_evidence_that_came_into_a_run_after_its_comparison_needs_a_signature_of_the_run(
    signed: Path, peakproof: Command
) -> None:
    run = _run(signed)
    with recorded_step(RunDirectory(path=run), "cleanup", writes=[run / "live.json"]):
        change_json(run / "live.json", sequence=2)
    assert both(peakproof)[0] == {0}
    codes, said = both(peakproof, *SIGNERS)
    later = f"{run.name}/live.json: the step cleanup came after the signature"
    assert (codes, later in said, f"{run.name}: live.json: the step cleanup came" in said) == ({75}, True, True)
    assert peakproof("sign", run.name, "--key", "other").code == 0
    assert both(peakproof, *SIGNERS)[0] == {75}
    assert peakproof("sign", run.name, "--key", "key").code == 0
    assert both(peakproof, *SIGNERS)[0] == {0}


def test_signers_are_those_of_a_comparison_that_is_judged(peakproof: Command) -> None:
    ended = peakproof("compare", "plan.yaml", "--on", "staging", "--signers", "key.signers")
    assert (ended.code, "--signers goes with --judge" in ended.err) == (2, True)


def test_a_block_that_does_not_count_excuses_no_contradiction_in_the_run_that_holds_others(
    folder: Path, another: Path, peakproof: Command
) -> None:
    first, *others = json.loads((folder / FILE).read_text())["blocks"]
    void = {**first, "invalid_because": "the other release was up in it"}
    change_json(folder / FILE, blocks=[void, *others])
    _all_listed_anew(folder, another)
    code, said = judged(folder, peakproof)
    assert (code, "requests run backwards" in said) == (75, True), said
    assert "requests run backwards" in peakproof("verify", NAME).out


def test_a_comparison_whose_evidence_contradicts_itself_is_no_success_under_an_advisory_policy(
    folder: Path, another: Path, peakproof: Command
) -> None:
    _all_listed_anew_and_advisory(folder, another)
    assert judged(folder, peakproof)[0] == 75
    assert read_finished(folder).blocks_because


@pytest.mark.parametrize("name", [FILE, "objectives/objectives.yaml", VERDICT])
def test_nothing_of_a_comparison_is_read_through_a_link(name: str, folder: Path, peakproof: Command) -> None:
    assert judged(folder, peakproof)[0] == 0
    (folder / name).rename(folder.parent / "elsewhere")
    (folder / name).symlink_to(folder.parent / "elsewhere")
    code, said = judged(folder, peakproof)
    assert (code, f"{name}: a link, which evidence never is" in said) == (2, True)


@pytest.mark.parametrize(("more", "code"), [((), 75), (("--unverified",), 2)])
@pytest.mark.parametrize("name", ["plan.yaml", "run.json"])
def test_nothing_of_a_comparisons_run_is_read_through_a_link(
    name: str, more: tuple[str, ...], code: int, folder: Path, peakproof: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "_compared", lambda *_: read_plan(RunDirectory(path=_run(folder)).plan))
    (folder.parent / "secret").write_text("hidden-word: x:0:0")
    (_run(folder) / name).unlink()
    (_run(folder) / name).symlink_to(folder.parent / "secret")
    ended = peakproof("compare", "--judge", str(folder), *more)
    assert (ended.code, f"{name}: a link, which evidence never is" in ended.err) == (code, True), ended.err
    assert "hidden-word" not in ended.out + ended.err


def test_a_comparison_leads_to_no_run_elsewhere(folder: Path, peakproof: Command) -> None:
    document: dict[str, Any] = json.loads((folder / FILE).read_text())
    blocks = [{**one, "run": f"../{folder.parent.name}/{one['run']}"} for one in document["blocks"]]
    change_json(folder / FILE, blocks=blocks)
    code, said = judged(folder, peakproof)
    assert (code, "comparison.json" in said) == (75, True)
