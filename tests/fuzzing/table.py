"""Every parser under fuzzing, by name."""

from collections.abc import Mapping

from tests.fuzzing import evidence, files, pages, records, replies, telemetry
from tests.fuzzing.parser import Parser

PARSERS: Mapping[str, Parser] = {
    one.name: one for room in (replies, pages, files, telemetry, records, evidence) for one in room.PARSERS
}
