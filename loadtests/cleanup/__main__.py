"""The cleanup's own process: it reads a `CleanupJob` from its standard input, and writes an event a line."""

import os

from loadtests.cleanup.cleaner import Cleaner
from loadtests.cleanup.messages import CleanupJob
from loadtests.trial.child import play_job

if __name__ == "__main__":
    play_job(CleanupJob, lambda asked, tell: Cleaner(asked, os.environ, tell).play())
