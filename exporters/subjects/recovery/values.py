"""What the sources of recovery say, as typed values. Times are seconds since the epoch."""

from dataclasses import dataclass
from enum import StrEnum

SKEW_S = 300
"""How far two machines' clocks may be apart: a time that lies further ahead than this is taken for wrong."""


class State(StrEnum):
    """What is known of a backup; only a good one counts."""

    GOOD = "good"
    BAD = "bad"  # not whole, damaged, or its catalogue says so
    AHEAD = "ahead"  # its time lies in the future, so that it isn't known
    IN_PROGRESS = "in_progress"
    UNCHECKED = "unchecked"  # nobody has read it to its end yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """One backup: `at_s` is the moment whose data it holds, `why` what is wrong with one that isn't good."""

    name: str
    at_s: float
    state: State
    size_bytes: int | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupCatalogue:
    """The backups that a catalogue lists, in any order; `listed_at_s` is when a listing from a file was written."""

    backups: tuple[Backup, ...]
    listed_at_s: float | None = None

    @property
    def good(self) -> tuple[Backup, ...]:
        """The good ones, the newest last."""
        return tuple(sorted((one for one in self.backups if one.state is State.GOOD), key=lambda one: one.at_s))

    @property
    def newest_is_good(self) -> bool | None:
        """Whether the newest that has ended is good; None when there is none, or it isn't known yet."""
        ended = [one for one in self.backups if one.state is not State.IN_PROGRESS]
        newest = max(ended, key=lambda one: one.at_s, default=None)
        return None if newest is None or newest.state is State.UNCHECKED else newest.state is State.GOOD


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """One restore drill: whether the backup could be restored, and the rows that were compared and that differed."""

    ended_at_s: float
    duration_s: float
    restored: bool
    rows_compared: int
    rows_differed: int

    @property
    def proved(self) -> bool:
        """Whether it shows that the data comes back: restored, compared, and nothing differed."""
        return self.restored and self.rows_compared > 0 and self.rows_differed == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drills:
    """The drills of a system, the latest last."""

    drills: tuple[Drill, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standby:
    """One standby: `lag_s` is 0 when it has replayed all there is, None when it isn't known."""

    name: str
    streaming: bool
    lag_s: float | None
    replayed_at_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standbys:
    """The standbys that one source tells of."""

    standbys: tuple[Standby, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WalArchived:
    """When a WAL segment was last archived, None for never, and whether the archive command fails since then."""

    at_s: float | None
    failing: bool


Value = BackupCatalogue | Drills | Standbys | WalArchived
