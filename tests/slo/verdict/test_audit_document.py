"""audit.json is read by one tolerant model; one with the old answers is refused with the next step."""

from typing import Any

import pytest

from slo.documents import BadInput
from slo.verdict.audit_document import AuditDocument, parse_audit


def test_a_value_may_be_missing_or_null_and_a_key_may_be_new(audit_json: dict[str, Any]) -> None:
    assert parse_audit({}) == parse_audit(dict.fromkeys(audit_json)) == AuditDocument()
    audit = parse_audit({**audit_json, "news": 1})
    assert audit.checks is not None
    assert audit.checks[0].outcome == "holds"


def test_an_audit_of_an_older_peakproof_names_the_next_step(audit_json: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as refused:
        parse_audit({**audit_json, "format": "peakproof/audit/v1"}, "runs/one/audit.json")
    assert str(refused.value) == (
        "runs/one/audit.json: format: written by an older Peakproof, in other words: run `peakproof audit RUN` again,"
        " found 'peakproof/audit/v1'"
    )


def test_a_value_of_the_wrong_type_is_refused_by_place(audit_json: dict[str, Any]) -> None:
    audit_json["checks"][2]["checked"] = "many"
    with pytest.raises(BadInput, match=r"^audit.json: checks\[2\].checked: Input should be a valid integer"):
        parse_audit(audit_json)


@pytest.mark.parametrize("wrong", [{}, 7, [{}], -1, "x"])
def test_what_nothing_rests_on_may_be_wrong_and_is_missing_then(audit_json: dict[str, Any], wrong: Any) -> None:
    audit = parse_audit({**audit_json, "counts": wrong or {"orders": "many"}, "checked_at": wrong})
    assert (audit.counts, audit.checks) == (None, parse_audit(audit_json).checks)
    assert audit.checked_at == (7 if wrong == 7 else None)
