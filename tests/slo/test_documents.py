"""Keys of a document: an earlier name is refused, and the message gives today's; no name stands twice in JSON."""

from types import MappingProxyType

import pytest
from pydantic import ValidationError

from slo.documents import BadInput, Document, validate, validate_json


class Part(Document):
    """Two keys that had other names."""

    RENAMED = MappingProxyType({"plays": "duration", "stands_for": "represents"})
    duration: float
    represents: float | None = None


class Whole(Document):
    """A document with parts, and with a key of its own that was called `plays` at no time."""

    parts: tuple[Part, ...]
    seed: int = 0


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"parts": [{"plays": 1}]}, "f.yaml: parts[0].plays: is now duration"),
        (
            {"parts": [{"duration": 1}, {"plays": 1, "stands_for": 2}]},
            "f.yaml: parts[1].plays: is now duration\nf.yaml: parts[1].stands_for: is now represents",
        ),
        ({"parts": [{"duration": 1, "plays": 1}]}, "f.yaml: parts[0].plays: is now duration"),
        ({"parts": [{"plays": 1}], "seed": "x"}, (
            "f.yaml: parts[0].plays: is now duration\n"
            "f.yaml: seed: Input should be a valid integer, unable to parse string as an integer, found 'x'"
        )),
        ({"parts": [], "plays": 1}, "f.yaml: plays: unknown key"),
    ],
)  # fmt: skip
def test_an_earlier_name_is_refused_with_the_place_and_the_name_of_today(data: object, message: str) -> None:
    with pytest.raises(BadInput) as refused:
        validate(data, Whole, "f.yaml")
    assert str(refused.value) == message


def test_code_that_uses_an_earlier_name_is_refused_too() -> None:
    with pytest.raises(ValidationError, match="is now duration"):
        Part(plays=1)  # type: ignore[call-arg]


def test_a_key_that_stands_twice_is_found_at_the_end_of_a_mebibyte_too() -> None:
    members = ",".join([*(f'"{number:x}":0' for number in range(100_000)), '"last":0', '"last":1'])
    with pytest.raises(BadInput, match=r"^f.json: not JSON: the key 'last' stands twice in one object$"):
        validate_json(f"{{{members}}}", Part, "f.json")
