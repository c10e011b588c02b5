"""DORA's four measures, against figures worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.subjects.releases.dora import Changes, Failures, changes, failures, named_by_tags
from exporters.subjects.releases.values import Commit, Deployment, Events, History, Incident, Rollback, Tag

HOUR = 3600.0


def commit(at_h: float, *parents: str) -> Commit:
    return Commit(committed_at_s=at_h * HOUR, parents=parents)


def deployed(version: str, at_h: float, name: str | None = None) -> Deployment:
    return Deployment(deployed_to="production", version=version, commit=name, at_s=at_h * HOUR, succeeded=True)


# a - b - c - m - e, and d beside them: branched off a, merged in m.
HISTORY = History(
    commits={
        "a": commit(0), "b": commit(1, "a"), "c": commit(2, "b"), "d": commit(1.5, "a"), "m": commit(3, "c", "d"),
        "e": commit(4, "m"),
    },
    tags=(Tag(name="v2", commit="e", at_s=5 * HOUR), Tag(name="v1", commit="b", at_s=HOUR)),
)  # fmt: skip


def test_a_change_s_lead_time_ends_with_the_first_deployment_that_holds_it_and_merges_are_none() -> None:
    read = changes([deployed("1", 1.25, "b"), deployed("2", 10, "m"), deployed("3", 12, "e")], HISTORY, since_s=0)
    assert read == Changes(lead_times_s=(8.5 * HOUR, 8 * HOUR, 8 * HOUR), unknown=1, misdated=0)
    assert read.median_s == 8 * HOUR


def test_what_was_deployed_before_the_window_says_what_is_new_and_is_not_counted() -> None:
    read = changes([deployed("1", 1.25, "b"), deployed("2", 10, "m")], HISTORY, since_s=5 * HOUR)
    assert sorted(read.lead_times_s) == [8 * HOUR, 8.5 * HOUR]
    assert read.unknown == 0


def test_a_release_that_is_deployed_again_or_taken_back_brings_no_change() -> None:
    read = changes(
        [deployed("1", 1, "b"), deployed("2", 5, "e"), deployed("1", 6, "b"), deployed("2", 7, "e")], HISTORY, 0
    )
    assert len(read.lead_times_s) == 3


def test_a_deployment_whose_commit_isn_t_known_is_counted_as_such() -> None:
    read = changes([deployed("1", 1, "b"), deployed("2", 5, "zzz"), deployed("3", 6)], HISTORY, 0)
    assert (read.lead_times_s, read.unknown, read.median_s) == ((), 3, None)


def test_a_commit_that_is_dated_after_its_deployment_has_no_lead_time_but_clocks_may_be_a_little_apart() -> None:
    a_little = changes([deployed("1", 0.5, "a"), deployed("2", 1.95, "c")], HISTORY, 0)
    assert a_little.lead_times_s == pytest.approx((0.0, 0.95 * HOUR))
    assert (a_little.unknown, a_little.misdated) == (1, 0)
    late = changes([deployed("1", 0.5, "a"), deployed("2", 1.5, "c")], HISTORY, 0)
    assert late == Changes(lead_times_s=(0.5 * HOUR,), unknown=1, misdated=1)


@given(st.lists(st.sampled_from(sorted(HISTORY.commits)), max_size=8))
def test_no_change_is_counted_twice_in_whatever_order_is_deployed(names: list[str]) -> None:
    read = changes([deployed(name, 10 + at, name) for at, name in enumerate(names)], HISTORY, 0)
    assert len(read.lead_times_s) <= len(HISTORY.commits)
    assert all(lead_s >= 0 for lead_s in read.lead_times_s)


def test_a_release_tag_gives_a_deployment_its_name_or_its_commit() -> None:
    named = named_by_tags([deployed("e", 9, "e"), deployed("v1", 2), deployed("main", 12, "c")], HISTORY)
    assert [(one.version, one.commit) for one in named] == [("v1", "b"), ("v2", "e"), ("main", "c")]


def test_without_a_history_deployments_keep_their_names() -> None:
    assert [one.version for one in named_by_tags([deployed("2", 2), deployed("1", 1)], None)] == ["1", "2"]


DEPLOYMENTS = [deployed("v1", 1), deployed("v2", 2), deployed("v3", 3), deployed("v1", 4)]


def incident(version: str | None, opened_h: float, resolved_h: float | None, place: str = "production") -> Incident:
    return Incident(
        deployed_to=place, version=version, opened_at_s=opened_h * HOUR,
        resolved_at_s=None if resolved_h is None else resolved_h * HOUR,
    )  # fmt: skip


def rollback(version: str, at_h: float) -> Rollback:
    return Rollback(deployed_to="production", version=version, at_s=at_h * HOUR)


@pytest.mark.parametrize(
    ("events", "read"),
    [
        (Events(), Failures(failed=0, recovery_times_s=(), unrecovered=0, unmatched=0)),
        (
            Events(incidents=(incident("v2", 2.5, 3.5),)),
            Failures(failed=1, recovery_times_s=(HOUR,), unrecovered=0, unmatched=0),
        ),
        (
            Events(rollbacks=(rollback("v3", 3.25),)),
            Failures(failed=1, recovery_times_s=(0.25 * HOUR,), unrecovered=0, unmatched=0),
        ),
        (
            Events(incidents=(incident("v3", 3.5, 5),), rollbacks=(rollback("v3", 4),)),
            Failures(failed=1, recovery_times_s=(1.5 * HOUR,), unrecovered=0, unmatched=0),
        ),
        (
            Events(incidents=(incident("v3", 3.5, None),), rollbacks=(rollback("v3", 4),)),
            Failures(failed=1, recovery_times_s=(), unrecovered=1, unmatched=0),
        ),
        (
            Events(incidents=(incident("v2", 2.5, 3), incident("v2", 2.25, 4))),
            Failures(failed=1, recovery_times_s=(1.75 * HOUR,), unrecovered=0, unmatched=0),
        ),
        (
            Events(incidents=(incident("v9", 2.5, 3), incident("v3", 1, 2))),
            Failures(failed=0, recovery_times_s=(), unrecovered=0, unmatched=2),
        ),
        (
            Events(incidents=(incident(None, 2.5, 3), incident("v2", 2.5, 3, "staging"))),
            Failures(failed=0, recovery_times_s=(), unrecovered=0, unmatched=0),
        ),
    ],
)
def test_a_deployment_failed_when_an_incident_or_a_rollback_names_it(events: Events, read: Failures) -> None:
    assert failures(DEPLOYMENTS, events, "production", since_s=0) == read


def test_an_event_is_about_the_last_deployment_of_its_release_before_it() -> None:
    both = Events(incidents=(incident("v1", 1.5, 2), incident("v1", 5, 6)))
    assert failures(DEPLOYMENTS, both, "production", since_s=0).failed == 2
    assert failures(DEPLOYMENTS, both, "production", since_s=3.5 * HOUR).failed == 1
    assert failures(DEPLOYMENTS, both, "production", since_s=3.5 * HOUR).unmatched == 0
