"""`peakproof` on a machine whose wall clock is set back by 5 s as soon as `set-back` is in the folder."""

import time
from pathlib import Path

from scripts.cli import main

SET_BACK, BY_S = Path("set-back"), 5
wall, wall_ns = time.time, time.time_ns
time.time = lambda: wall() - BY_S * SET_BACK.exists()
time.time_ns = lambda: wall_ns() - BY_S * 1_000_000_000 * SET_BACK.exists()

if __name__ == "__main__":
    raise SystemExit(main())
