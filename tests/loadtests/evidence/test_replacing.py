"""A step that is killed leaves nothing unlisted and nothing that passes; done again, it leads to whole evidence."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from loadtests.evidence.check import hold
from loadtests.evidence.manifest import read_manifest
from loadtests.evidence.outputs import why_no_verdict
from loadtests.evidence.replacing import replacing_step, write_outputs
from loadtests.evidence.steps import recorded_step, write_manifest
from loadtests.results.run_directory import RunDirectory
from tests.loadtests.killed import each_kill

PASS, FAIL = b'{"outcome": "PASS"}\n', b'{"outcome": "FAIL"}\n'


@pytest.fixture
def listed(tmp_path: Path) -> RunDirectory:
    folder = tmp_path / "listed" / "20261127T120000Z-small-0000"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{}\n")
    (folder / "ledger-w0.jsonl").write_text("{}\n")
    write_manifest(RunDirectory(path=folder))
    return RunDirectory(path=folder)


@pytest.fixture
def run(tmp_path: Path, listed: RunDirectory) -> RunDirectory:
    """Return a run directory that isn't there before it is `anew`."""
    return RunDirectory(path=tmp_path / listed.name)


def anew(run: RunDirectory, listed: RunDirectory) -> Callable[[], object]:
    def copy() -> None:
        shutil.rmtree(run.path, ignore_errors=True)
        shutil.copytree(listed.path, run.path)

    return copy


def audit(run: RunDirectory, text: str = "{}\n") -> None:
    with recorded_step(run, "audit", reads=[run.run, *run.ledgers()], writes=[run.audit]):
        run.audit.write_text(text)


def bring(run: RunDirectory, rows: str = "{}\n{}\n", ran: str = '{"orders": 2}\n') -> None:
    with replacing_step(run, "late ledgers", reads=[run.run, *run.ledgers()]) as replacement:
        replacement.put(run.ledger("w0"), rows.encode())
        replacement.put(run.run, ran.encode())


@pytest.mark.parametrize("before", [None, FAIL])
def test_a_judging_that_is_killed_leaves_the_old_verdict_the_new_one_or_none(
    before: bytes | None, run: RunDirectory, listed: RunDirectory
) -> None:
    def judge(verdict: bytes = PASS) -> None:
        outputs = {run.summary: verdict, run.verdict: verdict}
        write_outputs(run, "judge", read_manifest(run.path), outputs, outdated=[run.report])

    if before is not None:
        anew(run, listed)()
        judge(before)
        write_outputs(run, "judge", read_manifest(run.path), {run.report: b"<p>old"})
        listed = RunDirectory(path=run.path.rename(run.path.with_name("judged")))
    left = []
    for _ in each_kill(judge, anew(run, listed)):
        held = hold(run.path)
        assert (held.flaws, held.outputs) == ((), ())
        left.append(run.verdict.read_bytes() if run.verdict.exists() else None)
        if left[-1] is not None:
            assert why_no_verdict(run.path, run.verdict.name, "PASS" if left[-1] == PASS else "FAIL") is None
            assert run.report.exists() == (left[-1] == FAIL)
        judge()
        assert (run.verdict.read_bytes(), hold(run.path).is_whole) == (PASS, True)
    assert (left[0], left[-1]) == (before, PASS)
    assert left == sorted(left, key=[before, None, PASS].index)


def test_evidence_whose_replacing_is_killed_is_as_it_was_as_it_shall_be_or_not_whole_until_it_is_done_again(
    run: RunDirectory, listed: RunDirectory
) -> None:
    wholes = []
    for _ in each_kill(lambda: bring(run), anew(run, listed)):
        here = (run.ledger("w0").read_text(), run.run.read_text())
        wholes.append(hold(run.path).is_whole)
        if wholes[-1]:
            assert here in {("{}\n", "{}\n"), ("{}\n{}\n", '{"orders": 2}\n')}
        bring(run, here[0] + "{}\n")
        assert hold(run.path).flaws == ()
    assert (wholes[0], wholes[-1]) == (True, True)
    assert False in wholes


def test_what_a_killed_step_listed_is_named_of_the_listed_bytes_alone(run: RunDirectory, listed: RunDirectory) -> None:
    anew(run, listed)()
    beside = run.path / ".ledger-w0.jsonl.next"
    for foreign in ("somebody else's\n", "{}\n"):
        beside.write_text(foreign)
        (run.path / ".run.json.next").symlink_to(run.ledger("w0"))
        bring(run, "{}\n")
        assert (run.ledger("w0").read_text(), hold(run.path).flaws) == ("{}\n", ())
        assert not run.run.is_symlink()


def test_a_replacing_that_fails_replaces_nothing(run: RunDirectory, listed: RunDirectory) -> None:
    anew(run, listed)()
    before = {path.name: path.read_bytes() for path in run.path.iterdir()}

    def fail() -> None:
        with replacing_step(run, "late ledgers", reads=[run.run]) as replacement:
            replacement.put(run.run, b"{1}\n")
            raise RuntimeError("broke")

    with pytest.raises(RuntimeError, match="broke"):
        fail()
    assert {path.name: path.read_bytes() for path in run.path.iterdir()} == before


def test_an_audit_during_which_ledgers_were_brought_is_named_until_another_reads_them_anew(
    run: RunDirectory, listed: RunDirectory
) -> None:
    anew(run, listed)()
    with recorded_step(run, "audit", reads=[run.run, *run.ledgers()], writes=[run.audit]):
        bring(run)
        run.audit.write_text("{}\n")
    assert {flaw.path: flaw.what for flaw in hold(run.path).flaws} == {
        "ledger-w0.jsonl": "the step audit read another than the step late ledgers wrote",
        "run.json": "the step audit read another than the step late ledgers wrote",
    }
    audit(run)
    assert hold(run.path).flaws == ()


def test_what_was_made_of_something_else_is_doubted_however_often_it_is_made_of_that_again(
    run: RunDirectory, listed: RunDirectory
) -> None:
    anew(run, listed)()
    run.run.write_text('{"orders": 1}\n')
    for _ in range(2):
        bring(run)
        audit(run)
        assert [(flaw.path, flaw.what) for flaw in hold(run.path).flaws] == [
            ("run.json", "the step late ledgers read another than the step run wrote")
        ]
