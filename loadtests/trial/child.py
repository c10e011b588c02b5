"""What every process that plays sessions for a command begins with: its job comes in, and what happens goes out.

It is started with gevent's patches, as the load generator is. What the user's file prints goes to standard error, a
log. It ends with the process that started it: its input closes then.
"""

import os
import sys
from collections.abc import Callable
from typing import NoReturn, TypeVar

import gevent
from gevent.fileobject import FileObject
from pydantic import BaseModel

from slo.documents import BadInput
from slo.outcomes import ExitCode

Asked = TypeVar("Asked", bound=BaseModel)


def play_job(
    model: type[Asked],
    play: Callable[[Asked, Callable[[BaseModel], None]], None],
    abandoned: Callable[[Asked], None] = lambda _asked: None,
) -> NoReturn:
    """Read a `model` from the standard input, `play` it with what writes an event a line, and end the process.

    `abandoned` is called when the process that started this one is gone.
    """
    out = os.dup(1)
    os.dup2(2, 1)
    asked = model.model_validate_json(sys.stdin.readline())
    gevent.spawn(_end_with_the_command, lambda: abandoned(asked))

    def tell(event: BaseModel) -> None:
        data = memoryview(event.model_dump_json().encode() + b"\n")
        while data:
            data = data[os.write(out, data) :]

    code = ExitCode.OK
    try:
        play(asked, tell)
    except BadInput as error:
        print(error, file=sys.stderr)  # noqa: T201 - its log, which the command shows
        code = ExitCode.USAGE
    except BrokenPipeError:
        abandoned(asked)
        code = ExitCode.INCONCLUSIVE
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _end_with_the_command(abandoned: Callable[[], None]) -> None:
    waiting = FileObject(0, "rb", closefd=False)
    while waiting.read(1):
        pass
    try:
        abandoned()
    finally:
        os._exit(ExitCode.INCONCLUSIVE)
