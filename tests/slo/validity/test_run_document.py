"""run.json is read tolerantly and written as it was: what is missing is None, and no key is lost or made up."""

from typing import Any

import pytest

from slo.documents import BadInput
from slo.objectives.indicators import Window
from slo.validity.run_document import AccountFacts, Phase, RunDocument, WorkerFacts, parse_run

WRITTEN = {
    "format": "peakproof/run/v1",
    "ended": None,
    "workers": [{"name": "w0", "lost": False, "shoe_size": 43}],
    "account": {"planned": 3, "dropped": {"ceiling_requests": 1}},
    "of_a_newer_version": {"a": [1, 2]},
}


def test_a_document_that_is_written_again_has_the_keys_it_had() -> None:
    assert parse_run(WRITTEN).to_json() == WRITTEN


def test_a_changed_part_leaves_the_keys_of_the_others_alone() -> None:
    part = RunDocument(ended="failed", account=AccountFacts(planned=4))
    assert parse_run(WRITTEN).updated(part).to_json() == {**WRITTEN, "ended": "failed", "account": {"planned": 4}}


def test_a_key_that_is_set_on_a_worker_is_written() -> None:
    worker = WorkerFacts(name="w0").model_copy(update={"ledger_brought": True})
    assert RunDocument(workers=(worker,)).to_json() == {"workers": [{"name": "w0", "ledger_brought": True}]}


def test_what_is_missing_is_none() -> None:
    document = parse_run({})
    assert {name: getattr(document, name) for name in RunDocument.model_fields} == dict.fromkeys(
        RunDocument.model_fields
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"started_at": True}, "run.json: started_at: Input should be a valid integer, found True"),
        ({"account": []}, "run.json: account: Input should be an object, found []"),
        ({"requests": {"sent": -1}}, "run.json: requests.sent: Input should be greater than or equal to 0, found -1"),
        (
            {"judged": {"starts_at": 1 << 63}},
            f"run.json: judged.starts_at: Input should be less than {1 << 63}, found {1 << 63}",
        ),
        (
            {"scheduling_lag_s": {"p99": float("nan")}},
            "run.json: scheduling_lag_s.p99: Input should be a finite number, found nan",
        ),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_by_its_place(change: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_run({**WRITTEN, **change})
    assert str(refused.value).replace("a valid dictionary or instance of AccountFacts", "an object") == message


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "window"),
    [(1, 2, Window(starts_at=1, ends_at=2)), (2, 2, None), (3, 2, None), (None, 2, None), (1, None, None)],
)
def test_a_phase_has_a_window_only_where_its_times_hold_one(
    starts_at: int | None, ends_at: int | None, window: Window | None
) -> None:
    assert Phase(starts_at=starts_at, ends_at=ends_at).window == window


@pytest.mark.parametrize(
    ("phases", "release"),
    [
        ([], "before"),
        ([{"kind": "plateau", "release": None}], "before"),
        ([{"kind": "reference", "release": "good"}, {"kind": "plateau", "release": "tested"}], "tested"),
    ],
)
def test_the_release_under_test_is_the_plateaus_or_the_one_before(phases: list[dict[str, Any]], release: str) -> None:
    assert parse_run({"phases": phases, "release": {"before": "before"}}).release_tested == release
    assert parse_run({"phases": []}).release_tested is None
