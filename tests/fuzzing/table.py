"""Every parser under fuzzing, by name."""

from collections.abc import Mapping

from tests.fuzzing import evidence, files, pages, records, replies, sql_rows, stack, telemetry
from tests.fuzzing.parser import Parser

_ROOMS = (replies, pages, files, telemetry, stack, records, sql_rows, evidence)
_ALL = [one for room in _ROOMS for one in room.PARSERS]
PARSERS: Mapping[str, Parser] = {one.name: one for one in _ALL}
assert len(PARSERS) == len(_ALL), "two parsers of one name: one of them isn't fuzzed"
