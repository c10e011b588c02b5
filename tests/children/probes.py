"""Plays the probes whose jobs stand on its standard input, one after the other: an event a line, then an empty one."""

import os
import sys
from pathlib import Path

from loadtests.probe.messages import ProbeJob
from loadtests.probe.play import play

for path in sys.stdin:
    play(
        ProbeJob.model_validate_json(Path(path.strip()).read_bytes()),
        os.environ,
        lambda event: print(event.model_dump_json()),
    )
    print(flush=True)
os._exit(0)
