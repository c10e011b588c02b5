"""The published JSON Schemas are those of the code."""

from pathlib import Path

import pytest

from scripts import schemas


def test_the_committed_schemas_are_fresh(capsys: pytest.CaptureFixture[str]) -> None:
    assert (schemas.main(["--check"]), capsys.readouterr().out) == (0, "")
    published = {path.name.removesuffix(".schema.json") for path in schemas.FOLDER.glob("*.schema.json")}
    assert published == set(schemas.MODELS)


def test_a_schema_that_differs_is_named_and_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(schemas, "FOLDER", tmp_path)
    monkeypatch.setattr(schemas, "MODELS", {"mark": schemas.MODELS["mark"]})
    assert schemas.main(["--check"]) == 99
    assert capsys.readouterr().out == "stale: mark.schema.json differs from the code: make schemas\n"
    assert (schemas.main([]), schemas.main(["--check"])) == (0, 0)
