"""What is known of probes as metrics: nothing that isn't known, and no more series than are bounded."""

from dataclasses import replace
from typing import Any

from prometheus_client.registry import Collector, CollectorRegistry

from exporters.subjects.probe.families import families
from exporters.subjects.probe.slot import Seen
from loadtests.probe.messages import HostSeen
from loadtests.probe.result import FailedStep, ProbeResult, skipped
from tests.exporters.subjects.probe.made import BAD, GOOD, samples

KEY = ("staging", "browse")
EXPIRED = HostSeen(host="shop.example", connect_s=0.01, trusted=False, not_before_s=100.0, not_after_s=900.0)
PLAIN = HostSeen(host="cdn.example:8080", connect_s=0.02)


def seen(last: ProbeResult | None, played: ProbeResult | None = None, **known: Any) -> Seen:
    facts: dict[str, Any] = {"every_s": 60.0, "now_s": 1010.0, **known}
    return Seen(last=last, played=played or last, recent_failures=1, **facts)


def exported(one: Seen, limits: dict[str, float] | None = None) -> dict[tuple[str, ...], float]:
    found = tuple(families({KEY: one}, {"browse": limits or {}}))

    class Found(Collector):
        def collect(self) -> tuple[object, ...]:  # type: ignore[override]
            return found

    registry = CollectorRegistry()
    registry.register(Found())
    labelled = {
        tuple(value for name, value in sample.labels.items() if name in ("target", "module"))
        for family in registry.collect()
        for sample in family.samples
    }
    assert labelled == {KEY}
    return samples(registry)


def test_a_probe_that_succeeded_is_told_whole() -> None:
    result = replace(GOOD, resolve_s=0.001, hosts=(EXPIRED, PLAIN))
    assert exported(seen(result, succeeded_at_s=1000.0)) == {
        ("probe_interval_seconds",): 60.0,
        ("probe_timestamp_seconds",): 1000.0,
        ("probe_last_success_timestamp_seconds",): 1000.0,
        ("probe_recent_failures",): 1,
        ("probe_success",): 1.0,
        ("probe_duration_seconds",): 0.25,
        ("probe_requests",): 1,
        ("probe_http_status_code",): 200,
        ("probe_step_duration_seconds", "home"): 0.25,
        ("probe_dns_lookup_time_seconds",): 0.001,
        ("probe_connect_duration_seconds", "shop.example"): 0.01,
        ("probe_connect_duration_seconds", "cdn.example:8080"): 0.02,
        ("probe_certificate_trusted", "shop.example"): 0.0,
        ("probe_certificate_not_before_timestamp_seconds", "shop.example"): 100.0,
        ("probe_certificate_not_after_timestamp_seconds", "shop.example"): 900.0,
    }


def test_a_probe_that_failed_says_at_which_step_and_why() -> None:
    found = exported(seen(BAD))
    assert (found["probe_success",], found["probe_http_status_code",]) == (0.0, 500)
    assert found["probe_failed_step", "home", "http_5xx"] == 1.0
    assert ("probe_last_success_timestamp_seconds",) not in found


def test_a_probe_that_was_skipped_is_neither_good_nor_bad_and_its_certificates_stay() -> None:
    found = exported(seen(skipped("run", "a run", 1.0), played=replace(GOOD, hosts=(EXPIRED,))))
    assert found == {
        ("probe_interval_seconds",): 60.0,
        ("probe_timestamp_seconds",): 1000.0,
        ("probe_recent_failures",): 1,
        ("probe_skipped", "run"): 1.0,
        ("probe_certificate_trusted", "shop.example"): 0.0,
        ("probe_certificate_not_before_timestamp_seconds", "shop.example"): 100.0,
        ("probe_certificate_not_after_timestamp_seconds", "shop.example"): 900.0,
    }


def test_what_was_found_three_intervals_ago_says_nothing_of_today() -> None:
    young, old = exported(seen(BAD, now_s=1180.0)), exported(seen(BAD, now_s=1180.1))
    assert (young["probe_recent_failures",], young["probe_success",]) == (1, 0.0)
    assert old == {("probe_interval_seconds",): 60.0, ("probe_timestamp_seconds",): 1000.0}


def test_of_what_was_never_probed_the_interval_alone_is_known() -> None:
    assert exported(Seen(every_s=60.0, now_s=1.0)) == {("probe_interval_seconds",): 60.0}


def test_steps_beyond_the_most_are_one_whose_slowest_it_is() -> None:
    steps = {f"step-{n}": n / 10 for n in range(33)}
    failed = FailedStep(step="step-31", reason="timeout", message="step-31: timeout")
    found = exported(seen(replace(BAD, steps_s=steps, failed=failed)))
    durations = {labels[1]: value for labels, value in found.items() if labels[0] == "probe_step_duration_seconds"}
    assert (len(durations), durations["step-29"], durations["other"]) == (31, 2.9, 3.2)
    assert found["probe_failed_step", "other", "timeout"] == 1.0


def test_a_step_s_limit_stands_beside_its_duration() -> None:
    assert exported(seen(GOOD), {"home": 0.5})["probe_step_limit_seconds", "home"] == 0.5
