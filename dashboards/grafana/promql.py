"""Snippets of PromQL that the boards share, with Grafana's variables in them."""

RATE = "[$__rate_interval]"
ENVIRONMENT = 'environment=~"$environment"'
PERCENTILES = (("0.5", "p50"), ("0.95", "p95"), ("0.99", "p99"))


def at(metric: str, *matchers: str) -> str:
    """Return the selector of a metric in the environment chosen, such as `up{environment=~"$environment"}`."""
    return f"{metric}{{{', '.join((ENVIRONMENT, *matchers))}}}"


def rate(metric: str, *matchers: str) -> str:
    """Return a counter's increase per second."""
    return f"rate({at(metric, *matchers)}{RATE})"


def total(vector: str, *by: str) -> str:
    """Return the sum of a vector, by labels."""
    return f"sum by ({', '.join(by)}) ({vector})" if by else f"sum({vector})"


def quantile(ratio: str, buckets: str, *by: str) -> str:
    """Return a quantile of a classic histogram; `buckets` are the rates of its buckets."""
    return f"histogram_quantile({ratio}, {total(buckets, 'le', *by)})"


def or_zero(vector: str, born: str, *by: str) -> str:
    """Return `vector` by labels, and 0 where it has none but `born`, a vector that is there from the start, has."""
    return f"{total(vector, *by)} or {total(born, *by)} * 0"


def or_none(vector: str, born: str, label: str) -> str:
    """Return the sum of `vector` by a label, and where it has no series a 0 of the label `none`, if `born` has any."""
    return f"{total(vector, label)} or on () {named(f'{total(born)} * 0', label, 'none')}"


def greatest(vector: str, *by: str) -> str:
    """Return the greatest value of a vector, by labels: the same of one Prometheus and of two that see the same."""
    return f"max by ({', '.join(by)}) ({vector})" if by else f"max({vector})"


def least(vector: str, *by: str) -> str:
    """Return the least value of a vector, by labels."""
    return f"min by ({', '.join(by)}) ({vector})" if by else f"min({vector})"


def age(metric: str, *by: str) -> str:
    """Return how long ago a moment was, by labels: the newest one where there are several."""
    return f"time() - {greatest(at(metric), *by)}"


def named(vector: str, label: str, value: str) -> str:
    """Return `vector` with a label set to one value on every series."""
    return f'label_replace({vector}, "{label}", "{value}", "", "")'


def beside(value: str, info: str, *on: str) -> str:
    """Return `value` with the labels of `info`, whose values are 1, matched by labels; without the value no row."""
    return f"{info} * on ({', '.join(on)}) group_left () ({value})"
