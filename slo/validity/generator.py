"""Validity of the generator: it had what it needed to send each request when it was due."""

from collections.abc import Iterator

from slo.findings import Finding
from slo.formatting import count, percent, seconds
from slo.validity.context import Given, invalid, names_of, unknown
from slo.validity.run_document import HubStall, Lag


def lag(given: Given) -> Iterator[Finding]:
    """Find a generator that sent late."""
    lag, limit = (given.run.scheduling_lag_s or Lag()).p99, given.limits.lag_p99_s
    if lag is None:
        yield unknown("scheduling lag", "how late the generator sent")
    elif lag > limit:
        message = f"the generator sent late: lag p99 {seconds(lag)}, at most {seconds(limit)}"
        change = "add workers, or move them off the shop's machine"
        if given.run.shared_connections is not None:
            change = f"raise or leave out limits.connections, for waiting for one counts; {change}"
        yield invalid("scheduling lag", message, change, p99_s=lag)


def stalls(given: Given) -> Iterator[Finding]:
    """Find a generator that stood still for long, or again and again."""
    stall, limits = given.run.hub_stall_s or HubStall(), given.limits
    change = "give the generator a machine, or a core, of its own"
    if stall.p99 is None or stall.max is None:
        yield unknown("stalls", "how long the generator stood still")
    elif stall.max > limits.stall_max_s:
        message = f"the generator stood still for {seconds(stall.max)}, at most {seconds(limits.stall_max_s)}"
        yield invalid("stalls", message, change, max_s=stall.max)
    elif stall.p99 > limits.stall_p99_s:
        message = f"the generator kept standing still: p99 {seconds(stall.p99)}, at most {seconds(limits.stall_p99_s)}"
        yield invalid("stalls", message, change, p99_s=stall.p99)


def descriptors(given: Given) -> Iterator[Finding]:
    """Find requests that were not sent for want of a descriptor or a local port."""
    told = given.run.descriptors or {}
    names = names_of(given, told)
    for name in names:
        one = told.get(name)
        if one is None or one.peak is None or one.limit is None:
            yield unknown("descriptors", f"how many descriptors {name} had")
    if not names:
        yield unknown("descriptors", "how many descriptors the generator had")
    lacking = (
        ("descriptor", given.records.no_descriptor, "raise ulimit -n on the generator's machine, or add workers"),
        ("local port", given.records.no_port, "widen net.ipv4.ip_local_port_range, or add the generator a machine"),
    )
    for what, requests, change in lacking:
        if requests is None:
            yield unknown("descriptors", f"whether a {what} was there for each request")
        elif requests:
            message = f"the generator had no {what} for {count(requests)} requests: they were not sent"
            yield invalid("descriptors", message, change, requests=requests)


def cpu(given: Given) -> Iterator[Finding]:
    """Find workers that used nearly all of their core."""
    used = given.run.generator_cpu or {}
    names = names_of(given, used)
    if not names:
        yield unknown("generator CPU", "how busy the generator was")
    if any(worker.name is None for worker in given.run.workers or ()):
        yield unknown("generator CPU", "how busy a worker without a name was")
    for name in names:
        ratio = used.get(name)
        if ratio is None:
            yield unknown("generator CPU", f"how busy {name} was")
        elif ratio > given.limits.generator_cpu:
            message = f"{name} used {percent(ratio)} of a core, at most {percent(given.limits.generator_cpu)}"
            yield invalid("generator CPU", message, "add workers", ratio=ratio)
