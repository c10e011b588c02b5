"""What a proxy between the load and the shop means for a run: whether it failed requests, and what it adds to them."""

from collections.abc import Iterator

from slo.findings import Finding
from slo.grounds import Given, invalid, note, unknown
from slo.wording import count


def proxy(given: Given) -> Iterator[Finding]:
    """Find a run of which too many requests failed at the proxy; note fewer, and what is to be known of it."""
    used, failed, requests = given.run.environment.proxy, given.records.at_proxy, given.records.requests
    if used is not None:
        yield note("proxy", f"the load went through the proxy {used.url}: what it takes is in every figure")
        if used.resolves_names:
            message = "the proxy resolved the names: whether they lead to production was told by the names alone"
            yield note("proxy", message)
    if failed is None or requests is None:
        yield unknown("proxy", "whether requests failed at the proxy")
    elif failed > given.limits.blocked_ratio * requests:
        message = f"{count(failed)} of {count(requests)} requests failed at the proxy, before they reached the shop"
        change = (
            "see in its log whether it lets this machine through (407: proxy.basic_auth; 403: its rules), can bear the"
            " load, and reaches the shop"
        )
        yield invalid("proxy", message, change)
    elif failed:
        yield note("proxy", f"{count(failed)} of {count(requests)} requests failed at the proxy and are left out")
