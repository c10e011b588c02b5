"""A local git repository: its newest commits and its release tags, by the command `git`."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from exporters.context import ExporterContext
from exporters.serving.source import Deadline, Unreadable
from exporters.sources.program import Program
from exporters.subjects.releases.config import Git
from exporters.subjects.releases.values import MAX_VERSION, Commit, Deployment, Deployments, History, Tag

MAX_COMMITS, MAX_TAGS = 50_000, 10_000
_HASH = (40, 64)  # SHA-1 and SHA-256
# Neither the system's configuration nor a prompt, a pager or a lock has a part in it.
_STEADY = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
_LOG = ("log", "--all", "--no-show-signature", f"--max-count={MAX_COMMITS}", "--format=%H|%P|%ct")
_TAGS = ("for-each-ref", f"--count={MAX_TAGS + 1}", "--sort=-creatordate")
_TAG_FORMAT = (
    "--format=%(objecttype)|%(objectname)|%(*objecttype)|%(*objectname)|%(creatordate:unix)|%(refname:strip=2)"
)


def history(config: Git, context: ExporterContext) -> Callable[[Deadline], History]:
    """Return the read of a repository; it raises Unreadable."""
    repository = context.path(config.repository)

    def read(deadline: Deadline) -> History:
        log = _git(repository, context.variables, *_LOG).output(deadline)
        tags = _git(repository, context.variables, *_TAGS, _TAG_FORMAT, f"refs/tags/{config.tags}").output(deadline)
        commits = dict(_commits(log, repository))
        return History(commits=commits, tags=_tags(tags, repository))

    return read


def of_tags(history: History, deployed_to: str) -> Deployments:
    """Return every release tag as a deployment of its commit at the time it was made."""
    return Deployments(
        deployments=tuple(
            Deployment(deployed_to=deployed_to, version=tag.name, commit=tag.commit, at_s=tag.at_s, succeeded=True)
            for tag in history.tags
        )
    )


def _git(repository: Path, variables: Mapping[str, str], *arguments: str) -> Program:
    given = {name: variables[name] for name in ("PATH", "HOME") if name in variables}
    return Program(
        arguments=("git", "-c", "core.fsmonitor=false", "-C", str(repository.resolve()), *arguments),
        folder=Path("/"),
        environment={**given, **_STEADY},
    )


def _commits(output: bytes, repository: Path) -> Iterator[tuple[str, Commit]]:
    for line in output.decode("ascii", "replace").splitlines():
        name, parents, at = _fields(line, 3, repository)
        yield name, Commit(committed_at_s=_time(at, repository), parents=tuple(parents.split()))


def _tags(output: bytes, repository: Path) -> tuple[Tag, ...]:
    lines = output.decode("utf-8", "replace").splitlines()
    if len(lines) > MAX_TAGS:
        raise Unreadable(f"{repository}: more than the {MAX_TAGS} release tags allowed; narrow the pattern")
    return tuple(tag for line in lines if (tag := _tag(line, repository)) is not None)


def _tag(line: str, repository: Path) -> Tag | None:
    """Return the tag of a commit, annotated or not; None for one of a tree or a blob."""
    kind, name, inner_kind, inner, at, tag = _fields(line, 6, repository)
    commit = name if kind == "commit" else inner if inner_kind == "commit" else None
    if commit is None:
        return None
    return Tag(name=tag[:MAX_VERSION], commit=commit, at_s=_time(at, repository))


def _fields(line: str, count: int, repository: Path) -> list[str]:
    fields = line.split("|", count - 1)
    if len(fields) != count or len(fields[0 if count == 3 else 1]) not in _HASH:  # noqa: PLR2004 - of a commit's line
        raise Unreadable(f"{repository}: git printed a line that isn't as asked for: {line[:100]!r}")
    return fields


def _time(text: str, repository: Path) -> float:
    try:
        return float(int(text))
    except ValueError as error:
        raise Unreadable(f"{repository}: git printed a time that is none: {text[:50]!r}") from error
