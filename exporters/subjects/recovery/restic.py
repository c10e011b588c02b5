"""The snapshots of a restic repository as backups: `restic snapshots --json`.

restic writes a snapshot when a backup has ended, so one that is listed is whole as far as restic knows. Its time is
when the backup began. Whether the repository's data is intact `restic check` says, and whether it comes back a drill.
https://restic.readthedocs.io/en/stable/075_scripting.html
"""

from collections.abc import Iterable
from datetime import datetime

from pydantic import Field, TypeAdapter, ValidationError

from exporters.serving.source import Answer, Unreadable
from exporters.sources.times import Time
from exporters.subjects.recovery.config import Restic
from exporters.subjects.recovery.listing import Listing
from exporters.subjects.recovery.values import SKEW_S, Backup, BackupCatalogue, State

MAX_SNAPSHOTS = 100_000
_MAX_PARTS = 10_000


class _Summary(Answer):
    total_bytes_processed: int | None = Field(default=None, ge=0)


class _Snapshot(Answer):
    id: str = Field(min_length=1, max_length=128)
    time: Time
    hostname: str = ""
    paths: tuple[str, ...] = Field(default=(), strict=False, max_length=_MAX_PARTS)
    tags: tuple[str, ...] | None = Field(default=None, strict=False, max_length=_MAX_PARTS)
    summary: _Summary | None = None


_SNAPSHOTS = TypeAdapter(list[_Snapshot])


def catalogue_of(listing: Listing, config: Restic, now_s: float) -> BackupCatalogue:
    """Return the system's snapshots; raises Unreadable for what `restic snapshots --json` doesn't print."""
    ours = [one for one in _snapshots(listing) if _is_ours(one, config)]
    return BackupCatalogue(backups=tuple(_backup(one, now_s) for one in ours), listed_at_s=listing.written_at_s)


def _snapshots(listing: Listing) -> Iterable[_Snapshot]:
    data = [] if listing.data is None else listing.data  # how restic prints that there is none
    if not isinstance(data, list) or len(data) > MAX_SNAPSHOTS:
        raise Unreadable(f"{listing.shown}: expected a list of at most {MAX_SNAPSHOTS} snapshots")
    try:
        snapshots = _SNAPSHOTS.validate_python(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Unreadable(f"{listing.shown}: snapshot {place}: {first['msg']}") from error
    if len({one.id for one in snapshots}) != len(snapshots):
        raise Unreadable(f"{listing.shown}: lists a snapshot twice")
    return snapshots


def _is_ours(one: _Snapshot, config: Restic) -> bool:
    return (
        config.host in (None, one.hostname)
        and (config.tag is None or config.tag in (one.tags or ()))
        and (config.path is None or config.path in one.paths)
    )


def _backup(one: _Snapshot, now_s: float) -> Backup:
    at_s = _seconds(one.time)
    ahead = at_s > now_s + SKEW_S
    return Backup(
        name=one.id[:8],
        at_s=at_s,
        state=State.AHEAD if ahead else State.GOOD,
        size_bytes=one.summary.total_bytes_processed if one.summary else None,
        why=f"its time lies {round(at_s - now_s)} s ahead" if ahead else None,
    )


def _seconds(at: datetime) -> float:
    return at.timestamp()
