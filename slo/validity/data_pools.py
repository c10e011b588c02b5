"""Validity of accounts and test data: there were enough of them, and the shop let their customers in."""

from collections.abc import Iterator

from slo.findings import Finding
from slo.formatting import count
from slo.validity.context import Given, invalid, note, unknown
from slo.validity.run_document import PoolFacts

_ACCOUNTS = "accounts"
_SUBJECT = "test data"


def data_pools(given: Given) -> Iterator[Finding]:
    """Find pools that ran out, and accounts that the shop locked; note what stayed few."""
    if not given.run.data_pools:
        yield unknown(_SUBJECT, "what was given out of accounts and test data")
    for name, pool in (given.run.data_pools or {}).items():
        if None in (pool.given, pool.lacked, pool.short_peak, pool.locked):
            yield unknown(_SUBJECT, f"whether there were enough {name}")
            continue
        yield from _lack(name, pool, given.limits.unserved_ratio)
        yield from _locked(name, pool, given.limits.unserved_ratio)


def _lack(name: str, pool: PoolFacts, ratio: float) -> Iterator[Finding]:
    lacked, wanted = pool.lacked or 0, (pool.given or 0) + (pool.lacked or 0)
    if not lacked:
        return
    if name == _ACCOUNTS:
        message = (
            f"{count(lacked)} of {count(wanted)} sessions of returning customers found no account free (no_account)"
        )
        less = "lower share.returning"
    else:
        message = f"{name} had no row free {count(lacked)} of the {count(wanted)} times that a session asked (no_data)"
        less = "play fewer sessions that ask for them"
    if lacked > ratio * wanted:
        change = f"add about {count(pool.short_peak or 0)} rows to the file of {name}, or {less}"
        yield invalid(_SUBJECT, message, change, lacked=lacked, wanted=wanted, short_peak=pool.short_peak)
    else:
        yield note(_SUBJECT, message)


def _locked(name: str, pool: PoolFacts, ratio: float) -> Iterator[Finding]:
    locked, given = pool.locked or 0, pool.given or 0
    if not locked:
        return
    message = f"the shop locked {count(locked)} of the {count(pool.rows or 0)} {name}: no session got them from then on"
    if locked > ratio * given:
        change = "unlock them, and let the shop's rule against guessed passwords leave them alone"
        yield invalid(_SUBJECT, message, change, locked=locked, given=given)
    else:
        yield note(_SUBJECT, message)
