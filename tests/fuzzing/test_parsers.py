"""No parser of what comes in without being trusted shows a traceback, hangs, or says what no terminal can take."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzzing.kept_database import kept_open
from tests.fuzzing.mutation import mutated, shrunk
from tests.fuzzing.parser import CORPUS, Parser, outcome, why_wrong
from tests.fuzzing.table import PARSERS

EXAMPLES = 12  # `make fuzz` makes 200,000


@pytest.mark.parametrize("parser", PARSERS.values(), ids=PARSERS)
def test_a_parser_takes_its_seeds_so_that_mutations_reach_what_is_behind_its_refusals(parser: Parser) -> None:
    with kept_open():
        assert [seed for seed in parser.seeds if not outcome(parser, seed).taken] == []
        assert [seed for seed in parser.other_seeds if why_wrong(parser, seed) is not None] == []


@pytest.mark.parametrize("parser", PARSERS.values(), ids=PARSERS)
def test_inputs_that_a_parser_failed_on_once_are_taken_or_refused(parser: Parser) -> None:
    found = {data: why_wrong(parser, data) for data in parser.corpus()}
    assert {data: why for data, why in found.items() if why is not None} == {}


@pytest.mark.parametrize("parser", PARSERS.values(), ids=PARSERS)
def test_whatever_comes_a_parser_takes_it_or_refuses_it(parser: Parser) -> None:
    @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, database=None)
    @given(st.randoms(use_true_random=False))
    def check(random: Random) -> None:
        data = mutated(random, parser.all_seeds, parser.tokens, parser.most_bytes)
        assert why_wrong(parser, data) is None, data

    check()


def test_the_corpus_holds_inputs_of_parsers_that_there_are() -> None:
    assert {path.name for path in CORPUS.iterdir() if path.is_dir()} <= {*PARSERS}


def test_another_exception_a_hang_and_a_control_character_are_wrong() -> None:
    def parse(data: bytes) -> None:
        if data == b"hang":
            while True:
                pass
        raise {b"": KeyError("x"), b"esc": ValueError("\x1b[2J"), b"ok": ValueError("1\xa0k")}[data]

    parser = Parser(name="made-up", parse=parse, refuses=(ValueError,), seeds=(b"",), is_shown=True)
    assert why_wrong(parser, b"ok") is None
    assert why_wrong(parser, b"") == "KeyError in tests/fuzzing/test_parsers.py, parse: 'x'"
    assert why_wrong(parser, b"esc") == "a message that no terminal can take: '\\x1b[2J'"


def test_a_failing_input_is_shrunk_to_what_it_fails_by() -> None:
    assert shrunk(b"x" * 500 + b"bad" + b"y" * 300, lambda data: b"bad" in data) == b"bad"
