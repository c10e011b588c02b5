"""Deployments from GitHub's REST API: the list of each environment, and the statuses of each deployment.

https://docs.github.com/en/rest/deployments/deployments and /statuses, version 2022-11-28. A deployment succeeded when
one of its statuses is `success`, at the first of them: `inactive` is set later, when another one replaced it. What has
ended doesn't change, so its statuses are asked for once; the list is asked for by its ETag.
"""

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import quote

from pydantic import Field

from exporters.context import ExporterContext
from exporters.serving.source import Answer, Deadline, Unreadable
from exporters.sources.rest_api import RestApi, checked
from exporters.sources.secret import revealed
from exporters.sources.times import Time, in_the_past
from exporters.subjects.releases.config import GitHub
from exporters.subjects.releases.values import Deployment, Deployments, version_of
from loadtests.environment.credentials import masks_of

PER_PAGE, MAX_PAGES, MAX_STATUSES_A_READ = 100, 10, 200
ABANDONED_S = 86_400
"""A deployment without an end after a day is taken for one that never ended."""
_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_FAILED = ("failure", "error")


class _Listed(Answer):
    id: int
    sha: str = Field(min_length=7, max_length=64)
    ref: str = Field(min_length=1, max_length=1024)
    created_at: Time


class _Status(Answer):
    state: str
    created_at: Time


class _ListedPage(Answer):
    items: tuple[_Listed, ...] = Field(strict=False, max_length=PER_PAGE)


class _StatusPage(Answer):
    items: tuple[_Status, ...] = Field(strict=False, max_length=PER_PAGE)


class GitHubDeployments:
    """The deployments of one repository since some time before now."""

    def __init__(self, config: GitHub, deployed_to: tuple[str, ...], since_s: float, context: ExporterContext) -> None:
        token = revealed(config.token, context, "releases.github.token")
        self._api = RestApi(
            base=config.api,
            headers={**_HEADERS, "Authorization": f"Bearer {token}"},
            masks=masks_of((token,)),
            now_s=lambda: context.now() / 1e9,
        )
        self._path = f"/repos/{config.repository}/deployments"
        self._deployed_to, self._since_s = deployed_to, since_s
        self._ended: dict[int, tuple[float, bool] | None] = {}

    def read(self, deadline: Deadline) -> Deployments:
        """Return the deployments that have ended; raises Unreadable until the statuses of all have been read."""
        now_s = self._api.now_s()
        found = [(name, one) for name in self._deployed_to for one in self._listed(name, now_s, deadline)]
        listed = list({(name, one.id): (name, one) for name, one in found}.values())  # a new one shifts pages
        self._ended = {one.id: self._ended[one.id] for _, one in listed if one.id in self._ended}
        self._read_statuses([one for _, one in listed if one.id not in self._ended], now_s, deadline)
        ended = ((name, one, self._ended.get(one.id)) for name, one in listed)
        return Deployments(
            deployments=tuple(
                Deployment(
                    deployed_to=name,
                    version=version_of(one.ref, one.sha),
                    commit=one.sha,
                    at_s=end[0],
                    succeeded=end[1],
                )
                for name, one, end in ended
                if end is not None
            )
        )

    def _listed(self, environment: str, now_s: float, deadline: Deadline) -> Iterator[_Listed]:
        """Return the deployments to `environment`, the newest first, back to the first that is too old."""
        name = quote(environment, safe="")
        for page in range(1, MAX_PAGES + 1):
            path = f"{self._path}?environment={name}&per_page={PER_PAGE}&page={page}"
            answer = self._api.get(path, deadline)
            items = checked({"items": answer.data}, _ListedPage, f"{self._api.shown}{self._path}").items
            for one in items:
                if one.created_at.timestamp() < now_s - self._since_s:
                    return
                yield one
            if not answer.more:
                return
        raise Unreadable(f"{self._api.shown}: more than {PER_PAGE * MAX_PAGES} deployments to {environment}")

    def _read_statuses(self, listed: list[_Listed], now_s: float, deadline: Deadline) -> None:
        for number, one in enumerate(listed):
            if number >= MAX_STATUSES_A_READ or deadline.left_s() <= 0:
                left = len(listed) - number
                raise Unreadable(f"{self._api.shown}: the statuses of {left} deployments are left for the next read")
            path = f"{self._path}/{one.id}/statuses?per_page={PER_PAGE}"
            answer = self._api.get(path, deadline)
            place = f"{self._api.shown}{self._path}/{one.id}/statuses"
            end = _end(checked({"items": answer.data}, _StatusPage, place).items)
            if end is not None:
                in_the_past(end[0], now_s, f"{place}: created_at")
            if end is not None or one.created_at.timestamp() < now_s - ABANDONED_S:
                self._ended[one.id] = end


def _end(statuses: tuple[_Status, ...]) -> tuple[float, bool] | None:
    """Return when a deployment ended, and whether it succeeded; None while it hasn't, or isn't known."""
    succeeded = [one.created_at for one in statuses if one.state == "success"]
    if succeeded:
        return _seconds(min(succeeded)), True
    failed = [one.created_at for one in statuses if one.state in _FAILED]
    return (_seconds(max(failed)), False) if failed else None


def _seconds(at: datetime) -> float:
    return at.timestamp()
