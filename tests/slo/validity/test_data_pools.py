"""A run whose accounts or test data ran out, or that the shop didn't let in, isn't the load that was planned."""

import dataclasses
from typing import Any

import pytest

from slo.findings import Finding, Severity
from slo.validity.checks import check_validity
from slo.validity.run_document import parse_run
from slo.verdict.verdict import Case


def pool(**changed: int | None) -> dict[str, int | None]:
    """Return a pool that was enough."""
    return {"rows": 500, "given": 1000, "in_use_peak": 90, "lacked": 0, "short_peak": 0, "locked": 0, **changed}


def found(case: Case, pools: Any, *, declared: bool = True) -> list[Finding]:
    offers = case.declared | ({"test data"} if declared else set())
    given = dataclasses.replace(case, declared=offers)
    checks = check_validity(parse_run({**case.run.to_json(), "data_pools": pools}), given.records, given.declared)
    return [finding for check in checks for finding in check.findings]


def test_enough_accounts_are_no_finding(passing: Case) -> None:
    assert found(passing, {"accounts": pool(), "words": pool(rows=1)}) == []


def test_where_none_are_declared_nothing_is_asked(passing: Case) -> None:
    assert found(passing, None, declared=False) == []


@pytest.mark.parametrize("pools", [None, {}])
def test_what_was_given_out_and_is_not_told_is_not_known(passing: Case, pools: object) -> None:
    (finding,) = found(passing, pools)
    assert (finding.severity, finding.subject, finding.message) == (
        Severity.INCONCLUSIVE,
        "test data",
        "what was given out of accounts and test data is not known",
    )


@pytest.mark.parametrize("key", ["given", "lacked", "short_peak", "locked"])
def test_a_count_that_is_missing_is_not_known(passing: Case, key: str) -> None:
    (finding,) = found(passing, {"accounts": pool(**{key: None})})
    assert (finding.severity, finding.message) == (
        Severity.INCONCLUSIVE,
        "whether there were enough accounts is not known",
    )


def test_accounts_that_ran_out_say_how_many_more_are_needed(passing: Case) -> None:
    (finding,) = found(passing, {"accounts": pool(given=9000, lacked=1000, short_peak=120)})
    assert (finding.severity, finding.message, finding.change) == (
        Severity.INCONCLUSIVE,
        "1,000 of 10,000 sessions of returning customers found no account free (no_account)",
        "add about 120 rows to the file of accounts, or lower share.returning",
    )


def test_a_load_that_was_too_little_for_want_of_accounts_says_so(passing: Case) -> None:
    run = passing.run.to_json()
    run["account"] = {**run["account"], "completed": 790, "dropped": {"no_account": 200, "open_sessions": 3}}
    late = dataclasses.replace(passing.records, on_time=0)
    told = [
        finding.change
        for check in check_validity(parse_run(run), late, passing.declared)
        for finding in check.findings
        if finding.subject == "load"
    ]
    assert told == ["see test data: 200 sessions had no account; else add workers, or raise limits.open_sessions"]


def test_a_pool_that_was_used_up_says_how_often_it_was_asked(passing: Case) -> None:
    (finding,) = found(passing, {"coupons": pool(rows=90, given=90, lacked=10, short_peak=10)})
    assert (finding.severity, finding.message, finding.change) == (
        Severity.INCONCLUSIVE,
        "coupons had no row free 10 of the 100 times that a session asked (no_data)",
        "add about 10 rows to the file of coupons, or play fewer sessions that ask for them",
    )


def test_few_that_found_none_are_a_note(passing: Case) -> None:
    assert [one.severity for one in found(passing, {"accounts": pool(given=990, lacked=10)})] == [Severity.NOTE]
    assert [one.severity for one in found(passing, {"accounts": pool(given=989, lacked=11)})] == [Severity.INCONCLUSIVE]


def test_accounts_that_the_shop_locked_are_counted_and_many_void_the_run(passing: Case) -> None:
    (few,) = found(passing, {"accounts": pool(locked=10)})
    (many,) = found(passing, {"accounts": pool(locked=11)})
    assert (few.severity, few.message) == (
        Severity.NOTE,
        "the shop locked 10 of the 500 accounts: no session got them from then on",
    )
    assert (many.severity, many.change) == (
        Severity.INCONCLUSIVE,
        "unlock them, and let the shop's rule against guessed passwords leave them alone",
    )
