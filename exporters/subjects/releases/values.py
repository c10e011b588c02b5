"""What the sources of releases say, as typed values. Times are seconds since the epoch."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_VERSION = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit: when it was committed, and its parents."""

    committed_at_s: float
    parents: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A release tag: the commit that it names, and when it was made."""

    name: str
    commit: str
    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The newest commits of a repository by their hash, and its release tags."""

    commits: Mapping[str, Commit]
    tags: tuple[Tag, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One deployment that has ended: `at_s` is when it ended, `commit` what was deployed, where that is known."""

    deployed_to: str
    version: str
    at_s: float
    succeeded: bool
    commit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployments:
    """What was deployed, in any order."""

    deployments: tuple[Deployment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A failure in service: `version` is the release that caused it, None where no release did."""

    deployed_to: str
    opened_at_s: float
    resolved_at_s: float | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """A release that was taken back."""

    deployed_to: str
    version: str
    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """What the file of events tells."""

    deployments: tuple[Deployment, ...] = ()
    incidents: tuple[Incident, ...] = ()
    rollbacks: tuple[Rollback, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One judged run of a gate's plan: its outcome in lower case, `unreadable` where its verdict can't be read."""

    version: str | None
    outcome: str
    decided_at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """The newest runs, the latest last; `refused` says by name why those count as unreadable that do."""

    gates: tuple[Gate, ...] = field(default=())
    refused: Mapping[str, str] = field(default_factory=dict)


Value = History | Deployments | Events | Gates


def version_of(ref: str, commit: str) -> str:
    """Return the version that a ref names: itself when it has a digit, as tags have, else the commit's beginning."""
    is_hash = len(ref) >= 7 and all(c in "0123456789abcdef" for c in ref)  # noqa: PLR2004 - git's shortest
    named = any(c.isdigit() for c in ref) and not is_hash
    return (ref if named else commit[:12])[:MAX_VERSION]
