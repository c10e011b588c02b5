"""What Locust's own tables and charts show: a worker's change, as one of Locust's workers would report it.

The figures are those that `loadtests.live.board` merges, once a second and exactly. Latency is the shopper's, from the
scheduled moment; Locust's own would begin with the send.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from loadtests.demand.visits import ASSET_STEPS
from loadtests.live.histogram import upper_bound_us

_US_PER_MS = 1000
_NS_PER_S = 1e9
_NO_METHOD = ""
_TOTAL = ("Aggregated", _NO_METHOD)


def report(change: Mapping[str, Any], methods: Mapping[str, str], now: int) -> dict[str, Any]:
    """Return `stats`, `stats_total` and `errors` as Locust's event `worker_report` takes them.

    `change` is a worker's, `methods` gives the HTTP method of each step, `now` is in ns. Times in ms are
    rounded up, as everything that is read from a bucket. The latency of assets is left out of the total,
    where many and quick they would hide what a shopper waits for; their number isn't.
    """
    now_s = now / _NS_PER_S
    errors = Counter[str]()
    for step, _, count in change["errors"]:
        errors[step] += count
    entries = [
        _entry((step, _method(step, methods)), packed, (change["bytes"].get(step, 0), errors[step]), now_s)
        for step, packed in change["latency"].items()
    ]
    return {
        "stats": entries,
        "stats_total": _total(entries, now_s),
        "errors": {
            hashlib.sha256(f"{step} {error}".encode()).hexdigest(): {
                "name": step,
                "method": _method(step, methods),
                "error": error,
                "occurrences": count,
                "first_seen": now_s,
                "last_seen": now_s,
            }
            for step, error, count in change["errors"]
        },
    }


def _method(step: str, methods: Mapping[str, str]) -> str:
    return "GET" if step in ASSET_STEPS else methods.get(step, _NO_METHOD)


def _entry(named: tuple[str, str], packed: Sequence[Any], counts: tuple[int, int], now_s: float) -> dict[str, Any]:
    """Return what one step adds; `packed` is a histogram's sum in µs and its buckets, `counts` bytes and errors."""
    sum_us, buckets = packed
    times: Counter[int] = Counter()
    for index, count in buckets:
        times[math.ceil(upper_bound_us(index) / _US_PER_MS)] += count
    return _facts(named, times, sum_us / _US_PER_MS, (times.total(), 0, *counts), now_s)


def _total(entries: Sequence[Mapping[str, Any]], now_s: float) -> dict[str, Any]:
    times: Counter[int] = Counter()
    waited = [entry for entry in entries if entry["name"] not in ASSET_STEPS]
    for entry in waited:
        times.update(entry["response_times"])
    sent, size, failed = (
        sum(entry[key] for entry in entries) for key in ("num_requests", "total_content_length", "num_failures")
    )
    took_ms = sum(entry["total_response_time"] for entry in waited)
    return _facts(_TOTAL, times, took_ms, (sent, sent - times.total(), size, failed), now_s)


def _facts(
    named: tuple[str, str], times: Mapping[int, int], took_ms: float, counts: tuple[int, int, int, int], now_s: float
) -> dict[str, Any]:
    """Return an entry; `counts` are requests, those of them without a time, bytes and errors."""
    sent, untimed, size, failed = counts
    second = int(now_s)
    return {
        "name": named[0],
        "method": named[1],
        "last_request_timestamp": now_s if sent else None,
        "start_time": now_s,
        "num_requests": sent,
        "num_none_requests": untimed,
        "num_failures": failed,
        "total_response_time": took_ms,
        "max_response_time": max(times, default=0),
        "min_response_time": min(times, default=None),
        "total_content_length": size,
        "response_times": dict(times),
        "num_reqs_per_sec": {second: sent},
        "num_fail_per_sec": {second: failed},
    }
