"""A signed run shows a manifest that was rewritten, which a manifest alone can't."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from loadtests.evidence.steps import recorded_step
from loadtests.results.recorded_run import read_run
from loadtests.results.run_directory import RunDirectory
from scripts.running import judging
from scripts.running.finished_run import FinishedRun
from scripts.verbs import gate
from scripts.verbs import run as run_verb
from tests.scripts.made_run import listed_anew
from tests.scripts.world import Command

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs OpenSSH's ssh-keygen")
WHO = "ci@shop.example"


@pytest.fixture
def run(made_runs: dict[str, Path], peakproof: Command, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a signed copy of the run that passed, with the key and the file of signers beside it."""
    monkeypatch.setattr(judging, "report_page", lambda _path: b"")
    path = shutil.copytree(made_runs["PASS"], peakproof.folder / "runs" / made_runs["PASS"].name)
    make_key(peakproof.folder, "key")
    assert peakproof("sign", path.name, "--key", "key").code == 0
    return path


def make_key(folder: Path, name: str, passphrase: str = "") -> None:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", WHO, "-f", name]
    subprocess.run(command, cwd=folder, check=True)
    (folder / f"{name}.signers").write_text(f"{WHO} {(folder / f'{name}.pub').read_text()}")


def test_a_signed_run_is_whole_and_stays_so_when_it_is_judged(run: Path, peakproof: Command) -> None:
    asked = ("verify", run.name, "--signers", "key.signers")
    ended = peakproof(*asked)
    assert (ended.code, ended.out.splitlines()[-1]) == (0, f"signed by {WHO}")
    assert peakproof("judge", run.name, "--signers", "key.signers").code == 0
    assert peakproof(*asked).code == 0


def test_ssh_keygen_alone_verifies_what_was_just_signed(run: Path, peakproof: Command) -> None:
    command = ["ssh-keygen", "-Y", "verify", "-f", "key.signers", "-I", WHO, "-n", "peakproof-run"]
    with (run / "manifest.json").open("rb") as manifest:
        done = subprocess.run(
            [*command, "-s", str(run / "manifest.json.sig")],
            cwd=peakproof.folder,
            stdin=manifest,
            capture_output=True,
            check=False,
        )
    assert (done.returncode, b"Good" in done.stdout) == (0, True)


def test_a_manifest_that_was_rewritten_with_its_files_is_shown_by_the_signature_alone(
    run: Path, peakproof: Command
) -> None:
    live = json.loads((run / "live.json").read_text())
    (run / "live.json").write_text(json.dumps({**live, "sequence": 2}))
    listed_anew(run)
    assert peakproof("judge", run.name).code == 0  # nothing contradicts it
    ended = peakproof("verify", run.name, "--signers", "key.signers")
    assert ended.code == 75
    assert "not whole: manifest.json.sig: does not fit manifest.json: that was rewritten since" in ended.out
    assert peakproof("judge", run.name, "--signers", "key.signers").code == 75


def test_evidence_that_comes_after_the_signature_is_named_until_it_is_signed_again(
    run: Path, peakproof: Command
) -> None:
    with recorded_step(RunDirectory(path=run), "cleanup", writes=[run / "cleanup.jsonl"]):
        (run / "cleanup.jsonl").write_text("")
    ended = peakproof("verify", run.name, "--signers", "key.signers")
    assert ended.code == 75
    assert "cleanup.jsonl: the step cleanup came after the signature: sign the run again" in ended.out
    assert peakproof("sign", run.name, "--key", "key").code == 0
    assert peakproof("verify", run.name, "--signers", "key.signers").code == 0


def test_a_missing_signature_and_that_of_somebody_else_are_not_whole(run: Path, peakproof: Command) -> None:
    make_key(peakproof.folder, "other")
    ended = peakproof("verify", run.name, "--signers", "other.signers")
    assert (ended.code, "signed by nobody whom the file of signers names" in ended.out) == (75, True)
    (run / "manifest.json.sig").unlink()
    ended = peakproof("verify", run.name, "--signers", "key.signers")
    assert (ended.code, "missing: nobody signed the run" in ended.out) == (75, True)
    assert peakproof("verify", run.name).code == 0


def test_what_cannot_be_signed_says_why(run: Path, peakproof: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    make_key(peakproof.folder, "locked", "a passphrase")
    ended = peakproof("sign", run.name, "--key", "locked")
    assert (ended.code, "a key with a passphrase needs an agent" in ended.err) == (2, True)
    assert peakproof("sign", run.name, "--key", "nowhere").code == 2
    (run / "audit.json").unlink()
    ended = peakproof("sign", run.name, "--key", "key")
    assert (ended.code, "not signed, its evidence isn't whole: audit.json: missing" in ended.err) == (75, True)
    monkeypatch.setenv("PATH", str(peakproof.folder))
    ended = peakproof("verify", run.name, "--signers", "key.signers")
    assert (ended.code, "apt-get install openssh-client" in ended.err) == (75, True)


def test_a_gate_that_is_to_sign_and_cannot_is_no_success(
    run: Path, peakproof: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = RunDirectory(path=run)
    finished = FinishedRun(directory=directory, run=read_run(directory))
    monkeypatch.setattr(run_verb, "play", lambda *_: finished)
    monkeypatch.setattr(gate, "audit_finished", lambda *_: None)
    asked = ("gate", "plan.yaml", "--on", "staging", "--sign")
    (peakproof.folder / "gone").write_text("no key")
    for name in ("plan.yaml", "targets.yaml"):
        (peakproof.folder / name).touch()
    assert peakproof(*asked, "key").code == 0
    ended = peakproof(*asked, "gone")
    assert (ended.code, "not signed: " in ended.out) == (75, True)


def test_a_program_reads_what_is_wrong(run: Path, peakproof: Command) -> None:
    (run / "audit.json").unlink()
    ended = peakproof("verify", run.name, "--json")
    found = json.loads(ended.out)
    assert (ended.code, found["whole"]) == (75, False)
    assert found["flaws"] == [{"file": "audit.json", "what": "audit.json: missing: the step audit wrote it"}]
