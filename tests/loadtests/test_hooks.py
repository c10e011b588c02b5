"""A listener that fails is evidence against the run, and nobody else's trouble."""

from loadtests.hooks import Hooks
from loadtests.records import SessionRecord, StepRecord
from tests.loadtests.fakes import Memory, session_record, step_record


class Broken:
    """Fails at everything."""

    def step_ended(self, record: StepRecord) -> None:
        raise KeyError(record.step)

    def session_ended(self, record: SessionRecord) -> None:
        raise OSError(record.outcome)


def test_every_listener_is_told_in_turn() -> None:
    first, second = Memory(), Memory()
    hooks = Hooks([first, second])
    hooks.step_ended(step_record())
    hooks.session_ended(session_record())
    assert first == second == Memory(steps=[step_record()], sessions=[session_record()])
    assert not hooks.failures


def test_a_failing_listener_does_not_stop_the_others() -> None:
    before, after = Memory(), Memory()
    hooks = Hooks([before, Broken(), after])
    hooks.step_ended(step_record())
    hooks.session_ended(session_record())
    assert before == after == Memory(steps=[step_record()], sessions=[session_record()])


def test_each_failure_is_counted_by_listener_and_error() -> None:
    hooks = Hooks([Broken()])
    hooks.step_ended(step_record(step="home"))
    hooks.step_ended(step_record(step="home"))
    hooks.step_ended(step_record(step="cart"))
    hooks.session_ended(session_record())
    assert hooks.failures == {
        ("Broken", "KeyError('home')"): 2,
        ("Broken", "KeyError('cart')"): 1,
        ("Broken", "OSError('completed')"): 1,
    }
