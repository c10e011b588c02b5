"""The four DORA measures of one place that is deployed to, over a window that ends now.

They follow https://dora.dev/guides/dora-metrics-four-keys/, and say what they count:

- Deployment frequency: deployments that succeeded. One that failed changed nothing and is counted apart.
- Lead time for changes: from each commit to the end of the first deployment that holds it, the median over commits.
  Merges are no changes of their own. The committer's date counts, so a change that was squashed begins at its merge.
- Change failure rate: of the deployments that succeeded, those that a rollback or an incident names as its cause.
- Failed deployment recovery time: of those, from the first incident's opening (the deployment's end where only a
  rollback tells of it) until the last incident was resolved or the release was taken back, the median.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from exporters.sources.times import SKEW_S
from exporters.subjects.releases.values import Deployment, Events, History


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The changes that were deployed; `unknown` is the number of deployments whose commits aren't known.

    `misdated` is the number of commits that say they were made after they were deployed: they have no lead time.
    """

    lead_times_s: tuple[float, ...]
    unknown: int
    misdated: int

    @property
    def median_s(self) -> float | None:
        """The median lead time, None without changes."""
        return median(self.lead_times_s) if self.lead_times_s else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """The deployments of the window that failed in service, how long recovering took, and how many are not over.

    `unmatched` is the number of incidents and rollbacks of the window that name a release which wasn't deployed.
    """

    failed: int
    recovery_times_s: tuple[float, ...]
    unrecovered: int
    unmatched: int

    @property
    def median_s(self) -> float | None:
        """The median recovery time, None where nothing has recovered."""
        return median(self.recovery_times_s) if self.recovery_times_s else None


def named_by_tags(deployments: Iterable[Deployment], history: History | None) -> tuple[Deployment, ...]:
    """Return the deployments in order of time, each with its commit and the version that a release tag gives it."""
    if history is None:
        return tuple(sorted(deployments, key=lambda one: one.at_s))
    by_commit = {tag.commit: tag.name for tag in reversed(history.tags)}
    by_name = {tag.name: tag.commit for tag in history.tags}
    return tuple(sorted((_named(one, by_commit, by_name) for one in deployments), key=lambda one: one.at_s))


def _named(one: Deployment, by_commit: Mapping[str, str], by_name: Mapping[str, str]) -> Deployment:
    commit = by_name.get(one.version) if one.commit is None else one.commit
    known = one.version in by_name or commit is None
    return replace(one, commit=commit, version=one.version if known else by_commit.get(str(commit), one.version))


def changes(succeeded: Sequence[Deployment], history: History, since_s: float) -> Changes:
    """Return the changes that deployments since `since_s` brought; `succeeded` are all, in order of time.

    The first of all is where counting begins: what it brought isn't known.
    """
    seen: set[str] = set()
    lead_times_s: list[float] = []
    unknown = misdated = 0
    for number, one in enumerate(succeeded):
        new = None if one.commit is None else _new_commits(one.commit, history, seen)
        if one.at_s < since_s:
            continue
        if new is None or number == 0:
            unknown += 1
            continue
        leads = [max(0.0, one.at_s - at_s) for at_s in new if at_s - one.at_s <= SKEW_S]
        misdated += len(new) - len(leads)
        lead_times_s += leads
    return Changes(lead_times_s=tuple(lead_times_s), unknown=unknown, misdated=misdated)


def _new_commits(commit: str, history: History, seen: set[str]) -> list[float] | None:
    """Return when each change that `commit` holds and no earlier deployment held was committed; None when unknown."""
    if commit not in history.commits:
        return None
    waiting, found = [commit], []
    while waiting:
        name = waiting.pop()
        known = history.commits.get(name)
        if name in seen or known is None:
            continue
        seen.add(name)
        waiting += known.parents
        if len(known.parents) < 2:  # noqa: PLR2004 - a merge has two or more
            found.append(known.committed_at_s)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    """What is told of one failed deployment: `recovered_at_s` is None while an incident of it is open."""

    began_at_s: float
    recovered_at_s: float | None


def failures(succeeded: Sequence[Deployment], events: Events, deployed_to: str, since_s: float) -> Failures:
    """Return the failures of deployments to `deployed_to`; `succeeded` are all of them, in order of time."""
    told: dict[int, list[_Failure]] = {}
    unmatched = 0
    for version, at_s, failure in _told(events, deployed_to):
        number = _last_of(succeeded, version, at_s)
        if number is None:
            unmatched += at_s >= since_s
        else:
            told.setdefault(number, []).append(failure)
    recent = {number: one for number, one in told.items() if succeeded[number].at_s >= since_s}
    merged = {number: _merged(of_one, succeeded[number]) for number, of_one in recent.items()}
    over = [one.recovered_at_s - one.began_at_s for one in merged.values() if one.recovered_at_s is not None]
    return Failures(
        failed=len(merged), recovery_times_s=tuple(over), unrecovered=len(merged) - len(over), unmatched=unmatched
    )


def _told(events: Events, deployed_to: str) -> Iterable[tuple[str, float, _Failure]]:
    for incident in events.incidents:
        if incident.version is not None and incident.deployed_to == deployed_to:
            failure = _Failure(began_at_s=incident.opened_at_s, recovered_at_s=incident.resolved_at_s)
            yield incident.version, incident.opened_at_s, failure
    for rollback in events.rollbacks:
        if rollback.deployed_to == deployed_to:
            yield rollback.version, rollback.at_s, _Failure(began_at_s=float("inf"), recovered_at_s=rollback.at_s)


def _last_of(succeeded: Sequence[Deployment], version: str, at_s: float) -> int | None:
    """Return the last deployment of `version` that ended before `at_s`, give or take two clocks."""
    found = [number for number, one in enumerate(succeeded) if one.version == version and one.at_s <= at_s + SKEW_S]
    return found[-1] if found else None


def _merged(told: Sequence[_Failure], deployment: Deployment) -> _Failure:
    """Return one failure of all that is told of a deployment; a rollback alone tells of one since its deployment."""
    began_at_s = min(one.began_at_s for one in told)
    began_at_s = deployment.at_s if began_at_s == float("inf") else began_at_s
    ends = [one.recovered_at_s for one in told]
    over = [end for end in ends if end is not None]
    recovered_at_s = max(began_at_s, *over) if len(over) == len(ends) else None
    return _Failure(began_at_s=began_at_s, recovered_at_s=recovered_at_s)
