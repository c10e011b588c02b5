"""Whether the run was worth judging: the facts of run.json and of the records, each check a finding.

A check has three answers: fine, not fine, and *not known*, which is as bad as not fine. Every finding names what to
change.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from slo.findings import Finding
from slo.validity import data_pools, evidence, generator, load, reached, steps, traces, workers
from slo.validity.context import Given, JudgedBy, Limits
from slo.validity.delivery import Delivered
from slo.validity.reached import proxy_of
from slo.validity.run_document import RunDocument

BESIDE_A_MISS = frozenset({"steps", "cut off", "traces"})
"""The checks that a miss stands beside: it was shown by less load than planned, the shop hangs at the end, or no trace
says where its time went."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One validity check's name and what it found wrong; fine when it found nothing."""

    name: str
    findings: tuple[Finding, ...]


def check_validity(
    run: RunDocument,
    records: Delivered,
    declared: frozenset[str],
    limits: Limits | None = None,
    judged_by: JudgedBy | None = None,
) -> tuple[Checked, ...]:
    """Return every validity check with its findings, in a fixed order.

    `declared` holds what targets.yaml declares for the environment: of `orders`, `payments`, `stock`, `release`,
    `traces`, `test data`. An aborted run is not invalid by that alone: `slo.verdict.verdict` weighs why it was.
    """
    given = Given(
        run=run,
        records=records,
        declared=declared,
        limits=limits or Limits(),
        judged_by=judged_by or JudgedBy(),
    )
    requests = records.all_steps
    straight = proxy_of(run) is None and requests is not None and requests.at_proxy == 0
    optional = (
        *(("browser", run.browser), ("connections", run.shared_connections), ("proxy", None if straight else run)),
        *(("storefront", run.storefront_failures or None), ("hosts", run.undeclared_hosts or None)),
    )
    absent = {name for name, fact in optional if fact is None} | ({"test data"} - declared)
    names = [name for name in _CHECKS if name not in absent]
    return tuple(Checked(name=name, findings=tuple(_CHECKS[name](given))) for name in names)


_CHECKS: Mapping[str, Callable[[Given], Iterator[Finding]]] = {
    "ended": load.ended,
    "account": load.account,
    "plan": load.plan,
    "load": load.load,
    "workers": workers.workers,
    "contact": workers.contact,
    "clocks": workers.clocks,
    "records": workers.records,
    "evidence": evidence.evidence,
    "scheduling lag": generator.lag,
    "stalls": generator.stalls,
    "generator CPU": generator.cpu,
    "descriptors": generator.descriptors,
    "data": load.data,
    "test data": data_pools.data_pools,
    "live view": workers.live,
    "hooks": workers.hooks,
    "storefront": workers.storefront,
    "release": load.release,
    "steps": steps.steps,
    "cut off": reached.cut_off,
    "blocked": reached.blocked,
    "proxy": reached.proxy,
    "spans": traces.spans,
    "traces": traces.traces,
    "browser": load.browser,
    "connections": load.connections,
    "hosts": load.hosts,
}
