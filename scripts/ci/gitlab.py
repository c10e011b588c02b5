"""GitLab: a Code Quality report for the merge request's lines, a child pipeline that names the outcome, one note.

Formats: https://docs.gitlab.com/ci/testing/code_quality (report), https://docs.gitlab.com/ci/pipelines/downstream_pipelines
(a child pipeline from an artifact), https://docs.gitlab.com/api/notes.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from loadtests.results.run_directory import write_bytes
from scripts.ci.api import Api, ApiRefusedError
from scripts.ci.published import Published
from scripts.ci.text import comment, mark

QUALITY, PIPELINE = "gl-code-quality-report.json", "outcome.gitlab-ci.yml"
_SEVERITIES = {"failure": "critical", "warning": "minor"}


def publish(told: Published, variables: Mapping[str, str], say: Callable[[str], None]) -> int:
    """Write what GitLab takes up as artifacts, and the note; returns the job's exit code, 75 where it isn't shown."""
    write_bytes(told.folder / QUALITY, json.dumps(quality(told), indent=1).encode() + b"\n")
    write_bytes(told.folder / PIPELINE, json.dumps(pipeline(told), indent=1).encode() + b"\n")
    if told.job.change is not None and not told.job.is_fork:
        try:
            _note(told, variables)
        except (ApiRefusedError, KeyError, TypeError, ValueError) as error:
            say(f"the note could not be written: {error}")
    return int(told.conclusion.code)


def quality(told: Published) -> list[dict[str, Any]]:
    """Return the Code Quality report: an entry an objective that isn't met."""
    return [
        {
            "description": f"{point.objective}: {point.message}",
            "check_name": told.name,
            "fingerprint": hashlib.sha256(f"{told.name}\0{place.file}\0{point.objective}".encode()).hexdigest(),
            "severity": _SEVERITIES[point.level],
            "location": {"path": place.file, "lines": {"begin": place.line}},
        }
        for point, place in told.placed
    ]


def pipeline(told: Published) -> dict[str, Any]:
    """Return the child pipeline, as JSON, which is YAML: one job whose name and end say what was not shown, and more.

    Its title comes from a file, so that nothing of a run is ever part of a script.
    """
    names = {
        "shown": "shown",
        "advisory": "advisory",
        "not-shown-warns": "not shown (warns)",
        "not-shown-blocks": "not shown",
        "failed": "failed",
        "not-played": "not played",
    }
    code = int(told.conclusion.code)
    name = names[told.conclusion.word]
    return {
        "default": {"interruptible": True},
        f"{told.name}: {name}": {
            "stage": "test",
            "variables": {"GIT_STRATEGY": "none"},
            "script": [
                f"echo '{name}: the reason is in the parent job'",
                f"exit {code}",
            ],
            "rules": [{"when": "on_success"}],
            **({"allow_failure": {"exit_codes": [code]}} if told.conclusion.word == "not-shown-warns" else {}),
        },
    }


def _note(told: Published, variables: Mapping[str, str]) -> None:
    """Edit our note, or write it: only one by the token's own user."""
    if told.job.token is None or not told.job.api:
        raise ApiRefusedError("no PEAKPROOF_GITLAB_TOKEN, a project access token with the scope api")
    api = Api(told.job.api, {"PRIVATE-TOKEN": told.job.token}, variables)
    notes = f"/projects/{quote(told.job.project, safe='')}/merge_requests/{quote(told.job.change or '', safe='')}/notes"
    body = {"body": comment(told.name, (told.folder / "comment.md").read_text(encoding="utf-8"), told.job.page)}
    author = api.call("GET", "/user")["id"]
    for one in api.pages(notes):
        if (one.get("author") or {}).get("id") == author and str(one.get("body", "")).startswith(mark(told.name)):
            api.call("PUT", f"{notes}/{int(one['id'])}", body)
            return
    api.call("POST", notes, body)
