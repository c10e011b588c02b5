"""Puts B up by the command `./switch` in a folder, under a guard: what a comparison does when it is killed half-way.

With `early` it kills itself where the command's process is there already, and the guard doesn't know of it yet.
"""

import os
import signal
import sys
from pathlib import Path

from scripts.comparing.put_back import UP_OTHER, Guard
from scripts.comparing.switch_command import SwitchCommand

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    command = SwitchCommand(
        words=("./switch",), folder=folder, logs=folder / "switches", timeout_s=60, environment=dict(os.environ)
    )
    with Guard(command, folder) as guard:

        def started(process: int) -> None:
            if sys.argv[2:] == ["early"]:
                os.kill(os.getpid(), signal.SIGKILL)
            guard.tell(UP_OTHER, process)
            (folder / "told").touch()

        guard.tell(UP_OTHER)
        command.run("b", started)
