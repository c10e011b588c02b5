"""Changes of documents make other inputs, and nothing that goes in ends the run."""

import json
from random import Random

import pytest

from tests.fuzzing.json_mutation import json_changed


def test_a_changed_document_is_another_that_can_be_read() -> None:
    data = b'{"a": [1, {"b": "c"}], "d": null}'
    changed = [json_changed(Random(seed), data) or b"" for seed in range(50)]  # noqa: S311 - not for security
    assert len({json.dumps(json.loads(one)) for one in changed}) > 20


@pytest.mark.parametrize("depth", [700, 990, 5_000])
def test_what_is_nested_too_deep_is_left_as_it_is(depth: int) -> None:
    data = b"[" * depth + b"1, 2" + b"]" * depth
    for seed in range(30):
        changed = json_changed(Random(seed), data)  # noqa: S311 - not for security
        assert changed is None or changed.startswith(b"[")
