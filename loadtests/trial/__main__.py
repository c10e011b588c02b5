"""The trial's own process: it reads a `TrialJob` from its standard input, and writes an `Event` a line.

It is started with gevent's patches, as the load generator is. What the user's file prints goes to standard error, a
log. It ends with the command: its input closes then.
"""

import os
import sys

import gevent
from gevent.fileobject import FileObject

from loadtests.trial.messages import Event, TrialJob
from loadtests.trial.trial import Trial
from loadtests.worker.job import read_job
from slo.documents import BadInput
from slo.outcomes import ExitCode


def main() -> int:
    """Play, and return the exit code."""
    out = os.dup(1)
    os.dup2(2, 1)
    asked = TrialJob.model_validate_json(sys.stdin.readline())
    gevent.spawn(_end_with_the_command)

    def tell(event: Event) -> None:
        data = memoryview(event.model_dump_json().encode() + b"\n")
        while data:
            data = data[os.write(out, data) :]

    try:
        Trial(asked, read_job(asked.directory, os.environ), tell).play()
    except BadInput as error:
        print(error, file=sys.stderr)  # noqa: T201 - its log, which the command shows
        return ExitCode.USAGE
    return ExitCode.OK


def _end_with_the_command() -> None:
    waiting = FileObject(0, "rb", closefd=False)
    while waiting.read(1):
        pass
    os._exit(ExitCode.INCONCLUSIVE)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
