"""The user's command that puts a release up: parsed without a shell, bounded in time and output, its output kept."""

import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from loadtests.comparison.job import Variant
from slo.documents import BadInput
from slo.formatting import clean, clip
from slo.outcomes import EnvironmentLacks

VARIABLE = "PEAKPROOF_VARIANT"
RELEASE_VARIABLE = "PEAKPROOF_RELEASE"
PLACE = "{variant}"
MAX_OUTPUT_BYTES = 8 << 20
_GRACE_S = 2.0
_POLL_S = 0.05
_LINES_SHOWN = 5
_WIDTH = 200
# What runs the command's words once it is told to on its standard input, and never when that is closed before.
_GATE = ("/bin/sh", "-c", 'read -r told && exec "$@" < /dev/null', "sh")


class SwitchFailed(EnvironmentLacks):
    """A release could not be put up; the message says why and where the command's output is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchCommand:
    """A command and where it runs; `words` may hold `{variant}`, and the variable PEAKPROOF_VARIANT is `a` or `b`.

    Each call's output is a file of its own in `logs`. `release_a` is what PEAKPROOF_RELEASE says for `a`, where a
    baseline is put up again: its image digest, or the name that its probe answered.
    """

    words: tuple[str, ...]
    folder: Path
    logs: Path
    timeout_s: float
    environment: Mapping[str, str] = field(repr=False)
    release_a: str | None = None

    def variables_for(self, variant: Variant) -> dict[str, str]:
        """Return the variables that say which release is put up."""
        release = self.release_a if variant == "a" else None
        return {VARIABLE: variant, **({} if release is None else {RELEASE_VARIABLE: release})}

    def words_for(self, variant: Variant) -> tuple[str, ...]:
        """Return the words that put `variant` up."""
        return tuple(word.replace(PLACE, variant) for word in self.words)

    def by_hand(self, variant: Variant) -> str:
        """Return the line that a person types to put `variant` up."""
        told = " ".join(f"{name}={shlex.quote(value)}" for name, value in self.variables_for(variant).items())
        return f"cd {shlex.quote(str(self.folder))} && {told} {shlex.join(self.words_for(variant))}"

    def run(self, variant: Variant, started: Callable[[int], None] = lambda _process: None) -> float:
        """Put `variant` up; return the seconds it took. `started` is given the command's process before it begins.

        Whoever is told of it can end it from its first instruction on; if we are killed before, it never begins.
        Raises SwitchFailed when it isn't found, fails, or takes or writes too much; however it ends, also by a signal
        to us, nothing of a command that was cut short is left running.
        """
        self.logs.mkdir(parents=True, exist_ok=True)
        log = self.logs / f"{len(list(self.logs.glob('*.log'))) + 1:02d}-{variant}.log"
        began = time.monotonic()
        with log.open("wb") as output:
            try:
                process = subprocess.Popen(
                    (*_GATE, *self.words_for(variant)),
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=self.folder,
                    env={**self.environment, **self.variables_for(variant)},
                    start_new_session=True,
                )
            except OSError as error:
                raise SwitchFailed(f"the switch command {self.words[0]} can't be run: {error.strerror}") from error
        try:
            started(process.pid)
            _open_gate(process)
            code = self._wait(process, log, began)
        except BaseException:
            end_session(process.pid, lambda: process.poll() is not None)
            process.wait()
            raise
        if code != 0:
            ended = f"ended with {code}" if code > 0 else f"was ended by signal {-code}"
            raise SwitchFailed(f"the switch command {ended} on putting {variant.upper()} up{_tail(log)}")
        return time.monotonic() - began

    def _wait(self, process: subprocess.Popen[bytes], log: Path, began: float) -> int:
        while (code := process.poll()) is None:
            if time.monotonic() - began > self.timeout_s:
                raise SwitchFailed(
                    f"the switch command wasn't done after {self.timeout_s:g} s (--switch-timeout) and was ended"
                    f"{_tail(log)}"
                )
            if log.stat().st_size > MAX_OUTPUT_BYTES:
                raise SwitchFailed(
                    f"the switch command wrote more than {MAX_OUTPUT_BYTES >> 20} MB and was ended{_tail(log)}"
                )
            time.sleep(_POLL_S)
        return code


def _open_gate(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        with suppress(BrokenPipeError), process.stdin as gate:
            gate.write(b"\n")


def parse_words(text: str, environment: Mapping[str, str], folder: Path) -> tuple[str, ...]:
    """Return the words of a command as a shell would split them; raises BadInput when it can't be run at all."""
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise BadInput(f"--switch {text!r}: {str(error).lower()}; quote it as for a shell") from error
    if not words:
        raise BadInput("--switch: expected a command that puts a release up, found none")
    if not text.isprintable():
        raise BadInput(f"--switch {text!r}: holds a control character")
    path = environment.get("PATH", os.defpath)
    program = words[0] if os.sep not in words[0] else str(folder / words[0])
    if PLACE not in program and shutil.which(program, path=path) is None:
        raise BadInput(f"--switch: {words[0]} isn't a program that can be run, neither in PATH nor as a path from here")
    return words


def end_session(leader: int, is_over: Callable[[], bool] = lambda: False) -> None:
    """End a command and what it started in its session: SIGTERM, and SIGKILL for what is left after a while."""
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGTERM)
        deadline = time.monotonic() + _GRACE_S
        while not is_over() and time.monotonic() < deadline:
            os.killpg(leader, 0)
            time.sleep(_POLL_S)
        os.killpg(leader, signal.SIGKILL)


def _tail(log: Path) -> str:
    """Return where the output is, and its last lines."""
    lines = _last_lines(log)
    shown = "".join(f"\n  {clip(clean(line), _WIDTH)}" for line in lines)
    return f"; its output, {log}, ends with:{shown}" if lines else f"; it wrote nothing ({log})"


def _last_lines(log: Path) -> Sequence[str]:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4096))
        text = file.read().decode(errors="replace")
    return [line for line in text.splitlines() if line.strip()][-_LINES_SHOWN:]
