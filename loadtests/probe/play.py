"""Plays one probe in its own process and tells what happens: an event each time, the reason when nothing is played."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import gevent
from pydantic import BaseModel

from loadtests.demand.plan import read_plan
from loadtests.environment.data_files import facts_of, read_data
from loadtests.environment.destinations import UnresolvableError, resolve
from loadtests.environment.resolved_environment import ResolvedEnvironment, resolve_environment
from loadtests.environment.targets import Environment
from loadtests.guardrails.production import is_production
from loadtests.probe.guards import SkippedError, Watch, check_buying, check_free, check_journey, check_kill, place_of
from loadtests.probe.host import see
from loadtests.probe.messages import DeadlinePassed, NotReached, ProbeJob, Resolved, Skipped, Stage
from loadtests.probe.orders import DAY_NS, LockTakenError, ProbeInputs, alone, attempted_since, directory_of, write_run
from loadtests.results.inputs import Inputs
from loadtests.results.run_directory import RunDirectory
from loadtests.runtime.clock import Clock
from loadtests.storefronts import Storefront, storefront_of
from loadtests.trial.messages import TrialJob
from loadtests.trial.plan import plan_of
from loadtests.trial.trial import Trial
from loadtests.worker.job import Job, read_job
from slo.documents import BadInput, read_text
from slo.outcomes import EnvironmentLacks
from slo.validity.run_document import PermissionFacts

MOST_REQUESTS = 60
"""One probe a minute of at most so many requests is a request a second at most, in the mean."""
_TELLS_S = 0.5  # before the end, so that what was seen is told
_CODE_S = 10.0
_STEP_S = 40.0
_SHARE_OF_WAITING = 0.5
Tell = Callable[[BaseModel], None]


def play(asked: ProbeJob, variables: Mapping[str, str], tell: Tell) -> None:
    """Play the probe; raises nothing for what it is given or finds, but tells it."""
    try:
        _Probe(asked, variables, tell).play()
    except SkippedError as skipped:
        tell(Skipped(reason=skipped.reason, message=str(skipped)))
    except BadInput as error:
        tell(Skipped(reason="config", message=str(error)))


class _Probe:
    def __init__(self, asked: ProbeJob, variables: Mapping[str, str], tell: Tell) -> None:
        self._asked, self._variables, self._tell = asked, variables, tell
        self._environment = asked.targets.environment(asked.target, "targets")
        self._place = place_of(asked, self._environment)
        self._clock = Clock.start()
        self._watch = Watch(ends_at_s=asked.ends_at_s - _TELLS_S)

    def play(self) -> None:
        storefront = storefront_of(self._environment)
        check_journey(self._asked, storefront)
        check_free(self._place)
        if (resolved := self._resolved()) is None:
            return
        self._tell(Stage(name="guards"))
        check_kill(resolved)
        given = self._given(resolved, storefront)
        hosts = [gevent.spawn(lambda one=label: self._tell(see(resolved, one))) for label in self._environment.loaded]
        watching = gevent.spawn(self._watch.look, self._place, resolved)
        try:
            with self._directory(given) as (directory, orders):
                self._session(directory, storefront, orders)
            gevent.joinall(hosts, timeout=max(0.0, self._watch.ends_at_s - time.monotonic()))
        finally:
            watching.kill(block=False)
        if self._watch.skipped is not None:
            raise self._watch.skipped
        if self._watch.late:
            self._tell(DeadlinePassed())

    def _resolved(self) -> ResolvedEnvironment | None:
        self._tell(Stage(name="resolve"))
        environment, began = _without_token(self._environment), time.perf_counter()
        try:
            resolve(environment)  # for its time alone; what follows reads files too
            took_s = time.perf_counter() - began
            resolved = resolve_environment(environment, self._variables)
        except (UnresolvableError, EnvironmentLacks) as error:
            self._tell(NotReached(reason="dns", message=str(error)))
            return None
        self._tell(Resolved(took_s=took_s))
        return resolved

    def _given(self, resolved: ResolvedEnvironment, storefront: Storefront) -> ProbeInputs:
        """Return what is played, with the permission that an order rests on."""
        asked, environment, known = self._asked, self._environment, self._asked.targets.environments
        buys = storefront.journeys[asked.journey].buys
        plan = plan_of("probe", asked.journey, buys=buys) if asked.plan is None else read_plan(asked.plan)
        inputs = Inputs(
            plan=plan,
            plan_text=plan.to_yaml() if asked.plan is None else read_text(asked.plan),
            objectives=(),
            objective_files=(),
            environment_name=asked.target,
            environment=environment,
            production=is_production(environment, known.values()),
            productions={name: one for name, one in known.items() if one.production and name != asked.target},
            data=facts_of(read_data(environment)),
        )
        permission: PermissionFacts | None = None
        if asked.buys:
            permission = check_buying(asked, inputs, resolved).permission
        return ProbeInputs(
            inputs=inputs, module=asked.module, destinations=resolved.destinations, permission=permission
        )

    @contextmanager
    def _directory(self, given: ProbeInputs) -> Iterator[tuple[RunDirectory, int]]:
        """Return the directory to play on and how many orders may be placed; where some may, it is kept."""
        asked = self._asked
        if not asked.buys:
            yield directory_of(asked.scratch, given, self._clock.now()), 0
            return
        folder = asked.folder / asked.target
        try:
            with alone(folder, _SHARE_OF_WAITING * (self._watch.ends_at_s - time.monotonic())):
                left = self._orders_left(attempted_since(folder, self._clock.now() - DAY_NS))
                directory = directory_of(folder, given, self._clock.now())
                write_run(directory, given, self._clock.now())  # an audit looks for payments from its first moment on
                try:
                    yield directory, left
                finally:
                    write_run(directory, given, self._clock.now())
        except LockTakenError:
            raise SkippedError("busy", f"another probe of {asked.target} buys at the moment") from None
        except OSError as error:
            raise SkippedError("config", f"{folder}: orders can't be kept there: {error.strerror}") from error

    def _orders_left(self, attempted: int) -> int:
        most = self._environment.ceiling.orders
        if attempted >= most:
            message = f"{attempted} orders in the last 24 h; {self._asked.target}'s ceiling.orders is {most}"
            raise SkippedError("ceiling", message)
        return most - attempted

    def _session(self, directory: RunDirectory, storefront: Storefront, orders: int) -> None:
        asked, left_s = self._asked, self._watch.ends_at_s - time.monotonic()
        if left_s <= 0:
            raise SkippedError("late", "the time was over before the first request")
        job = _with_orders(read_job(directory.path, self._variables, storefront), orders)
        trial = TrialJob(
            directory=directory.path,
            worker=asked.module,
            first=self._clock.now() // 10**9,
            journeys=(asked.journey,),
            sessions=1,
            step_s=_STEP_S,
            code_s=_CODE_S,
            hang=asked.scratch / "errors" / "hang.txt",
            every_s=_pace_s(job),
            requests=MOST_REQUESTS,
        )
        self._tell(Stage(name="play"))
        Trial(trial, job, self._tell, self._watch.why_stop, recorded=False).play()


def _without_token(environment: Environment) -> Environment:
    """Return the environment without the token of the shop's sources: what plays sessions is never given it."""
    return environment.model_copy(update={"token_env": None, "token_file": None})


def _pace_s(job: Job) -> float:
    """Return how far apart requests must be, that no host's own ceiling is reached."""
    return max((1 / most for most in job.host_ceilings.values()), default=0.0)


def _with_orders(job: Job, orders: int) -> Job:
    """Return the job with the ceiling of orders lowered to what is left of it."""
    ceiling = job.environment.ceiling.model_copy(update={"orders": orders})
    return replace(job, environment=job.environment.model_copy(update={"ceiling": ceiling}))
