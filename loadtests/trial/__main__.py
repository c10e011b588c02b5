"""The trial's own process: it reads a `TrialJob` from its standard input, and writes an `Event` a line."""

import os

from loadtests.trial.child import play_job
from loadtests.trial.messages import TrialJob
from loadtests.trial.trial import Trial
from loadtests.worker.job import read_job

if __name__ == "__main__":
    play_job(TrialJob, lambda asked, tell: Trial(asked, read_job(asked.directory, os.environ), tell).play())
