"""What the rows of the dashboard "Business" share: links, queries, and what is said where the records give nothing."""

from dashboards.grafana.links import Link
from dashboards.grafana.promql import at, total
from exporters.names import orders as names

INCIDENT = Link(title="Incident", board="incident")
NOT_PRINTED = "The shop's records don't tell what is printed (last row)."
NO_PROMISE = "Nothing is promised, or the shop's records don't tell what is shipped (last row)."
# The moment is absent while none waits, and where the records don't tell: the depth tells the two apart.
QUEUE_AGE = f"(time() - min({at(names.QUEUE_OLDEST.name)})) or {total(at(names.QUEUE_DEPTH.name))} * 0"


def increase(metric: str, *matchers: str, before: str = "") -> str:
    """Return a counter's increase in the time shown; `before` is a modifier."""
    return f"increase({at(metric, *matchers)}[$__range]{before})"
