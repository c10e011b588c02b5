"""A document that uses a key's earlier name is refused, and the message gives today's."""

from types import MappingProxyType

import pytest
from pydantic import ValidationError

from slo.documents import BadInput, Document, validate


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
