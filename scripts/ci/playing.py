"""Playing a gate or a comparison as a child, with one retry where only causes outside the shop kept it open."""

import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.ci.finished import Finished, of_command, read_finished, unplayed
from slo.documents import BadInput
from slo.outcomes import Outcome

ATTEMPTS = 2
_KEPT_LINES = 20
_NAMES = ("run=", "comparison=")


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """The command to start, and where: `argv` is the whole of it."""

    argv: Sequence[str]
    folder: Path
    variables: Mapping[str, str]


def play(child: Child, say: Callable[[str], None]) -> tuple[Finished, tuple[str, ...]]:
    """Play, and once more where a retry may help; returns what it came to, and what was seen before that, in words."""
    finished = _once(child, say)
    if not (finished.outcome is Outcome.INCONCLUSIVE and finished.outside):
        return finished, ()
    because = f"not shown at first, for causes outside the shop ({', '.join(finished.outside)}): played once more"
    say(because)
    again = _once(child, say)
    return again, (f"{because}; the first attempt: {finished.name or 'no run'}, {finished.reason}",)


def _once(child: Child, say: Callable[[str], None]) -> Finished:
    """Play once; every line is passed on. The line `run=`, or `comparison=`, names the directory (docs/commands.md)."""
    last: deque[str] = deque(maxlen=_KEPT_LINES)
    run: Path | None = None
    with subprocess.Popen(
        child.argv,
        cwd=child.folder,
        env=dict(child.variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        try:
            for raw in process.stdout or ():
                line = raw.rstrip("\n")
                say(line)
                last.append(line)
                run = Path(line.partition("=")[2]) if line.startswith(_NAMES) else run
            code = process.wait()
        except KeyboardInterrupt:
            process.terminate()  # it ends its run with the directory whole
            process.wait()
            raise
    return _outcome(run, code, last, child.folder)


def _outcome(run: Path | None, code: int, last: Sequence[str], folder: Path) -> Finished:
    said = next((line for line in reversed(last) if line.strip()), "")
    if run is None:
        return unplayed(code, said)
    try:
        return of_command(read_finished(folder / run), code)
    except BadInput as error:
        return unplayed(code, str(error) if code == 0 else said)
