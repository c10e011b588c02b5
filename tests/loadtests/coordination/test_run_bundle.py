"""The run bundle goes to a worker that knows the token, whole or not at all, and is taken only under its seal."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gevent.queue
import pytest

from loadtests.coordination import run_bundle as module
from loadtests.coordination.messages import BUNDLE, REFUSED
from loadtests.coordination.run_bundle import BundleDownload, BundleServer, RefusedError, asking, fetch, seal, unpack
from loadtests.results.run_directory import RunDirectory
from loadtests.worker.job import read_job
from slo.documents import BadInput
from tests.loadtests.prepared import prepared_run

TOKEN, OTHER = "canary-of-the-run", "another-token-altogether"
DOUBTED = "the run bundle came from a master that doesn't know the token, or was changed on the way"


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return prepared_run(tmp_path / "runs", "http://127.0.0.1:9", declared={"headers": {"X-Gate": {"env": "SHOP_GATE"}}})


def download(server: BundleServer, token: str = TOKEN) -> BundleDownload:
    """Return what a client has when it has asked for everything."""
    found = BundleDownload(token, "there", "nonce")
    while not found.is_whole:
        piece = server.answer("there", found.question())
        assert piece is not None
        found.take(piece)
    return found


def test_a_worker_has_what_it_needs_to_play_and_nothing_that_was_written_since(
    tmp_path: Path, run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SLICE_BYTES", 100)
    (run.path / "run.json").write_text("{}")
    found = download(BundleServer(TOKEN, run, 3)).open()
    directory = unpack(found, tmp_path / "there")
    assert (found.workers, directory.path) == (3, tmp_path / "there" / run.name)
    assert read_job(directory.path).plan == read_job(run.path).plan
    assert sorted(path.relative_to(directory.path).as_posix() for path in directory.path.rglob("*.*")) == [
        "job.json",
        "objectives/twisted-threads.yaml",
        "plan.yaml",
        "targets.redacted.json",
    ]


def test_a_storefront_of_one_s_own_goes_along_and_is_what_the_worker_plays(tmp_path: Path) -> None:
    own = {"file": "gone/mine.py", "settings": {"key": {"env": "MINE_KEY"}, "currency": "gbp"}}
    run = prepared_run(tmp_path / "runs", "http://127.0.0.1:9", declared={"storefront": own})
    run.storefront.mkdir()
    text = "from peakproof import Shop, journey\nclass Mine(Shop):\n    @journey\n    def look(self): self.think()\n"
    (run.storefront / "mine.py").write_text(text)
    directory = unpack(download(BundleServer(TOKEN, run, 3)).open(), tmp_path / "there")
    job = read_job(directory.path, {"MINE_KEY": "k" * 9})
    assert (job.storefront.name, list(job.storefront.journeys)) == ("mine", ["look"])
    assert job.given().settings == {"key": "k" * 9, "currency": "gbp"}
    with pytest.raises(BadInput, match="MINE_KEY is not set"):
        read_job(directory.path).given()


def test_all_files_of_a_locustfile_go_along_and_are_what_the_worker_plays(tmp_path: Path) -> None:
    own = {"locustfile": "gone/locustfile.py", "variables": ["SHOP_REGION"]}
    run = prepared_run(tmp_path / "runs", "http://127.0.0.1:9", declared={"storefront": own})
    main = "from users import *\nwith open('data/users.csv') as file:\n    ROWS = file.read().split()\n"
    user = "from locust import HttpUser, task\nclass Buyer(HttpUser):\n    @task\n    def buy(self): self.stop()\n"
    files = {"locustfile.py": main.encode(), "users.py": user.encode(), "data/users.csv": b"a\n1\n"}
    files |= {"data/cat.png": b"\x89\xff"}
    for name, content in files.items():
        (run.storefront / name).parent.mkdir(parents=True, exist_ok=True)
        (run.storefront / name).write_bytes(content)
    directory = unpack(download(BundleServer(TOKEN, run, 3)).open(), tmp_path / "there")
    there = directory.storefront
    assert {path.relative_to(there).as_posix(): path.read_bytes() for path in directory.storefront_files()} == files
    job = read_job(directory.path)
    assert list(job.storefront.journeys) == ["buyer"]
    assert job.storefront.file == str(there / "locustfile.py")


def test_no_secret_is_in_them(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_GATE", "canary-of-the-gate")
    text = module.pack(run, 2).decode()
    assert "SHOP_GATE" in text
    assert "canary" not in text


@pytest.mark.parametrize(
    "question",
    [
        None,
        {},
        {"nonce": "n", "at": 0},
        {"nonce": "n", "at": 0, "proof": asking(OTHER, "there", "n")},
        {"nonce": "n", "at": 0, "proof": asking(TOKEN, "another client", "n")},
        {"nonce": "m", "at": 0, "proof": asking(TOKEN, "there", "n")},
        {"nonce": "n", "at": -1, "proof": asking(TOKEN, "there", "n")},
        {"nonce": "n", "at": "0", "proof": asking(TOKEN, "there", "n")},
    ],
)
def test_a_question_without_a_right_proof_gets_none(run: RunDirectory, question: object) -> None:
    assert BundleServer(TOKEN, run, 2).answer("there", question) is None


def test_slices_that_are_lost_doubled_or_out_of_turn_do_no_harm(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SLICE_BYTES", 300)
    server, found = BundleServer(TOKEN, run, 2), BundleDownload(TOKEN, "there", "nonce")
    while not found.is_whole:
        question = found.question()
        for at in (question["at"] + 300, question["at"], question["at"]):
            piece = server.answer("there", {**question, "at": at})
            assert piece is not None
            found.take(piece)
    assert found.open() == download(server).open()


def forged(packed: bytes, token: str = TOKEN) -> BundleDownload:
    """Return what came from somebody who sent `packed` under a seal made with `token`."""
    found = BundleDownload(TOKEN, "there", "nonce")
    piece = {"at": 0, "size": len(packed), "data": packed, "seal": seal(token, "there", "nonce", packed)}
    found.take(piece)
    return found


def packed(name: str, run: str = "a-run") -> bytes:
    return json.dumps({"run": run, "workers": 1, "files": {name: "text"}}).encode()


def test_a_master_that_does_not_know_the_token_is_not_believed() -> None:
    with pytest.raises(BadInput, match=f"^{DOUBTED}$"):
        forged(packed("plan.yaml"), OTHER).open()


def test_a_seal_for_another_question_is_not_believed(run: RunDirectory) -> None:
    old = BundleDownload(TOKEN, "there", "another nonce")
    while not old.is_whole:
        piece = BundleServer(TOKEN, run, 2).answer("there", old.question())
        assert piece is not None
        old.take(piece)
    replayed = BundleDownload(TOKEN, "there", "nonce")
    replayed._data, replayed._size_and_seal = old._data, old._size_and_seal
    with pytest.raises(BadInput, match=f"^{DOUBTED}$"):
        replayed.open()


@pytest.mark.parametrize(
    "name",
    [
        "../plan.yaml",
        "/etc/plan.yaml",
        "objectives/../../x.yaml",
        "run.json",
        "plan.yaml\n",
        "storefront/../x.py",
        "storefront/.ssh/key",
        "storefront//x.py",
        "storefront/",
    ],
)
def test_a_file_that_no_worker_needs_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match=r"^the run bundle: unexpected file "):
        forged(packed(name)).open()


@pytest.mark.parametrize("run", ["..", "a/b", "", ".hidden", "a\n"])
def test_a_run_whose_name_leads_elsewhere_is_refused(run: str) -> None:
    with pytest.raises(BadInput, match=r"^the run bundle: run: "):
        forged(packed("plan.yaml", run)).open()


def answered(server: BundleServer | None, lose: int) -> Any:
    """Fetch a bundle from a master that answers all but the first `lose` questions; None refuses them."""
    answers: gevent.queue.Queue[tuple[str, dict[str, Any]]] = gevent.queue.Queue()
    asked: list[Mapping[str, Any]] = []

    def ask(question: dict[str, Any]) -> None:
        asked.append(question)
        if len(asked) <= lose:
            return
        piece = None if server is None else server.answer("there", question)
        answers.put((REFUSED, {"because": "the run has its 2 workers"}) if piece is None else (BUNDLE, piece))

    return fetch(TOKEN, "there", ask, answers)


def test_a_question_that_stays_without_an_answer_is_asked_again(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ASK_AGAIN_S", 0.01)
    assert answered(BundleServer(TOKEN, run, 2), lose=3).run == run.name


def test_a_worker_that_is_refused_learns_why() -> None:
    with pytest.raises(RefusedError, match=r"^the run has its 2 workers$"):
        answered(None, lose=0)


def test_a_master_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ASK_AGAIN_S", 0.01)
    monkeypatch.setattr(module, "_LONGEST_S", 0.05)
    with pytest.raises(BadInput, match=r"^the master didn't send the run bundle within 0\.05 s$"):
        answered(None, lose=1_000_000)
