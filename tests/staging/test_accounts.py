"""The login provider's accounts: read from a file, and locked after wrong passwords, whoever tries at once."""

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from staging.database import Database
from staging.login.account_file import read_accounts
from staging.login.accounts import Account, Accounts, Credentials, Refusal
from staging.login.grants import Kept

ANN = Credentials(user="ann", password="correct horse", name="Ann")


@pytest.fixture
def accounts(busy_database: Database) -> Accounts:
    one = Accounts(busy_database, 5)
    one.create([ANN])
    return one


def test_an_account_given_again_stays_as_it_was(accounts: Accounts) -> None:
    before = accounts.check("ann", ANN.password)
    assert isinstance(before, Account)
    accounts.create([Credentials(user="ann", password="another horse", name="Else")])
    assert accounts.check("ann", ANN.password) == before
    assert accounts.register(ANN) is None
    assert accounts.register(replace(ANN, user="bob")) == accounts.check("bob", ANN.password)


def test_wrong_passwords_at_once_are_all_counted(accounts: Accounts) -> None:
    threads = [threading.Thread(target=accounts.check, args=("ann", "wrong horse")) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert accounts.check("ann", ANN.password) is Refusal.LOCKED


def test_the_right_password_forgets_the_wrong_ones(accounts: Accounts) -> None:
    for _ in range(2):
        for _ in range(4):
            assert accounts.check("ann", "wrong horse") is Refusal.WRONG_PASSWORD
        assert isinstance(accounts.check("ann", ANN.password), Account)
    assert accounts.check("nobody", ANN.password) is Refusal.WRONG_PASSWORD


def test_no_password_is_kept(accounts: Accounts, busy_database: Database) -> None:
    with busy_database.reading() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM accounts").all()
    assert ANN.password not in str(rows)
    assert len(accounts.page(0, 10)) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("user,name\n", "line 1: the columns user and password, and maybe name"),
        ("user,password\nann,correct horse\nbo,correct horse\n",
         "line 3: user: a user has 3 to 80 characters, a password 8 to 200"),
        ("user,password\nann,short\n", "line 2: password: a user has 3 to 80 characters, a password 8 to 200"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_its_line_and_without_its_password(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "accounts.csv"
    path.write_text(text)
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the whole message is asserted below
        read_accounts(path)
    assert str(refused.value) == f"{path}: {message}"


def test_what_is_kept_for_a_while_is_taken_once_and_gives_way_to_more() -> None:
    kept = Kept[int](60.0, most=2)
    names = [kept.add(number) for number in range(3)]
    assert [kept.find(name) for name in names] == [None, 1, 2]
    assert [kept.take(names[1]), kept.take(names[1])] == [1, None]
    short = Kept[int](0.01)
    name = short.add(1)
    time.sleep(0.02)
    assert short.find(name) is None
