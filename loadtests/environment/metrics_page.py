"""A page of metrics in Prometheus' text format, which anything may have written."""

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families


def metric_families(page: str) -> list[Metric]:
    """Return the families of a page; raises ValueError on one that isn't in the format."""
    try:
        # Its parser raises these of a page that isn't as it expects.
        return list(text_string_to_metric_families(page))
    except (
        ArithmeticError,
        LookupError,
        TypeError,
        AttributeError,
    ) as error:
        raise ValueError(f"not in Prometheus' text format: {error!r}") from error
