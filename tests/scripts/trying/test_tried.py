"""What a trial found is counted by journey; what doesn't show how a journey goes isn't written."""

from pathlib import Path
from typing import Any

from loadtests.demand.plan import Visits
from loadtests.results.run_directory import RunDirectory
from loadtests.trial.messages import Failure, JourneyEnded, SessionEnded
from scripts.trying.tried import Progress, Tried


def ended(journey: str, **changed: Any) -> SessionEnded:
    facts = {"session": 0, "steps": {"home": 1}, "orders": 0, "accepted": 0, "took_s": 1.0, **changed}
    return SessionEnded(journey=journey, **facts)


def found(*events: SessionEnded | Failure | JourneyEnded) -> Tried:
    journeys = [event.journey for event in events if isinstance(event, JourneyEnded)]
    told = Progress(left=list(journeys))
    for event in events:
        told.take(event)
    assert told.left == []
    counted = {name: tuple(sessions) for name, sessions in told.counted.items()}
    directory = RunDirectory(path=Path("try"))
    return Tried(directory=directory, counted=counted, failures=told.failures, refused=told.refused, orders={})


def test_the_mean_of_the_sessions_is_counted() -> None:
    tried = found(
        ended("buy", steps={"home": 1, "cart": 2}, orders=1),
        ended("buy", steps={"home": 1}),
        ended("buy", steps={"home": 2, "cart": 2}, orders=1),
        JourneyEnded(journey="buy"),
    )
    assert tried.visits() == {"buy": Visits(steps={"home": 1.333, "cart": 1.333}, orders=0.667)}


def test_a_mean_that_is_whole_though_sessions_differ_is_not_written_as_what_each_does() -> None:
    tried = found(
        ended("buy", steps={"home": 2, "cart": 1}),
        ended("buy", steps={"home": 2, "cart": 3}),
        ended("buy", steps={"home": 2, "cart": 2}),
        JourneyEnded(journey="buy"),
    )
    assert tried.visits() == {"buy": Visits(steps={"home": 2, "cart": 2.001})}


def test_a_refused_session_is_forgotten_once_another_one_went_well() -> None:
    tried = found(
        ended("buy", lacked="its order was refused"), ended("buy", orders=1), JourneyEnded(journey="buy"),
        ended("look", lacked="sold out"), JourneyEnded(journey="look"),
    )  # fmt: skip
    assert tried.visits() == {"buy": Visits(steps={"home": 1}, orders=1)}
    assert tried.refused == {"look": "sold out"}


def test_a_journey_that_failed_once_is_not_counted_though_others_of_its_sessions_went_well() -> None:
    failure = Failure(what="shop", message="home: http_5xx")
    tried = found(ended("buy"), failure, ended("buy", failed=True), JourneyEnded(journey="buy"))
    assert (tried.visits(), tried.failures) == ({}, {"buy": failure})


def test_a_hang_counts_against_the_journey_that_was_played() -> None:
    hang = Failure(what="stuck", message="never yields")
    tried = found(ended("look"), JourneyEnded(journey="look"), hang, JourneyEnded(journey="buy"))
    assert (list(tried.visits()), tried.failures) == (["look"], {"buy": hang})
