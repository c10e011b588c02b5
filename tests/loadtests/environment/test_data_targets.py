"""What targets.yaml may say of accounts and test data."""

from pathlib import Path

import pytest

from loadtests.environment.targets import Environment, read_targets
from slo.documents import BadInput

HEAD = """\
format: peakproof/targets/v1
environments:
  staging:
    base_url: http://127.0.0.1:1
    storefront: twisted-threads
    ceiling: {requests_per_s: 1, open_sessions: 1, orders: 1}
"""


def read(folder: Path, more: str) -> Environment:
    path = folder / "targets.yaml"
    path.write_text(HEAD + more)
    return read_targets(path).environments["staging"]


def test_files_are_looked_for_beside_targets_yaml(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "    accounts: {file: secrets/accounts.csv, share: {guest: 0.5, new: 0.1, returning: 0.4}}\n"
        "    data: {coupons: {file: coupons.csv, once: true}, search_words: {file: /etc/words.csv}}\n",
    )
    assert found.data_files() == {
        "accounts": tmp_path / "secrets" / "accounts.csv",
        "coupons": tmp_path / "coupons.csv",
        "search_words": Path("/etc/words.csv"),
    }
    assert [found.use_of(name) for name in found.data_files()] == ["exclusive", "once", "shared"]


def test_all_are_returning_customers_unless_it_says_otherwise(tmp_path: Path) -> None:
    accounts = read(tmp_path, "    accounts: {file: a.csv, exclusive: false}\n").accounts
    assert accounts is not None
    assert (accounts.share.returning, accounts.use) == (1.0, "shared")


def test_new_customers_and_guests_need_no_file(tmp_path: Path) -> None:
    assert read(tmp_path, "    accounts: {share: {guest: 0.5, new: 0.5}}\n").data_files() == {}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            "accounts: {share: {new: 0.5, returning: 0.5}}",
            "accounts: needs a file for its returning customers, or share.returning: 0",
        ),
        (
            "accounts: {file: a.csv, share: {guest: 0.5, new: 0.1}}",
            "accounts.share: guest, new and returning must sum to 1, not 0.6",
        ),
        ("accounts: {file: a.csv, password: hunter2}", "accounts.password: unknown key"),
        ("accounts: ada:hunter2", "accounts: Input should be a valid dictionary or instance of AccountsTarget"),
        (
            "accounts: [{user: ada, password: hunter2}]",
            "accounts: Input should be a valid dictionary or instance of AccountsTarget",
        ),
        (
            "data: {coupons: {file: c.csv, once: true, exclusive: true}}",
            "data.coupons: exclusive and once exclude each other: a row given out once is in no other session",
        ),
        ("data: {accounts: {file: a.csv}}", "data: accounts stands beside data, not in it"),
        (
            "data: {Coupons!: {file: c.csv}}",
            (
                "data.Coupons!.[key]: String should match pattern '^[a-z0-9]([a-z0-9_-]{0,38}[a-z0-9])?$',"
                " found 'Coupons!'"
            ),
        ),
        ("data: [{code: hunter2}]", "data: Input should be a valid dictionary"),
        ("data: {coupons: {}}", "data.coupons.file: required and missing"),
    ],
)
def test_what_does_not_fit_is_named_and_no_password_is_shown(tmp_path: Path, more: str, message: str) -> None:
    with pytest.raises(BadInput) as refused:
        read(tmp_path, f"    {more}\n")
    assert str(refused.value) == f"{tmp_path / 'targets.yaml'}: environments.staging.{message}"
