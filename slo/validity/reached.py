"""Validity of what reached the shop, over the requests of each judged objective's steps.

What a firewall or a proxy kept from the shop, and what was under way when the run ended, is left out of an objective:
had it been bad, the objective might not be met. So it may be half of the objective's budget, and no more. Where more
was kept away the run isn't judged at all, an objective that is missed included: a firewall that takes requests may
have slowed or changed others, and its errors aren't the shop's.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from slo.findings import Finding
from slo.formatting import count, percent
from slo.validity.context import Given, invalid, note, unknown
from slo.validity.delivery import StepRequests, together
from slo.validity.run_document import ProxyFacts, RunDocument

_FIREWALL = "let the generator's address through the firewall or rate limit"
_PROXY = (
    "see in its log whether it lets this machine through (407: proxy.basic_auth; 403: its rules), can bear the load,"
    " and reaches the shop"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """The requests of one objective's steps, or of the steps that no judged objective is about (`budget` is None)."""

    name: str
    requests: StepRequests
    budget: float | None

    def half_of_budget(self, otherwise: float) -> float:
        return otherwise if self.budget is None else self.budget / 2

    def allowed(self, limit: float) -> str:
        half = f", half of the budget of {self.name}" if self.budget is not None and limit == self.budget / 2 else ""
        return f"at most {percent(limit)} may{half}"


def blocked(given: Given) -> Iterator[Finding]:
    """Find objectives of whose steps too many requests never reached the shop, most of them by a firewall."""
    requests = given.records.all_steps
    if requests is None:
        yield unknown("blocked", "whether a firewall took requests")
        return
    over = [part for part in _kept_away(given) if part.requests.blocked >= part.requests.at_proxy]
    if over:
        yield _too_many("blocked", given, over, _FIREWALL)
    elif requests.blocked:
        message = f"{count(requests.blocked)} of {count(requests.requests)} requests were blocked and are left out"
        yield note("blocked", message)


def proxy(given: Given) -> Iterator[Finding]:
    """Find objectives of whose steps too many requests failed at the proxy; note what is to be known of it."""
    used, requests = proxy_of(given.run), given.records.all_steps
    if used is not None:
        yield note("proxy", f"the load went through the proxy {used.url}: what it takes is in every figure")
        if used.resolves_names:
            message = "the proxy resolved the names: production was recognised by its names alone, not by addresses"
            yield note("proxy", message)
    if requests is None:
        yield unknown("proxy", "whether requests failed at the proxy")
        return
    over = [part for part in _kept_away(given) if part.requests.blocked < part.requests.at_proxy]
    if over:
        yield _too_many("proxy", given, over, _PROXY)
    elif requests.at_proxy:
        failed = f"{count(requests.at_proxy)} of {count(requests.requests)} requests failed at the proxy"
        yield note("proxy", f"{failed} and are left out")


def cut_off(given: Given) -> Iterator[Finding]:
    """Find a run that was played to its end, in whose judged time too many requests were never answered.

    No more than 1 % of an objective's requests may be, or one; those that hadn't waited for 10 s, which are left out of
    it, no more than half of its budget either.
    """
    if given.records.steps is None:
        yield unknown("cut off", "how many requests were under way when the run ended")
        return
    if given.run.ended != "completed":
        return
    limit = given.limits.cut_off_ratio
    change = "look at the last minute of the run: the shop hangs; or end the judged time earlier"
    over = [part for part in _parts(given) if part.requests.cut_off > max(1, limit * part.requests.requests)]
    unknown_end = [part for part in _parts(given) if _left_out(part) > part.half_of_budget(limit)]
    if over:
        worst = max(over, key=lambda part: part.requests.cut_off / part.requests.requests)
        cut, requests = worst.requests.cut_off, worst.requests.requests
        of = f"{count(cut)} of {count(requests)} requests of {worst.name}"
        message = f"{of} had no reply when the run ended, at most {percent(limit)} may{_more(over)}"
        yield invalid("cut off", message, change, cut_off=cut, requests=requests)
    elif unknown_end:
        worst = max(unknown_end, key=lambda part: _left_out(part) / part.half_of_budget(limit))
        cut, requests = worst.requests.cut_off - worst.requests.hung, worst.requests.requests
        of = f"{count(cut)} of {count(requests)} requests of {worst.name}"
        allowed = worst.allowed(worst.half_of_budget(limit))
        message = f"{of} were under way when the run ended and are left out, {allowed}{_more(unknown_end)}"
        yield invalid("cut off", message, change, cut_off=cut, requests=requests)


def _left_out(part: _Part) -> float:
    return (part.requests.cut_off - part.requests.hung) / part.requests.requests


def proxy_of(run: RunDocument) -> ProxyFacts | None:
    """Return the proxy that the environment was reached through, None without one."""
    return run.environment.proxy if run.environment else None


def _kept_away(given: Given) -> list[_Part]:
    """Return the parts of which more never reached the shop than may."""
    limit = given.limits.blocked_ratio
    return [part for part in _parts(given) if _share(part) > part.half_of_budget(limit)]


def _share(part: _Part) -> float:
    return (part.requests.blocked + part.requests.at_proxy) / part.requests.requests


def _too_many(subject: str, given: Given, over: list[_Part], change: str) -> Finding:
    limit = given.limits.blocked_ratio
    worst = max(over, key=lambda part: _share(part) / part.half_of_budget(limit))
    requests = worst.requests
    causes = ((requests.blocked, "blocked"), (requests.at_proxy, "failed at the proxy"))
    how = " and ".join(f"{count(number)} {what}" for number, what in causes if number)
    of = f"of {count(requests.requests)} requests of {worst.name} never reached the shop"
    message = (
        f"{count(requests.blocked + requests.at_proxy)} {of} ({how}),"
        f" {worst.allowed(worst.half_of_budget(limit))}{_more(over)}"
    )
    return invalid(subject, message, change, blocked=requests.blocked, at_proxy=requests.at_proxy)


def _more(over: list[_Part]) -> str:
    others = len(over) - 1
    return f"; and too many of {others} more objective{'s' * (others > 1)}" if others else ""


def _parts(given: Given) -> Iterator[_Part]:
    """Return the requests of each judged objective that has any, and those of all other steps.

    Of an objective about journeys the sessions count, and not their requests: `slo.objectives.journeys`.
    """
    steps, judged = given.records.steps or {}, given.judged_by.objectives
    named = {step for objective in judged for step in objective.steps}
    for objective in judged:
        # What moves a counter that names no steps isn't known, so all may.
        own = [one for step, one in steps.items() if step in objective.steps or not objective.counted]
        if own:
            yield _Part(name=objective.name, requests=together(own), budget=objective.budget)
    rest = together(requests for step, requests in steps.items() if step not in named)
    if rest.requests:
        yield _Part(name="steps that no objective is about" if named else "the run", requests=rest, budget=None)
