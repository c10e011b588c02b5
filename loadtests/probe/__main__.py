"""The process of a probe: it reads where its job stands from its standard input, and writes a `ProbeEvent` a line."""

import os
import shutil
from collections.abc import Callable

from pydantic import BaseModel

from loadtests.probe.messages import JobFile, ProbeJob
from loadtests.probe.play import play
from loadtests.trial.child import play_job


def _play(asked: JobFile, tell: Callable[[BaseModel], None]) -> None:
    play(ProbeJob.model_validate_json(asked.job.read_bytes()), os.environ, tell)


def _abandoned(asked: JobFile) -> None:
    shutil.rmtree(asked.job.parent, ignore_errors=True)  # nobody else knows of it any more


if __name__ == "__main__":
    play_job(JobFile, _play, _abandoned)
