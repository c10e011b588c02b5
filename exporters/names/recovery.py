"""Recovery: backups against RPO, restore drills against RTO, replication and WAL archive, by system."""

from exporters.names.family import Family

SYSTEM, CATALOGUE, STATE, STANDBY = "system", "catalogue", "state", "standby"
_SYSTEMS = "the systems that the configuration names"
_CATALOGUES = "the catalogues that the configuration names"
_STANDBYS = "the standbys that the configuration names"


def _family(name: str, text: str, *labels: str, bounded_by: str = _SYSTEMS) -> Family:
    return Family(name=name, kind="gauge", help=text, labels=(SYSTEM, *labels), bounded_by=bounded_by)


RPO = _family("recovery_rpo_objective_seconds", "How much time's data may be lost: the recovery point objective.")
RTO = _family("recovery_rto_objective_seconds", "How long a restore may take: the recovery time objective.")
BACKUP_INTERVAL = _family("recovery_backup_interval_objective_seconds", "How often a backup is to be made.")
BACKUP_AGE = _family("recovery_backup_age_objective_seconds", "How old the last good backup may be.")
DRILL_INTERVAL = _family(
    "recovery_restore_drill_interval_objective_seconds",
    "How long ago the last restore drill that proved anything may be.",
)
LAST_GOOD_BACKUP = _family(
    "recovery_last_good_backup_timestamp_seconds",
    "The moment whose data the newest good backup holds, of all catalogues; absent when one can't be read.",
)
GOOD_BACKUPS = _family(
    "recovery_good_backups", "How many good backups there are in all catalogues; absent when one can't be read."
)
BACKUPS = _family(
    "recovery_backups",
    "Backups by what is known of them: good, bad, ahead (dated in the future), in_progress, unchecked.",
    CATALOGUE,
    STATE,
    bounded_by=_CATALOGUES + ", and five states",
)
CATALOGUE_LAST_GOOD = _family(
    "recovery_catalogue_last_good_backup_timestamp_seconds",
    "The moment whose data the newest good backup of a catalogue holds.",
    CATALOGUE,
    bounded_by=_CATALOGUES,
)
NEWEST_GOOD = _family(
    "recovery_newest_backup_good",
    "1 when the newest backup that has ended is good, 0 when it isn't.",
    CATALOGUE,
    bounded_by=_CATALOGUES,
)
BACKUP_SIZE = _family(
    "recovery_backup_size_bytes", "The size of the newest good backup.", CATALOGUE, bounded_by=_CATALOGUES
)
USUAL_SIZE = _family(
    "recovery_backup_usual_size_bytes",
    "The median size of up to seven good backups before the newest; absent with fewer than three.",
    CATALOGUE,
    bounded_by=_CATALOGUES,
)
LISTED = _family(
    "recovery_catalogue_listed_timestamp_seconds",
    "When the file that lists a catalogue was written.",
    CATALOGUE,
    bounded_by=_CATALOGUES,
)
DRILLS = _family("recovery_restore_drills", "How many restore drills are on record; 0 also where no records are kept.")
DRILL_TIME = _family("recovery_restore_drill_timestamp_seconds", "When the last restore drill ended, however it ended.")
DRILL_PROVED = _family(
    "recovery_restore_drill_proved_timestamp_seconds",
    "When the last restore drill ended that restored and compared rows of which none differed.",
)
DRILL_RESTORED = _family("recovery_restore_drill_restored", "1 when the last restore drill restored, 0 when it failed.")
DRILL_SECONDS = _family(
    "recovery_restore_drill_duration_seconds", "How long the last restore drill took that restored."
)
DRILL_ROWS = _family("recovery_restore_drill_compared_rows", "Rows that the last restore drill compared.")
DRILL_DIFFERED = _family("recovery_restore_drill_differing_rows", "Rows that differed in the last restore drill.")
STREAMING = _family(
    "recovery_replication_streaming",
    "1 when a standby is connected and receives WAL, 0 when it isn't.",
    STANDBY,
    bounded_by=_STANDBYS,
)
LAG = _family(
    "recovery_replication_lag_seconds",
    "How far a standby is behind; 0 when it has replayed all there is, absent when it isn't known.",
    STANDBY,
    bounded_by=_STANDBYS,
)
REPLAYED = _family(
    "recovery_replication_replayed_timestamp_seconds",
    "When the last transaction that a standby replayed was committed.",
    STANDBY,
    bounded_by=_STANDBYS,
)
WAL_ARCHIVED = _family("recovery_wal_archived_timestamp_seconds", "When a WAL segment was last archived.")
WAL_FAILING = _family(
    "recovery_wal_archive_failing", "1 when archiving has failed since a segment was last archived, 0 when it hasn't."
)
