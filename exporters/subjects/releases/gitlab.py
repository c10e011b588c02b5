"""Deployments from GitLab's REST API: those of each environment that were updated lately, in pages.

https://docs.gitlab.com/api/deployments/. A deployment ended when its job did; one that was made through the API has no
job, and ended when it was last updated.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import quote

from pydantic import Field

from exporters.context import ExporterContext
from exporters.serving.source import Answer, Deadline, Unreadable
from exporters.sources.rest_api import RestApi, checked
from exporters.sources.secret import revealed
from exporters.sources.times import Time, in_the_past
from exporters.subjects.releases.config import GitLab
from exporters.subjects.releases.values import MAX_VERSION, Deployment, Deployments, version_of
from loadtests.environment.credentials import masks_of

PER_PAGE, MAX_PAGES = 100, 10
_ENDED = {"success": True, "failed": False}


class _Job(Answer):
    finished_at: Time | None = None
    tag: bool | None = None


class _Listed(Answer):
    id: int
    sha: str = Field(min_length=7, max_length=64)
    ref: str = Field(min_length=1, max_length=1024)
    status: str
    updated_at: Time
    deployable: _Job | None = None

    @property
    def ended_at(self) -> datetime:
        return (self.deployable.finished_at if self.deployable else None) or self.updated_at

    @property
    def version(self) -> str:
        is_tag = self.deployable is not None and self.deployable.tag is True
        return self.ref[:MAX_VERSION] if is_tag else version_of(self.ref, self.sha)


class _Page(Answer):
    items: tuple[_Listed, ...] = Field(strict=False, max_length=PER_PAGE)


class GitLabDeployments:
    """The deployments of one project since some time before now."""

    def __init__(self, config: GitLab, deployed_to: tuple[str, ...], since_s: float, context: ExporterContext) -> None:
        token = revealed(config.token, context, "releases.gitlab.token")
        self._api = RestApi(
            base=config.url,
            headers={"Accept": "application/json", "PRIVATE-TOKEN": token},
            masks=masks_of((token,)),
            now_s=lambda: context.now() / 1e9,
        )
        self._path = f"/api/v4/projects/{quote(config.project, safe='')}/deployments"
        self._deployed_to, self._since_s = deployed_to, since_s

    def read(self, deadline: Deadline) -> Deployments:
        """Return the deployments that have ended; raises Unreadable."""
        now_s = self._api.now_s()
        found = [(name, one) for name in self._deployed_to for one in self._listed(name, now_s, deadline)]
        each_once = {(name, one.id): one for name, one in found}  # pages shift when one ends meanwhile
        return Deployments(
            deployments=tuple(
                Deployment(
                    deployed_to=name,
                    version=one.version,
                    commit=one.sha,
                    at_s=in_the_past(one.ended_at.timestamp(), now_s, f"{self._api.shown}: deployment {one.id}"),
                    succeeded=_ENDED[one.status],
                )
                for (name, _), one in each_once.items()
                if one.status in _ENDED
            )
        )

    def _listed(self, environment: str, now_s: float, deadline: Deadline) -> Iterator[_Listed]:
        # To the day, so that the address, and with it the ETag, stays the same for a while.
        since = datetime.fromtimestamp((now_s - self._since_s) // 86_400 * 86_400, UTC)
        query = (
            f"environment={quote(environment, safe='')}&order_by=updated_at&sort=desc"
            f"&updated_after={since:%Y-%m-%dT%H:%M:%SZ}&per_page={PER_PAGE}"
        )
        for page in range(1, MAX_PAGES + 1):
            answer = self._api.get(f"{self._path}?{query}&page={page}", deadline)
            yield from checked({"items": answer.data}, _Page, f"{self._api.shown}{self._path}").items
            if not answer.more:
                return
        raise Unreadable(f"{self._api.shown}: more than {PER_PAGE * MAX_PAGES} deployments to {environment}")
