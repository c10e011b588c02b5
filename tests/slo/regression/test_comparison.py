"""Two releases compared by paired blocks: what passes, what fails, and what is not shown."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from slo.outcomes import Outcome
from slo.regression.comparison import Comparison, compare
from slo.regression.design import Design
from slo.regression.limits import error_measure, latency_measure, orders_measure
from slo.regression.measures import Measure, Measured, Pair, Value
from slo.regression.settings import ComparisonSettings

SETTINGS = ComparisonSettings()
LATENCY = latency_measure("checkout-latency", ("checkout",), SETTINGS)
ERRORS = error_measure("checkout-availability", ("checkout",), 0.01, SETTINGS)
ORDERS = orders_measure(("checkout",), SETTINGS)
WOBBLE = (0.02, -0.02, 0.01, -0.01, -0.015, 0.015, 0.005, -0.005, 0.01, -0.01, 0.02, -0.02)
UNKNOWN = Value(value=None, events=0, because="no series")


def pairs(a: Sequence[float], b: Sequence[float], events: int = 1000) -> tuple[Pair, ...]:
    return tuple(
        Pair(number=number, a=Value(value=one, events=events), b=Value(value=other, events=events))
        for number, (one, other) in enumerate(zip(a, b, strict=True), start=1)
    )


def latency(ratio: float, count: int = 12, base_s: float = 0.4) -> Measured:
    b = [base_s * ratio * math.exp(one) for one in WOBBLE[:count]]
    return Measured(measure=LATENCY, pairs=pairs([base_s] * count, b))


def of(measure: Measure, a: float, b: float, events: int = 1000, count: int = 12) -> Measured:
    return Measured(measure=measure, pairs=pairs([a] * count, [b] * count, events))


def judged(*measured: Measured, settings: ComparisonSettings = SETTINGS) -> Comparison:
    return compare(measured, Design(), settings)


def test_a_release_that_is_as_fast_passes_at_the_first_look_that_shows_it() -> None:
    found = judged(latency(1.0))
    assert (found.outcome, found.is_final, found.pairs) == (Outcome.PASS, True, 4)


def test_a_release_that_is_a_fifth_slower_fails_and_says_by_how_much() -> None:
    found = judged(latency(1.2))
    assert (found.outcome, found.pairs) == (Outcome.FAIL, 4)
    assert found.results[0].because == "+20 % (400 ms → 480 ms), at best +15.1 %; up to +5 % is tolerated"


def test_a_verdict_stays_what_it_was_when_more_pairs_are_judged() -> None:
    assert judged(latency(1.2, 4)) == judged(latency(1.2, 12))


def test_a_look_that_is_not_reached_is_not_taken() -> None:
    found = judged(latency(1.2, 3))
    assert (found.outcome, found.is_final, found.needs) == (Outcome.INCONCLUSIVE, False, "1 more pair")


def test_nothing_to_compare_is_no_pass() -> None:
    assert judged().outcome is Outcome.INCONCLUSIVE


def test_one_measure_that_fails_fails_all() -> None:
    assert judged(latency(1.0), of(ERRORS, 0.0, 0.03)).outcome is Outcome.FAIL


def test_a_measure_that_passed_early_waits_for_the_others() -> None:
    one = latency(1.0)
    slow = Measured(measure=replace(LATENCY, name="other"), pairs=latency(1.06).pairs)
    found = judged(one, slow)
    assert (found.outcome, found.pairs, found.results[0].outcome) == (Outcome.PASS, 6, Outcome.PASS)
    assert [one.pairs for one in found.results] == [4, 6]


def test_a_measure_that_passed_and_is_not_known_afterwards_does_not_pass() -> None:
    one, slow = latency(1.0), Measured(measure=replace(LATENCY, name="other"), pairs=latency(1.06).pairs)
    gone = tuple(replace(pair, b=UNKNOWN) for pair in one.pairs[4:])
    found = judged(replace(one, pairs=(*one.pairs[:4], *gone)), slow)
    assert (found.outcome, found.results[0].outcome) == (Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE)


@pytest.mark.parametrize("measure", [LATENCY, ERRORS, ORDERS])
@pytest.mark.parametrize("side", ["a", "b"])
def test_what_is_not_known_in_one_pair_keeps_a_measure_from_passing(measure: Measure, side: str) -> None:
    value = {"latency": 0.4, "errors": 0.0, "orders": 0.95}[measure.kind.value]
    whole = of(measure, value, value, 20_000)
    assert judged(whole).outcome is Outcome.PASS
    gap = replace(whole.pairs[1], a=UNKNOWN) if side == "a" else replace(whole.pairs[1], b=UNKNOWN)
    found = judged(replace(whole, pairs=(whole.pairs[0], gap, *whole.pairs[2:])))
    assert (found.outcome, found.is_final) == (Outcome.INCONCLUSIVE, True)
    assert f"pair 2: {side.upper()}: no series" in (found.needs or "")


def test_nan_is_not_known() -> None:
    assert judged(of(LATENCY, 0.4, math.nan)).outcome is Outcome.INCONCLUSIVE


def test_what_is_known_can_fail_though_a_pair_is_missing() -> None:
    whole = latency(1.3)
    gap = replace(whole.pairs[0], a=UNKNOWN)
    assert judged(replace(whole, pairs=(gap, *whole.pairs[1:]))).outcome is Outcome.FAIL


def test_a_quantile_of_a_handful_of_requests_is_not_known() -> None:
    found = judged(of(LATENCY, 0.4, 0.4, events=99))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "99 requests, too few: 100 are needed" in (found.needs or "")


def test_a_release_whose_requests_fail_at_the_quantile_in_every_block_fails() -> None:
    assert judged(of(LATENCY, 0.4, math.inf)).outcome is Outcome.FAIL


def test_a_block_that_failed_neither_fails_nor_passes_a_latency() -> None:
    b = [0.4, math.inf, *[0.4] * 10]
    found = judged(Measured(measure=LATENCY, pairs=pairs([0.4] * 12, b)))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "pair 2: the request at the quantile failed with B" in (found.needs or "")


def test_pairs_in_which_both_failed_say_nothing() -> None:
    assert judged(of(LATENCY, math.inf, math.inf)).outcome is Outcome.INCONCLUSIVE


def test_four_bad_blocks_of_one_release_fail_nothing() -> None:
    b = [4.0, 0.4, 0.4, 4.0, 0.4, 0.4, 4.0, 0.4, 0.4, 4.0, 0.4, 0.4]
    assert judged(Measured(measure=LATENCY, pairs=pairs([0.4] * 12, b))).outcome is Outcome.INCONCLUSIVE


def test_blocks_that_are_alike_to_the_last_digit_are_no_certainty() -> None:
    assert judged(of(LATENCY, 0.4, 0.422)).outcome is Outcome.PASS


def test_few_events_without_an_error_pass_nothing() -> None:
    assert judged(of(ERRORS, 0.0, 0.0, events=20)).outcome is Outcome.INCONCLUSIVE


def test_many_events_without_an_error_pass_up_to_a_burst_that_is_said() -> None:
    found = judged(of(ERRORS, 0.0, 0.0))
    assert found.outcome is Outcome.PASS
    assert (found.results[0].because or "").endswith("unless B's errors come in bursts of over 82.9 ms")


def test_a_burst_that_is_assumed_takes_more_evidence() -> None:
    settings = SETTINGS.model_copy(update={"assumed_error_burst_s": 1.0})
    assert judged(of(ERRORS, 0.0, 0.0), settings=settings).outcome is Outcome.INCONCLUSIVE


def test_a_lone_error_fails_nothing() -> None:
    b = [0.004, *[0.0] * 11]
    assert judged(Measured(measure=ERRORS, pairs=pairs([0.0] * 12, b, 250))).outcome is not Outcome.FAIL


def test_orders_are_judged_by_the_share_that_is_lost() -> None:
    assert judged(of(ORDERS, 0.95, 0.95, 5000)).outcome is Outcome.PASS
    assert judged(of(ORDERS, 0.10, 0.08, 20_000)).outcome is Outcome.FAIL
    assert judged(of(ORDERS, 0.10, 0.10, 100)).outcome is Outcome.INCONCLUSIVE


def test_a_fast_step_may_be_slower_by_the_least_change() -> None:
    fast = latency(1.09, base_s=0.05)
    assert judged(fast).results[0].outcome is not Outcome.FAIL
    none = SETTINGS.model_copy(update={"min_change_ms": 0.0})
    bare = replace(fast, measure=latency_measure("checkout-latency", ("checkout",), none))
    wide = replace(fast, measure=replace(fast.measure, min_change_s=0.02))
    assert judged(bare, settings=none).outcome is Outcome.FAIL
    assert judged(wide).outcome is Outcome.PASS


def test_pairs_that_are_each_like_the_one_before_decide_nothing() -> None:
    b = [0.4 * math.exp(0.12 * math.sin(number / 1.3)) for number in range(12)]
    found = judged(Measured(measure=LATENCY, pairs=pairs([0.4] * 12, b)))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "the pairs aren't independent" in (found.results[0].because or "")


def test_a_lasting_difference_of_deployments_is_no_regression() -> None:
    known = SETTINGS.model_copy(update={"deployment_sd": 0.05})
    assert judged(latency(1.09), settings=known).outcome is Outcome.INCONCLUSIVE
    assert judged(latency(1.12)).outcome is Outcome.FAIL


def test_a_job_is_given_up_when_neither_verdict_is_likely() -> None:
    b = [0.4 * math.exp(0.07 + 8 * one) for one in WOBBLE]
    found = judged(Measured(measure=LATENCY, pairs=pairs([0.4] * 12, b)))
    assert (found.outcome, found.is_final, found.pairs) == (Outcome.INCONCLUSIVE, True, 6)


def test_a_job_goes_on_while_one_of_its_measures_is_likely_to_fail() -> None:
    wild, near = (
        Measured(measure=replace(LATENCY, name=name), pairs=pairs([0.4] * 6, [0.4 * math.exp(one) for one in b]))
        for name, b in (("wild", [0.07 + 8 * one for one in WOBBLE[:6]]), ("near", [0.1 + 4 * o for o in WOBBLE[:6]]))
    )
    assert judged(wild).is_final
    assert not judged(wild, near).is_final


def test_a_measure_that_may_pass_saves_no_job_in_which_another_will_not() -> None:
    wild, likely = (
        Measured(measure=replace(LATENCY, name=name), pairs=pairs([0.4] * 6, [0.4 * math.exp(one) for one in b]))
        for name, b in (
            ("wild", [0.07 + 8 * one for one in WOBBLE[:6]]),
            ("likely", [0.05 + 4 * o for o in WOBBLE[:6]]),
        )
    )
    assert not judged(likely).is_final
    assert judged(wild, likely).is_final


@pytest.mark.parametrize(
    "wrong",
    [
        {"looks": ()},
        {"looks": (2, 4)},
        {"looks": (4, 4)},
        {"looks": (4, 2000)},
        {"block_s": 5.0},
        {"switch_s": math.nan},
    ],
)
def test_a_design_that_nothing_can_be_judged_by_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"looks|blocks"):
        Design(**wrong)  # type: ignore[arg-type]


SERVER = replace(ERRORS, name="server", source="prometheus")


def test_a_fail_seen_without_the_servers_counters_is_the_verdict_with_them() -> None:
    drops = Measured(measure=ORDERS, pairs=pairs([0.95] * 12, [0.95] * 4 + [0.2] * 8, 20_000))
    known = of(SERVER, 0.0, 0.0, 20_000)
    unknown = replace(known, pairs=tuple(replace(one, a=UNKNOWN, b=UNKNOWN) for one in known.pairs))
    seen, verdict = judged(drops, unknown), judged(drops, known)
    assert (seen.outcome, verdict.outcome, seen.pairs) == (Outcome.FAIL, Outcome.FAIL, verdict.pairs)
    assert judged(drops).outcome is Outcome.PASS


def test_where_the_servers_counters_are_compared_only_a_fail_ends_the_job_early() -> None:
    found = judged(latency(1.0), of(SERVER, 0.0, 0.0, 20_000))
    assert (found.outcome, found.is_final, found.pairs) == (Outcome.PASS, True, 12)
    assert not judged(latency(1.0, 8), of(SERVER, 0.0, 0.0, 20_000, 8)).is_final


def test_a_measure_that_is_not_known_yet_still_shares_alpha() -> None:
    unknown = replace(of(SERVER, 0.0, 0.0), pairs=tuple(Pair(number=n, a=UNKNOWN, b=UNKNOWN) for n in range(1, 5)))
    others = [replace(unknown, measure=replace(SERVER, name=f"server-{n}")) for n in range(8)]
    alone, beside = judged(latency(1.12, 4)).results[0], judged(latency(1.12, 4), *others).results[0]
    assert (alone.low or 0) > (beside.low or 0)


def test_before_the_first_look_the_pairs_are_those_that_every_measure_has() -> None:
    found = judged(latency(1.0, count=3), replace(latency(1.0, count=2), measure=ERRORS))
    assert (found.pairs, found.is_final, found.needs) == (2, False, "2 more pairs")
    assert found.because == "2 of the first look's 4 pairs are played"


def test_a_release_with_a_block_without_an_order_is_held_against_the_mean_of_its_blocks() -> None:
    """Half of A's blocks made no order at all: what is tolerated is a share of what they made on average."""
    values = [0.0, 0.5] * 6
    made = tuple(
        Pair(number=number, a=Value(value=one, events=20_000), b=Value(value=one, events=20_000))
        for number, one in enumerate(values, 1)
    )
    result = judged(Measured(measure=ORDERS, pairs=made)).results[0]
    assert result.outcome is Outcome.PASS
    assert "under -4 % passes" in (result.because or "")
    assert result.value_a == pytest.approx(0.25)
