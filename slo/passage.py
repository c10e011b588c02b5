"""What a proxy between the load and the shop means for a run: whether it failed requests, and what it adds to them."""

from collections.abc import Iterator

from slo.delivery import Delivered
from slo.findings import Finding, Severity
from slo.run_facts import ProxyUsed
from slo.wording import count


def passage(proxy: ProxyUsed | None, records: Delivered, most_ratio: float) -> Iterator[Finding]:
    """Yield what is to be known of the proxy; more than `most_ratio` of the requests failed there is too much."""
    failed, requests = records.at_proxy, records.requests
    if proxy is not None:
        yield _note(f"the load went through the proxy {proxy.url}: what it takes is in every figure")
        if proxy.resolves_names:
            yield _note("the proxy resolved the names: whether they lead to production was told by the names alone")
    if failed is None or requests is None:
        yield _invalid("whether requests failed at the proxy is not known", "run again; if it stays, see logs/")
    elif failed > most_ratio * requests:
        message = f"{count(failed)} of {count(requests)} requests failed at the proxy, before they reached the shop"
        yield _invalid(
            message,
            "see in its log whether it lets this machine through (407: proxy.basic_auth; 403: its rules), can bear the"
            " load, and reaches the shop",
        )
    elif failed:
        yield _note(f"{count(failed)} of {count(requests)} requests failed at the proxy and are left out")


def _note(message: str) -> Finding:
    return Finding(kind="validity", severity=Severity.NOTE, subject="proxy", message=message)


def _invalid(message: str, change: str) -> Finding:
    return Finding(
        kind="validity", severity=Severity.INCONCLUSIVE, subject="proxy", message=message, change=change, facts={}
    )
