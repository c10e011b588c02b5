"""The run bundle goes to a worker that knows the token, and as many join as there are seats."""

from pathlib import Path

import pytest

from loadtests.coordination import shared_path
from loadtests.coordination.admission import STRANGER, Admission, AdmissionHandler, Reply, proof
from loadtests.coordination.messages import ASK_FOR_BUNDLE, BUNDLE, DONE, JOIN, REFUSED
from loadtests.coordination.run_bundle import BundleServer, asking
from loadtests.coordination.uploads import UploadPermits, token_for
from loadtests.results.run_directory import RunDirectory
from tests.loadtests.prepared import prepared_run

TOKEN = "canary-of-the-run"


class Run:
    """A run for one worker, and the clients that upload."""

    def __init__(self, folder: Path) -> None:
        self.directory = prepared_run(folder, "http://127.0.0.1:9")
        self.admission = Admission(TOKEN, self.directory.name, 1)
        self.permits = UploadPermits(key="canary-of-uploads", run=self.directory.name, port=18086)
        bundle = BundleServer(TOKEN, self.directory, 1)
        self.handler = AdmissionHandler(self.admission, bundle, self.directory, self.permits)

    def ask(self, client: str, token: str = TOKEN) -> Reply | None:
        self.admission.saw(client)
        return self.handler.reply(client, ASK_FOR_BUNDLE, {"nonce": "n", "at": 0, "proof": asking(token, client, "n")})

    def join(self, client: str, sees: object, token: str = TOKEN) -> Reply | None:
        self.admission.saw(client)
        return self.handler.reply(client, JOIN, {"proof": proof(token, self.directory.name, client), "sees": sees})


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_a_worker_that_sees_the_run_directory_joins_and_uploads_nothing(run: Run) -> None:
    assert run.join("one", shared_path.look(run.directory, "one")) is None
    assert (run.admission.has_joined("one"), run.permits.for_worker("one", "w0")) == (True, None)


def test_a_worker_that_is_elsewhere_joins_and_gets_a_permit_for_its_own_files(run: Run, tmp_path: Path) -> None:
    there = RunDirectory(path=tmp_path / "there")
    assert run.join("one", shared_path.look(there, "one")) is None
    assert run.admission.has_joined("one")
    token = token_for("canary-of-uploads", run.directory.name, "w0")
    assert run.permits.for_worker("one", "w0") == {"port": 18086, "token": token}


def test_a_stranger_gets_neither_bundle_nor_seat_nor_permit(run: Run) -> None:
    refused = (REFUSED, {"because": STRANGER})
    assert run.ask("one", "another-token-altogether") == refused
    assert run.join("one", "", "another-token-altogether") == refused
    assert run.handler.reply("one", JOIN, "nonsense") == refused
    assert (run.admission.has_joined("one"), run.permits.clients) == (False, set())
    assert run.admission.strangers == ("one",)


def test_a_worker_that_only_fetched_the_bundle_is_no_stranger_and_has_no_seat(run: Run) -> None:
    reply = run.ask("one")
    assert reply is not None
    assert (reply[0], run.admission.strangers, run.admission.has_joined("one")) == (BUNDLE, (), False)
    assert run.join("another", "") is None


def test_a_run_that_has_its_workers_gives_no_bundle_and_no_seat(run: Run) -> None:
    run.join("one", "")
    full = (REFUSED, {"because": "the run has its 1 workers"})
    assert run.ask("another") == full
    assert run.join("another", "") == full
    assert run.permits.clients == {"one"}


def test_other_messages_of_a_worker_that_has_not_joined_have_no_reply(run: Run) -> None:
    assert run.handler.reply("one", DONE, {"worker": "w0", "ended": "completed"}) is None


def test_the_key_is_in_no_text_of_the_permits(run: Run) -> None:
    assert "canary" not in repr(run.permits)
