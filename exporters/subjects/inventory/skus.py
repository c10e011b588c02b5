"""Each source's own code as the SKU that all sources share."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from exporters.context import ExporterContext
from exporters.subjects.inventory.config import SkuRule
from slo.documents import BadInput, read_text

MAX_SKU = 128
_MAX_BYTES = 64 << 20
UNKNOWN = object()
"""Stands where a code is well-formed and in no file of codes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Normaliser:
    """Turns codes into SKUs; `codes` is None where every code is a SKU."""

    rule: SkuRule
    codes: Mapping[str, str] | None = None

    def skus(self, column: Sequence[object]) -> list[object]:
        """Return for each code its SKU, UNKNOWN, or None where it can't be one."""
        plain: Sequence[str | None] = self._all_plain(column) or [self._plain(code) for code in column]
        if self.codes is None:
            return list(plain)
        return [None if code is None else self.codes.get(code, UNKNOWN) for code in plain]

    def _all_plain(self, column: Sequence[object]) -> list[str] | None:
        """Return the codes where all of them are texts that can be SKUs: the usual case, without a step for each."""
        if set(map(type, column)) != {str}:
            return None
        texts = map(str, column)
        plain = [self._written(code) for code in texts] if self._rewrites else [code.strip() for code in texts]
        sizes = set(map(len, plain))
        return plain if min(sizes) > 0 and max(sizes) <= MAX_SKU and "".join(plain).isprintable() else None

    @property
    def _rewrites(self) -> bool:
        return self.rule.remove_prefix is not None or self.rule.upper_case

    def _written(self, code: str) -> str:
        code = code.strip()
        if self.rule.remove_prefix is not None:
            code = code.removeprefix(self.rule.remove_prefix)
        return code.upper() if self.rule.upper_case else code

    def _plain(self, code: object) -> str | None:
        if type(code) is not str:
            if isinstance(code, bool) or not isinstance(code, int | UUID):
                return None
            code = str(code)
        code = self._written(code)
        return code if 0 < len(code) <= MAX_SKU and code.isprintable() else None


def normaliser(rule: SkuRule, context: ExporterContext) -> Normaliser:
    """Return what a rule says, its file of codes read; raises BadInput."""
    if rule.codes is None:
        return Normaliser(rule=rule)
    return Normaliser(rule=rule, codes=_codes(context.path(rule.codes)))


def _codes(path: Path) -> Mapping[str, str]:
    reader = csv.reader(io.StringIO(read_text(path, _MAX_BYTES), newline=""), strict=True)
    codes: dict[str, str] = {}
    try:
        if (header := next(reader, [])) != ["code", "sku"]:
            raise BadInput(f"{path}: line 1: expected code,sku, found {','.join(header)[:80]}")
        for row in reader:
            _enter(codes, row, f"{path}: line {reader.line_num}")
    except csv.Error as error:
        raise BadInput(f"{path}: line {reader.line_num}: {error}") from None
    return codes


def _enter(codes: dict[str, str], row: list[str], place: str) -> None:
    if not row:
        return
    if len(row) != 2 or not all(row):  # noqa: PLR2004 - a code and its SKU
        raise BadInput(f"{place}: expected a code and a SKU")
    code, sku = row[0].strip(), row[1].strip()
    if not 0 < len(sku) <= MAX_SKU or not sku.isprintable():
        raise BadInput(f"{place}: expected a SKU of 1 to {MAX_SKU} characters")
    if codes.setdefault(code, sku) != sku:
        raise BadInput(f"{place}: {code!r} has two SKUs")
