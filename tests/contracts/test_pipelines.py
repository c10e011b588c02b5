"""The files for GitHub, GitLab and Jenkins: valid by their schemas, and run here step by step by a small runner."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema

from scripts.cli import build_parser

ROOT = Path(__file__).parents[2]
WORKFLOWS = ROOT / ".github" / "workflows"
ACTION = ROOT / ".github" / "actions" / "peakproof" / "action.yml"
COMPONENT = ROOT / "templates" / "gate.yml"
EXAMPLES = ROOT / "examples" / "ci"
# What a `peakproof` on the PATH does here: it writes down what it was called with, and ends as it is told.
RECORDS = '#!/bin/sh\nprintf "%s\\n" "$@" > "$CALLED.$(basename "$0")"\nexit "${ENDS:-0}"\n'


def document(path: Path) -> Any:
    """Return a workflow's YAML; `on`, which YAML 1.1 takes for true, is a word to GitHub."""
    return yaml.safe_load(re.sub(r"^on:", '"on":', path.read_text(), flags=re.MULTILINE))


def component(**inputs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the component's header and its body with the inputs put in, as GitLab does before it reads the YAML."""
    head_text, body_text = COMPONENT.read_text().split("\n---\n")
    head = yaml.safe_load(head_text)
    values = {name: spec.get("default") for name, spec in head["spec"]["inputs"].items()} | inputs
    shown = {name: json.dumps(value) if isinstance(value, list | bool) else value for name, value in values.items()}
    body = re.sub(r"\$\[\[ inputs\.(\w+) \]\]", lambda match: str(shown[match[1]]), body_text)
    assert "$[[" not in body
    return head, yaml.safe_load(body)


GIVEN = {"command": "gate plan.yaml --on staging", "image": "peakproof:0.1.0", "tags": ["vpn"]}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        *[("vendor.github-workflows", document(path)) for path in (*WORKFLOWS.glob("*.yml"), EXAMPLES / "github.yml")],
        ("vendor.github-actions", document(ACTION)),
        ("vendor.gitlab-ci", component(**GIVEN)[0]),
        ("vendor.gitlab-ci", component(**GIVEN)[1]),
        ("vendor.gitlab-ci", document(EXAMPLES / "gitlab.yml")),
    ],
)
def test_each_file_is_valid_by_its_host_s_schema(schema: str, value: Any) -> None:
    checked = get_builtin_schema(schema)
    jsonschema.validators.validator_for(checked)(checked).validate(value)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validators.validator_for(checked)(checked).validate({**value, "jobs": 1, "include": 1, "runs": 1})


def called(folder: Path, script: str, variables: Mapping[str, str], *programs: str) -> tuple[int, dict[str, list[str]]]:
    """Run a step's script as the host's shell does; return its exit code and what each program was called with."""
    where = folder / "bin"
    where.mkdir(parents=True, exist_ok=True)
    for name in programs:
        (where / name).write_text(RECORDS)
        (where / name).chmod(0o755)
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],  # noqa: S607 - bash, as PATH has it
        cwd=folder,
        env={"PATH": f"{where}:{os.environ['PATH']}", "CALLED": str(folder / "called"), **variables},
        check=False,
    )
    found = {path.suffix[1:]: path.read_text().splitlines() for path in folder.glob("called.*")}
    return done.returncode, found


def step(steps: list[dict[str, Any]], name: str) -> str:
    """Return the script of a named step."""
    (found,) = [one for one in steps if one.get("name") == name]
    return str(found["run"])


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, []),
        (
            {"PEAKPROOF_ON_INCONCLUSIVE": "block", "PEAKPROOF_EVIDENCE": "true"},
            ["--on-inconclusive", "block", "--evidence"],
        ),
    ],
)
@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_the_step_plays_what_it_was_given_and_ends_as_it_ended(
    tmp_path: Path, host: str, given: dict[str, str], wanted: list[str]
) -> None:
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "a.yaml").touch()
    if host == "github":
        script, bin_ = step(document(ACTION)["runs"]["steps"], "Play"), tmp_path / "bin"
    else:
        script, bin_ = component(**GIVEN)[1]["peakproof"]["script"][0], tmp_path / "bin"
    (tmp_path / "peakproof").symlink_to(tmp_path, target_is_directory=True)  # $RUNNER_TEMP/peakproof/bin
    variables = {
        "RUNNER_TEMP": str(bin_.parent),
        "PEAKPROOF_COMMAND": "gate plans/*.yaml --on staging",
        "PEAKPROOF_NAME": "the peak",
        "PEAKPROOF_ON_INCONCLUSIVE": "",
        "PEAKPROOF_EVIDENCE": "false",
        "ENDS": "75",
        **given,
    }
    code, found = called(tmp_path, script, variables, "peakproof")
    arguments = found["peakproof"]
    assert code == 75
    assert arguments == [
        *("ci", "run", "--host", host, "--name", "the peak", *wanted, "--"),
        *("gate", "plans/*.yaml", "--on", "staging"),  # no shell of ours widens it
    ]
    assert build_parser("ci").parse_args(arguments).command[0] == "gate"


def test_the_release_builds_with_make_and_publishes_what_was_built(tmp_path: Path) -> None:
    steps = document(WORKFLOWS / "release.yml")["jobs"]["release"]["steps"]
    variables = {
        "GITHUB_REF_NAME": "v1.2.0",
        "GITHUB_REPOSITORY": "Shop/Peakproof",
        "GITHUB_ACTOR": "someone",
        "GITHUB_TOKEN": "made-up",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }
    (tmp_path / "dist").mkdir()
    for name in ("p.whl", "p.tar.gz", "SHA256SUMS"):
        (tmp_path / "dist" / name).touch()
    for name, program, arguments in (
        ("Build wheel and source distribution", "make", ["dist", "TAG=v1.2.0"]),
        ("Build the image", "make", ["image", "ENGINE=docker", "IMAGE=ghcr.io/shop/peakproof:1.2.0"]),
        ("Publish the release", "gh", ["release", "create", "v1.2.0", "dist/p.whl", "dist/p.tar.gz"]),
    ):
        code, found = called(tmp_path, step(steps, name), variables, "make", "gh", "docker")
        assert (code, found[program][: len(arguments)]) == (0, arguments)
    (tmp_path / "bin" / "docker").write_text(
        '#!/bin/sh\n[ "$1" != login ] || cat\n[ "$1" != inspect ] || echo "ghcr.io/shop/peakproof@sha256:abc"\n'
    )
    assert called(tmp_path, step(steps, "Push the image"), variables)[0] == 0
    assert (tmp_path / "output").read_text() == "name=ghcr.io/shop/peakproof\ndigest=sha256:abc\n"
    assert (tmp_path / "dist" / "IMAGE.sha256").read_text() == "abc  ghcr.io/shop/peakproof:1.2.0\n"


def test_every_target_of_make_that_a_workflow_calls_is_there() -> None:
    named = {name for path in WORKFLOWS.glob("*.yml") for name in re.findall(r"\bmake ([a-z-]+)", path.read_text())}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert named - {"dist", "image"} <= {"do"}  # `make image` do the work: a comment
    assert {"dist", "image"} <= named & targets


def test_no_workflow_has_a_permission_by_default_nor_an_expression_in_a_script() -> None:
    for path in WORKFLOWS.glob("*.yml"):
        workflow = document(path)
        assert workflow["permissions"] == {}
        for job in workflow["jobs"].values():
            assert [one for one in job["steps"] if "${{" in one.get("run", "")] == []
    assert [one for one in document(ACTION)["runs"]["steps"] if "${{" in one.get("run", "")] == []
    gate = document(WORKFLOWS / "gate.yml")["jobs"]["gate"]["permissions"]
    assert gate == {"contents": "read", "checks": "write", "pull-requests": "write"}


def test_gitlab_s_parent_job_is_red_for_a_fail_and_orange_for_what_is_not_shown() -> None:
    _, body = component(**GIVEN)
    parent, outcome = body["peakproof"], body["peakproof: outcome"]
    assert parent["allow_failure"] == {"exit_codes": [75]}
    assert parent["artifacts"]["when"] == "always"
    assert outcome["trigger"]["include"] == [{"artifact": "peakproof-ci/outcome.gitlab-ci.yml", "job": "peakproof"}]
    assert outcome["trigger"]["strategy"] == "depend"


def test_jenkins_plays_a_command_that_there_is_and_has_a_stage_for_every_word(tmp_path: Path) -> None:
    text = (EXAMPLES / "Jenkinsfile").read_text()
    (script,) = re.findall(r"script: '([^']+)'", text)
    code, found = called(tmp_path, script, {"ENDS": "75"}, "peakproof")
    assert code == 75
    assert build_parser("ci").parse_args(found["peakproof"]).command == ["gate", "plan.yaml", "--on", "staging"]
    passed = {"shown", "advisory"}
    (fine,) = re.findall(r"!\(env\.PEAKPROOF in \[([^\]]+)\]", text)
    other = set(re.findall(r"env\.PEAKPROOF == '([^']+)'", text))
    assert set(re.findall(r"'([^']+)'", fine)) == passed | other
    assert other == {"not-shown-blocks", "not-shown-warns"}


@pytest.mark.heavy
def test_the_action_installs_a_command_that_runs(tmp_path: Path) -> None:
    script = step(document(ACTION)["runs"]["steps"], "Install Peakproof, exact versions with hashes")
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],  # noqa: S607 - bash, as PATH has it
        env={**os.environ, "GITHUB_ACTION_PATH": str(ACTION.parent), "RUNNER_TEMP": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    command = [str(tmp_path / "peakproof" / "bin" / "peakproof"), "ci", "--help"]
    assert subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True).stdout.startswith("usage:")
