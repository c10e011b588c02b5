"""What puts the releases of a comparison up: a command of the user's, or nothing where both have an environment."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from loadtests.comparison.job import Variant
from scripts.comparing.put_back import OVER, UP_A, UP_OTHER, Guard, put_back, told, undisturbed
from scripts.comparing.settling import Settled
from scripts.comparing.switch_command import SwitchCommand, SwitchFailed
from slo.outcomes import EnvironmentLacks

ANY = "a release"


class Settles(Protocol):
    """What waits until a release answers: `Settling.settle`."""

    def __call__(self, is_expected: Callable[[str | None], bool], expected: str) -> Settled:
        """Wait; return what answers."""


@dataclass(kw_only=True)
class Names:
    """What each release names itself, once that is known; with `same` both may be one, as where it is unknown."""

    same: bool = False
    known: dict[Variant, str | None] = field(default_factory=dict)

    def is_expected(self, variant: Variant, name: str | None) -> bool:
        """Whether a release that names itself so may be `variant`."""
        if variant in self.known:
            return name == self.known[variant]
        return self.same or name is None or name != self.known.get(_other(variant))

    def expected(self, variant: Variant) -> str:
        """Return what is waited for, in words."""
        if (name := self.known.get(variant)) is not None:
            return f"{variant.upper()}, release {name},"
        other = self.known.get(_other(variant))
        if self.same or other is None:
            return variant.upper()
        return (
            f"{variant.upper()}, a release other than {_other(variant).upper()}'s {other}"
            " (to compare a release with itself, add --same),"
        )


def _other(variant: Variant) -> Variant:
    return "b" if variant == "a" else "a"


@dataclass(kw_only=True)
class CommandSwitcher:
    """Puts releases up by a command; `up` is what is up when it begins: A, or None where A is yet to be put up.

    `settles` ends the waiting when the job must end; `settles_back` waits whatever ended the job, for a bounded time.
    """

    command: SwitchCommand
    settles: Callable[[], Settles]
    settles_back: Callable[[], Settles]
    names: Names
    guard: Guard
    note: Callable[[str], None]
    say: Callable[[str], None]
    took_s: list[float] = field(default_factory=list)
    up: Variant | None = "a"

    def put_up(self, variant: Variant) -> str | None:
        """Put a release up and wait until it answers, and alike fast; return its name. Raises SwitchFailed."""
        if self.up == variant:
            return self.names.known.get(variant)
        began = time.monotonic()
        self.say(f"putting {variant.upper()} up")
        self.up = None
        self.guard.tell(UP_OTHER)
        self.command.run(variant, self._tell_process)
        self.guard.tell(UP_OTHER)
        self._confirm(variant, self.settles)
        self.up = variant
        if variant == "a":
            self.guard.tell(UP_A)
        self.took_s.append(time.monotonic() - began)
        return self.names.known[variant]

    def begin(self) -> None:
        """Learn what is up: that is A, or put A up. Raises SwitchFailed when nothing answers."""
        if self.up is None:
            self.put_up("a")
        else:
            self._confirm("a", self.settles)

    def learn(self) -> float:
        """Put B up, and A again; return the seconds that a switch takes, the longer of both."""
        self.put_up("b")
        self.put_up("a")
        return max(self.took_s)

    def put_back(self) -> str | None:
        """Put A up, whatever is up now, undisturbed by signals; return what was done in words, None if A was up."""
        if self.up == "a":
            return None
        by_hand = self.command.by_hand("a")
        with undisturbed(self.say, by_hand):
            self.say("putting A back")
            done = put_back(self.command, lambda: self._confirm("a", self.settles_back), self._tell_process)
            self.guard.tell(UP_A if done.failed is None else OVER)
            self.up = "a" if done.failed is None else None
        return told(done, by_hand)

    def _tell_process(self, process: int) -> None:
        self.guard.tell(UP_OTHER, process)

    def _confirm(self, variant: Variant, settles: Callable[[], Settles]) -> None:
        try:
            settled = settles()(lambda name: self.names.is_expected(variant, name), self.names.expected(variant))
        except SwitchFailed:
            raise
        except EnvironmentLacks as error:
            raise SwitchFailed(str(error)) from error
        self.names.known.setdefault(variant, settled.release)
        if settled.note is not None:
            self.note(f"after a switch to {variant.upper()} {settled.note}")


@dataclass(kw_only=True)
class BothUp:
    """Both releases are up, each in an environment of its own: nothing is switched."""

    names: dict[Variant, str | None]

    def put_up(self, variant: Variant) -> str | None:
        """Return what the release names itself."""
        return self.names[variant]

    def put_back(self) -> str | None:
        """Do nothing: A is where it was."""
        return None
