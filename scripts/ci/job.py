"""The job that a host runs this in, by the host's own variables: what started it, for which change, whom to tell.

Variables: GitHub https://docs.github.com/actions/reference/workflows-and-actions/variables, GitLab
https://docs.gitlab.com/ci/variables/predefined_variables, Jenkins its global variables and those of branch sources.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from loadtests.environment.credentials import Secret
from slo.documents import BadInput, read_text

Host = Literal["github", "gitlab", "jenkins"]
HOSTS: tuple[Host, ...] = ("github", "gitlab", "jenkins")
TOKENS = ("GITHUB_TOKEN", "PEAKPROOF_GITLAB_TOKEN")
"""The variables that hold what may write to the host: nothing that is played gets them."""
_MAX_EVENT = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """`started_by` is in words; `change` the number of the pull or merge request, None for anything else.

    `project` is what the API calls the repository; `sha` the commit that people see, not a merge made for the test.
    """

    host: Host
    started_by: str
    change: str | None = None
    is_fork: bool = False
    project: str = ""
    sha: str = ""
    api: str = ""
    page: str = ""
    repository: Path
    token: Secret | None = field(default=None, repr=False)


def read_job(host: Host, variables: Mapping[str, str], folder: Path) -> Job:
    """Read the job of `host`; raises BadInput for an event that can't be read."""
    return {"github": _github, "gitlab": _gitlab, "jenkins": _jenkins}[host](variables, folder)


def _token(variables: Mapping[str, str], name: str) -> Secret | None:
    return Secret(variables[name], name) if variables.get(name) else None


def _github(variables: Mapping[str, str], folder: Path) -> Job:
    event = _event(variables.get("GITHUB_EVENT_PATH"))
    pull = event.get("pull_request")
    name, ref = variables.get("GITHUB_EVENT_NAME", ""), variables.get("GITHUB_REF_NAME", "")
    is_tag = variables.get("GITHUB_REF_TYPE") == "tag"
    started_by = f"tag {ref}" if is_tag else f"{name or 'an unknown event'} on {ref or 'no branch'}"
    server, project = variables.get("GITHUB_SERVER_URL", ""), variables.get("GITHUB_REPOSITORY", "")
    head: Mapping[str, Any] = pull.get("head") or {} if isinstance(pull, dict) else {}
    return Job(
        host="github",
        started_by="a pull request" if isinstance(pull, dict) else started_by,
        change=str(pull.get("number")) if isinstance(pull, dict) else None,
        is_fork=isinstance(pull, dict) and (head.get("repo") or {}).get("full_name") != project,
        project=project,
        sha=str(head.get("sha") or variables.get("GITHUB_SHA", "")),
        api=variables.get("GITHUB_API_URL", ""),
        page=f"{server}/{project}/actions/runs/{variables['GITHUB_RUN_ID']}" if variables.get("GITHUB_RUN_ID") else "",
        repository=Path(variables.get("GITHUB_WORKSPACE") or folder),
        token=_token(variables, TOKENS[0]),
    )


def _event(path: str | None) -> Mapping[str, Any]:
    if not path:
        return {}
    try:
        event = json.loads(read_text(Path(path), _MAX_EVENT))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"GITHUB_EVENT_PATH: {path}: not the event's JSON: {error}") from error
    if not isinstance(event, dict):
        raise BadInput(f"GITHUB_EVENT_PATH: {path}: expected a mapping at the top, found {type(event).__name__}")
    return event


def _gitlab(variables: Mapping[str, str], folder: Path) -> Job:
    change, tag = variables.get("CI_MERGE_REQUEST_IID"), variables.get("CI_COMMIT_TAG")
    target = variables.get("CI_MERGE_REQUEST_PROJECT_ID", "")
    branch = variables.get("CI_COMMIT_BRANCH", "no branch")
    started_by = f"tag {tag}" if tag else f"{variables.get('CI_PIPELINE_SOURCE', 'an unknown event')} on {branch}"
    return Job(
        host="gitlab",
        started_by="a merge request" if change else started_by,
        change=change or None,
        is_fork=bool(change) and variables.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", target) != target,
        project=target or variables.get("CI_PROJECT_ID", ""),
        sha=variables.get("CI_COMMIT_SHA", ""),
        api=variables.get("CI_API_V4_URL", ""),
        page=variables.get("CI_JOB_URL", ""),
        repository=Path(variables.get("CI_PROJECT_DIR") or folder),
        token=_token(variables, TOKENS[1]),
    )


def _jenkins(variables: Mapping[str, str], folder: Path) -> Job:
    change, tag = variables.get("CHANGE_ID"), variables.get("TAG_NAME")
    branch = variables.get("BRANCH_NAME", "no branch")
    return Job(
        host="jenkins",
        started_by="a pull request" if change else f"tag {tag}" if tag else f"a build of {branch}",
        change=change or None,
        is_fork=bool(variables.get("CHANGE_FORK")),
        page=variables.get("BUILD_URL", ""),
        repository=Path(variables.get("WORKSPACE") or folder),
    )
