"""How many pairs of blocks are played, and how long each is, where only one release is up at a time.

A pair costs two blocks, each with what a run costs beside its load, and about one and a half switches; so the dearer a
switch is, the fewer pairs there should be, and the longer their blocks. What a design finds is known up to a factor:

    detectable ~ (t(1 - alpha; n - 1) + z(0.8)) * sqrt(v / n),   v = deployment_sd^2 + 1 / m

for n pairs whose blocks are measured for m seconds, if the noise within a block is white (its variance falls as 1 / m,
here in units of one second's) and each putting-up adds its own. What spending takes from alpha at the last look is
nearly the same in all designs and is left out. Few pairs pay by the quantile (n - 1 degrees of freedom), many by time.

Of the designs that find as small a change as twelve pairs of 30 s with both releases up, the one that is expected to
be over first is chosen: half of all comparisons decide at their first look, the others play to the last. Where no such
design fits into the time allowed, the one that finds the least change within it is chosen.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from loadtests.comparison.job import Variant
from scripts.comparing.order import switches
from slo.documents import BadInput
from slo.regression.design import Design
from slo.special_functions import special

FEWEST_PAIRS, MOST_PAIRS = 4, 12
LONGEST_MEASURED_S = 600.0
_GRID_S = 5.0
_WHITE_SD = 0.335  # of ln p95's difference in a pair measured for one second each: 0.067 in 25 s (GATE's middle cell)
_POWER = 0.8
_BOTH_UP_PAIRS, _BOTH_UP_MEASURED_S = 12, 25.0
_EVERY_LOOK_UP_TO = 6
_SWITCH_SLACK, _SWITCH_SLACK_MOST_S, _SETTLES_S = 0.2, 20.0, 5.0
LOOK_MOST_S = 5.0  # from the records of all blocks: 0.5 to 2 s where these are the demo's


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a block costs, in seconds: putting a release up, a run beside its load, and the block's unjudged start.

    `beside_most_s` is what a run costs beside its load where the machine is busy. `least_measured_s` is the shortest
    judged part in which each judged step has requests enough for its quantile.
    """

    switch_s: float
    beside_s: float
    beside_most_s: float
    skip_s: float
    least_measured_s: float

    @property
    def switch_most_s(self) -> float:
        """What a switch is given: somewhat longer than the ones that were timed, and what a stable latency takes."""
        more_s = min(self.switch_s * _SWITCH_SLACK, _SWITCH_SLACK_MOST_S) + _SETTLES_S
        return self.switch_s + more_s if self.switch_s else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A design, how long it takes, at most, and if it decides at its first look; `changes` are its switches."""

    design: Design
    about_s: float
    most_s: float
    first_look_s: float
    changes: int


def choose(
    costs: Costs, draw: Callable[[int], Sequence[Variant]], max_s: float, alpha: float, deployment_sd: float = 0.0
) -> Chosen:
    """Return the design to play; `draw` gives the order of the blocks of so many pairs.

    Raises BadInput when not even the smallest fits into `max_s`.
    """
    found = [(one, detectable(one, costs, alpha, deployment_sd)) for one in _designs(costs, draw)]
    fitting = [(one, change) for one, change in found if one.most_s <= max_s]
    if not fitting:
        raise BadInput(_too_long(min((one for one, _ in found), key=lambda one: one.most_s), max_s))
    wanted = _factor(_BOTH_UP_PAIRS, _BOTH_UP_MEASURED_S, alpha, deployment_sd)
    enough = [one for one, change in fitting if change <= wanted]
    if enough:
        return min(enough, key=lambda one: one.about_s + one.first_look_s)
    return min(fitting, key=lambda one: one[1])[0]


def detectable(one: Chosen, costs: Costs, alpha: float, deployment_sd: float = 0.0) -> float:
    """Return the change of ln p95 that a design finds with a chance of 80 % on a shop of middling noise."""
    return _factor(one.design.pairs, one.design.block_s - costs.skip_s, alpha, deployment_sd)


def _factor(pairs: int, measured_s: float, alpha: float, deployment_sd: float) -> float:
    variance = deployment_sd**2 + _WHITE_SD**2 / measured_s
    return float(special().stdtrit(pairs - 1, 1 - alpha) + special().ndtri(_POWER)) * math.sqrt(variance / pairs)


def _designs(costs: Costs, draw: Callable[[int], Sequence[Variant]]) -> Iterator[Chosen]:
    least = math.ceil(costs.least_measured_s / _GRID_S) * _GRID_S
    steps = max(0, math.floor((LONGEST_MEASURED_S - least) / _GRID_S))
    for pairs in range(FEWEST_PAIRS, MOST_PAIRS + 1):
        order = draw(pairs)
        for step in range(steps + 1):
            yield _chosen(pairs, least + step * _GRID_S, costs, order)


def as_asked(design: Design, costs: Costs, draw: Callable[[int], Sequence[Variant]], max_s: float) -> Chosen:
    """Return what a design takes that is given; raises BadInput when that is over `max_s`."""
    chosen = _timed(replace(design, switch_s=costs.switch_s), costs, draw(design.pairs))
    if chosen.most_s > max_s:
        raise BadInput(_too_long(chosen, max_s))
    return chosen


def _chosen(pairs: int, measured_s: float, costs: Costs, order: Sequence[Variant]) -> Chosen:
    block_s = costs.skip_s + measured_s
    design = Design(looks=looks_of(pairs), block_s=block_s, skip_s=costs.skip_s, switch_s=costs.switch_s)
    return _timed(design, costs, order)


def _timed(design: Design, costs: Costs, order: Sequence[Variant]) -> Chosen:
    return Chosen(
        design=design,
        about_s=duration_s(order, design.block_s, costs),
        most_s=at_most_s(order, design, costs),
        first_look_s=duration_s(order[: 2 * design.looks[0]], design.block_s, costs),
        changes=switches(order),
    )


def looks_of(pairs: int) -> tuple[int, ...]:
    """Return after how many pairs is looked: after each from the fourth on, of many after every other."""
    if pairs <= _EVERY_LOOK_UP_TO:
        return tuple(range(FEWEST_PAIRS, pairs + 1))
    return tuple(sorted({*range(pairs, FEWEST_PAIRS - 1, -2)}))


def duration_s(order: Sequence[Variant], block_s: float, costs: Costs) -> float:
    """Return what the blocks of `order` take, the switches and putting A back among it."""
    return len(order) * (block_s + costs.beside_s) + switches(order) * costs.switch_s


def at_most_s(order: Sequence[Variant], design: Design, costs: Costs) -> float:
    """Return what the blocks of `order` are given, with their looks, on a machine that is busy with other things."""
    blocks_s = len(order) * (design.block_s + costs.beside_most_s)
    return blocks_s + switches(order) * costs.switch_most_s + len(design.looks) * LOOK_MOST_S


def _too_long(shortest: Chosen, max_s: float) -> str:
    design = shortest.design
    return (
        f"the comparison may take {minutes(shortest.most_s)} minutes ({design.pairs} pairs of blocks of"
        f" {design.block_s:.0f} s, {shortest.changes} switches of {design.switch_s:.0f} s), and --max-minutes leaves"
        f" {max(0.0, max_s) / 60:.1f}: raise it, raise the plan's demand, or make switching faster"
    )


def minutes(duration_s: float) -> int:
    """Return whole minutes that are no less."""
    return math.ceil(duration_s / 60)
