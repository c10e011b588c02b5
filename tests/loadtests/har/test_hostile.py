"""Whatever a recording's names and texts hold, its draft is Python that does nothing of it, and so is what is shown."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from loadtests.har.importing import Imported, import_visit
from loadtests.har.reading import read_har

BASE = "http://127.0.0.1:9"
QUERY = 'mutation Add($a: ID) { add(a: $a) { id } } # """\n""" + evil() + """ \\\0\x1b\r\nevil()'
NAMES = ('"]+evil()+["', "'", "\\", "{evil()}", "\nevil()", "\x1b[31m\u2028\u202eevil")


def entry(at_s: int, method: str, path: str, reply: Any, sent: Any = None) -> dict[str, Any]:
    request: dict[str, Any] = {"method": method, "url": BASE + path, "headers": []}
    if sent is not None:
        request["postData"] = {"mimeType": "application/json", "text": json.dumps(sent)}
    content = {"mimeType": "application/json", "text": json.dumps(reply)}
    return {
        "startedDateTime": f"2026-01-01T10:00:{at_s:02d}Z", "time": 10, "_resourceType": "xhr", "request": request,
        "response": {"status": 200, "headers": [], "content": content},
    }  # fmt: skip


def recorded(path: Path, name: str, mark: str) -> Path:
    """Write a visit whose names are hostile; `mark` is what varies between two shoppers."""
    products = [{name: f"id_{mark}{number}7788", "price": 1000 + number} for number in range(5)]
    cart = f"cart_{mark}55443322"
    entries = [
        entry(1, "GET", "/api/products", {"products": products}),
        entry(2, "GET", f"/api/products/id_{mark}27788", {"product": {name: f"v_{mark}998877"}}),
        entry(3, "POST", "/api/carts", {name: {name: cart}}, {"variant_id": f"v_{mark}998877", name: mark}),
        entry(4, "POST", f"/api/carts/{cart}/items", {"ok": 1}, {"item": f"id_{mark}27788", name: mark, "city": mark}),
        entry(5, "POST", "/graphql", {"data": 1}, {"operationName": "Add", "query": QUERY, "variables": {name: cart}}),
        entry(6, "GET", f"/api/stock?of={cart}&{mark}", {"ok": 1}),
    ]
    path.write_text(json.dumps({"log": {"entries": entries}}))
    return path


def imported(folder: Path, name: str) -> Imported:
    first, again = (recorded(folder / f"{mark}.har", name, mark) for mark in ("kimberly", "robinson"))
    return import_visit(read_har(first), read_har(again))


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_a_recording_is_never_code_of_its_draft(tmp_path: Path, name: str) -> None:
    text = imported(tmp_path, name).draft.text
    assert "evil" not in {one.id for one in ast.walk(ast.parse(text)) if isinstance(one, ast.Name)}
    assert text.replace("\n", "").isprintable()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_noted_of_a_recording_stays_on_its_line(tmp_path: Path, name: str) -> None:
    notes = imported(tmp_path, name).draft.notes
    assert any("found in no reply" in one for one in notes)
    assert all(map(str.isprintable, notes))
