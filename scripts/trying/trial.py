"""A trial: behind every guard rail of a run, one process plays the journeys and tells what happens, a line each."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from loadtests.audit.sources import keep_stock, own_records
from loadtests.environment.data_files import facts_of, read_data
from loadtests.environment.resolved_environment import resolve_environment
from loadtests.guardrails.access import check_allowed
from loadtests.results.inputs import Inputs, hash_inputs, prepare
from loadtests.results.ledger import count_rows, orders_of
from loadtests.results.run_directory import RunDirectory, write_json
from loadtests.results.run_json import PEAKPROOF
from loadtests.runtime.clock import Clock
from loadtests.runtime.hang_watch import read_hang
from loadtests.runtime.line_process import LineProcess
from loadtests.storefronts.failures import place_at
from loadtests.trial.messages import EVENT, CodePlace, Event, Failure, JourneyEnded, TrialJob
from loadtests.worker.job import write_job
from scripts.context import Context
from scripts.running.guards import Watches, check_environment, lease_of
from scripts.running.locust_processes import variables_for
from scripts.trying.tried import Progress, TrialSetting, Tried
from slo.documents import BadInput
from slo.outcomes import ExitCode
from slo.validity.run_document import (
    FORMAT,
    EnvironmentFacts,
    LeaseFacts,
    OrderCounts,
    PlanFacts,
    ReleaseFacts,
    RunDocument,
    WorkerFacts,
)

TRIES = "tries"
_MODULE = "loadtests.trial.__main__"
_START_S = 60.0
_LOG_TAIL = 2000
_NOTE = "a try: a session of each journey, nothing to judge"
_CODE_S = 10.0
_AT_ITS_END = "every journey was played, but the file failed at its end: no visits are counted, or written into a plan"


class _StoppedError(Exception):
    """A guard rail ended the trial; the message is why."""


def perform_trial(inputs: Inputs, setting: TrialSetting, context: Context, show: Callable[[Event], None]) -> Tried:
    """Try each journey; raises EnvironmentLacks and BadInput before any request when something is missing or wrong."""
    clock, resolved = Clock.start(), resolve_environment(inputs.environment, context.environment)
    inputs = replace(
        inputs,
        records=own_records(inputs.environment, context.environment),
        data=facts_of(read_data(inputs.environment)),
    )
    access = check_allowed(inputs, setting.permit, resolved)
    with lease_of(inputs, setting.lease_folder or context.folder / "leases", context.say) as lease:
        release = check_environment(resolved, ())
        watches = Watches(resolved, lease, clock, context)
        directory = prepare(inputs, context.folder / TRIES)
        lease.name_run(directory.name)
        write_job(directory, None, PEAKPROOF, resolved.destinations, production=inputs.production, data=inputs.data)
        document = RunDocument(
            format=FORMAT,
            run=directory.name,
            peakproof=PEAKPROOF,
            plan=PlanFacts(name=inputs.plan.name, sha256=inputs.plan_sha256),
            inputs=hash_inputs(directory),
            environment=EnvironmentFacts(
                name=inputs.environment_name,
                base_url=inputs.environment.base_url,
                fingerprint=dict(inputs.environment.fingerprint),
                destinations=access.destinations,
                shares_addresses=dict(access.shares_addresses),
            ),
            command=context.command,
            release=ReleaseFacts(before=release),
            permission=access.permission,
            lease=LeaseFacts(file=str(lease.path), took_over=lease.took_over),
            notes=(_NOTE,),
            started_at=clock.now(),
        )
        context.say(f"try {directory.path}")
        keep_stock(directory, resolved, inputs.records, context.environment)
        return _Trial(directory, setting, context, watches, show).play(document, clock)


class _Trial:
    """The processes of one trial: one, and after each that hung another for the journeys that are left."""

    def __init__(
        self,
        directory: RunDirectory,
        setting: TrialSetting,
        context: Context,
        watches: Watches,
        show: Callable[[Event], None],
    ) -> None:
        self._directory, self._setting, self._context = directory, setting, context
        self._watches, self._show = watches, show
        self._progress = Progress(left=list(setting.journeys))
        self._processes = 0

    def play(self, document: RunDocument, clock: Clock) -> Tried:
        """Play, and write `run.json` before and after, whatever happens."""
        write_json(self._directory.run, document.to_json())
        ended: str = "failed"
        because: str | None = "the command was ended"
        try:
            with self._watches:
                while self._progress.left:
                    self._play()
            ended, because = "completed", None
        except _StoppedError as error:
            ended, because = "stopped", str(error)
            self._context.say(f"stopping: {because}")
        except KeyboardInterrupt:
            ended, because = "stopped", "by hand or signal"
            raise
        except BadInput as error:
            because = str(error)
            raise
        finally:
            orders = orders_of(self._directory)
            facts = RunDocument(
                ended_at=clock.now(),
                ended=ended,
                ended_because=because,
                orders=OrderCounts.model_validate(orders),
                workers=tuple(self._workers()),
            )
            write_json(self._directory.run, document.updated(facts).to_json())
        told = self._progress
        return Tried(
            directory=self._directory,
            counted={name: tuple(sessions) for name, sessions in told.counted.items()},
            failures=told.failures,
            refused=told.refused,
            orders=orders,
            stopped=because,
        )

    def _workers(self) -> Iterator[WorkerFacts]:
        """Return each process as a worker: its ledger is whole, for each row was written before it was sent."""
        for number in range(self._processes):
            name = f"w{number}"
            rows = count_rows(self._directory.ledger(name))
            yield WorkerFacts(
                name=name, ledger_rows_expected=rows, ledger_rows_received=rows, uploaded=False, lost=False
            )

    def _play(self) -> None:
        """Play what is left in a process of its own."""
        name, setting = f"w{self._processes}", self._setting
        self._processes += 1
        job = TrialJob(
            directory=self._directory.path.absolute(),
            worker=name,
            first=self._progress.session,
            journeys=tuple(self._progress.left),
            sessions=setting.sessions,
            step_s=setting.step_s,
            code_s=min(_CODE_S, setting.step_s),
            hang=self._directory.hang(name).absolute(),
        )
        log = self._directory.logs / f"try-{name}.log"
        with (
            log.open("ab") as file,
            LineProcess(
                _MODULE,
                job.model_dump_json().encode(),
                variables_for(self._directory, self._context.environment),
                file,
            ) as process,
        ):
            for line in process.lines(self._is_over):
                event = EVENT.validate_json(line)
                self._progress.take(event)
                self._show(event)
        self._ended(process, job, log)

    def _is_over(self, silent_s: float) -> bool:
        """Whether the process has told nothing for too long; raises _StoppedError when a guard rail says stop."""
        if (why := self._watches.why_stop()) is not None:
            raise _StoppedError(why)
        return silent_s > self._setting.step_s + 2 * _CODE_S + _START_S

    def _ended(self, process: LineProcess, job: TrialJob, log: Path) -> None:
        """Take note of how the process ended, when it left journeys: the one it played is over.

        Raises BadInput when the storefront couldn't begin, or end.
        """
        if process.returncode == ExitCode.USAGE:
            counted = "" if self._progress.left else f"\n{_AT_ITS_END}"
            raise BadInput((_tail(log) or "the trial's process can't start") + counted)
        if not self._progress.left:
            return
        frames, file = read_hang(job.hang), str(self._copy() or "")
        own = [frame for frame in frames if frame.file == file]
        places = tuple(
            CodePlace(file=one.file, line=one.line, function=one.function, source=place.source)
            for one in reversed(own)
            for place in [place_at(one.file, one.line, one.function)]
        )
        if frames:
            message = f"the storefront's code has asked for nothing for {job.code_s:.0f} s, and never yields"
            failure = Failure(what="stuck", message=message, places=places)
        else:
            message = f"the process that played it ended with {process.returncode}: {_tail(log) or 'it logged nothing'}"
            failure = Failure(what="storefront", message=message)
        journey = self._progress.left[0]
        for event in (failure, JourneyEnded(journey=journey)):
            self._progress.take(event)
            self._show(event)
        self._progress.session += self._setting.sessions * 4

    def _copy(self) -> Path | None:
        own = self._setting.storefront
        return None if own is None else (self._directory.storefront / own.name).absolute()


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1][:_LOG_TAIL] if lines else ""
