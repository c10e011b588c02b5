"""GitLab and Jenkins: reports, the child pipeline whose job names the outcome, the note, the exit codes."""

import json

import pytest

from tests.scripts.ci.api_server import FakeHost
from tests.scripts.ci.conftest import Repository
from tests.scripts.ci.judged import judged, objective


@pytest.fixture
def job(repository: Repository, host: FakeHost) -> Repository:
    """Return a repository whose variables are those of a merge request's pipeline."""
    repository.variables = {
        "CI_API_V4_URL": host.url,
        "CI_COMMIT_SHA": "a" * 40,
        "CI_JOB_URL": "https://gitlab.example/job/1",
        "CI_MERGE_REQUEST_IID": "12",
        "CI_MERGE_REQUEST_PROJECT_ID": "3",
        "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "3",
        "CI_PIPELINE_SOURCE": "merge_request_event",
        "CI_PROJECT_DIR": str(repository.folder),
        "CI_PROJECT_ID": "3",
        "PEAKPROOF_GITLAB_TOKEN": "made-up",
    }
    return repository


def tagged(job: Repository) -> None:
    """Make it a tag's pipeline."""
    for name in [name for name in job.variables if name.startswith("CI_MERGE_REQUEST")]:
        del job.variables[name]
    job.variables.update(CI_COMMIT_TAG="v1", CI_PIPELINE_SOURCE="push")


@pytest.mark.parametrize(
    ("outcome", "event", "code", "name", "allowed"),
    [
        ("PASS", "tag", 0, "peakproof: shown", None),
        ("FAIL", "merge", 99, "peakproof: failed", None),
        ("INCONCLUSIVE", "tag", 75, "peakproof: not shown", None),
        ("INCONCLUSIVE", "merge", 75, "peakproof: not shown (warns)", {"exit_codes": [75]}),
    ],
)
def test_the_child_pipeline_s_job_ends_like_the_verdict_under_a_name_that_says_it(
    job: Repository, outcome: str, event: str, code: int, name: str, allowed: object
) -> None:
    if event == "tag":
        tagged(job)
    run = judged(job.folder / "runs" / "r", outcome)
    assert job.ci("publish", "--host", "gitlab", str(run)) == code
    made = json.loads(job.written("outcome.gitlab-ci.yml"))
    (named,) = made.keys() - {"default"}
    assert named == name
    assert made[name]["script"][-1] == f"exit {code}"
    assert made[name].get("allow_failure") == allowed


def test_the_code_quality_report_names_file_and_line(job: Repository) -> None:
    run = judged(job.folder / "r", "FAIL", objectives=[objective("checkout-latency", "missed", needs="more")])
    job.ci("publish", "--host", "gitlab", str(run))
    (entry,) = json.loads(job.written("gl-code-quality-report.json"))
    assert entry.pop("fingerprint")
    assert entry == {
        "description": "checkout-latency: missed: checkout-latency was missed; needs more",
        "check_name": "peakproof",
        "severity": "critical",
        "location": {"path": "objectives.yaml", "lines": {"begin": 4}},
    }


def test_the_note_is_edited_in_place_and_only_one_of_the_token_s_user(job: Repository, host: FakeHost) -> None:
    host.comments = [{"id": 1, "author": {"id": 8}, "body": "<!-- peakproof: peakproof -->"}]
    run = judged(job.folder / "r", "FAIL")
    job.ci("publish", "--host", "gitlab", str(run))
    job.ci("publish", "--host", "gitlab", str(run))
    assert [(one.method, one.path) for one in host.asked if one.method != "GET"] == [
        ("POST", "/projects/3/merge_requests/12/notes"),
        ("PUT", "/projects/3/merge_requests/12/notes/2"),
    ]
    assert {one.token for one in host.asked} == {"made-up"}
    assert len(host.comments) == 2


def test_a_fork_s_merge_request_plays_nothing_and_says_why(job: Repository, host: FakeHost) -> None:
    job.variables["CI_MERGE_REQUEST_SOURCE_PROJECT_ID"] = "9"
    assert job.ci("run", "--host", "gitlab", "--", "gate", "plan.yaml", "--on", "staging") == 75
    assert host.asked == []
    assert "a fork's pull request gets no secrets, so nothing was played" in job.written("summary.md")
    assert job.written("conclusion") == "not-shown-blocks\n"
    assert '<error message="Not shown, blocks (nothing was played, whatever' in job.written("junit.xml")


@pytest.mark.parametrize(
    ("variables", "word"),
    [({"CHANGE_ID": "4"}, "not-shown-warns"), ({"TAG_NAME": "v1"}, "not-shown-blocks"), ({}, "not-shown-blocks")],
)
def test_jenkins_gets_the_word_that_its_stages_ask_for(
    repository: Repository, variables: dict[str, str], word: str
) -> None:
    repository.variables = variables
    run = judged(repository.folder / "r", "INCONCLUSIVE")
    assert repository.ci("publish", "--host", "jenkins", str(run)) == 75
    assert repository.written("conclusion") == f"{word}\n"
