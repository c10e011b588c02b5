"""The part `releases` of exporters.yaml: where deployments, commits, failures and gates are known from."""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from exporters.sources.durations import Seconds
from loadtests.environment.target_fields import BaseAddress, File, HeaderValue
from slo.documents import Document

Place = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/ -]{0,99}$")]


def _encrypted(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise ValueError("must begin with https://: a token is sent there")
    return address


ApiAddress = Annotated[BaseAddress, AfterValidator(_encrypted)]


class Git(Document):
    """A clone or a bare mirror that something else keeps up to date, and the pattern of its release tags.

    Where `deployments: tags`, each such tag is a deployment to `tags_deployed_to`.
    """

    repository: File
    tags: str = Field(default="v*", pattern=r"^[A-Za-z0-9._*?/\[\]-]{1,100}$")
    tags_deployed_to: Place | None = None


class GitHub(Document):
    """A repository on GitHub, or on an Enterprise Server: then `api` is https://HOST/api/v3."""

    repository: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}$")]
    token: HeaderValue
    api: ApiAddress = "https://api.github.com"


class GitLab(Document):
    """A project on a GitLab, by its number or its path."""

    project: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$", max_length=255)]
    token: HeaderValue
    url: ApiAddress = "https://gitlab.com"


class Events(Document):
    """A file of events, format peakproof/release-event/v1, one a line."""

    file: File


class Gates(Document):
    """The verdicts in the folder of runs; `plans` names the plans whose verdict is a gate, all where it is empty."""

    plans: tuple[str, ...] = Field(default=(), max_length=100)


class ReleasesConfig(Document):
    """The releases of one shop: `deployments` names the one source that says what was deployed when."""

    deployments: Literal["github", "gitlab", "events", "tags"]
    deployed_to: tuple[Place, ...] = Field(default=("production",), min_length=1, max_length=10)
    window: Seconds = Field(default="30d", validate_default=True)
    change_failure_objective: float | None = Field(default=None, gt=0, le=0.9)
    git: Git | None = None
    github: GitHub | None = None
    gitlab: GitLab | None = None
    events: Events | None = None
    gates: Gates | None = None

    @model_validator(mode="after")
    def _its_source_is_there(self) -> Self:
        source = "git" if self.deployments == "tags" else self.deployments
        if getattr(self, source) is None:
            raise ValueError(f"deployments come from {self.deployments}, so {source} is required")
        if self.deployments == "tags" and (self.git is None or self.git.tags_deployed_to not in self.deployed_to):
            raise ValueError("deployments come from tags, so git.tags_deployed_to must be one of deployed_to")
        unused = [name for name in ("github", "gitlab") if name != source and getattr(self, name) is not None]
        if unused:
            raise ValueError(f"deployments come from {self.deployments}, so {unused[0]} is asked for nothing")
        if self.change_failure_objective is not None and self.events is None:
            raise ValueError("change_failure_objective needs events: they say which releases failed")
        if len(set(self.deployed_to)) != len(self.deployed_to):
            raise ValueError("deployed_to names a place twice")
        return self
