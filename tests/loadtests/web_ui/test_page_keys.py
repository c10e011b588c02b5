"""The page's script reads live.json by bare keys: each is one of the model's."""

import re
from pathlib import Path

from pydantic import BaseModel

from loadtests import web_ui
from loadtests.results.live_document import LiveDocument, Objective

SCRIPT = (Path(web_ui.__file__).parent / "static" / "page.js").read_text()


def has(model: type[BaseModel], path: list[str]) -> bool:
    if not path or path[0] not in model.model_fields:
        return not path
    part = model.model_fields[path[0]].annotation
    return has(part, path[1:]) if isinstance(part, type) and issubclass(part, BaseModel) else True


def test_every_key_that_the_page_reads_is_in_the_live_document() -> None:
    read = [name.split(".") for name in re.findall(r"\blive\.([\w.]+)", SCRIPT)]
    assert len(read) > 20
    assert [path for path in read if not has(LiveDocument, path)] == []


def test_every_key_of_an_objective_that_the_page_reads_is_in_the_live_document() -> None:
    read = set(re.findall(r"\bobjective\.(\w+)", SCRIPT))
    assert read
    assert read <= set(Objective.model_fields)
