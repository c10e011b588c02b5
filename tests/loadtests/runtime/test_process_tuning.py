"""A load generator's garbage collector leaves alone what was there before the load, and seldom looks at the rest."""

import subprocess
import sys
from pathlib import Path

CALM = Path(__file__).parents[2] / "children" / "calm.py"


def test_open_sessions_start_no_full_collection_and_what_only_one_frees_is_freed_some_time() -> None:
    done = subprocess.run([sys.executable, "-P", CALM], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["knots 0 frozen True", "collected [True, False, False]", "let go True"]
