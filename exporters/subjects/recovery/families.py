"""The metric families of recovery: the objectives always, and what each source that was read says."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median

from prometheus_client.metrics_core import Metric

from exporters.names import recovery as names
from exporters.names.family import Family, new_gauge
from exporters.subjects.recovery.config import System
from exporters.subjects.recovery.values import BackupCatalogue, Drills, Standby, Standbys, State, Value, WalArchived

PREDECESSORS, FEWEST_PREDECESSORS = 7, 3
Sample = tuple[tuple[str, ...], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The names of a system's sources; `catalogues` by the name of the catalogue."""

    catalogues: Mapping[str, str]
    replication: tuple[str, ...] = ()
    drills: str | None = None
    wal_archive: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemRead:
    """What was read of one system: a source that couldn't be read isn't in it."""

    name: str
    system: System
    catalogues: Mapping[str, BackupCatalogue]
    all_catalogues: bool
    standbys: tuple[Standby, ...]
    drills: Drills | None
    wal: WalArchived | None


def system_read(name: str, system: System, sources: Sources, values: Mapping[str, Value]) -> SystemRead:
    """Return what was read of a system, from the values by source."""
    read = {one: values.get(source) for one, source in sources.catalogues.items()}
    catalogues = {one: value for one, value in read.items() if isinstance(value, BackupCatalogue)}
    told = [value for source in sources.replication if isinstance(value := values.get(source), Standbys)]
    drills = Drills(drills=()) if sources.drills is None else values.get(sources.drills)
    wal = None if sources.wal_archive is None else values.get(sources.wal_archive)
    return SystemRead(
        name=name,
        system=system,
        catalogues=catalogues,
        all_catalogues=len(catalogues) == len(sources.catalogues),
        standbys=tuple(standby for one in told for standby in one.standbys),
        drills=drills if isinstance(drills, Drills) else None,
        wal=wal if isinstance(wal, WalArchived) else None,
    )


def families(systems: Iterable[SystemRead]) -> Iterator[Metric]:
    """Return the families; what isn't known has no sample."""
    read = tuple(systems)
    for family, samples in (*_BY_SYSTEM.items(), *_BY_PART.items()):
        gauge, empty = new_gauge(family), True
        for one in read:
            for labels, value in samples(one):
                if value is not None:
                    gauge.add_metric((one.name, *labels), float(value))
                    empty = False
        if not empty:
            yield gauge


def _one(value: Callable[[SystemRead], float | None]) -> Callable[[SystemRead], Iterable[Sample]]:
    return lambda read: (((), value(read)),)


def _by_catalogue(value: Callable[[BackupCatalogue], float | None]) -> Callable[[SystemRead], Iterable[Sample]]:
    return lambda read: [((name,), value(catalogue)) for name, catalogue in read.catalogues.items()]


def _by_standby(value: Callable[[Standby], float | None]) -> Callable[[SystemRead], Iterable[Sample]]:
    return lambda read: [((one.name,), value(one)) for one in read.standbys]


def _last_good(read: SystemRead) -> float | None:
    """Return the newest of all catalogues; one that can't be read may hold a newer one, so then it isn't known."""
    found = [one.good[-1].at_s for one in read.catalogues.values() if one.good]
    return max(found) if found and read.all_catalogues else None


def _good(read: SystemRead) -> float | None:
    return sum(len(one.good) for one in read.catalogues.values()) if read.all_catalogues else None


def _states(read: SystemRead) -> Iterable[Sample]:
    for name, catalogue in read.catalogues.items():
        states = [one.state for one in catalogue.backups]
        yield from (((name, state.value), states.count(state)) for state in State)


def _size(catalogue: BackupCatalogue) -> float | None:
    return catalogue.good[-1].size_bytes if catalogue.good else None


def _usual_size(catalogue: BackupCatalogue) -> float | None:
    sizes = [one.size_bytes for one in catalogue.good[:-1] if one.size_bytes is not None][-PREDECESSORS:]
    return median(sizes) if len(sizes) >= FEWEST_PREDECESSORS else None


def _last_drill(value: str) -> Callable[[SystemRead], Iterable[Sample]]:
    return _one(lambda read: getattr(read.drills.drills[-1], value) if read.drills and read.drills.drills else None)


def _proved(read: SystemRead) -> float | None:
    return max((one.ended_at_s for one in read.drills.drills if one.proved), default=None) if read.drills else None


def _restored_in(read: SystemRead) -> float | None:
    restored = [one for one in read.drills.drills if one.restored] if read.drills else []
    return restored[-1].duration_s if restored else None


_BY_SYSTEM: Mapping[Family, Callable[[SystemRead], Iterable[Sample]]] = {
    names.RPO: _one(lambda read: read.system.rpo),
    names.RTO: _one(lambda read: read.system.rto),
    names.BACKUP_INTERVAL: _one(lambda read: read.system.backups_every),
    names.BACKUP_AGE: _one(lambda read: read.system.backup_age_s),
    names.DRILL_INTERVAL: _one(lambda read: read.system.drills_every),
    names.LAST_GOOD_BACKUP: _one(_last_good),
    names.GOOD_BACKUPS: _one(_good),
    names.DRILLS: _one(lambda read: len(read.drills.drills) if read.drills else None),
    names.DRILL_TIME: _last_drill("ended_at_s"),
    names.DRILL_PROVED: _one(_proved),
    names.DRILL_RESTORED: _last_drill("restored"),
    names.DRILL_SECONDS: _one(_restored_in),
    names.DRILL_ROWS: _last_drill("rows_compared"),
    names.DRILL_DIFFERED: _last_drill("rows_differed"),
    names.WAL_ARCHIVED: _one(lambda read: read.wal.at_s if read.wal else None),
    names.WAL_FAILING: _one(lambda read: read.wal.failing if read.wal else None),
}
_BY_PART: Mapping[Family, Callable[[SystemRead], Iterable[Sample]]] = {
    names.BACKUPS: _states,
    names.CATALOGUE_LAST_GOOD: _by_catalogue(lambda one: one.good[-1].at_s if one.good else None),
    names.NEWEST_GOOD: _by_catalogue(lambda one: one.newest_is_good),
    names.BACKUP_SIZE: _by_catalogue(_size),
    names.USUAL_SIZE: _by_catalogue(_usual_size),
    names.LISTED: _by_catalogue(lambda one: one.listed_at_s),
    names.STREAMING: _by_standby(lambda one: one.streaming),
    names.LAG: _by_standby(lambda one: one.lag_s),
    names.REPLAYED: _by_standby(lambda one: one.replayed_at_s),
}
