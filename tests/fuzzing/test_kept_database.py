"""What reads Parquet by a database that is kept open reads what it would by one of its own."""

from tests.fuzzing.evidence import PARSERS
from tests.fuzzing.kept_database import kept_open
from tests.fuzzing.parser import why_wrong


def test_each_part_is_read_as_by_a_database_of_its_own() -> None:
    parser = next(one for one in PARSERS if one.name == "requests-parquet")
    whole, none, *_ = parser.seeds
    alone = [parser.parse(one) for one in (whole, none)]
    assert alone[0] != alone[1]
    with kept_open():
        assert [parser.parse(one) for one in (whole, none, whole, none)] == alone * 2
        assert why_wrong(parser, whole[:-9]) is None
        assert parser.parse(whole) == alone[0]
