"""What a proxy before the shop means for a run: what failed at it isn't the shop's, and too much of it no evidence."""

import dataclasses
from typing import Any

import pytest

from slo.findings import Finding, Severity
from slo.validity.checks import check_validity
from slo.validity.delivery import StepRequests
from slo.validity.run_document import parse_run
from slo.verdict.verdict import Case

THROUGH = {"url": "http://proxy.test:3128", "straight": [], "resolves_names": False}
NOTED = (Severity.NOTE, "the load went through the proxy http://proxy.test:3128: what it takes is in every figure")


def found(case: Case, proxy: dict[str, Any] | None, at_proxy: int | None) -> tuple[Finding, ...] | None:
    """Return what is found of the proxy, None when it isn't looked at."""
    run = parse_run({**case.run.to_json(), "environment": {"name": "staging", **({"proxy": proxy} if proxy else {})}})
    steps = None if at_proxy is None else {"home": StepRequests(requests=4000, at_proxy=at_proxy)}
    records = dataclasses.replace(case.records, steps=steps)
    return {one.name: one.findings for one in check_validity(run, records, case.declared)}.get("proxy")


def told(findings: tuple[Finding, ...] | None) -> list[tuple[Severity, str]]:
    assert findings is not None
    return [(one.severity, one.message) for one in findings]


def test_without_a_proxy_nothing_is_looked_at(passing: Case) -> None:
    assert found(passing, None, 0) is None


def test_a_proxy_that_failed_nothing_is_noted(passing: Case) -> None:
    assert told(found(passing, THROUGH, 0)) == [NOTED]


def test_a_proxy_that_resolved_the_names_is_noted_as_that(passing: Case) -> None:
    message = "the proxy resolved the names: production was recognised by its names alone, not by addresses"
    assert told(found(passing, {**THROUGH, "resolves_names": True}, 0)) == [NOTED, (Severity.NOTE, message)]


@pytest.mark.parametrize(("proxy", "others"), [(THROUGH, [NOTED]), (None, [])])
def test_over_1_of_100_requests_that_failed_at_it_are_no_evidence_and_fewer_a_note(
    passing: Case, proxy: dict[str, Any] | None, others: list[tuple[Severity, str]]
) -> None:
    few = (Severity.NOTE, "40 of 4,000 requests failed at the proxy and are left out")
    assert told(found(passing, proxy, 40)) == [*others, few]
    many = "41 of 4,000 requests of the run never reached the shop (41 failed at the proxy), at most 1 % may"
    findings = found(passing, proxy, 41)
    assert told(findings) == [*others, (Severity.INCONCLUSIVE, many)]
    assert (findings or ())[-1].change == (
        "see in its log whether it lets this machine through (407: proxy.basic_auth; 403: its rules), can bear the"
        " load, and reaches the shop"
    )


def test_not_to_know_what_failed_at_it_is_no_good_news(passing: Case) -> None:
    message = "whether requests failed at the proxy is not known"
    assert told(found(passing, THROUGH, None)) == [NOTED, (Severity.INCONCLUSIVE, message)]
    assert told(found(passing, None, None)) == [(Severity.INCONCLUSIVE, message)]
