"""YAML is read as version 1.2 has it, and what is made to hurt its reader is refused before it does."""

import math
from datetime import date
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from slo import yaml_text
from slo.documents import BadInput, parse_yaml, validate

PATH = Path("f.yaml")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("2026-12-01", "2026-12-01"),
        ("0b11", "0b11"),
        ("-0x1f", "-0x1f"),
        ("=", "="),
        ('"12"', "12"),
        ("010", 10),
        ("+5", 5),
        ("0o17", 15),
        ("0x1F", 31),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("TRUE", True),
        ("~", None),
        ("", None),
    ],
)
def test_a_plain_scalar_is_what_the_core_schema_says(text: str, value: object) -> None:
    found = parse_yaml(f"a: {text}", PATH)["a"]
    assert found == value
    assert type(found) is type(value)


def test_a_date_and_a_switch_are_read_by_the_model() -> None:
    class Waiver(BaseModel):
        expires: date
        enforce: bool

    read = validate(parse_yaml("{expires: 2026-12-01, enforce: yes}", PATH), Waiver, PATH)
    assert read == Waiver(expires=date(2026, 12, 1), enforce=True)


def test_merged_mappings_give_way_to_keys_of_their_own() -> None:
    text = "- &one {x: 1, y: 2}\n- {<<: *one, y: 3}\n- {<<: [*one, {z: 4}], x: 0}\n- *one\n"
    assert parse_yaml(text, PATH) == [
        {"x": 1, "y": 2},
        {"x": 1, "y": 3},
        {"x": 0, "y": 2, "z": 4},
        {"x": 1, "y": 2},
    ]


def _multiplied(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: 1\nb: 2\na: 3", "at line 3, column 1: the key a stands twice in one mapping, first at line 1, column 1"),
        ("a: 1\n'a': 2", "at line 2, column 1: the key a stands twice in one mapping, first at line 1, column 1"),
        ("16: 1\n0x10: 2", "the key 0x10 stands twice in one mapping, first at line 1, column 1"),
        ("&a b: 1\n*a : 2", "at line 2, column 1: the key b stands twice in one mapping, first at line 1, column 1"),
        ("<<: {a: 1}\n<<: {b: 1}", "the key << stands twice in one mapping, first at line 1, column 1"),
        ("- {<<: {a: 1}, a: 2}\n- {a: 1, a: 2}", "at line 2, column 10: the key a stands twice"),
        ("a: " + "[" * 5_000, f"nested deeper than the {yaml_text.MOST_DEEP} levels"),
        ("a:\n" + "".join(" " * n + "a:\n" for n in range(1, 200)), "nested deeper than"),
        (_multiplied(12), "aliases counted as what they repeat"),
        ("- x\n" * (yaml_text.MOST_NODES + 1), "more than the 200000 values"),
        ("&a [1, *a]", "*a stands inside of what it repeats"),
        ("a: *b", "undefined alias"),
        ("a: " + "9" * 5_000, "not YAML"),
        ("a: \x00", "not YAML"),
        ("a: [1", "not YAML at line"),
        ("a: !!bool x", "at line 1, column 4: no value of its tag, tag:yaml.org,2002:bool"),
        ("!!float '': 1", "no value of its tag"),
        ("a: !!timestamp x", "no value of its tag"),
        ("a: !!python/name:os.system x", "could not determine a constructor"),
        ("a: 1\n---\nb: 2\n", "line 3: a second document begins"),
    ],
)
def test_what_could_hurt_or_mean_two_things_is_refused_with_its_place(text: str, reason: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_yaml(text, PATH)
    assert reason in str(refused.value)
    assert str(refused.value).startswith("f.yaml: ")


def test_an_anchor_is_its_documents_own() -> None:
    documents = [data for data, _ in yaml_text.documents("&a [1]\n---\n- &a {b: 1}\n- *a\n---\n")]
    assert documents == [[1], [{"b": 1}, {"b": 1}], None]


def test_deep_and_wide_within_the_bounds_is_read() -> None:
    assert parse_yaml("[" * 99 + "]" * 99, PATH)
    assert len(parse_yaml("- x\n" * 10_000, PATH)) == 10_000


@pytest.mark.parametrize("text", ["1e3", "0o17", "010", "no", "1:30", "<<", "~", "", ".inf", "2026-12-01", "a: b", "x"])
def test_what_is_written_as_a_text_is_read_as_one(text: str) -> None:
    assert parse_yaml(yaml.dump({text: text}, Dumper=yaml_text.Dumper), PATH) == {text: text}
