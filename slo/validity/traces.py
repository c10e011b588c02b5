"""Validity of the traces, where an environment declares them: none was lost, and the shop's join those of the load."""

from collections.abc import Iterator, Mapping

from slo.findings import Finding
from slo.formatting import clip, count
from slo.validity.context import Given, invalid, note, unknown

NO_TOKEN = "no token of this run"  # noqa: S105 - what a request lacked
_LOOK = "peakproof doctor --on ENVIRONMENT looks for a span"
_POINT = f"set OTEL_EXPORTER_OTLP_ENDPOINT of the shop's processes to the run's recorder; {_LOOK}"
_SEND = "send OTLP over HTTP, OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf or http/json, to /v1/traces"
_BRING = "set OTEL_EXPORTER_OTLP_HEADERS of the shop's processes: Authorization=Bearer and the run's token"
_PROPAGATE = (
    "have the shop take traceparent from requests (OTEL_PROPAGATORS=tracecontext), and what stands before it pass it on"
)
_MEND = "mend what sends them: OTLP's ids, times and types"
_LONGEST = 200


def spans(given: Given) -> Iterator[Finding]:
    """Find spans that were lost, and requests with spans that were refused, where traces are declared."""
    recorder = given.run.recorder
    if "traces" not in given.declared:
        return
    if recorder is None or recorder.dropped is None:
        yield unknown("spans", "whether spans were dropped")
        return
    rejected = sum((recorder.rejected or {}).values())
    if recorder.dropped > rejected:
        lost = recorder.dropped - rejected
        message = f"the recorder dropped {count(lost)} spans"
        yield invalid("spans", message, "lower the plan's trace_sampling", dropped=lost)
    if rejected:
        yield _rejected(given, rejected, (recorder.spans or 0) + recorder.dropped, recorder.rejected or {})


def _rejected(given: Given, rejected: int, of: int, reasons: Mapping[str, int]) -> Finding:
    """Return what invalid spans make of a run: a few of them are a note."""
    message = f"{count(rejected)} of {count(of)} spans were invalid and are lost: {_listed(reasons)}"
    if rejected <= given.limits.rejected_span_ratio * of:
        return note("spans", message)
    return invalid("spans", message, _MEND, rejected=rejected, of=of)


def traces(given: Given) -> Iterator[Finding]:
    """Find that no span of the shop belongs to a request of the run where traces are declared, and say why."""
    if "traces" not in given.declared:
        return
    found, recorder = given.records.spans, given.run.recorder
    refused = (recorder.refused if recorder else None) or {}
    if found is None:
        yield unknown("traces", "whether the shop's spans join the load's")
    elif found.unread is not None:
        yield invalid("traces", f"the spans can't be read: {found.unread}", "take the run as it was left, or run again")
    elif found.joined:
        if refused:
            yield note("traces", f"the recorder refused {_requests(refused)} beside the spans that it took")
    elif not found.shoppers:
        yield note(
            "traces", "no request was sampled (the plan's trace_sampling), so that no span of the shop can join one"
        )
    else:
        why, change = why_none_joined(found.shop, refused, (recorder.rejected if recorder else None) or {})
        yield invalid("traces", why, change, shop_spans=found.shop)


def why_none_joined(shop_spans: int, refused: Mapping[str, int], rejected: Mapping[str, int]) -> tuple[str, str]:
    """Return why no span of the shop belongs to what was requested of it, and what to change.

    `refused` are the recorder's refused requests by what was wrong, `rejected` the spans that were invalid, by reason.
    """
    if shop_spans:
        came = f"{some_spans(shop_spans)} of the shop came"
        return f"{came}, none of a trace that was asked for: traceparent isn't passed on", _PROPAGATE
    if refused:
        why = f"no span of the shop was taken: the recorder refused {_requests(refused)}"
        return why, _BRING if set(refused) == {NO_TOKEN} else _SEND
    if rejected:
        return f"no span of the shop was valid: {_listed(rejected)}", _MEND
    return "no span of the shop came, though traces are declared", _POINT


def some_spans(number: int) -> str:
    """Return a number of spans in words."""
    return f"{count(number)} span{'' if number == 1 else 's'}"


def _requests(refused: Mapping[str, int]) -> str:
    total = sum(refused.values())
    return f"{count(total)} request{'' if total == 1 else 's'} with spans: {_listed(refused)}"


def _listed(counts: Mapping[str, int]) -> str:
    """Return what was counted, the most frequent first."""
    ordered = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    return clip(", ".join(f"{name} ({count(number)})" for name, number in ordered), _LONGEST)
