"""Bounds, chances and design effects over a grid of counts."""

import itertools
import random
from collections.abc import Iterator

from slo.design_effect import (
    DesignEffect,
    DesignEffects,
    StepCounts,
    assumed_design_effect,
    blocks_of,
    design_effects,
    longest_error_burst_s,
    planned_design_effect,
    thirds_of,
)
from slo.statistics import (
    chance_of_proof,
    chance_of_proof_alone,
    events_needed,
    events_needed_at,
    events_to_miss_at,
    holm,
    lower_bad_ratio,
    miss_is_certain,
    p_value_of_miss,
    upper_bad_ratio,
)

COUNTS = ((0, 0), (0, 300), (1, 300), (3, 900), (30, 900), (900, 900), (299, 300))


def answers() -> Iterator[tuple[str, object]]:
    """Return each answer after what was asked."""
    return itertools.chain(_bounds(), _needed(), _effects(), _of_blocks())


def _bounds() -> Iterator[tuple[str, object]]:
    for (bad, events), effect, alpha in itertools.product(COUNTS, (1.0, 2.5), (0.05, 0.01)):
        case = f"{bad} of {events}, effect {effect}, alpha {alpha}"
        yield (
            case,
            (
                upper_bad_ratio(bad, events, effect, alpha),
                lower_bad_ratio(bad, events, effect, alpha),
                p_value_of_miss(bad, events, 0.01, effect),
                longest_error_burst_s(bad, events, 0.02, 10.0, alpha),
                [miss_is_certain(bad, planned, 0.01, effect, alpha) for planned in (events, 2 * events, 3000)],
            ),
        )
    yield "holm", [holm(one) for one in ({"a": 0.02, "b": 0.001, "c": 0.03}, {"a": 0.05}, {"a": 0.02, "b": 0.025}, {})]


def _needed() -> Iterator[tuple[str, object]]:
    for budget, bad in itertools.product((0.001, 0.01, 0.05), (0, 1, 7)):
        yield f"needed for {budget} with {bad} bad", (events_needed(budget, bad), events_needed(budget, bad, 0.01))
    for ratio, effect in itertools.product((0.0, 0.002, 0.009, 0.01, 0.03, 0.3), (1.0, 2.0)):
        yield (
            f"at {ratio}, effect {effect}",
            (
                events_needed_at(ratio, 0.01, effect),
                events_to_miss_at(ratio, 0.01, effect, 0.05),
                [chance_of_proof(events, effect, 0.01, ratio) for events in (10, 299, 500, 5000)],
                [chance_of_proof_alone(events, effect, 0.01, ratio) for events in (10, 299, 500, 5000)],
            ),
        )


def _effects() -> Iterator[tuple[str, object]]:
    for duration_s in (1.0, 3.0, 59.0, 60.0, 900.0):
        yield (
            f"blocks of {duration_s} s",
            (blocks_of(duration_s), [str(one) for one in thirds_of(blocks_of(duration_s))]),
        )
    for rate, burst_s in itertools.product((0.1, 5.0, 80.0), (0.0, 0.1, 3.0)):
        yield (
            f"assumed {burst_s} s at {rate}/s",
            (assumed_design_effect(rate, burst_s), planned_design_effect(rate, burst_s)),
        )
    both = DesignEffects(met=DesignEffect(value=3.0, known_from="x"), miss=DesignEffect(value=2.0, known_from="y"))
    yield "weighted", [both.weighted(one) for one in (0.5, 1.0, 1.5)]


def _of_blocks() -> Iterator[tuple[str, object]]:
    chance = random.Random(16)  # noqa: S311 - made-up counts
    for blocks, ratio, clump in itertools.product((7, 20), (0.0, 0.01, 0.2, 1.0), (1, 6)):
        steps = []
        for step in ("home", "checkout"):
            events = [chance.randrange(40, 80) for _ in range(blocks)]
            bad = [min(one, clump * sum(chance.random() < ratio / clump for _ in range(one))) for one in events]
            steps.append(StepCounts(step=step, events=tuple(map(float, events)), bad=tuple(map(float, bad))))
        for scatter in (None, 0.7, 2.5):
            found = design_effects(steps, rate_per_s=2.0, assumed_error_burst_s=0.5, session_scatter=scatter)
            yield f"{blocks} blocks at {ratio} by {clump}, scatter {scatter}", found
