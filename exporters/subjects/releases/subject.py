"""The subject `releases`: git, one source of deployments, events and gates, each read on its own."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client.metrics_core import Metric

from exporters.context import ExporterContext
from exporters.serving.at_most_every import AtMostEvery
from exporters.serving.scrape import Read, Subject
from exporters.serving.source import Deadline
from exporters.subjects.releases.config import ReleasesConfig
from exporters.subjects.releases.families import ReleasesRead, families
from exporters.subjects.releases.gates import read_gates
from exporters.subjects.releases.git import history, of_tags
from exporters.subjects.releases.github import GitHubDeployments
from exporters.subjects.releases.gitlab import GitLabDeployments
from exporters.subjects.releases.release_events import read_events
from exporters.subjects.releases.values import Deployment, Deployments, Events, Gates, History, Value

_LOG = logging.getLogger(__name__)
NAME = "releases"
GIT, GITHUB, GITLAB, EVENTS, GATES = "git", "github", "gitlab", "events", "gates"
EVERY_S = 60.0
WINDOWS_READ = 2
"""How far back deployments are asked for, in windows: what was deployed before the window says what is new in it."""


def source_names(config: ReleasesConfig) -> tuple[str, ...]:
    """Return the names of the sources, as in the label `source`."""
    return tuple(name for name in (GIT, GITHUB, GITLAB, EVENTS, GATES) if getattr(config, name) is not None)


def subject(config: ReleasesConfig, context: ExporterContext) -> Subject[Value]:
    """Return the subject; raises BadInput when a secret isn't there."""

    def of(values: Mapping[str, Value]) -> Iterable[Metric]:
        return families(_read(values, config), config, context.now() / 1e9)

    reads = dict(_reads(config, context))
    return Subject(name=NAME, about="deployments, DORA's measures, gates", sources=reads, families=of)


def _reads(config: ReleasesConfig, context: ExporterContext) -> Iterator[tuple[str, Read[Value]]]:
    since_s = WINDOWS_READ * config.window
    if config.git is not None:
        yield GIT, AtMostEvery(EVERY_S, history(config.git, context))
    if config.github is not None:
        yield GITHUB, AtMostEvery(EVERY_S, GitHubDeployments(config.github, config.deployed_to, since_s, context).read)
    if config.gitlab is not None:
        yield GITLAB, AtMostEvery(EVERY_S, GitLabDeployments(config.gitlab, config.deployed_to, since_s, context).read)
    if config.events is not None:
        yield EVENTS, _events(config.events.file, context)
    if config.gates is not None:
        yield GATES, AtMostEvery(EVERY_S, _gates(config.gates.plans, context))


def _events(file: str, context: ExporterContext) -> Callable[[Deadline], Events]:
    return lambda _: read_events(context.path(file), context.now() / 1e9)


def _gates(plans: tuple[str, ...], context: ExporterContext) -> Callable[[Deadline], Gates]:
    said: set[str] = set()

    def read(_: Deadline) -> Gates:
        gates = read_gates(context.runs, plans, context.now() / 1e9)
        for name in gates.refused.keys() - said:
            _LOG.warning("%s (%s): counts as unreadable: %s", NAME, GATES, gates.refused[name])
        said.clear()
        said.update(gates.refused)
        return gates

    return read


def _read(values: Mapping[str, Value], config: ReleasesConfig) -> ReleasesRead:
    read = {type(value): value for value in values.values()}
    git, events, gates = read.get(History), read.get(Events), read.get(Gates)
    return ReleasesRead(
        deployments=_deployments(values, config),
        history=git if isinstance(git, History) else None,
        events=events if isinstance(events, Events) else None,
        gates=gates if isinstance(gates, Gates) else None,
    )


def _deployments(values: Mapping[str, Value], config: ReleasesConfig) -> tuple[Deployment, ...] | None:
    value = values.get(GIT if config.deployments == "tags" else config.deployments)
    if isinstance(value, History) and config.git is not None and config.git.tags_deployed_to is not None:
        return of_tags(value, config.git.tags_deployed_to).deployments
    return value.deployments if isinstance(value, Deployments | Events) else None
