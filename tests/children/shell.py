"""As a shell does: the reader of keys is a job of its own in the foreground; another has the terminal when it stops."""

import os
import signal
import subprocess
import sys
from pathlib import Path

READER = Path(__file__).with_name("reads_keys.py")


def take(*_: object) -> None:
    """Take the terminal away from the job."""
    os.tcsetpgrp(0, os.getpgrp())
    print("taken", flush=True)


signal.signal(signal.SIGTTOU, signal.SIG_IGN)
job = subprocess.Popen([sys.executable, "-P", str(READER)], process_group=0, restore_signals=True)
os.tcsetpgrp(0, job.pid)
signal.signal(signal.SIGUSR1, take)
print("job", job.pid, flush=True)
while True:
    _, status = os.waitpid(job.pid, os.WUNTRACED)
    os.tcsetpgrp(0, os.getpgrp())
    if not os.WIFSTOPPED(status):
        print("ended", os.waitstatus_to_exitcode(status), flush=True)
        break
    print("stopped", flush=True)
    sys.stdin.readline()
    os.tcsetpgrp(0, job.pid)
    os.kill(job.pid, signal.SIGCONT)
