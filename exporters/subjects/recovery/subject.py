"""The subject `recovery`: every catalogue, drill record and database of every system is a source of its own."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from prometheus_client.metrics_core import Metric

from exporters.context import ExporterContext
from exporters.serving.scrape import Read, Subject
from exporters.serving.source import Deadline
from exporters.subjects.recovery import pgbackrest, restic
from exporters.subjects.recovery.config import Catalogue, PgDumpFolder, RecoveryConfig, System
from exporters.subjects.recovery.drill_records import read_drills
from exporters.subjects.recovery.dump_folder import DumpFolder
from exporters.subjects.recovery.families import Sources, families, system_read
from exporters.subjects.recovery.listing import Listing, listing
from exporters.subjects.recovery.replication import replication, wal_archive
from exporters.subjects.recovery.values import BackupCatalogue, Drills, Value

NAME = "recovery"
_NS_PER_S = 1e9
FolderKey = tuple[Path, PgDumpFolder]


def sources_of(name: str, system: System) -> Sources:
    """Return what a system's sources are called: `shop-database/backups/nightly`."""
    return Sources(
        catalogues={one: f"{name}/backups/{one}" for one in system.backups},
        replication=tuple(f"{name}/replication/{one}" for one in system.replication),
        drills=None if system.drills is None else f"{name}/drills",
        wal_archive=None if system.wal_archive is None else f"{name}/wal-archive",
    )


def source_names(config: RecoveryConfig) -> tuple[str, ...]:
    """Return the names of all sources, as in the label `source`."""
    return tuple(one for name, system in config.systems.items() for one in _names(sources_of(name, system)))


def subject(config: RecoveryConfig, context: ExporterContext) -> Subject[Value]:
    """Return the subject; raises BadInput when a secret isn't there."""
    sources = {name: sources_of(name, system) for name, system in config.systems.items()}
    folders = {key: _folder(key, context) for key in _folders(config, context)}

    def close() -> None:
        for key, folder in folders.items():
            if context.kept.get(NAME, {}).get(key) is not folder:
                folder.stop()

    def of(values: Mapping[str, Value]) -> Iterable[Metric]:
        return families(system_read(name, one, sources[name], values) for name, one in config.systems.items())

    reads = dict(
        one for name, system in config.systems.items() for one in _reads(system, sources[name], context, folders)
    )
    context.kept[NAME] = folders
    return Subject(name=NAME, about="backups, restore drills, replication", sources=reads, families=of, close=close)


def _folders(config: RecoveryConfig, context: ExporterContext) -> Iterator[FolderKey]:
    for system in config.systems.values():
        for catalogue in system.backups.values():
            if catalogue.pg_dump is not None:
                yield context.path(catalogue.pg_dump.folder), catalogue.pg_dump


def _folder(key: FolderKey, context: ExporterContext) -> DumpFolder:
    """Return the folder as it was before the configuration was read again: its dumps needn't be read once more."""
    kept: dict[FolderKey, DumpFolder] = context.kept.get(NAME, {})
    path, config = key
    return kept[key] if key in kept else DumpFolder(config, path, context.now)


def _names(sources: Sources) -> Iterator[str]:
    yield from sources.catalogues.values()
    yield from (one for one in (sources.drills, sources.wal_archive) if one is not None)
    yield from sources.replication


def _reads(
    system: System, sources: Sources, context: ExporterContext, folders: Mapping[FolderKey, DumpFolder]
) -> Iterator[tuple[str, Read[Value]]]:
    for name, catalogue in system.backups.items():
        if catalogue.pg_dump is not None:
            folder = folders[context.path(catalogue.pg_dump.folder), catalogue.pg_dump]
            yield sources.catalogues[name], folder.read
        else:
            yield sources.catalogues[name], _catalogue(catalogue, context, sources.catalogues[name])
    if system.drills is not None and sources.drills is not None:
        yield sources.drills, _drills(system.drills.file, sources.drills.partition("/")[0], context)
    if system.wal_archive is not None and sources.wal_archive is not None:
        yield sources.wal_archive, wal_archive(system.wal_archive, context, sources.wal_archive)
    for source, (name, one) in zip(sources.replication, system.replication.items(), strict=True):
        yield source, replication(name, one, context, source)


def _drills(file: str, system: str, context: ExporterContext) -> Callable[[Deadline], Drills]:
    return lambda _: read_drills(context.path(file), system, context.now() / _NS_PER_S)


def _catalogue(catalogue: Catalogue, context: ExporterContext, place: str) -> Callable[[Deadline], BackupCatalogue]:
    if catalogue.restic is not None:
        of_restic = catalogue.restic
        return _listed(
            listing(of_restic, context, place), lambda one, at: restic.catalogue_of(one, of_restic, at), context
        )
    assert catalogue.pgbackrest is not None  # noqa: S101 - the configuration has one of them
    of_stanza = catalogue.pgbackrest
    return _listed(
        listing(of_stanza, context, place), lambda one, at: pgbackrest.catalogue_of(one, of_stanza, at), context
    )


def _listed(
    read: Callable[[Deadline], Listing],
    catalogue_of: Callable[[Listing, float], BackupCatalogue],
    context: ExporterContext,
) -> Callable[[Deadline], BackupCatalogue]:
    return lambda deadline: catalogue_of(read(deadline), context.now() / _NS_PER_S)
