"""Reads a bill: each export once, and of each billing period the newest export alone."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from exporters.context import ExporterContext
from exporters.serving.source import Deadline, Unreadable
from exporters.subjects.cost.bill import Bill, Charges, Period, bill_of
from exporters.subjects.cost.charges import read_charges
from exporters.subjects.cost.config import BillConfig, Tag
from exporters.subjects.cost.exports import Export, exports_at

# Eight weeks before the last complete day, and what is late.
HISTORY = timedelta(days=75)
_AHEAD = timedelta(days=2)


class BillSource:
    """One bill; what was read of an export is kept until its files change."""

    def __init__(self, config: BillConfig, tag: Tag | None, context: ExporterContext) -> None:
        self._config, self._tag, self._context = config, tag, context
        self._path = context.path(config.path)
        self._read: dict[Path, tuple[tuple[object, ...], Charges]] = {}

    def read(self, _: Deadline) -> Bill:
        """Return the bill; raises Unreadable. A first read may outlast a scrape: the next one has it."""
        now = datetime.fromtimestamp(self._context.now() / 1e9, UTC)
        chosen: dict[Period, tuple[Path, Charges]] = {}
        asked_for: set[Path] = set()
        for place, charges in self._newest_first(exports_at(self._path, self._config.delivery)):
            asked_for.add(place)
            for period in charges.newest:
                if period in chosen and self._config.delivery == "overwrite":
                    raise Unreadable(
                        f"{self._path}: {chosen[period][0]} and {place} both hold the billing period from"
                        f" {period.start:%Y-%m-%d}; delivery: new-folder or new-file takes the newest"
                    )
                if period.end > now - HISTORY:
                    chosen.setdefault(period, (place, charges))
            if _covers(chosen, now):
                break
        # What newer exports supersede isn't asked for any more; its files may lie there for years.
        self._read = {place: kept for place, kept in self._read.items() if place in asked_for}
        if not chosen:
            raise Unreadable(f"{self._path}: its newest billing period ended more than {HISTORY.days} days ago")
        _check_apart(chosen)
        bill = bill_of(((period, charges) for period, (_, charges) in chosen.items()), now)
        if bill.newest > now + _AHEAD:
            raise Unreadable(f"{self._path}: ChargePeriodEnd: {bill.newest:%Y-%m-%dT%H:%M:%SZ} lies ahead")
        self._check_budget(bill)
        return bill

    def _check_budget(self, bill: Bill) -> None:
        """Raise Unreadable for a budget that the bill's currencies can never be held against."""
        budget = self._config.budget
        if budget is not None and budget.currency not in bill.ledgers:
            there = ", ".join(bill.ledgers)
            raise Unreadable(f"{self._path}: budget.currency is {budget.currency}, but the bill is in {there}")

    def _newest_first(self, exports: Iterable[Export]) -> Iterable[tuple[Path, Charges]]:
        """Read exports as they are asked for; one that is being written is its last version, or isn't there yet."""
        found = sorted(exports, key=lambda export: export.order, reverse=True)
        self._read = {export.place: self._read[export.place] for export in found if export.place in self._read}
        any_read = False
        for export in found:
            kept = self._read.get(export.place)
            settled = export.is_settled(self._context.now(), self._config.settled_after_s)
            if settled and (kept is None or kept[0] != export.stamp):
                kept = (export.stamp, self._charges(export))
                self._read[export.place] = kept
            if kept is not None:
                any_read = True
                yield export.place, kept[1]
            elif self._config.delivery == "overwrite":
                raise Unreadable(f"{export.place}: is being written")
        if not any_read:
            raise Unreadable(f"{self._path}: is being written")

    def _charges(self, export: Export) -> Charges:
        charges = read_charges(export, self._tag)
        if not export.is_unchanged():
            raise Unreadable(f"{export.place}: was written while it was read")
        return charges


def _check_apart(chosen: Mapping[Period, tuple[Path, Charges]]) -> None:
    """Raise Unreadable for billing periods that overlap: a day of both would count twice, a month in part."""
    for before, after in pairwise(sorted(chosen)):
        if after.start < before.end:
            raise Unreadable(
                f"{chosen[after][0]}: the billing period from {after.start:%Y-%m-%d} to {after.end:%Y-%m-%dT%H:%M:%SZ}"
                f" overlaps the one from {before.start:%Y-%m-%d} to {before.end:%Y-%m-%dT%H:%M:%SZ} in"
                f" {chosen[before][0]}; bills of several accounts are sources of their own"
            )


def _covers(periods: Iterable[Period], now: datetime) -> bool:
    """Whether all that is needed has been found: every day from the history's begin until now."""
    days = (now - HISTORY + timedelta(days=n) for n in range(HISTORY.days + 1))
    return all(any(period.holds(day) for period in periods) for day in days)
