"""A source that is asked at most every so often: what stands until then, and when a failure is tried again."""

import pytest

from exporters.serving.at_most_every import AtMostEvery
from exporters.serving.source import Deadline, Unreadable


class Asked:
    """A source that counts how often it is asked, and fails where it is told to."""

    def __init__(self) -> None:
        self.times = 0
        self.fails = False
        self.now = 0.0

    def read(self, _: Deadline) -> int:
        self.times += 1
        if self.fails:
            raise Unreadable("gone")
        return self.times


def soon(asked: Asked) -> Deadline:
    return Deadline(at=asked.now + 1, clock=lambda: asked.now)


def test_until_then_the_last_answer_stands() -> None:
    asked = Asked()
    read = AtMostEvery(10, asked.read, clock=lambda: asked.now)
    assert [read(soon(asked)), read(soon(asked))] == [1, 1]
    asked.now = 10
    assert read(soon(asked)) == 2


@pytest.mark.parametrize(
    ("retry_s", "after_s", "times"), [(None, 9, 1), (None, 10, 2), (0, 0, 2), (3, 2, 1), (3, 3, 2)]
)
def test_after_a_failure_it_is_asked_again_as_soon_as_configured(
    retry_s: float | None, after_s: float, times: int
) -> None:
    asked = Asked()
    asked.fails = True
    read = AtMostEvery(10, asked.read, clock=lambda: asked.now, retry_s=retry_s)
    for at in (0, after_s):
        asked.now = at
        with pytest.raises(Unreadable, match=r"^gone$"):
            read(soon(asked))
    assert asked.times == times
