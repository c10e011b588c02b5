"""A load generator's collector leaves alone what was there before the load."""

import subprocess
import sys

CALM = """
import gc
from loadtests.runtime.process_tuning import calm
before = gc.get_threshold()
class Loop: pass
loop = Loop(); loop.itself = loop; del loop
calm()
after = gc.get_threshold()
print(gc.get_freeze_count() > 1000, all(a > b for a, b in zip(after, before)), gc.isenabled())
print(len([one for one in gc.get_objects() if isinstance(one, Loop)]))
"""


def test_what_is_there_is_left_out_and_the_rest_is_collected_seldom_but_is() -> None:
    done = subprocess.run([sys.executable, "-P", "-c", CALM], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["True True True", "0"]
