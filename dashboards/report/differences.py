"""How the figures of two runs differ, named step by step. Arithmetic only: whether it is chance is not asked here."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dashboards.formatting import count, percent, seconds
from dashboards.report.records_query import Step

QUANTILES = ("p50", "p95", "p99")
# Below a twentieth of the other's, and below a millisecond, it is called the same.
_SAME_RATIO, _SAME_S = 0.05, 0.001
_TIMES = 1.2
# To rank the two against each other: an error weighs as much as this much waiting of the one it met.
_S_AN_ERROR = 60.0
_MAX_HEADLINES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One figure of both runs; `words` names how this run's differs, empty where that can't be named.

    `tone` is a CSS class: `bad` for worse, `good` for better, and the words say it too. `weight` ranks differences.
    """

    name: str
    here: str
    there: str
    words: str
    tone: str = ""
    weight: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDifference:
    """One step in both runs; a run that made no request of it has None in its place."""

    step: str
    here: Step | None
    there: Step | None
    figures: Sequence[Difference]

    @property
    def weight(self) -> float:
        """How much the step differs, to rank steps by."""
        return sum(one.weight for one in self._told)

    @property
    def words(self) -> str:
        """The waiting that differs most, and the errors where they differ, in a sentence without its full stop."""
        told = (f"{one.name} {one.here} here, {one.there} there, {one.words}" for one in self._told)
        return f"{self.step}: {'; '.join(told)}"

    @property
    def _told(self) -> list[Difference]:
        *waiting, errors = self.figures
        return [one for one in (max(waiting, key=lambda one: one.weight), errors) if one.weight > 0]


def step_differences(here: Sequence[Step], there: Sequence[Step], *, named: bool) -> list[StepDifference]:
    """Return every step of either run in the order of the first; differences are only told when `named`."""
    first, second = ({one.step: one for one in steps} for steps in (here, there))
    return [_step(step, first.get(step), second.get(step), named=named) for step in dict.fromkeys([*first, *second])]


def headlines(steps: Sequence[StepDifference]) -> list[str]:
    """Return the greatest differences in sentences, the greatest first, at most three."""
    ranked = sorted(steps, key=lambda one: -one.weight)
    return [one.words for one in ranked[:_MAX_HEADLINES] if one.weight > 0]


def order_differences(
    here: Mapping[str, int | None], there: Mapping[str, int | None], *, named: bool
) -> list[Difference]:
    """Return the orders of both runs by outcome: how many more or fewer, which is neither good nor bad by itself."""
    return [_number(name, here.get(name), there.get(name), named=named) for name in dict.fromkeys([*here, *there])]


def _number(name: str, here: int | None, there: int | None, *, named: bool) -> Difference:
    words = ""
    if named and here is not None and there is not None:
        words = "the same" if here == there else f"{count(abs(here - there))} {'more' if here > there else 'fewer'}"
    return Difference(name=name, here=count(here), there=count(there), words=words)


def _step(step: str, here: Step | None, there: Step | None, *, named: bool) -> StepDifference:
    figures = [_waiting(name, place, here, there) for place, name in enumerate(QUANTILES)]
    figures.append(_errors(here, there))
    if not named:
        figures = [Difference(name=one.name, here=one.here, there=one.there, words="") for one in figures]
    return StepDifference(step=step, here=here, there=there, figures=figures)


def _waiting(name: str, place: int, here: Step | None, there: Step | None) -> Difference:
    now, then = (one.quantiles_s[place] if one and one.quantiles_s else None for one in (here, there))
    if now is None or then is None:
        return Difference(name=name, here=seconds(now), there=seconds(then), words="")
    apart = now - then
    if abs(apart) < max(_SAME_S, _SAME_RATIO * then):
        return Difference(name=name, here=seconds(now), there=seconds(then), words="about the same")
    worse = apart > 0
    words = f"{seconds(abs(apart))} {'slower' if worse else 'quicker'}"
    less, more = sorted((now, then))
    times = more / less if less > 0 else math.inf
    if math.isfinite(times) and times >= _TIMES:
        words += f" ({count(round(times, 1))} times)"
    # A p99 rests on few requests: it is in the table, and no headline.
    weight = 0.0 if name == "p99" else abs(apart)
    return Difference(
        name=name,
        here=seconds(now),
        there=seconds(then),
        words=words,
        tone=_tone(worse=worse) if times >= _TIMES else "",
        weight=weight,
    )


def _errors(here: Step | None, there: Step | None) -> Difference:
    now, then = (one.errors / one.requests if one and one.requests else None for one in (here, there))
    if now is None or then is None or now == then:
        words = "" if now is None or then is None else "the same"
        return Difference(name="errors", here=percent(now), there=percent(then), words=words)
    worse = now > then
    points = f"{percent(abs(now - then)).removesuffix(' %')} points {'more' if worse else 'fewer'}"
    weight = abs(now - then) * _S_AN_ERROR
    return Difference(
        name="errors", here=percent(now), there=percent(then), words=points, tone=_tone(worse=worse), weight=weight
    )


def _tone(*, worse: bool) -> str:
    return "bad" if worse else "good"
