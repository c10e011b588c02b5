"""The part `recovery` of exporters.yaml: systems with their RPO and RTO, and where their backups are known from."""

from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from exporters.sources.durations import Seconds, shown
from loadtests.environment.target_fields import File, HeaderValue, Label, Variable
from slo.documents import Document

MAX_SYSTEMS, MAX_SOURCES = 50, 20
A_QUARTER = "92d"
Argument = Annotated[str, Field(min_length=1, max_length=1000)]
StandbyName = Annotated[str, Field(min_length=1, max_length=63)]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError) as error:
        raise ValueError("expected a time zone such as UTC or Europe/Amsterdam") from error
    return name


class PgDumpFolder(Document):
    """A folder of what pg_dump wrote. `zone` is where it ran: the header's time has none.

    A dump that isn't whole counts as in progress until nothing has been written to it for `in_progress_for`.
    """

    folder: File
    pattern: str = Field(default="*", min_length=1, max_length=200)
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    in_progress_for: Seconds = Field(default="15m", validate_default=True)


class ListedByProgram(Document):
    """A catalogue in JSON: from a `file` that a job wrote, or from a `command` that is run at most once a minute.

    The command gets PATH, HOME and what `environment` holds, nothing else.
    """

    file: File | None = None
    command: tuple[Argument, ...] | None = Field(default=None, min_length=1, max_length=50)
    environment: dict[Variable, HeaderValue] = Field(default_factory=dict, max_length=50)

    @model_validator(mode="after")
    def _file_or_command(self) -> Self:
        if (self.file is None) == (self.command is None):
            raise ValueError("needs one of file and command")
        if self.environment and self.command is None:
            raise ValueError("environment is for a command")
        return self


class Restic(ListedByProgram):
    """The output of `restic snapshots --json`, and which of its snapshots are the system's."""

    host: str | None = None
    tag: str | None = None
    path: str | None = None


class Pgbackrest(ListedByProgram):
    """The output of `pgbackrest info --output=json`, and which stanza is the system's."""

    stanza: str = Field(min_length=1, max_length=200)


class Catalogue(Document):
    """Where backups are listed: exactly one kind."""

    pg_dump: PgDumpFolder | None = None
    restic: Restic | None = None
    pgbackrest: Pgbackrest | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if sum(kind is not None for kind in (self.pg_dump, self.restic, self.pgbackrest)) != 1:
            raise ValueError("needs one of pg_dump, restic and pgbackrest")
        return self


class Drills(Document):
    """The records of restore drills, format peakproof/restore-drill/v1, one a line."""

    file: File


class Replication(Document):
    """A standby of PostgreSQL, asked itself; or a primary, asked for its `standbys` by their application_name."""

    standby: HeaderValue | None = None
    primary: HeaderValue | None = None
    standbys: tuple[StandbyName, ...] = Field(default=(), max_length=20)

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if (self.standby is None) == (self.primary is None):
            raise ValueError("needs one of standby and primary: the URL of a PostgreSQL")
        if (self.primary is not None) != bool(self.standbys):
            raise ValueError("standbys are the application names to expect at a primary")
        if len(set(self.standbys)) != len(self.standbys):
            raise ValueError("names a standby twice")
        return self


class WalArchive(Document):
    """The primary whose pg_stat_archiver says when WAL was last archived."""

    primary: HeaderValue


class System(Document):
    """What may be lost (`rpo`), how long restoring may take (`rto`), and how often it is saved and tried."""

    rpo: Seconds
    rto: Seconds
    backups_every: Seconds
    backups_within: Seconds | None = None
    drills_every: Seconds = Field(default=A_QUARTER, validate_default=True)
    backups: dict[Label, Catalogue] = Field(min_length=1, max_length=MAX_SOURCES)
    drills: Drills | None = None
    replication: dict[Label, Replication] = Field(default_factory=dict, max_length=MAX_SOURCES)
    wal_archive: WalArchive | None = None

    @property
    def backup_age_s(self) -> int:
        """How old the last good backup may be."""
        return self.rpo if self.backups_within is None else self.backups_within

    @model_validator(mode="after")
    def _can_be_kept(self) -> Self:
        if self.backup_age_s > self.rpo and self.wal_archive is None:
            raise ValueError(
                f"backups_within is {shown(self.backup_age_s)}, longer than the RPO of {shown(self.rpo)}: without a"
                " wal_archive, all since the last backup would be lost"
            )
        if self.backups_every >= self.backup_age_s:
            raise ValueError(
                f"a backup every {shown(self.backups_every)} can't be kept within {shown(self.backup_age_s)}: the last"
                " one is older than that before the next is whole"
            )
        return self


class RecoveryConfig(Document):
    """The systems whose data must not be lost."""

    systems: dict[Label, System] = Field(min_length=1, max_length=MAX_SYSTEMS)
