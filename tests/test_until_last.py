"""What a folder's tests share stays until the last of them, also when others run between them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from tests.until_last import UntilLast


@dataclass
class Session:
    items: list[pytest.Item] = field(default_factory=list)


@dataclass(eq=False)
class Item:
    path: Path
    session: Session


def test_it_ends_with_the_last_test_of_the_folder_and_not_between() -> None:
    session, folder, ended = Session(), Path("tests/shop"), list[str]()
    for name in ("shop/test_a.py", "test_b.py", "shop/inside/test_c.py", "test_d.py"):
        session.items.append(cast("pytest.Item", Item(Path("tests") / name, session)))
    shared = UntilLast(folder)
    shared.callback(ended.append, "ended")
    first, _, last, _ = session.items
    shared.look(first)
    assert ended == []
    shared.look(last)
    assert ended == ["ended"]
