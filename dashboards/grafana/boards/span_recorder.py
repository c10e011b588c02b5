"""The row of the board "Exporters" on the recorder of spans: what it received, and what it lost."""

from dashboards.grafana.links import Link
from dashboards.grafana.panels import Panel, Query, Row
from dashboards.grafana.promql import at, or_none, rate, total
from dashboards.grafana.style import NO_RATE_IS_GOOD
from exporters.names import spans

_TRACES = Link(title="Traces", board="traces")


_RECEIVED = rate(spans.SPANS_RECEIVED.name)
_NO_RECORDER = "no recorder is scraped: it listens only while a run is under way"
RECORDER = Row(
    title="Recorder of spans",
    panels=[
        Panel(
            title="Spans received and written",
            description="Spans a second that senders handed over, and those written to the run directory.",
            unit="cps",
            nothing=_NO_RECORDER,
            queries=[
                Query(expr=total(_RECEIVED), legend="received"),
                Query(expr=total(rate(spans.SPANS_WRITTEN.name)), legend="written"),
            ],
            links=[_TRACES],
        ),
        Panel(
            title="Spans lost",
            description="Spans a second that are in no trace: refused because they are invalid, or valid and not "
            "written, by reason; a flat zero is a recorder that loses none.",
            unit="cps",
            thresholds=NO_RATE_IS_GOOD,
            nothing=_NO_RECORDER,
            queries=[
                Query(
                    expr=or_none(rate(spans.SPANS_REJECTED.name), _RECEIVED, spans.REASON), legend="rejected {{reason}}"
                ),
                Query(
                    expr=or_none(rate(spans.SPANS_DROPPED.name), _RECEIVED, spans.REASON), legend="dropped {{reason}}"
                ),
            ],
            links=[_TRACES],
        ),
        Panel(
            title="Requests refused",
            description="Requests a second that were refused whole, by HTTP status. How many spans they held isn't "
            "known.",
            unit="reqps",
            thresholds=NO_RATE_IS_GOOD,
            nothing=_NO_RECORDER,
            queries=[
                Query(
                    expr=or_none(rate(spans.REQUESTS_REFUSED.name), _RECEIVED, spans.STATUS),
                    legend="{{status}}",
                )
            ],
        ),
        Panel(
            title="Spans waiting",
            description="Spans received and not yet in a closed part. It climbs when the disk is slower than the "
            "senders.",
            unit="short",
            nothing=_NO_RECORDER,
            queries=[Query(expr=total(at(spans.SPANS_WAITING.name)), legend="waiting")],
        ),
    ],
)
