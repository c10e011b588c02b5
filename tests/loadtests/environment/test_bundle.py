"""Which files belong to a locustfile: what it imports beside it, what its source names, what is declared; bounded."""

from pathlib import Path

import pytest

from loadtests.environment import bundle
from loadtests.environment.bundle import bundle_of, files_of
from loadtests.environment.storefront_targets import Locustfile
from slo.documents import BadInput

MAIN = "import json, flows.buy as buy\nfrom common import helps\nopen('data/users.csv')\nX = 'words.txt'\n"
LAID = {
    "locustfile.py": MAIN,
    "flows/__init__.py": "from . import base\n",
    "flows/buy.py": "from .base import Base\nPATH = 'orders.json'\n",
    "flows/base.py": "",
    "flows/unused.py": "",
    "common/helps.py": "",
    "data/users.csv": "",
    "old/data/users.csv": "",
    "lists/words.txt": "",
    "lists/orders.json": "",
    "runs/a/words.txt": "",
    "node_modules/words.txt": "",
    ".hidden/words.txt": "",
    "other.py": "",
    "other.csv": "",
}


def laid(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder / "locustfile.py"


def test_modules_that_are_imported_and_files_that_are_named_belong_to_it_and_nothing_else(tmp_path: Path) -> None:
    found = bundle_of(laid(tmp_path, LAID))
    assert {one.name for one in found.modules} == {
        "locustfile.py", "flows/__init__.py", "flows/buy.py", "flows/base.py", "common/helps.py",
    }  # fmt: skip
    assert found.modules[0].name == "locustfile.py"
    assert set(found.data) == {"data/users.csv", "lists/words.txt", "lists/orders.json"}


def test_what_is_declared_belongs_to_it_too(tmp_path: Path) -> None:
    file = laid(tmp_path, LAID)
    declared = Locustfile(locustfile=str(file), files=("other*.csv", "old/**/*.csv"))
    assert {"other.csv", "old/data/users.csv"} <= {name for name, _ in files_of(declared)}


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("../*.csv", "'../*.csv' must be below the locustfile's folder"),
        ("/etc/passwd", "'/etc/passwd' must be below the locustfile's folder"),
        ("*.nothing", "nothing matches '*.nothing'"),
    ],
)
def test_a_pattern_that_leads_away_or_to_nothing_is_refused(tmp_path: Path, pattern: str, why: str) -> None:
    with pytest.raises(BadInput) as refused:
        bundle_of(laid(tmp_path, LAID), (pattern,))
    assert why in str(refused.value)


def test_too_many_files_and_too_much_of_them_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = laid(tmp_path, {**LAID, "data/users.csv": "x" * 3000})
    monkeypatch.setattr(bundle, "MOST_BYTES", 2000)
    with pytest.raises(BadInput, match=r"hold over 0 MiB, data/users\.csv among them"):
        list(bundle_of(file).read())
    monkeypatch.setattr(bundle, "MOST_FILES", 6)
    with pytest.raises(BadInput, match="over 6 files belong to it"):
        bundle_of(file)


def test_a_name_that_no_worker_takes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"users list\.csv: its name may hold letters, digits and \._- only"):
        bundle_of(laid(tmp_path, {"locustfile.py": "open('users list.csv')", "users list.csv": ""}))


def test_a_module_that_is_no_python_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"helps\.py: line 2: "):
        bundle_of(laid(tmp_path, {"locustfile.py": "import helps\n", "helps.py": "x = 1\ndef f(:\n"}))
