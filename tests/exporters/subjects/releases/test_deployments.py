"""GitHub's and GitLab's deployments, from servers that answer as their documentation shows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from exporters.serving.source import Unreadable
from exporters.subjects.releases.config import GitHub, GitLab
from exporters.subjects.releases.github import GitHubDeployments
from exporters.subjects.releases.gitlab import GitLabDeployments
from exporters.subjects.releases.values import Deployment
from slo.documents import BadInput, validate
from tests.exporters.sources.rest_server import Asked, Reply, RestServer, rest_server
from tests.exporters.subjects.reading import DAY, HOUR, NOW_S, context_at, within

SHA = "a84d88e7554fc1fa21bcbc4efae3c782a70d2b9d"
TOKEN = "token-0123456789"


def rfc3339(at_s: float) -> str:
    from datetime import UTC, datetime  # noqa: PLC0415 - beside its one use

    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def listed(number: int, ago_s: float, ref: str = "v1.4.0") -> dict[str, Any]:
    """Return a deployment as docs.github.com/en/rest/deployments/deployments shows one."""
    at = rfc3339(NOW_S - ago_s)
    return {
        "url": f"https://api.github.com/repos/shop/web/deployments/{number}", "id": number, "node_id": "MDEw",
        "sha": SHA, "ref": ref, "task": "deploy", "payload": {}, "environment": "production",
        "description": "Deploy request from hubot", "creator": {"login": "octocat", "id": 1}, "created_at": at,
        "updated_at": at, "statuses_url": "…", "repository_url": "…", "transient_environment": False,
        "production_environment": True,
    }  # fmt: skip


def status(state: str, ago_s: float) -> dict[str, Any]:
    """Return a status as docs.github.com/en/rest/deployments/statuses shows one."""
    at = rfc3339(NOW_S - ago_s)
    return {"id": 1, "state": state, "creator": {"login": "octocat"}, "description": "", "environment": "production",
            "target_url": "", "created_at": at, "updated_at": at, "log_url": ""}  # fmt: skip


class GitHubApi:
    """The two pages of GitHub's API, with the deployments and statuses that a test gives it."""

    def __init__(self, deployments: list[dict[str, Any]], statuses: dict[int, list[dict[str, Any]]]) -> None:
        self.deployments, self.statuses, self.per_page = deployments, statuses, 100

    def __call__(self, asked: Asked) -> Reply:
        assert asked.headers["authorization"] == f"Bearer {TOKEN}"
        assert asked.headers["x-github-api-version"] == "2022-11-28"
        if asked.path == "/repos/shop/web/deployments":
            assert asked.query["environment"] == "production"
            first = (int(asked.query["page"]) - 1) * self.per_page
            more = first + self.per_page < len(self.deployments)
            link = (
                {"Link": '<https://api.github.com/x?page=2>; rel="next", <https://api.github.com/x?page=9>; rel="last"'}
                if more
                else {}
            )
            return Reply(body=self.deployments[first : first + self.per_page], headers=link)
        number = int(asked.path.removeprefix("/repos/shop/web/deployments/").removesuffix("/statuses"))
        return Reply(body=self.statuses.get(number, []))


def of_github(server: RestServer, folder: Path) -> GitHubDeployments:
    config = validate({"repository": "shop/web", "token": {"env": "GITHUB_TOKEN"}, "api": server.url}, GitHub, "x")
    return GitHubDeployments(config, ("production",), 60 * DAY, context_at(folder, GITHUB_TOKEN=TOKEN))


def test_a_deployment_on_github_succeeded_at_its_first_success_however_it_was_replaced(tmp_path: Path) -> None:
    api = GitHubApi(
        [listed(3, HOUR), listed(2, DAY, ref="main"), listed(1, 2 * DAY)],
        {
            3: [status("in_progress", 1800), status("queued", HOUR)],
            2: [status("success", DAY - 60), status("in_progress", DAY)],
            1: [status("inactive", DAY - 61), status("success", DAY), status("success", 2 * DAY - 60)],
        },
    )
    with rest_server(api) as server:
        assert of_github(server, tmp_path).read(within()).deployments == (
            Deployment(deployed_to="production", version=SHA[:12], commit=SHA, at_s=NOW_S - DAY + 60, succeeded=True),
            Deployment(
                deployed_to="production", version="v1.4.0", commit=SHA, at_s=NOW_S - 2 * DAY + 60, succeeded=True
            ),
        )


def test_a_deployment_on_github_that_failed_did_not_succeed(tmp_path: Path) -> None:
    for state in ("failure", "error"):
        with rest_server(GitHubApi([listed(1, HOUR)], {1: [status(state, 60), status("queued", HOUR)]})) as server:
            (read,) = of_github(server, tmp_path).read(within()).deployments
        assert (read.succeeded, read.at_s) == (False, NOW_S - 60)


def test_what_has_ended_is_asked_for_once_and_what_hasn_t_again(tmp_path: Path) -> None:
    api = GitHubApi([listed(2, HOUR), listed(1, DAY)], {1: [status("success", DAY)], 2: [status("pending", HOUR)]})
    with rest_server(api) as server:
        deployments = of_github(server, tmp_path)
        assert len(deployments.read(within()).deployments) == 1
        api.statuses[2] = [status("success", 60)]
        assert len(deployments.read(within()).deployments) == 2
        deployments.read(within())
        asked = [one.path.rpartition("deployments/")[2] for one in server.asked if one.path.endswith("statuses")]
        assert asked == ["2/statuses", "1/statuses", "2/statuses"]


def test_pages_are_followed_until_a_deployment_is_too_old(tmp_path: Path) -> None:
    many = [listed(200 - number, number * DAY / 4) for number in range(200)] + [listed(0, 61 * DAY)]
    api = GitHubApi(many + [listed(-1, 99 * DAY)] * 200, {number: [status("success", 60)] for number in range(-1, 201)})
    with rest_server(api) as server:
        assert len(of_github(server, tmp_path).read(within(30)).deployments) == 200
        assert [one.query["page"] for one in server.asked if "page" in one.query] == ["1", "2", "3"]


def test_a_deployment_that_two_pages_of_github_hold_counts_once(tmp_path: Path) -> None:
    api = GitHubApi([listed(2, HOUR), listed(1, DAY), listed(1, DAY)], {n: [status("success", 60)] for n in (1, 2)})
    api.per_page = 2
    with rest_server(api) as server:
        assert len(of_github(server, tmp_path).read(within()).deployments) == 2


def test_more_statuses_than_a_read_may_ask_for_are_read_on_the_next(tmp_path: Path) -> None:
    many = [listed(number, HOUR) for number in range(1, 251)]
    api = GitHubApi(many, {number: [status("success", 60)] for number in range(1, 251)})
    with rest_server(api) as server:
        deployments = of_github(server, tmp_path)
        with pytest.raises(Unreadable, match=r": the statuses of 50 deployments are left for the next read$"):
            deployments.read(within(30))
        assert len(deployments.read(within(30)).deployments) == 250


@pytest.mark.parametrize(
    ("api", "message"),
    [
        (
            GitHubApi([{**listed(1, HOUR), "id": "1"}], {}),
            "HOST/repos/shop/web/deployments: items[0].id: Input should be",
        ),
        (
            GitHubApi([{"message": "Not Found"}], {}),
            "HOST/repos/shop/web/deployments: items[0].id: required and missing",
        ),
        (
            GitHubApi([listed(1, HOUR)], {1: [status("success", -HOUR)]}),
            "HOST/repos/shop/web/deployments/1/statuses: created_at: lies 3600 s ahead, allowed are 300",
        ),
        (
            GitHubApi([listed(1, HOUR)], {1: [{"state": None}]}),
            "HOST/repos/shop/web/deployments/1/statuses: items[0].state: Input should be a valid string, found None",
        ),
    ],
)
def test_an_answer_of_github_that_lies_is_unreadable(
    api: Callable[[Asked], Reply], message: str, tmp_path: Path
) -> None:
    with rest_server(api) as server:
        with pytest.raises(Unreadable) as error:
            of_github(server, tmp_path).read(within())
        assert str(error.value).replace(server.url.removeprefix("http://"), "HOST").startswith(message)


def test_a_token_that_isn_t_set_is_refused_by_its_variable_s_name(tmp_path: Path) -> None:
    config = validate({"repository": "shop/web", "token": {"env": "GITHUB_TOKEN"}}, GitHub, "x")
    with pytest.raises(BadInput) as error:
        GitHubDeployments(config, ("production",), DAY, context_at(tmp_path))
    assert str(error.value) == "releases.github.token: the environment variable GITHUB_TOKEN is not set"


@pytest.mark.parametrize(
    ("model", "config", "place"),
    [
        (GitHub, {"repository": "a/b", "api": "http://github.example.org/api/v3"}, "api"),
        (GitLab, {"project": "a/b", "url": "http://gitlab.example.org"}, "url"),
    ],
)
def test_no_token_is_sent_in_the_clear(model: type[BaseModel], config: dict[str, object], place: str) -> None:
    with pytest.raises(BadInput) as error:
        validate({**config, "token": {"env": "T"}}, model, "exporters.yaml")
    assert str(error.value).startswith(
        f"exporters.yaml: {place}: must begin with https://: a token is sent there, found "
    )


def on_gitlab(number: int, state: str, updated_ago_s: float, **more: object) -> dict[str, Any]:
    """Return a deployment as docs.gitlab.com/api/deployments shows one."""
    return {
        "id": number, "iid": number, "status": state, "ref": "v2.0.1", "sha": SHA,
        "created_at": "2026-11-01T07:36:27.357Z",
        "updated_at": rfc3339(NOW_S - updated_ago_s), "environment": {"id": 9, "name": "production"},
        "user": {"id": 1, "name": "Administrator"},
        "deployable": {
            "id": 664, "name": "deploy", "ref": "v2.0.1", "tag": True, "status": state,
            "finished_at": rfc3339(NOW_S - updated_ago_s - 30),
            "commit": {"id": SHA, "created_at": "2026-11-01T07:36:27Z"},
        },
        **more,
    }  # fmt: skip


def of_gitlab(server: RestServer, folder: Path) -> GitLabDeployments:
    config = validate({"project": "shop/web", "token": {"env": "GITLAB_TOKEN"}, "url": server.url}, GitLab, "x")
    return GitLabDeployments(config, ("production",), 60 * DAY, context_at(folder, GITLAB_TOKEN=TOKEN))


def test_a_deployment_on_gitlab_ended_with_its_job_or_when_it_was_last_updated(tmp_path: Path) -> None:
    pages = {
        "1": [on_gitlab(4, "running", 60), on_gitlab(3, "success", HOUR)],
        "2": [on_gitlab(3, "success", HOUR), on_gitlab(2, "failed", DAY, deployable=None, ref="main")],
    }

    def answer(asked: Asked) -> Reply:
        assert asked.path == "/api/v4/projects/shop%2Fweb/deployments"
        assert asked.headers["private-token"] == TOKEN
        assert (asked.query["environment"], asked.query["order_by"], asked.query["sort"]) == (
            "production", "updated_at", "desc",
        )  # fmt: skip
        assert asked.query["updated_after"] == "2026-10-01T00:00:00Z"
        return Reply(
            body=pages[asked.query["page"]], headers={"X-Next-Page": "2" if asked.query["page"] == "1" else ""}
        )

    with rest_server(answer) as server:
        assert of_gitlab(server, tmp_path).read(within()).deployments == (
            Deployment(deployed_to="production", version="v2.0.1", commit=SHA, at_s=NOW_S - HOUR - 30, succeeded=True),
            Deployment(deployed_to="production", version=SHA[:12], commit=SHA, at_s=NOW_S - DAY, succeeded=False),
        )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"message": "404 Project Not Found"}, "items: Input should be a valid tuple"),
        ([on_gitlab(1, "success", HOUR, sha=None)], "items[0].sha: Input should be a valid string"),
        ([on_gitlab(1, "success", -2 * HOUR)], "deployment 1: lies 7170 s ahead, allowed are 300"),
    ],
)
def test_an_answer_of_gitlab_that_lies_is_unreadable(body: object, message: str, tmp_path: Path) -> None:
    with rest_server(lambda _: Reply(body=body)) as server:
        with pytest.raises(Unreadable) as error:
            of_gitlab(server, tmp_path).read(within())
        assert message in str(error.value)


def test_a_gitlab_that_pages_without_end_is_unreadable(tmp_path: Path) -> None:
    with rest_server(lambda _: Reply(body=[], headers={"X-Next-Page": "2"})) as server:
        with pytest.raises(Unreadable, match=r": more than 1000 deployments to production$"):
            of_gitlab(server, tmp_path).read(within())
        assert len(server.asked) == 10
