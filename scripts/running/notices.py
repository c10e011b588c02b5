"""What a run does to those who watch its environment: its alerts notify nobody, and Grafana shows when it played."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from loadtests.environment.resolved_environment import ResolvedEnvironment
from loadtests.guardrails.alert_silence import Begun, Silencing, check_may_be_silenced
from loadtests.guardrails.alertmanager import Alertmanager
from loadtests.guardrails.annotation import AnnotationError, Grafana
from loadtests.results.inputs import Inputs
from loadtests.runtime.clock import Clock
from slo.outcomes import EnvironmentLacks
from slo.validity.run_document import AlertSilenceFacts, AnnotationFacts, PermissionFacts


def check_alertmanager(inputs: Inputs, resolved: ResolvedEnvironment, permission: PermissionFacts | None) -> None:
    """Raise EnvironmentLacks when the run's silence isn't allowed, or the declared Alertmanager doesn't answer.

    People would be woken by the load: a run that can't keep that from happening doesn't begin.
    """
    check_may_be_silenced(
        inputs.environment_name,
        inputs.environment,
        inputs.productions,
        None if permission is None else permission.silences,
        production=permission is not None,
    )
    url = inputs.environment.alertmanager_url
    if url is not None:
        with resolved.http() as http:
            Alertmanager(url=url, http=http, token=resolved.notice_tokens.get(url)).silences()


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeFacts:
    """What run.json keeps of the silence and the mark; None where none is declared."""

    alert_silence: AlertSilenceFacts | None = None
    annotation: AnnotationFacts | None = None


class Notices:
    """The silence and the mark of one run, for as long as the block lasts, however it ends.

    `facts` is what is known of both. A silence that can't be made raises EnvironmentLacks; one that can't be ended ends
    by itself, and a mark that can't be written is a fact and no more.
    """

    def __init__(
        self, inputs: Inputs, resolved: ResolvedEnvironment, run: str, clock: Clock, say: Callable[[str], None]
    ) -> None:
        environment = inputs.environment
        self._inputs, self._clock, self._say, self._run = inputs, clock, say, run
        self._http = resolved.http()
        self._alertmanager: Alertmanager | None = None
        self._grafana: Grafana | None = None
        if (url := environment.alertmanager_url) is not None:
            self._alertmanager = Alertmanager(url=url, http=self._http, token=resolved.notice_tokens.get(url))
        if (url := environment.grafana_url) is not None:
            self._grafana = Grafana(url=url, http=self._http, token=resolved.notice_tokens.get(url))
        self._silencing = Silencing(
            run=run, base_url=environment.base_url, alerts=environment.alerts_of(inputs.environment_name)
        )
        self._began_at = 0
        self._played: tuple[int, int] | None = None
        self.facts = NoticeFacts()

    def played(self, started_at: int, ended_at: int) -> None:
        """Keep when the load was played (ns): the mark is moved there."""
        self._played = (started_at, ended_at)

    def __enter__(self) -> Self:
        self._began_at = self._clock.now()
        try:
            self._silence()
            self._mark()
        except BaseException:
            self._unsilence()
            self._http.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._unsilence()
            self._finish_mark()
        finally:
            self._http.close()

    def _silence(self) -> None:
        if self._alertmanager is None:
            return
        silencing, planned_s = self._silencing, self._inputs.plan.duration_s
        begun = silencing.begin(self._alertmanager, self._began_at, planned_s)
        self.facts = replace(self.facts, alert_silence=_facts_of(begun, silencing.alerts))
        for dead in begun.ended_before:
            self._say(f"ended the silence {dead} in Alertmanager: its run had died")

    def _unsilence(self) -> None:
        if self._alertmanager is None:
            return
        made = self.facts.alert_silence
        try:
            self._silencing.end(self._alertmanager)
        except EnvironmentLacks as error:
            self._say(f"the run's silence isn't ended, it ends by itself: {error}")
        else:
            if made is not None:
                ended = made.model_copy(update={"ended_at": self._clock.now()})
                self.facts = replace(self.facts, alert_silence=ended)

    def _mark(self) -> None:
        if self._grafana is None:
            return
        ends_at = self._began_at + round(self._inputs.plan.duration_s * 1e9)
        name = self._inputs.environment_name
        tags = ("peakproof", f"environment:{name}", f"run:{self._run}")
        text = f"Peakproof plays {self._inputs.plan.name} on {name}: {self._run}"
        try:
            made = self._grafana.mark(self._began_at, ends_at, tags=tags, text=text)
        except AnnotationError as error:
            self._not_marked(AnnotationFacts(id=None, why_not=str(error)))
        else:
            self.facts = replace(self.facts, annotation=AnnotationFacts(id=made, why_not=None))

    def _finish_mark(self) -> None:
        mark = self.facts.annotation
        if self._grafana is None or mark is None or mark.id is None:
            return
        try:
            self._grafana.move(mark.id, *(self._played or (self._began_at, self._clock.now())))
        except AnnotationError as error:
            self._not_marked(AnnotationFacts(id=mark.id, why_not=str(error)))

    def _not_marked(self, facts: AnnotationFacts) -> None:
        self._say(f"the run isn't marked in Grafana: {facts.why_not}")
        self.facts = replace(self.facts, annotation=facts)


def _facts_of(begun: Begun, alerts: str) -> AlertSilenceFacts:
    return AlertSilenceFacts(
        id=begun.id,
        environment=alerts,
        starts_at=begun.starts_at,
        ends_at=begun.ends_at,
        ended_at=None,
        ended_before=begun.ended_before,
    )
