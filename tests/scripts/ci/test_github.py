"""GitHub: what the check run, the comment, the summary and the outputs say, and what a fork gets."""

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.ci.text import CHECK_SUMMARY_BYTES, COMMENT_BYTES, STEP_SUMMARY_BYTES
from tests.scripts.ci.api_server import FakeHost
from tests.scripts.ci.conftest import Repository
from tests.scripts.ci.judged import SUMMARY, judged, objective

OURS = "shop/shop"


@pytest.fixture
def job(repository: Repository, host: FakeHost) -> Repository:
    """Return a repository whose variables are those of a pushed tag."""
    repository.variables = {
        "GITHUB_API_URL": host.url,
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_OUTPUT": str(repository.folder / "output"),
        "GITHUB_REF_NAME": "v1.2.0",
        "GITHUB_REF_TYPE": "tag",
        "GITHUB_REPOSITORY": OURS,
        "GITHUB_RUN_ID": "5",
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_SHA": "a" * 40,
        "GITHUB_STEP_SUMMARY": str(repository.folder / "step-summary"),
        "GITHUB_TOKEN": "made-up",
        "GITHUB_WORKSPACE": str(repository.folder),
    }
    return repository


def pull(job: Repository, source: str | None = OURS) -> None:
    """Make it a pull request's job, from a branch of `source`."""
    head: dict[str, Any] = {"sha": "b" * 40, "repo": source and {"full_name": source}}
    event = job.folder / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 12, "head": head}}))
    job.variables.update(GITHUB_EVENT_NAME="pull_request", GITHUB_EVENT_PATH=str(event), GITHUB_REF_TYPE="branch")


def publish(job: Repository, outcome: str, *options: str, **document: Any) -> int:
    """Publish a run of that outcome."""
    run = judged(job.folder / "runs" / "20261127T120000Z-small-abcd", outcome, **document)
    return job.ci("publish", "--host", "github", *options, run.name)


@pytest.mark.parametrize(
    ("outcome", "event", "ends"),
    [
        ("PASS", "tag", ("success", 0, "shown")),
        ("FAIL", "tag", ("failure", 99, "failed")),
        ("FAIL", "pull", ("failure", 99, "failed")),
        ("INCONCLUSIVE", "tag", ("action_required", 75, "not-shown-blocks")),
        ("INCONCLUSIVE", "pull", ("neutral", 0, "not-shown-warns")),
    ],
)
def test_an_outcome_has_a_conclusion_of_its_own_and_a_pull_request_is_only_warned(
    job: Repository, host: FakeHost, outcome: str, event: str, ends: tuple[str, int, str]
) -> None:
    conclusion, code, word = ends
    if event == "pull":
        pull(job)
    assert publish(job, outcome) == code
    made = host.sent("POST")[0]
    assert (made.path, made.token) == ("/repos/shop/shop/check-runs", "Bearer made-up")
    assert made.body["conclusion"] == conclusion
    assert made.body["head_sha"] == ("b" if event == "pull" else "a") * 40
    assert made.body["output"]["summary"].endswith(SUMMARY)
    run = job.folder / "runs" / "20261127T120000Z-small-abcd"
    outputs = (job.folder / "output").read_text()
    assert outputs == f"outcome={outcome}\nconclusion={word}\nrun={run}\n"
    assert job.written("conclusion") == f"{word}\n"


def test_every_output_says_which_of_the_two_it_is(job: Repository, host: FakeHost) -> None:
    publish(job, "INCONCLUSIVE")
    title = "Not shown, blocks (tag v1.2.0): the reason"
    assert job.said[0] == title
    assert host.sent("POST")[0].body["output"]["title"] == title
    assert json.loads(job.written("outcome.json"))["title"] == title
    for text in ((job.folder / "step-summary").read_text(), job.written("summary.md"), job.written("comment.md")):
        assert text.startswith(f"## ⛔ {title}\n\n### ❌ FAIL")


def test_the_option_goes_before_the_policy_and_the_policy_before_the_event(job: Repository, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("format: peakproof/policy/v1\non_inconclusive: warn\n")
    assert publish(job, "INCONCLUSIVE", "--policy", str(policy)) == 0
    assert publish(job, "INCONCLUSIVE", "--policy", str(policy), "--on-inconclusive", "block") == 75
    policy.write_text("format: peakproof/policy/v1\n")
    assert publish(job, "INCONCLUSIVE", "--policy", str(policy)) == 75


def test_an_advisory_policy_blocks_nothing_and_says_so(job: Repository, host: FakeHost, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("format: peakproof/policy/v1\nmode: advisory\n")
    assert publish(job, "FAIL", "--policy", str(policy)) == 0
    assert host.sent("POST")[0].body["conclusion"] == "neutral"
    assert job.said[0].startswith("FAIL, advisory, blocks nothing (")


def test_a_run_that_was_judged_by_an_advisory_policy_blocks_nothing_either(job: Repository) -> None:
    assert publish(job, "INCONCLUSIVE", policy={"mode": "advisory"}) == 0
    assert job.said[0] == "Not shown, advisory, blocks nothing (the run's policy): the reason"


def test_a_miss_that_was_waived_is_a_warning(job: Repository, host: FakeHost) -> None:
    assert publish(job, "PASS", objectives=[objective("home-answers", "missed")]) == 0
    (annotation,) = host.sent("POST")[0].body["output"]["annotations"]
    assert annotation["annotation_level"] == "warning"


def test_objectives_that_are_not_met_are_annotated_at_their_lines_50_a_request(job: Repository, host: FakeHost) -> None:
    names = [f"objective-{number}" for number in range(60)]
    (job.folder / "objectives.yaml").write_text(
        "---\n".join(f"kind: SLO\nmetadata: {{name: {one}}}\n" for one in names)
    )
    found = [objective(one, "missed" if one == names[-1] else "undecided") for one in names]
    assert publish(job, "FAIL", objectives=[*found, objective("met", "met"), objective("elsewhere", "missed")]) == 99
    made, added = host.sent("POST")[0], host.sent("PATCH")[0]
    first = made.body["output"]["annotations"]
    assert (len(first), len(added.body["output"]["annotations"])) == (50, 10)
    assert added.path == "/repos/shop/shop/check-runs/42"
    assert first[0] == {
        "path": "objectives.yaml",
        "start_line": 179,
        "end_line": 179,
        "annotation_level": "failure",
        "title": "objective-59",
        "message": "missed: objective-59 was missed",
    }


def test_the_comment_is_edited_in_place_and_only_one_of_ours(job: Repository, host: FakeHost) -> None:
    pull(job)
    stranger: dict[str, Any] = {
        "id": 1,
        "user": {"login": "mallory"},
        "body": "<!-- peakproof: peakproof -->\nnot ours",
    }
    other: dict[str, Any] = {
        "id": 2,
        "user": {"login": host.login},
        "body": "<!-- peakproof: smoke -->\nanother gate's",
    }
    host.comments = [stranger, other, *({"id": 1000 + n, "user": {"login": "x"}, "body": ""} for n in range(150))]
    publish(job, "INCONCLUSIVE")
    publish(job, "PASS")
    assert [one["body"].splitlines()[:2] for one in (stranger, other)] == [
        ["<!-- peakproof: peakproof -->", "not ours"],
        ["<!-- peakproof: smoke -->", "another gate's"],
    ]
    (ours,) = host.comments[152:]
    assert ours["body"].startswith("<!-- peakproof: peakproof -->\n## ✅ PASS: the reason\n")
    assert ours["body"].endswith("(https://github.example/shop/shop/actions/runs/5)\n")


def test_a_fork_gets_no_call_that_writes_and_annotations_as_commands(job: Repository, host: FakeHost) -> None:
    for source in ("mallory/shop", None):  # None: the fork is deleted
        pull(job, source)
        job.said.clear()
        assert publish(job, "FAIL", objectives=[objective("home-answers", "missed")]) == 99
        assert host.asked == []
        told = "::error file=objectives.yaml,line=8,title=home-answers::missed: home-answers was missed"
        assert job.said[-1] == told
        assert "a fork's pull request gets no token that may write" in job.written("summary.md")


@pytest.mark.parametrize("given", [(), ("--on-inconclusive", "warn"), ("--policy", "advisory.yaml")])
def test_a_fork_s_job_in_which_nothing_was_played_is_red_and_says_not_shown(
    job: Repository, host: FakeHost, given: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(job.folder)
    (job.folder / "advisory.yaml").write_text("format: peakproof/policy/v1\nmode: advisory\n")
    pull(job, "mallory/shop")
    assert job.ci("run", "--host", "github", *given, "--", "gate", "plan.yaml", "--on", "staging") == 75
    assert (host.asked, job.written("conclusion")) == ([], "not-shown-blocks\n")
    assert job.said[-1].startswith("::error title=peakproof%3A not shown::Not shown, blocks (nothing was played,")


def test_what_the_host_refuses_is_said_and_changes_no_verdict(job: Repository, host: FakeHost) -> None:
    pull(job)
    host.refused = {"/check-runs": 403, "/comments": 302}
    assert publish(job, "FAIL", objectives=[objective("home-answers", "undecided")]) == 99
    assert job.said[1:] == [
        "the check run could not be written: POST /repos/shop/shop/check-runs: status 403",
        "the comment could not be written: GET /repos/shop/shop/issues/12/comments: status 302",
        "::warning file=objectives.yaml,line=8,title=home-answers::undecided: home-answers was undecided",
    ]


def test_without_a_token_the_job_still_ends_with_the_verdict(job: Repository, host: FakeHost) -> None:
    del job.variables["GITHUB_TOKEN"]
    assert publish(job, "INCONCLUSIVE") == 75
    assert host.asked == []


def test_every_text_stays_under_the_host_s_limit(job: Repository, host: FakeHost) -> None:
    pull(job)
    summary = "### FAIL\n\n" + "| é | row of a table |\n" * 60_000
    run = judged(job.folder / "runs" / "20261127T120000Z-small-abcd", "FAIL", summary=summary)
    assert job.ci("publish", "--host", "github", str(run)) == 99
    summary = host.sent("POST")[0].body["output"]["summary"]
    texts = (
        (summary, CHECK_SUMMARY_BYTES),
        (host.comments[0]["body"], COMMENT_BYTES),
        ((job.folder / "step-summary").read_text(), STEP_SUMMARY_BYTES),
    )
    for text, most in texts:
        assert most * 0.9 < len(text.encode()) <= most
        assert text.startswith(("## ❌ FAIL: the reason\n", "<!-- peakproof: peakproof -->\n## ❌ FAIL: the reason\n"))
        assert "_cut: the whole is in summary.md of the artifact_\n" in text


def test_a_hostile_name_is_no_command_and_no_markup(job: Repository) -> None:
    hostile = "a\n::error::b,c:d%0A@everyone"
    (job.folder / "objectives.yaml").write_text(f"kind: SLO\nmetadata: {{name: {json.dumps(hostile)}}}\n")
    del job.variables["GITHUB_TOKEN"]
    publish(job, "FAIL", objectives=[objective(hostile, "missed")], headline=f"FAIL  {hostile}\nx=y")
    assert not [line for line in job.said if line.startswith("::error::")]
    assert all("\n" not in line for line in job.said)
    assert "@everyone" not in job.written("summary.md").splitlines()[0]
    assert (job.folder / "output").read_text().count("\n") == 3
