"""The backups of a pgBackRest stanza: `pgbackrest info --output=json`, whose format is kept stable.

A backup counts from its stop: what is restored is the state at its end, for which the WAL up to then is needed. One is
bad whose pages failed their checksums, or those of one on which it rests, if one of these isn't listed, or if its WAL
isn't in the archive. Names of WAL segments are in order, those of a later timeline behind all of an earlier one.
https://pgbackrest.org/command.html#command-info
"""

from collections.abc import Mapping, Sequence

from pydantic import Field, TypeAdapter, ValidationError

from exporters.serving.source import Answer, Count, Unreadable
from exporters.subjects.recovery.config import Pgbackrest
from exporters.subjects.recovery.listing import Listing
from exporters.subjects.recovery.values import SKEW_S, Backup, BackupCatalogue, State

MAX_BACKUPS = 10_000
OK, NO_VALID_BACKUPS, DIFFERENT_ACROSS_REPOSITORIES = 0, 2, 4
_READABLE = (OK, NO_VALID_BACKUPS, DIFFERENT_ACROSS_REPOSITORIES)
_Segment = str | None


class _Status(Answer):
    code: int
    message: str = ""


class _Database(Answer):
    id: int
    repo_key: int = Field(default=1, alias="repo-key")


class _Archive(Answer):
    database: _Database
    max: _Segment = None


class _Needed(Answer):
    start: _Segment = None
    stop: _Segment = None


class _Times(Answer):
    start: Count
    stop: Count


class _Info(Answer):
    size: Count | None = None


class _Backup(Answer):
    label: str = Field(min_length=1, max_length=100)
    archive: _Needed
    database: _Database
    timestamp: _Times
    error: bool | None = None
    prior: str | None = None
    info: _Info = _Info()


class _Repository(Answer):
    key: int
    status: _Status


class _Stanza(Answer):
    name: str
    status: _Status
    archive: tuple[_Archive, ...] = Field(default=(), strict=False)
    backup: tuple[_Backup, ...] = Field(default=(), strict=False, max_length=MAX_BACKUPS)
    repo: tuple[_Repository, ...] = Field(default=(), strict=False)


_STANZAS = TypeAdapter(list[_Stanza])


def catalogue_of(listing: Listing, config: Pgbackrest, now_s: float) -> BackupCatalogue:
    """Return the stanza's backups; raises Unreadable for another format, and where pgBackRest can't vouch for them."""
    stanza = _stanza(listing, config.stanza)
    if stanza.status.code not in _READABLE:
        status = f"status {stanza.status.code}, {_one_line(stanza.status.message)}"
        raise Unreadable(f"{listing.shown}: stanza {config.stanza} has {status}")
    sound = {one.key for one in stanza.repo if one.status.code == OK} if stanza.repo else None
    listed = {(one.database.repo_key, one.label): one for one in stanza.backup}
    archived = _archived(stanza.archive)
    return BackupCatalogue(
        backups=tuple(
            _backup(one, _why_bad(one, sound, listed, archived), now_s) for one in _each_once(stanza.backup, listing)
        ),
        listed_at_s=listing.written_at_s,
    )


def _stanza(listing: Listing, name: str) -> _Stanza:
    try:
        stanzas = _STANZAS.validate_python(listing.data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Unreadable(f"{listing.shown}: stanza {place}: {first['msg']}") from error
    found = [one for one in stanzas if one.name == name]
    if len(found) != 1:
        raise Unreadable(f"{listing.shown}: has {len(found)} stanzas named {name}, expected one")
    return found[0]


def _each_once(backups: Sequence[_Backup], listing: Listing) -> Sequence[_Backup]:
    if len({(one.database.repo_key, one.label) for one in backups}) != len(backups):
        raise Unreadable(f"{listing.shown}: lists a backup twice")
    return backups


def _archived(archives: Sequence[_Archive]) -> Mapping[tuple[int, int], str]:
    """Return the newest archived segment by repository and database."""
    return {(one.database.repo_key, one.database.id): one.max for one in archives if one.max}


def _why_bad(
    one: _Backup,
    sound: set[int] | None,
    listed: Mapping[tuple[int, str], _Backup],
    archived: Mapping[tuple[int, int], str],
) -> str | None:
    repository = one.database.repo_key
    if sound is not None and repository not in sound:
        return f"repository {repository} isn't ok"
    if one.error:
        return "pages failed their checksums"
    if (rests_on := _why_base_is_bad(one, listed)) is not None:
        return rests_on
    newest = archived.get((repository, one.database.id))
    if one.archive.stop is None or newest is None or newest < one.archive.stop:
        return "the WAL that it needs isn't in the archive"
    return None


def _why_base_is_bad(one: _Backup, listed: Mapping[tuple[int, str], _Backup]) -> str | None:
    """Return what is wrong with a backup on which it rests, down to the full one; their WAL it doesn't need."""
    seen = {one.label}
    while one.prior is not None:
        name, prior = _one_line(one.prior), listed.get((one.database.repo_key, one.prior))
        if prior is None or prior.label in seen:
            return f"{name}, on which it rests, isn't listed"
        if prior.error:
            return f"pages of {name}, on which it rests, failed their checksums"
        seen.add(prior.label)
        one = prior
    return None


def _backup(one: _Backup, why: str | None, now_s: float) -> Backup:
    at_s = float(one.timestamp.stop)
    state = State.GOOD if why is None else State.BAD
    if at_s > now_s + SKEW_S:
        state, why = State.AHEAD, f"its time lies {round(at_s - now_s)} s ahead"
    return Backup(name=one.label, at_s=at_s, state=state, size_bytes=one.info.size, why=why)


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)[:100]
