"""A broken promise is a fact, and one that could not be checked is unknown."""

from typing import Any

import pytest

from slo.findings import Severity
from slo.verdict.audit_document import parse_audit
from slo.verdict.promises import NEEDS, SOURCES, check_promises, vacuous

ALL = frozenset(SOURCES)


def _found(
    audit: dict[str, Any] | None, declared: frozenset[str] = ALL, accepted: int | None = 390
) -> list[tuple[str, str, str]]:
    facts = None if audit is None else parse_audit(audit)
    return [
        (finding.severity.value, finding.subject, finding.message)
        for finding in check_promises(facts, declared, accepted)
    ]


def test_that_all_promises_hold_is_no_finding(audit_json: dict[str, Any]) -> None:
    assert _found(audit_json) == []


def test_no_audit_is_unknown_where_a_source_is_declared() -> None:
    note = ("note", "audit", "not audited: the environment declares no payments, stock")
    assert _found(None, frozenset({"orders"})) == [("inconclusive", "audit", "the run was not audited"), note]


def test_no_audit_is_a_note_where_no_source_is_declared() -> None:
    assert _found(None, frozenset()) == [
        ("note", "audit", "not audited: the environment declares no orders, payments, stock")
    ]


def test_a_broken_promise_is_told_in_the_audits_words(audit_json: dict[str, Any]) -> None:
    audit_json["checks"][0].update(outcome="broken", broken=2, detail="2 of 390 accepted orders are not in the shop")
    assert _found(audit_json) == [("fail", "order-exists", "2 of 390 accepted orders are not in the shop")]


def test_a_broken_promise_counts_even_where_its_source_is_not_declared(audit_json: dict[str, Any]) -> None:
    audit_json["checks"][0].update(outcome="broken", broken=2, detail=None)
    assert _found(audit_json, frozenset())[0] == ("fail", "order-exists", "broken 2 times in 390")


def test_a_promise_that_holds_but_counts_broken_ones_is_broken(audit_json: dict[str, Any]) -> None:
    audit_json["checks"][0].update(broken=1)
    assert _found(audit_json)[0] == ("fail", "order-exists", "all hold")


@pytest.mark.parametrize("unknown", [{"broken": None}, {"checked": None}])
def test_a_broken_promise_of_which_nothing_is_counted_is_broken_all_the_same(
    audit_json: dict[str, Any], unknown: dict[str, None]
) -> None:
    audit_json["checks"][0].update({"outcome": "broken", "broken": 2, "detail": None, **unknown})
    (finding,) = check_promises(parse_audit(audit_json), ALL, 390)
    assert (finding.severity, finding.message) == (Severity.FAIL, "broken, the audit doesn't say how often")
    assert finding.facts == {"broken": 2, "checked": 390, **unknown}


@pytest.mark.parametrize("accepted", [0, 390])
def test_a_check_that_the_audit_lacks_is_asked_for_where_just_its_source_is_declared(
    accepted: int, audit_json: dict[str, Any]
) -> None:
    audit_json["checks"] = []
    of_orders = [name for name, needs in NEEDS.items() if needs == {"orders"}]
    lacking = [("inconclusive", name, "the audit has no answer for it") for name in of_orders]
    assert _found(audit_json, frozenset({"orders"}), accepted)[:-1] == lacking


@pytest.mark.parametrize("name", ["refused-not-ordered", "order-settled", "paid-once"])
def test_a_promise_about_each_order_that_was_checked_on_none_does_not_hold(
    name: str, audit_json: dict[str, Any]
) -> None:
    next(check for check in audit_json["checks"] if check["name"] == name).update(checked=0)
    assert ("inconclusive", name, "nothing was checked, though 390 orders were accepted") in _found(audit_json)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"outcome": "unknown", "detail": "the shop did not answer"}, "the shop did not answer"),
        ({"outcome": None, "detail": None}, "could not be checked"),
        ({"outcome": "Holds", "detail": "a word we do not know"}, "a word we do not know"),
        ({"checked": 0}, "nothing was checked, though 390 orders were accepted"),
        ({"checked": None}, "holds by the audit, but how often it was checked or broken is missing"),
        ({"broken": None}, "holds by the audit, but how often it was checked or broken is missing"),
        ({"name": "other"}, "the audit has no answer for it"),
    ],
)
def test_what_was_not_checked_does_not_hold(audit_json: dict[str, Any], change: dict[str, Any], message: str) -> None:
    audit_json["checks"][0].update(change)
    assert _found(audit_json) == [("inconclusive", "order-exists", message)]


def test_a_declared_source_that_did_not_answer_is_unknown(audit_json: dict[str, Any]) -> None:
    audit_json["sources"]["stock"] = "unreachable: connection refused"
    assert _found(audit_json) == [("inconclusive", "stock", "stock could not be read: unreachable: connection refused")]


def test_a_run_without_an_accepted_order_has_none_to_check(audit_json: dict[str, Any]) -> None:
    for check in audit_json["checks"]:
        check["checked"] = 0
    assert _found(audit_json, accepted=0) == []
    assert len(_found(audit_json, accepted=None)) == 7


def test_checks_of_undeclared_sources_are_not_asked_for(audit_json: dict[str, Any]) -> None:
    audit_json["checks"] = [check for check in audit_json["checks"] if NEEDS[check["name"]] == {"orders"}]
    found = _found(audit_json, frozenset({"orders"}))
    assert found == [("note", "audit", "not audited: the environment declares no payments, stock")]
    assert Severity.NOTE.value == found[0][0]


@pytest.mark.parametrize(("accepted", "buys", "gaps"), [(0, False, 0), (0, True, 1), (None, False, 1), (1, False, 1)])
def test_what_found_nothing_to_check_is_no_gap_where_nobody_was_to_buy(
    audit_json: dict[str, Any], accepted: int | None, gaps: int, *, buys: bool
) -> None:
    empty = {"outcome": "unknown", "checked": 0, "broken": 0, "detail": "nothing to check: nobody was to buy"}
    audit_json["checks"][0].update(empty)
    audit_json["buys"] = buys
    found = check_promises(parse_audit(audit_json), frozenset(SOURCES), accepted)
    assert [one.subject for one in found] == ["order-exists"] * gaps
    assert ("order-exists" in vacuous(parse_audit(audit_json))) is not buys
