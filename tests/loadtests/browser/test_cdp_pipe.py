"""The pipe to a browser finds who asked for each answer, and takes nonsense for the end."""

import os
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from loadtests.browser.cdp_pipe import MAX_MESSAGE, BrowserGoneError, BrowserSilentError, Pipe
from tests.waiting import wait_for


class Other:
    """The browser's end of a pipe, in the hands of a test."""

    def __init__(self) -> None:
        self.hears, into = os.pipe()
        out, self.says = os.pipe()
        self.events: list[Mapping[str, Any]] = []
        self.pipe = Pipe(into, out, self.events.append)

    def say(self, *messages: bytes) -> None:
        for message in messages:
            os.write(self.says, message)

    def close(self) -> None:
        for descriptor in (self.says, self.hears):
            if descriptor >= 0:
                os.close(descriptor)
        self.pipe.close()


@pytest.fixture
def other() -> Iterator[Other]:
    one = Other()
    yield one
    one.close()


def test_answers_find_who_asked_in_any_order_and_in_any_pieces(other: Other) -> None:
    answers: list[object] = []
    other.pipe.start("A", on_answer=answers.append)
    other.pipe.start("B", on_answer=answers.append)
    other.say(
        b'{"id":2,"result":{"b":1}}\0{"id"', b':1,"result":{"a":1}}', b'\0{"id":99}\0{"method":"E","params":{}}\0'
    )
    wait_for(lambda: len(other.events) == 1, "the event")
    assert answers == [{"id": 2, "result": {"b": 1}}, {"id": 1, "result": {"a": 1}}]
    assert os.read(other.hears, 1000) == (
        b'{"id": 1, "method": "A", "params": {}}\0{"id": 2, "method": "B", "params": {}}\0'
    )


def test_a_call_that_nobody_answers_is_silence(other: Other) -> None:
    with pytest.raises(BrowserSilentError, match=r"^no answer to Page\.enable within 0\.01 s$"):
        other.pipe.call("Page.enable", within_s=0.01)


@pytest.mark.parametrize("said", [b"[]\0", b"\xff\0", b"{\0", b"{" * 100_000 + b"\0"])
def test_nonsense_is_the_end(other: Other, said: bytes) -> None:
    other.say(said)
    wait_for(lambda: other.pipe.gone is not None, "the end")
    assert other.events[-1] == {"method": "gone"}
    with pytest.raises(BrowserGoneError):
        other.pipe.call("Browser.getVersion")


def test_a_message_without_end_is_the_end(other: Other) -> None:
    def talk() -> None:
        try:
            while True:
                os.write(other.says, b"x" * (1 << 20))
        except OSError:
            return

    threading.Thread(target=talk, daemon=True).start()
    wait_for(lambda: other.pipe.gone is not None, "the end")
    assert other.pipe.gone == f"it says more than {MAX_MESSAGE} bytes at once"


def test_who_waits_is_told_when_the_browser_is_gone(other: Other) -> None:
    def end() -> None:
        os.read(other.hears, 1)  # once it was asked
        os.close(other.says)
        other.says = -1

    ending = threading.Thread(target=end)
    ending.start()
    with pytest.raises(BrowserGoneError, match=r"^it ended$"):
        other.pipe.call("Browser.getVersion")
    ending.join()
