"""A trial as lines for a person: each step as it happens, and what went wrong with all that helps to mend it."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from loadtests.demand.plan import Visits
from loadtests.trial.messages import (
    Accepted,
    CodePlace,
    Event,
    Exchange,
    Failure,
    OrderSeen,
    SessionBegan,
    SessionEnded,
    StepPlayed,
)
from slo.formatting import clean, clip, count, seconds

_STEP, _PATH, _LINE = 18, 44, 160
_KILO = 1000
# What the errors say that no reply explains; docs/contracts.md has them all.
_MEANS = {
    "connection": "the shop's connection can't be opened, or broke off",
    "timeout": "the shop didn't answer in 30 s",
    "tls": "the certificate isn't trusted, or isn't the host's",
    "protocol": "the reply isn't HTTP, or is over 16 MiB",
    "blocked": "a firewall or a rate limit answered, not the shop",
    "proxy": "the environment's proxy didn't open the connection",
    "redirected_away": "it leads to a host that the environment doesn't declare",
}


class TrialView:
    """Turns events into lines; `own` is the storefront's file that the user knows, where its copy is played."""

    def __init__(self, own: Path | None, folder: Path) -> None:
        self._own, self._folder = own, folder

    def lines(self, event: Event) -> Iterator[str]:
        """Return the lines that show an event."""
        if isinstance(event, SessionBegan):
            yield ""
            yield event.journey if event.of == 1 else f"{event.journey} {event.nth} of {event.of}"
        elif isinstance(event, StepPlayed):
            yield _step(event)
        elif isinstance(event, Accepted):
            yield f"    {event.error} is a refusal that the storefront knows"
        elif isinstance(event, OrderSeen):
            yield from _order(event)
        elif isinstance(event, Failure):
            yield from self._failure(event)
        elif isinstance(event, SessionEnded):
            yield from _ended(event)

    def _failure(self, failure: Failure) -> Iterator[str]:
        error = None if failure.exchange is None else failure.exchange.error
        means = f": {_MEANS[error]}" if error in _MEANS and failure.message.endswith(error) else ""
        yield f"  FAILED: {clean(failure.message)}{means}"
        for place in failure.places:
            yield f"    {self._at(place)}, in {place.function}"
            yield f"        {clean(place.source)}"
        if failure.exchange is not None and failure.what in ("shop", "storefront"):
            yield from _exchange(failure.exchange)

    def _at(self, place: CodePlace) -> str:
        file = Path(place.file)
        if self._own is not None and file.name == self._own.name:
            file = self._own.relative_to(self._folder) if self._own.is_relative_to(self._folder) else self._own
        return f"{file}:{place.line}"


def _step(event: StepPlayed) -> str:
    asked = clip(f"{event.method} {clean(event.path)}", _PATH)
    answer = f"{event.status or '-':>4}  {seconds(event.time_s):>8}  {_size(event.bytes):>8}"
    more = f"  {event.error}" if event.error else f"  to {clean(event.leads_to)}" if event.leads_to else ""
    return f"  {clip(clean(event.step), _STEP):<{_STEP}} {asked:<{_PATH}} {answer}{more}"


def _size(value: int) -> str:
    return f"{value} B" if value < _KILO else f"{value / _KILO:,.1f} kB"


def _order(event: OrderSeen) -> Iterator[str]:
    if event.outcome == "accepted":
        yield f"    order accepted: {clean(event.order_id or '')}"
    elif event.outcome is not None:
        yield f"    order {event.outcome}: {clean(event.reason or 'no reason given')}"


def _ended(event: SessionEnded) -> Iterator[str]:
    if event.lacked is not None:
        yield f"  ended early: {clean(event.lacked)}; this session isn't counted"
    elif not event.failed:
        yield f"  visits: {visits_text(event.steps, event.orders)}"


def visits_text(steps: Mapping[str, float], orders: float) -> str:
    """Return how often a session makes each step, and its orders."""
    text = ", ".join(f"{clean(step)} {count(times)}" for step, times in steps.items()) or "none"
    return f"{text}; orders {count(orders)}" if orders else text


def _exchange(exchange: Exchange) -> Iterator[str]:
    yield f"    request: {exchange.method} {clean(exchange.path)}"
    for name, value in exchange.headers.items():
        yield f"      {clean(name)}: {clean(value)}"
    if exchange.body is not None:
        yield from _body(exchange.body)
    if not exchange.status:
        yield f"    reply:   none ({exchange.error or 'not waited for'})"
        return
    error = f", {exchange.error}" if exchange.error else ""
    yield f"    reply:   HTTP {exchange.status}{error}, {exchange.reply_bytes:,} bytes"
    yield from _body(exchange.reply_body)


def _body(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if line.strip():
            yield f"      | {clip(clean(line), _LINE)}"


def summary(visits: Mapping[str, Visits]) -> Iterator[str]:
    """Return a line for each journey: how often a session makes each step."""
    for journey, one in visits.items():
        yield f"  {journey}: {visits_text(one.steps, one.orders)}"
