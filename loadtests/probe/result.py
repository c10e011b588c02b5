"""What a probe found, from the events that its process told: whether the journey could be walked, and where it failed.

There are three outcomes: it succeeded, it failed, or it was skipped and nothing is known. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from loadtests.probe.messages import (
    DeadlinePassed,
    HostSeen,
    NotReached,
    ProbeEvent,
    Resolved,
    Skipped,
    SkipReason,
    Stage,
)
from loadtests.trial.messages import Failure, OrderSeen, SessionEnded, StepPlayed

NO_STEP = "none"
# The errors of a request (docs/contracts.md, requests-*.parquet).
REQUEST_ERRORS = frozenset(
    {
        *("timeout", "connection", "tls", "protocol", "no_descriptor", "no_port", "http_4xx", "http_5xx", "graphql"),
        *("wrong_reply", "others_data", "redirected_away", "blocked", "proxy", "cut_off"),
    }
)
# What else a journey fails for: no address; the deadline; code that hangs; the file's own mistake; an order that the
# shop refused; no row of test data; the process ended; anything else.
REASONS = REQUEST_ERRORS | {"dns", "deadline", "stuck", "storefront", "refused", "no_data", "process", "other"}
_OF_KIND = {"storefront": "storefront", "stuck": "stuck"}
_ACCOUNTS = frozenset({"no_account"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedStep:
    """The first step that failed, and why; `message` is for a person."""

    step: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEnd:
    """How the process of a probe ended: `late` when it was killed at the deadline; `log` is its last line."""

    late: bool
    code: int | None
    log: str = ""
    hung: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """One probe; times in seconds, `began_at_s` since the epoch.

    `steps_s` holds the slowest request of each step in the order of the journey, `requests_s` the time of all requests
    together, `status` the HTTP status of the last reply, 0 without one.
    """

    began_at_s: float
    took_s: float
    failed: FailedStep | None = None
    skipped: Skipped | None = None
    steps_s: Mapping[str, float] = field(default_factory=dict)
    requests: int = 0
    requests_s: float = 0.0
    status: int = 0
    resolve_s: float | None = None
    hosts: tuple[HostSeen, ...] = ()
    orders: Mapping[str, int] = field(default_factory=dict)

    @property
    def success(self) -> bool | None:
        """Whether the journey could be walked; None when it was skipped."""
        return None if self.skipped is not None else self.failed is None


def skipped(reason: SkipReason, message: str, began_at_s: float) -> ProbeResult:
    """Return the result of a probe that never began."""
    return ProbeResult(began_at_s=began_at_s, took_s=0.0, skipped=Skipped(reason=reason, message=message))


def result_of(events: Sequence[ProbeEvent], end: ProcessEnd, began_at_s: float, took_s: float) -> ProbeResult:
    """Return what the events of a process that ended say."""
    steps = [event for event in events if isinstance(event, StepPlayed)]
    slowest: dict[str, float] = {}
    for one in steps:
        slowest[one.step] = max(slowest.get(one.step, 0.0), one.time_s)
    outcomes = [event.outcome or "attempted" for event in events if isinstance(event, OrderSeen)]
    skip = _skipped(events, end)
    hosts = tuple(event for event in events if isinstance(event, HostSeen))
    return ProbeResult(
        began_at_s=began_at_s,
        took_s=took_s,
        skipped=skip,
        failed=None if skip is not None else _with_certificates(_failed(events, end), hosts),
        steps_s=slowest,
        requests=len(steps),
        requests_s=sum(one.time_s for one in steps),
        status=steps[-1].status if steps else 0,
        resolve_s=next((event.took_s for event in events if isinstance(event, Resolved)), None),
        hosts=hosts,
        orders={name: outcomes.count(name) for name in dict.fromkeys(outcomes)},
    )


def _stage(events: Sequence[ProbeEvent]) -> str | None:
    return next((event.name for event in reversed(events) if isinstance(event, Stage)), None)


def _ended(events: Sequence[ProbeEvent]) -> SessionEnded | None:
    return next((event for event in events if isinstance(event, SessionEnded)), None)


def _skipped(events: Sequence[ProbeEvent], end: ProcessEnd) -> Skipped | None:
    """Return why nothing is known, None when something is."""
    if (told := next((event for event in events if isinstance(event, Skipped)), None)) is not None:
        return told
    ended = _ended(events)
    if ended is not None and ended.lacked in _ACCOUNTS:
        return Skipped(reason="no_account", message="no account was free for the session")
    ceiling = next((event for event in events if isinstance(event, Failure) and event.what == "ceiling"), None)
    if ceiling is not None:
        return Skipped(reason="ceiling", message=ceiling.message)
    stage = _stage(events)
    if stage == "play" or (stage == "resolve" and end.late) or any(isinstance(one, NotReached) for one in events):
        return None
    if end.late:
        return Skipped(reason="late", message="the time was over before the first request")
    return Skipped(reason="process", message=f"its process ended with {end.code}: {end.log or 'it logged nothing'}")


def _failed(events: Sequence[ProbeEvent], end: ProcessEnd) -> FailedStep | None:
    """Return the first step that failed, None when the journey was walked."""
    for event in events:
        if isinstance(event, NotReached):
            return FailedStep(step=NO_STEP, reason=event.reason, message=event.message)
    late = any(isinstance(event, DeadlinePassed) for event in events)
    failure = next((event for event in events if isinstance(event, Failure)), None)
    if failure is not None:
        return _of_failure(failure, late=late)
    ended = _ended(events)
    if ended is None:
        return _cut_short(events, end)
    if ended.lacked is not None:
        return FailedStep(step=_last_step(events), reason="refused", message=ended.lacked)
    return None


def _with_certificates(failed: FailedStep | None, hosts: tuple[HostSeen, ...]) -> FailedStep | None:
    """Name the certificate for which no connection was made: the client itself knows only that there was none."""
    untrusted = [host.host for host in hosts if host.trusted is False]
    if failed is None or failed.reason != "connection" or not untrusted:
        return failed
    return replace(
        failed, reason="tls", message=f"{failed.message}: the certificate of {', '.join(untrusted)} isn't trusted"
    )


def _of_failure(failure: Failure, *, late: bool) -> FailedStep:
    step, _, rest = failure.message.partition(": ")
    word = rest.split(":")[0].strip()
    if failure.what == "shop" and word in REQUEST_ERRORS:
        return FailedStep(step=step, reason=word, message=failure.message)
    exchange = failure.exchange
    place = NO_STEP if exchange is None else exchange.step
    if failure.what == "shop":
        reason = next((one for one in (step, exchange and exchange.error) if one in REASONS), "other")
    else:
        reason = "deadline" if late else _OF_KIND.get(failure.what, "other")
    return FailedStep(step=place, reason=str(reason), message=failure.message)


def _cut_short(events: Sequence[ProbeEvent], end: ProcessEnd) -> FailedStep:
    if end.hung:
        message = "the storefront's code never yields"
        return FailedStep(step=_last_step(events), reason="stuck", message=message)
    if end.late:
        reason = "dns" if _stage(events) == "resolve" else "deadline"
        return FailedStep(step=_last_step(events), reason=reason, message="the probe's time is over")
    message = f"its process ended with {end.code}: {end.log or 'it logged nothing'}"
    return FailedStep(step=_last_step(events), reason="process", message=message)


def _last_step(events: Sequence[ProbeEvent]) -> str:
    return next((event.step for event in reversed(events) if isinstance(event, StepPlayed)), NO_STEP)
