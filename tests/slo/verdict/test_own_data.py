"""One reply that shows a shopper another's data fails the run, whatever the load was."""

import dataclasses
from typing import Any

import pytest

from slo.outcomes import Outcome
from slo.policy.policy import Policy
from slo.validity.run_document import parse_run
from slo.verdict.own_data import OWN_DATA
from slo.verdict.verdict import Case, Verdict, judge


def with_canaries(case: Case, canaries: object, shown: dict[str, int] | None = None, **run: Any) -> Verdict:
    document = {**case.run.to_json(), "canaries": canaries, **run}
    return judge(dataclasses.replace(case, run=parse_run(document), others_data=shown or {}))


def statuses(verdict: Verdict) -> list[tuple[str, str]]:
    return [(point.status, point.message) for point in verdict.checks if point.name == OWN_DATA]


def test_where_every_session_saw_its_own_data_alone_the_check_is_good(passing: Case) -> None:
    verdict = with_canaries(passing, {"sessions": 450, "shown": 0})
    assert verdict.outcome is Outcome.PASS
    assert statuses(verdict) == [("good", "450 sessions left a canary, and no reply showed another's")]


def test_one_reply_is_enough_also_in_a_run_that_is_not_valid(passing: Case) -> None:
    told = "1 reply showed one shopper another's data (checkout 1): errors/ has the first"
    for ended in ("completed", "stopped"):
        verdict = with_canaries(passing, {"sessions": 450, "shown": 1}, {"checkout": 1}, ended=ended)
        assert verdict.outcome is Outcome.FAIL
        assert verdict.headline.startswith(f"FAIL  {OWN_DATA}: {told}")
        assert statuses(verdict) == [("bad", told)]


def test_the_records_and_the_workers_each_are_evidence_enough(passing: Case) -> None:
    for canaries, shown in ((None, {"cart": 2, "checkout": 3}), ({"sessions": 9, "shown": 5}, {})):
        verdict = with_canaries(passing, canaries, shown)
        assert verdict.outcome is Outcome.FAIL
        assert verdict.headline.startswith(f"FAIL  {OWN_DATA}: 5 replies showed one shopper another's data")


def test_the_steps_are_named_by_how_often_and_then_by_name(passing: Case) -> None:
    verdict = with_canaries(passing, None, {"home": 2, "cart": 2, "search": 1, "checkout": 3})
    assert "(checkout 3, cart 2, home 2, search 1)" in verdict.headline


def test_five_steps_are_named_and_all_replies_counted(passing: Case) -> None:
    verdict = with_canaries(passing, None, {f"step-{number}": 9 - number for number in range(1, 8)})
    assert "35 replies showed one shopper another's data (step-1 8, step-2 7, step-3 6, step-4 5, step-5 4):" in (
        verdict.headline
    )


def test_no_waiver_is_taken_for_it(passing: Case) -> None:
    waiver = {"finding": OWN_DATA, "owner": "shop", "reason": "known", "expires": "1970-02-01"}
    with pytest.raises(ValueError, match="own-data-only is a promise to a customer, and no waiver is taken for it"):
        Policy.model_validate({"format": "peakproof/policy/v1", "waivers": [waiver]})
    assert with_canaries(passing, None, {"cart": 1}).exit_code == 99


def test_a_pass_without_canaries_says_that_it_does_not_show_this(passing: Case) -> None:
    for canaries in (None, {}, {"sessions": None, "shown": None}, {"sessions": 0, "shown": 0}):
        verdict = with_canaries(passing, canaries)
        assert verdict.outcome is Outcome.PASS
        assert "whether a shopper was shown another's data: the storefront leaves no canary" in verdict.not_shown
        assert statuses(verdict) == []
