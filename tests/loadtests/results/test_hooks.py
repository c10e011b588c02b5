"""A listener that fails is evidence against the run, and nobody else's trouble."""

from loadtests.results.hooks import Hooks
from loadtests.results.records import SessionRecord, StepBatch
from tests.loadtests.fakes import Memory, batch, session_record, step_record


class Broken:
    """Fails at everything."""

    def steps_ended(self, batch: StepBatch) -> None:
        raise KeyError(batch.step[0])

    def session_ended(self, record: SessionRecord) -> None:
        raise OSError(record.outcome)


def test_every_listener_is_told_in_turn() -> None:
    first, second = Memory(), Memory()
    hooks = Hooks([first, second])
    hooks.steps_ended(batch(step_record()))
    hooks.session_ended(session_record())
    assert first == second == Memory(written=[step_record()], sessions=[session_record()])
    assert not hooks.failures


def test_a_failing_listener_does_not_stop_the_others() -> None:
    before, after = Memory(), Memory()
    hooks = Hooks([before, Broken(), after])
    hooks.steps_ended(batch(step_record()))
    hooks.session_ended(session_record())
    assert before == after == Memory(written=[step_record()], sessions=[session_record()])


def test_each_failure_is_counted_by_listener_and_error() -> None:
    hooks = Hooks([Broken()])
    hooks.steps_ended(batch(step_record(step="home")))
    hooks.steps_ended(batch(step_record(step="home")))
    hooks.steps_ended(batch(step_record(step="cart")))
    hooks.session_ended(session_record())
    assert hooks.failures == {
        ("Broken", "KeyError('home')"): 2,
        ("Broken", "KeyError('cart')"): 1,
        ("Broken", "OSError('completed')"): 1,
    }
