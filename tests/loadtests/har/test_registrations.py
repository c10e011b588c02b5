"""Who registers in the recording is a new customer in each session of a run, with data that nobody had before."""

from pathlib import Path

import pytest

from scripts.har.targets_piece import accounts_note, targets_piece
from tests.loadtests.har.test_values import Calls, flat

TWICE = {"email": "kim@mail.example", "password": "hunter2-of-kim", "password_again": "hunter2-of-kim"}
ONCE = {"email": "kim@mail.example", "password": "hunter2-of-kim"}


@pytest.mark.parametrize(("path", "sent"), [("/customers", TWICE), ("/register", ONCE)])
def test_a_registration_asks_for_new_customers(path: str, sent: dict[str, str], tmp_path: Path) -> None:
    made = Calls().get("/a", {}).post(path, sent, {}).imported(tmp_path)
    assert '{"email": self.account["email"], "password": self.account.password' in flat(made.draft.text)
    assert "accounts: {share: {new: 1.0}}" in targets_piece("staging", "storefront.py", made)
    assert accounts_note(made) == []


def test_a_login_asks_for_accounts_that_are_there(tmp_path: Path) -> None:
    made = Calls().get("/a", {}).post("/login", ONCE, {}).imported(tmp_path)
    assert '{"email": self.account.user, "password": self.account.password' in flat(made.draft.text)
    assert "accounts: {file: accounts.csv, share: {returning: 1.0}}" in targets_piece("staging", "storefront.py", made)
    assert accounts_note(made) == ["write accounts.csv: user,password"]
