"""Plays probes one after the other and prints after each what is there of this process, a line of JSON."""

import json
import sys
import tempfile
import threading
from pathlib import Path

from loadtests.environment.targets import read_targets
from loadtests.probe.process import play_probe
from tests.loadtests.probe.made import probe_of

folder, journey, probes, within_s = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
probe = probe_of(folder, read_targets(folder / "targets.yaml"), journey)
for _ in range(probes):
    success = play_probe(probe, within_s).success
    left = {
        "success": success,
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "threads": threading.active_count(),
        "children": [one for path in Path("/proc/self/task").glob("*/children") for one in path.read_text().split()],
        "files": [path.name for path in Path(tempfile.gettempdir()).iterdir()],
    }
    print(json.dumps(left), flush=True)
