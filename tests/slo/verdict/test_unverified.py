"""Evidence that was altered leaves no verdict, and who judges it all the same gets no PASS and no advisory 0."""

import dataclasses
from typing import Any

import pytest

from slo.findings import Severity
from slo.outcomes import ExitCode, Outcome
from slo.policy.policy import Policy
from slo.validity.checks import Checked
from slo.validity.consistency import AUDIT_OF_THE_RUN
from slo.validity.context import note
from slo.validity.manifest import MANIFEST, manifest_check
from slo.validity.run_document import parse_run
from slo.verdict.audit_document import parse_audit
from slo.verdict.unreadable import unreadable
from slo.verdict.verdict import Case, judge

ALTERED = (manifest_check([]), manifest_check([("requests-w0-00000.parquet", "changed")]))
WHAT = "requests-w0-00000.parquet: changed"
NOT_SHOWN = (
    "judged unverified: by what is there it would be a PASS, but nothing shows that it is the run's, and all of it"
)
ADVISORY = Policy.model_validate({"format": "peakproof/policy/v1", "mode": "advisory"})


@pytest.fixture
def oversold(passing: Case, audit_json: dict[str, Any]) -> Case:
    """Return a case that is judged FAIL whatever its load was."""
    audit_json["checks"][-1].update(outcome="broken", broken=3, detail="3 SKUs have less than no stock")
    return dataclasses.replace(passing, audit=parse_audit(audit_json))


def test_altered_evidence_shows_nothing_not_even_a_broken_promise(passing: Case, oversold: Case) -> None:
    for case in (passing, oversold):
        verdict = judge(dataclasses.replace(case, altered=ALTERED))
        assert (verdict.outcome, verdict.exit_code) == (Outcome.INCONCLUSIVE, ExitCode.INCONCLUSIVE)
        assert verdict.word == "INCONCLUSIVE"
        assert verdict.headline.startswith(f"INCONCLUSIVE  {MANIFEST}: {WHAT}; ")


def test_whole_evidence_is_judged_as_it_is(passing: Case) -> None:
    verdict = judge(dataclasses.replace(passing, altered=ALTERED[:1]))
    assert (verdict.outcome, verdict.word, verdict.run) == (Outcome.PASS, "PASS", "20261122T150000Z-holiday-peak-ab12")
    assert judge(dataclasses.replace(passing, run=parse_run({}))).run == "?"


def test_a_note_on_the_evidence_such_as_of_a_clock_that_was_set_changes_no_outcome_and_no_exit_code(
    passing: Case, oversold: Case
) -> None:
    found = note("consistency", "the machine's clock was set back by 5 s between the run's end and its audit")
    noted: dict[str, Any] = {
        "altered": (*ALTERED[:1], Checked(name=AUDIT_OF_THE_RUN, findings=(found,))),
        "inconsistent": (found,),
    }
    for case in (passing, oversold, dataclasses.replace(oversold, policy=ADVISORY)):
        verdict, with_note = judge(case), judge(dataclasses.replace(case, **noted))
        assert (with_note.outcome, with_note.exit_code) == (verdict.outcome, verdict.exit_code)
        assert found in with_note.findings


def test_what_would_be_a_pass_is_none_when_it_is_judged_unverified(passing: Case) -> None:
    verdict = judge(dataclasses.replace(passing, altered=ALTERED, unverified=True))
    assert (verdict.outcome, verdict.exit_code) == (Outcome.INCONCLUSIVE, ExitCode.INCONCLUSIVE)
    assert verdict.word == "INCONCLUSIVE, UNVERIFIED (by what is there: PASS)"
    assert [(one.severity, one.message) for one in verdict.findings] == [
        (Severity.INCONCLUSIVE, NOT_SHOWN),
        (Severity.NOTE, WHAT),
    ]


def test_what_would_fail_fails_when_it_is_judged_unverified(oversold: Case) -> None:
    verdict = judge(dataclasses.replace(oversold, altered=ALTERED, unverified=True))
    assert (verdict.outcome, verdict.exit_code) == (Outcome.FAIL, ExitCode.FAIL)
    assert verdict.word == "FAIL, UNVERIFIED (by what is there: FAIL)"
    assert NOT_SHOWN not in [one.message for one in verdict.findings]


@pytest.mark.parametrize("unverified", [True, False])
def test_an_advisory_policy_beside_evidence_that_is_not_to_be_trusted_is_not_trusted_either(
    passing: Case,
    unverified: bool,  # noqa: FBT001 - a case
) -> None:
    case = dataclasses.replace(passing, policy=ADVISORY)
    assert judge(case).exit_code is ExitCode.OK
    assert judge(dataclasses.replace(case, altered=ALTERED, unverified=unverified)).exit_code is ExitCode.INCONCLUSIVE


def test_evidence_that_can_not_be_read_is_altered_and_no_policy_makes_that_good() -> None:
    verdict = unreadable("r1", ALTERED, "requests-w0-00000.parquet can't be read", 7)
    assert (verdict.outcome, verdict.run, verdict.decided_at) == (Outcome.INCONCLUSIVE, "r1", 7)
    assert [one.message for one in verdict.findings] == [WHAT, "requests-w0-00000.parquet can't be read"]
    assert dataclasses.replace(verdict, mode="advisory").exit_code is ExitCode.INCONCLUSIVE
