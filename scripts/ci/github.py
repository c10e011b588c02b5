"""GitHub: the step's summary and outputs, a check run with annotations, and one comment that is edited in place.

Limits: https://docs.github.com/rest/checks/runs (summary 65,535 characters, 50 annotations a request) and
https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands (10 annotations of a kind a step).
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from scripts.ci.api import Api, ApiRefusedError
from scripts.ci.job import Job
from scripts.ci.published import Published
from scripts.ci.text import CHECK_SUMMARY_BYTES, STEP_SUMMARY_BYTES, comment, mark, markdown
from slo.documents import BadInput
from slo.formatting import clip
from slo.outcomes import ExitCode

_CONCLUSIONS = {
    "shown": "success",
    "failed": "failure",
    "advisory": "neutral",
    "not-shown-blocks": "action_required",
    "not-shown-warns": "neutral",
    "not-played": "failure",
}
_ANNOTATIONS = 50
_COMMANDS = 10
_TITLE, _MESSAGE = 255, 4_000
_AUTHOR = "github-actions[bot]"


def publish(told: Published, variables: Mapping[str, str], say: Callable[[str], None]) -> int:
    """Tell GitHub; returns the step's exit code. What it refuses is said and changes no verdict."""
    if told.job.is_fork:
        shown = False
    else:
        shown = _try(say, "the check run", lambda: _check_run(told, variables))
        if told.job.change is not None:
            _try(say, "the comment", lambda: _comment(told, variables))
    if not shown:
        for line in commands(told):
            say(line)
    if told.job.is_fork and told.finished.path is None:
        say(f"::error title={_property(told.name)}%3A not shown::{_data(clip(told.conclusion.title, _MESSAGE))}")
    _append(variables, "GITHUB_STEP_SUMMARY", markdown(told.finished, told.conclusion, told.notes, STEP_SUMMARY_BYTES))
    outputs = {
        "outcome": "NOT_PLAYED" if told.finished.outcome is None else told.finished.outcome.value,
        "conclusion": told.conclusion.word,
        "run": str(told.finished.path or ""),
    }
    _append(variables, "GITHUB_OUTPUT", "".join(f"{name}={_line(value)}\n" for name, value in outputs.items()))
    return int(told.conclusion.code) if told.conclusion.blocks else ExitCode.OK


def check_run(told: Published) -> list[dict[str, Any]]:
    """Return the bodies of the check run: the one that makes it, then those that add annotations, 50 each."""
    annotations = [
        {
            "path": place.file,
            "start_line": place.line,
            "end_line": place.line,
            "annotation_level": point.level,
            "title": clip(point.objective, _TITLE),
            "message": clip(point.message, _MESSAGE),
        }
        for point, place in told.placed
    ]
    summary = markdown(told.finished, told.conclusion, told.notes, CHECK_SUMMARY_BYTES)
    parts = [annotations[at : at + _ANNOTATIONS] for at in range(0, max(1, len(annotations)), _ANNOTATIONS)]
    outputs = [
        {"output": {"title": clip(told.conclusion.title, _TITLE), "summary": summary, "annotations": part}}
        for part in parts
    ]
    first = {
        "name": told.name,
        "head_sha": told.job.sha,
        "status": "completed",
        "conclusion": _CONCLUSIONS[told.conclusion.word],
        **({"details_url": told.job.page} if told.job.page else {}),
    }
    return [{**first, **outputs[0]}, *outputs[1:]]


def commands(told: Published) -> Iterator[str]:
    """Return the annotations as workflow commands, where no check run can be made: at most 10 of a kind."""
    counts = {"failure": 0, "warning": 0}
    for point, place in told.placed:
        counts[point.level] += 1
        if counts[point.level] <= _COMMANDS:
            kind = "error" if point.level == "failure" else "warning"
            where = f"file={_property(place.file)},line={place.line},title={_property(point.objective)}"
            yield f"::{kind} {where}::{_data(clip(point.message, _MESSAGE))}"


def _check_run(told: Published, variables: Mapping[str, str]) -> None:
    api = _api(told.job, variables)
    first, *more = check_run(told)
    made = api.call("POST", f"/repos/{told.job.project}/check-runs", first)
    for body in more:
        api.call("PATCH", f"/repos/{told.job.project}/check-runs/{int(made['id'])}", body)


def _comment(told: Published, variables: Mapping[str, str]) -> None:
    """Edit our comment, or write it: only one by the same author, for the token may edit anybody's."""
    api, author = _api(told.job, variables), variables.get("PEAKPROOF_COMMENT_AUTHOR", _AUTHOR)
    issue = f"/repos/{told.job.project}/issues"
    body = {"body": comment(told.name, (told.folder / "comment.md").read_text(encoding="utf-8"), told.job.page)}
    for one in api.pages(f"{issue}/{told.job.change}/comments"):
        by = (one.get("user") or {}).get("login")
        if by == author and str(one.get("body", "")).startswith(mark(told.name)):
            api.call("PATCH", f"{issue}/comments/{int(one['id'])}", body)
            return
    api.call("POST", f"{issue}/{told.job.change}/comments", body)


def _api(job: Job, variables: Mapping[str, str]) -> Api:
    if job.token is None or not job.api or not job.project or not job.sha:
        raise ApiRefusedError("no GITHUB_TOKEN in the step's env, or GITHUB_API_URL, _REPOSITORY or _SHA is missing")
    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    return Api(job.api, {**headers, "Authorization": f"Bearer {job.token.reveal()}"}, variables)


def _try(say: Callable[[str], None], what: str, act: Callable[[], None]) -> bool:
    try:
        act()
    except (ApiRefusedError, KeyError, TypeError, ValueError) as error:
        say(f"{what} could not be written: {error}")
        return False
    return True


def _append(variables: Mapping[str, str], name: str, text: str) -> None:
    path = variables.get(name)
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise BadInput(f"{name}: {path}: can't be written: {error.strerror}") from error


def _line(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
