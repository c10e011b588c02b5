"""The process that removes things: started on a folder of its own, told what to remove, listened to."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests.cleanup.journal import Journal
from loadtests.cleanup.messages import CLEANUP_EVENT, ITEMS, CleanupJob, GaveUp, Removed, Removing
from loadtests.environment.child_variables import clean, secrets_for
from loadtests.environment.cleanup_target import CleanupTarget
from loadtests.environment.resolved_environment import ResolvedEnvironment
from loadtests.environment.targets import Environment, redacted
from loadtests.results.created import Created
from loadtests.results.run_directory import RunDirectory, write_bytes, write_json
from loadtests.results.run_json import PEAKPROOF
from loadtests.runtime.clock import Clock
from loadtests.runtime.line_process import LineProcess
from loadtests.worker.job import write_job
from scripts.cleaning.subject import Subject
from slo.documents import BadInput
from slo.outcomes import ExitCode

_MODULE = "loadtests.cleanup.__main__"
_ITEM_S, _CODE_S, _START_S = 60.0, 10.0, 60.0
_TRIES = 3
_LOG_TAIL = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What came of a list of things: each one's outcome and why, by its place; and why it was ended, if it was."""

    outcomes: Mapping[int, Removed]
    stopped: str | None = None


class Remover:
    """Removes things of one run by the storefront's methods, and writes each into the journal as it is told.

    `why_stop` is asked often, and ends it with what it says.
    """

    def __init__(
        self,
        subject: Subject,
        resolved: ResolvedEnvironment,
        variables: Mapping[str, str],
        journal: Journal,
        why_stop: Callable[[], str | None],
    ) -> None:
        self._subject, self._resolved, self._variables = subject, resolved, variables
        self._journal, self._why_stop = journal, why_stop
        self._clock = Clock.start()

    def remove(self, items: Sequence[Created], progress: Callable[[int], None]) -> Removal:
        """Remove them; `progress` is called with how many are done. Raises BadInput for a file that can't be used."""
        with tempfile.TemporaryDirectory(prefix="peakproof-cleanup-", ignore_cleanup_errors=True) as name:
            # Called like the run: the tag that goes with each request is the run's.
            folder = RunDirectory(path=Path(name) / self._subject.directory.name)
            self._prepare(folder, items)
            return self._listen(folder, items, progress)

    def _prepare(self, folder: RunDirectory, items: Sequence[Created]) -> None:
        subject = self._subject
        environment = subject.environment.model_copy(update={"token_env": None, "token_file": None})
        folder.logs.mkdir(parents=True)
        write_bytes(folder.plan, subject.inputs.plan_text.encode())
        write_json(folder.targets, redacted(subject.inputs.environment_name, environment))
        write_job(folder, None, PEAKPROOF, self._resolved.destinations, data={})
        write_bytes(_items_of(folder), ITEMS.dump_json(list(items)))

    def _listen(self, folder: RunDirectory, items: Sequence[Created], progress: Callable[[int], None]) -> Removal:
        environment = self._subject.environment
        rules = environment.cleanup or CleanupTarget()
        job = CleanupJob(
            directory=folder.path,
            items=_items_of(folder),
            requests_per_s=_most_per_s(environment, rules),
            at_once=rules.at_once,
            item_s=_ITEM_S,
            code_s=_CODE_S,
            hang=folder.hang("cleanup"),
        )
        outcomes: dict[int, Removed] = {}
        under_way: set[int] = set()
        stopped: str | None = None

        def is_over(silent_s: float) -> bool:
            nonlocal stopped
            stopped = stopped or self._why_stop()
            if silent_s > _TRIES * _ITEM_S + _START_S:
                stopped = f"nothing was heard of it for {silent_s:.0f} s"
            return stopped is not None

        log = self._log()
        with (
            log.open("ab") as file,
            LineProcess(_MODULE, job.model_dump_json().encode(), self._given(folder), file) as process,
        ):
            for line in process.lines(is_over):
                event = CLEANUP_EVENT.validate_json(line)
                if isinstance(event, Removing):
                    under_way.add(event.number)
                elif isinstance(event, Removed):
                    under_way.discard(event.number)
                    outcomes[event.number] = event
                    self._journal.item(items[event.number], event.outcome, event.why, self._clock.now())
                    progress(len(outcomes))
                elif isinstance(event, GaveUp):
                    stopped = event.why
        if stopped is None and len(outcomes) < len(items):
            stopped = self._why_it_ended(process.returncode, log)
        for number in sorted(under_way):
            why = f"it was under way when the cleanup ended: {stopped}"
            outcomes[number] = Removed(number=number, outcome="failed", why=why)
        return Removal(outcomes=outcomes, stopped=stopped)

    def _given(self, folder: RunDirectory) -> dict[str, str]:
        """Return the process' variables: what the environment names, the cleanup's settings among it, and few more."""
        variables, environment = self._variables, self._subject.environment
        sources = {} if environment.cleanup is None else environment.cleanup.sources()
        named = {one.env for one in sources.values() if one.env is not None}
        own = {name: variables[name] for name in named if name in variables}
        return clean(folder.logs, variables) | secrets_for((environment,), variables) | own

    def _log(self) -> Path:
        logs = self._subject.directory.logs
        logs.mkdir(exist_ok=True)
        return logs / "cleanup.log"

    def _why_it_ended(self, code: int | None, log: Path) -> str:
        lines = log.read_text(errors="replace").strip().splitlines()
        tail = lines[-1][:_LOG_TAIL] if lines else "it logged nothing"
        if code == ExitCode.USAGE:
            raise BadInput(tail)
        return f"its process ended with {code}: {tail}"


def _items_of(folder: RunDirectory) -> Path:
    return folder.path / "items.json"


def _most_per_s(environment: Environment, rules: CleanupTarget) -> float:
    """Return how many requests may go out in a second: the cleanup's own bound, never above a ceiling."""
    ceilings = [host.ceiling.requests_per_s for host in environment.hosts.values() if host.ceiling is not None]
    return min(rules.requests_per_s, environment.ceiling.requests_per_s, *ceilings)
