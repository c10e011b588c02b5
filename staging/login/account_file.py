"""A CSV file of accounts: the columns `user` and `password`, and maybe `name`."""

import csv
from pathlib import Path

from staging.login.accounts import Credentials, why_not

LARGEST_FILE = 64 << 20


def read_accounts(path: Path) -> list[Credentials]:
    """Return the accounts of a file; raises ValueError naming file and line, and never a password."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ValueError(f"{path}: larger than {LARGEST_FILE} bytes")
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if not {"user", "password"} <= set(rows.fieldnames or ()):
                raise ValueError(f"{path}: line 1: the columns user and password, and maybe name")
            return [_account(path, rows.line_num, row) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: {error}") from None


def _account(path: Path, line: int, row: dict[str, str | None]) -> Credentials:
    given = Credentials(user=row["user"] or "", password=row["password"] or "", name=row.get("name") or "")
    for wrong in why_not(given):
        raise ValueError(f"{path}: line {line}: {wrong}: a user has 3 to 80 characters, a password 8 to 200")
    return given
