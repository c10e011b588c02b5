"""What may not wait: backups older than the RPO, restores that nobody has tried or that failed, standbys left behind.

The objectives are metrics beside the facts, so one rule serves every system, and a changed objective needs no new rule.
"""

from exporters.alerts import health
from exporters.names import recovery as names
from exporters.names.family import Family
from exporters.subjects.recovery.config import RecoveryConfig
from exporters.subjects.recovery.families import FEWEST_PREDECESSORS
from exporters.subjects.recovery.subject import NAME, source_names
from slo.rules.alertmanager import WORRY
from slo.rules.model import Alert
from slo.rules.scope import Scope
from slo.rules.signals import Absent, Ago, Case, Course, Level, Signal

SEVERAL_SCRAPES_S = 300
UNKNOWN_S = 3600
SHRUNK_RATIO, LAG_RATIO = 0.5, 0.5
BACKUP_AGE, WAL_ARCHIVE = "backup-age", "wal-archive"
_MARGIN_S = 120
_SEVERAL = "Five minutes are several scrapes: one odd answer passes."


def alerts(config: RecoveryConfig, scope: Scope) -> tuple[Alert, ...]:
    """Return the alerts on the systems of `config`; those on what no system has are left out."""
    systems = config.systems
    made = [*_backups(config, scope), *_drills(config, scope)]
    if any(system.replication for system in systems.values()):
        made += _replication(config, scope)
    if any(system.wal_archive for system in systems.values()):
        made += _wal_archive(config, scope)
    return (*made, *health.alerts(NAME, source_names(config), scope))


def _signal(family: Family, system: str, healthy: Course, faulty: Course, *more: tuple[str, str]) -> Signal:
    return Signal(metric=family.name, labels=((names.SYSTEM, system), *more), healthy=healthy, faulty=faulty)


def _always(family: Family, system: str, value: float, *more: tuple[str, str]) -> Signal:
    return _signal(family, system, Level(value=value), Level(value=value), *more)


def _case(name: str, system: str, *signals: Signal, for_s: int = SEVERAL_SCRAPES_S) -> Case:
    """Return a case whose condition holds at once and ends at once: it fires after `for_s`."""
    return Case(
        name=f"recovery-{name}",
        signals=signals,
        fires_after_s=for_s,
        clears_after_s=0,
        fault_s=for_s + _MARGIN_S,
        labels=((names.SYSTEM, system),),
    )


def _backups(config: RecoveryConfig, scope: Scope) -> tuple[Alert, ...]:
    name, system = next(iter(config.systems.items()))
    catalogue = (names.CATALOGUE, next(iter(system.backups)))
    last, good = scope.selector(names.LAST_GOOD_BACKUP.name), scope.selector(names.GOOD_BACKUPS.name)
    limit, every = scope.selector(names.BACKUP_AGE.name), scope.selector(names.BACKUP_INTERVAL.name)
    size, usual = scope.selector(names.BACKUP_SIZE.name), scope.selector(names.USUAL_SIZE.name)
    age_s, every_s = system.backup_age_s, system.backups_every
    halfway_s = (age_s + every_s) / 2
    limits = (_always(names.BACKUP_AGE, name, age_s), _always(names.BACKUP_INTERVAL, name, every_s))
    one_good = _always(names.GOOD_BACKUPS, name, 1)
    fresh = Ago(seconds=every_s / 2)
    shrunk = _case(
        "backup-shrunk", name,
        _always(names.USUAL_SIZE, name, 1e9, catalogue),
        _signal(names.BACKUP_SIZE, name, Level(value=1e9), Level(value=0.98e9 * SHRUNK_RATIO), catalogue),
    )  # fmt: skip
    overdue = _case(
        "backup-overdue", name, *limits, one_good,
        _signal(names.LAST_GOOD_BACKUP, name, fresh, Ago(seconds=halfway_s + _margin(age_s - halfway_s))),
    )  # fmt: skip
    return (
        Alert(
            name="BackupTooOld",
            expr=f"time() - {last} > {limit} or {good} == 0",
            for_s=SEVERAL_SCRAPES_S,
            severity="page",
            summary="{{ $labels.system }} has no good backup that is young enough.",
            description="Were its data lost now, more would be gone than the RPO allows. A backup that isn't whole, "
            "or is dated in the future, doesn't count.",
            reason=f"The limit is the objective itself, {names.BACKUP_AGE.name}. {_SEVERAL}",
            runbook="backup-too-old",
            exporter=NAME,
            labels={WORRY: BACKUP_AGE},
            cases=(
                _case(
                    "backup-too-old", name, *limits, one_good,
                    _signal(names.LAST_GOOD_BACKUP, name, fresh, Ago(seconds=age_s + _MARGIN_S)),
                ),
                _case(
                    "no-good-backup", name, *limits,
                    _signal(names.GOOD_BACKUPS, name, Level(value=1), Level(value=0)),
                    _signal(names.LAST_GOOD_BACKUP, name, fresh, Absent()),
                ),
            ),
        ),
        Alert(
            name="BackupOverdue",
            expr=f"time() - {last} > ({every} + {limit}) / 2",
            for_s=SEVERAL_SCRAPES_S,
            severity="ticket",
            summary="The backup of {{ $labels.system }} is overdue.",
            description="Half the time between a missed backup and a broken RPO has passed.",
            reason="Halfway between the interval of the backups and how old one may be: a backup that is merely late "
            f"passes, and half of the slack is left to mend it. {_SEVERAL}",
            runbook="backup-overdue",
            exporter=NAME,
            labels={WORRY: BACKUP_AGE},
            cases=(overdue,),
            boundaries=(
                overdue.near("not-yet", {names.LAST_GOOD_BACKUP.name: Ago(seconds=0.98 * halfway_s)}, fires=False),
            ),
        ),
        Alert(
            name="BackupStateUnknown",
            expr=f"{limit} unless {last} unless {good}",
            for_s=unknown_s(config),
            severity="page",
            summary="Nobody knows how old the backups of {{ $labels.system }} are.",
            description="A catalogue can't be read, so a broken RPO would go unnoticed.",
            reason="An hour, or a quarter of the shortest age that a backup may have where that is less: while it "
            "isn't known, the RPO may be broken at any moment.",
            runbook="backup-state-unknown",
            exporter=NAME,
            cases=(
                _case(
                    "backup-state-unknown", name, *limits,
                    _signal(names.GOOD_BACKUPS, name, Level(value=1), Absent()),
                    _signal(names.LAST_GOOD_BACKUP, name, fresh, Absent()),
                    for_s=unknown_s(config),
                ),
            ),
        ),
        Alert(
            name="NewestBackupBad",
            expr=f"{scope.selector(names.NEWEST_GOOD.name)} == 0",
            for_s=SEVERAL_SCRAPES_S,
            severity="ticket",
            summary="The newest backup of {{ $labels.system }} in {{ $labels.catalogue }} isn't good.",
            description="It breaks off, is damaged, or is dated in the future: what made it will fail again.",
            reason=f"One bad backup is one too many, and while older ones are good the RPO stands. {_SEVERAL}",
            runbook="newest-backup-bad",
            exporter=NAME,
            cases=(
                _case(
                    "newest-backup-bad", name,
                    _signal(names.NEWEST_GOOD, name, Level(value=1), Level(value=0), catalogue),
                ),
            ),
        ),
        Alert(
            name="BackupShrunk",
            expr=f"{size} < {SHRUNK_RATIO} * {usual}",
            for_s=SEVERAL_SCRAPES_S,
            severity="ticket",
            summary="The newest backup of {{ $labels.system }} is less than half as large as those before it.",
            description="It is whole, and much of the data may not be in it: a table or a schema was left out.",
            reason=f"Half the median of at least {FEWEST_PREDECESSORS} backups before it: growth, pruning and better "
            f"compression stay above that from one backup to the next. {_SEVERAL}",
            runbook="backup-shrunk",
            exporter=NAME,
            cases=(shrunk,),
            boundaries=(
                shrunk.near("a-little", {names.BACKUP_SIZE.name: Level(value=1.1e9 * SHRUNK_RATIO)}, fires=False),
            ),
        ),
    )  # fmt: skip


def unknown_s(config: RecoveryConfig) -> int:
    """Return how long the state of the backups may be unknown."""
    return min(UNKNOWN_S, *(system.backup_age_s // 4 for system in config.systems.values()))


def _margin(slack_s: float) -> float:
    """Return how far past a limit a case goes: well past it, and well before the next one."""
    return min(_MARGIN_S, slack_s / 2)


def _drills(config: RecoveryConfig, scope: Scope) -> tuple[Alert, ...]:
    name, system = next(iter(config.systems.items()))
    proved, interval = scope.selector(names.DRILL_PROVED.name), scope.selector(names.DRILL_INTERVAL.name)
    drills, restored = scope.selector(names.DRILLS.name), scope.selector(names.DRILL_RESTORED.name)
    rows, differed = scope.selector(names.DRILL_ROWS.name), scope.selector(names.DRILL_DIFFERED.name)
    seconds, rto = scope.selector(names.DRILL_SECONDS.name), scope.selector(names.RTO.name)
    every = _always(names.DRILL_INTERVAL, name, system.drills_every)
    recent = Ago(seconds=system.drills_every / 2)
    return (
        Alert(
            name="RestoreDrillOverdue",
            expr=f"time() - {proved} > {interval} or {drills} unless {proved}",
            for_s=SEVERAL_SCRAPES_S,
            severity="ticket",
            summary="For too long nobody has shown that the backups of {{ $labels.system }} can be restored.",
            description="A backup that nobody has restored is a hope. No drill within the interval restored one, "
            "compared rows and found none that differed.",
            reason=f"The limit is the interval that the configuration names, {names.DRILL_INTERVAL.name}. {_SEVERAL}",
            runbook="restore-drill-overdue",
            exporter=NAME,
            cases=(
                _case(
                    "restore-drill-overdue", name, every, _always(names.DRILLS, name, 3),
                    _signal(names.DRILL_PROVED, name, recent, Ago(seconds=system.drills_every + _MARGIN_S)),
                ),
                _case(
                    "never-restored", name, every,
                    _signal(names.DRILLS, name, Level(value=1), Level(value=0)),
                    _signal(names.DRILL_PROVED, name, recent, Absent()),
                ),
            ),
        ),
        Alert(
            name="RestoreDrillFailed",
            expr=f"{restored} == 0 or {rows} == 0 or {differed} > 0",
            for_s=SEVERAL_SCRAPES_S,
            severity="ticket",
            summary="The last restore drill of {{ $labels.system }} didn't bring its data back.",
            description="The restore failed, rows differed, or none were compared. A real restore would do the same.",
            reason=f"A row that differs is data lost, so the limit is none. {_SEVERAL}",
            runbook="restore-drill-failed",
            exporter=NAME,
            cases=(
                _case("restore-failed", name, _signal(names.DRILL_RESTORED, name, Level(value=1), Level(value=0))),
                _case("rows-differed", name, _signal(names.DRILL_DIFFERED, name, Level(value=0), Level(value=1))),
                _case("no-row-compared", name, _signal(names.DRILL_ROWS, name, Level(value=1e5), Level(value=0))),
            ),
        ),
        Alert(
            name="RestoreTooSlow",
            expr=f"{seconds} > {rto}",
            for_s=SEVERAL_SCRAPES_S,
            severity="ticket",
            summary="Restoring {{ $labels.system }} took {{ $value | humanizeDuration }}, longer than its RTO.",
            description="After a loss the shop would be down for at least that long.",
            reason=f"The limit is the objective itself, {names.RTO.name}. {_SEVERAL}",
            runbook="restore-too-slow",
            exporter=NAME,
            cases=(
                _case(
                    "restore-too-slow", name, _always(names.RTO, name, system.rto),
                    _signal(names.DRILL_SECONDS, name, Level(value=system.rto / 2), Level(value=system.rto + 1)),
                ),
            ),
        ),
    )  # fmt: skip


def _replication(config: RecoveryConfig, scope: Scope) -> tuple[Alert, ...]:
    name, system = next((name, one) for name, one in config.systems.items() if one.replication)
    first, replication = next(iter(system.replication.items()))
    standby = (names.STANDBY, replication.standbys[0] if replication.standbys else first)
    lag, rpo = scope.selector(names.LAG.name), scope.selector(names.RPO.name)
    group = f"on ({names.SYSTEM}) group_left ()"
    objective = _always(names.RPO, name, system.rpo)
    return (
        Alert(
            name="ReplicationLagging",
            expr=f"{lag} > {group} {LAG_RATIO} * max by ({names.SYSTEM}) ({rpo})",
            for_s=SEVERAL_SCRAPES_S,
            severity="ticket",
            summary="Standby {{ $labels.standby }} of {{ $labels.system }} is {{ $value | humanizeDuration }} behind.",
            description="A failover to it now would lose that much.",
            reason="Half of what may be lost is at stake, and the other half is left to mend it. Five minutes pass "
            "over the moment in which an idle primary commits again and the lag shows the whole pause.",
            runbook="replication-lagging",
            exporter=NAME,
            cases=(
                _case(
                    "replication-lagging", name, objective,
                    _signal(names.LAG, name, Level(value=0), Level(value=LAG_RATIO * system.rpo + 1), standby),
                ),
            ),
        ),
        Alert(
            name="ReplicationStopped",
            expr=f"{scope.selector(names.STREAMING.name)} == 0",
            for_s=SEVERAL_SCRAPES_S,
            severity="ticket",
            summary="Standby {{ $labels.standby }} of {{ $labels.system }} receives nothing from its primary.",
            description="What is committed from now on is on one machine alone, and the primary keeps WAL for it.",
            reason="Five minutes are longer than a restart of either side or a switch of the network takes.",
            runbook="replication-stopped",
            exporter=NAME,
            cases=(
                _case(
                    "replication-stopped", name,
                    _signal(names.STREAMING, name, Level(value=1), Level(value=0), standby),
                ),
            ),
        ),
    )  # fmt: skip


def _wal_archive(config: RecoveryConfig, scope: Scope) -> tuple[Alert, ...]:
    name, system = next((name, one) for name, one in config.systems.items() if one.wal_archive)
    archived, rpo = scope.selector(names.WAL_ARCHIVED.name), scope.selector(names.RPO.name)
    return (
        Alert(
            name="WalArchiveTooOld",
            expr=f"time() - {archived} > {rpo} or {scope.selector(names.WAL_FAILING.name)} unless {archived}",
            for_s=SEVERAL_SCRAPES_S,
            severity="page",
            summary="No WAL of {{ $labels.system }} has been archived for longer than its RPO.",
            description="Were its data lost now, all since then would be gone.",
            reason=f"The limit is the objective itself, {names.RPO.name}. {_SEVERAL}",
            runbook="wal-archive-too-old",
            exporter=NAME,
            labels={WORRY: WAL_ARCHIVE},
            cases=(
                _case(
                    "wal-archive-too-old", name, _always(names.RPO, name, system.rpo),
                    _signal(names.WAL_ARCHIVED, name, Ago(seconds=system.rpo / 2), Ago(seconds=system.rpo + _MARGIN_S)),
                ),
                _case(
                    "wal-never-archived", name, _always(names.RPO, name, system.rpo),
                    _always(names.WAL_FAILING, name, 0),
                    _signal(names.WAL_ARCHIVED, name, Ago(seconds=system.rpo / 2), Absent()),
                ),
            ),
        ),
        Alert(
            name="WalArchiveFailing",
            expr=f"{scope.selector(names.WAL_FAILING.name)} == 1",
            for_s=SEVERAL_SCRAPES_S,
            severity="ticket",
            summary="Archiving the WAL of {{ $labels.system }} fails.",
            description="PostgreSQL tries again and keeps the WAL until it succeeds: its disk fills up.",
            reason="PostgreSQL tries again every minute: what fails for five minutes doesn't pass by itself.",
            runbook="wal-archive-failing",
            exporter=NAME,
            labels={WORRY: WAL_ARCHIVE},
            cases=(
                _case("wal-archive-failing", name, _signal(names.WAL_FAILING, name, Level(value=0), Level(value=1))),
            ),
        ),
    )  # fmt: skip
