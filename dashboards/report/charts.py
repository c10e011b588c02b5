"""The charts of a run: records in, drawn charts with their captions out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from dashboards.charts.svg import draw
from dashboards.charts.vega_specs import NARROW, WIDE, Curve, OverTime, Shade, distribution, over_time
from dashboards.formatting import count, length, percent, seconds
from dashboards.report.records_query import Span, Store
from dashboards.report.run_files import Reading
from dashboards.report.stored_metrics import StoredPanel
from slo.verdict.verdict_document import ObjectiveEntry

MAX_GROUPS = 6
BINS_A_DECADE = 16
SMALL = 430


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart ready for the page: for wide and for narrow screens, with its title and the caption below it."""

    title: str
    note: str
    wide: Markup
    narrow: Markup | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Steps that are looked at together, with the limit of the objective that groups them."""

    title: str
    steps: Sequence[str]
    threshold_s: float | None = None
    target: float | None = None

    @property
    def limit(self) -> tuple[float, str] | None:
        """The threshold and its label."""
        if self.threshold_s is None or self.threshold_s <= 0:
            return None
        return self.threshold_s, f"limit {seconds(self.threshold_s)}"


def groups(objectives: Sequence[ObjectiveEntry]) -> list[Group]:
    """Return the steps that latency objectives judge together; every step as one group when there is none."""
    found: dict[tuple[str, ...], Group] = {}
    for one in objectives:
        if one.indicator == "latency" and one.steps:
            group = Group(
                title=one.display_name or one.name, steps=one.steps, threshold_s=one.threshold_s, target=one.target
            )
            found.setdefault(one.steps, group)
    return list(found.values())[:MAX_GROUPS] or [Group(title="All steps", steps=())]


class Charts:
    """Draws the charts of one run over its time and phases; `prefix` keeps their ids apart from another run's."""

    def __init__(self, reading: Reading, store: Store, prefix: str = "chart") -> None:
        self._prefix = prefix
        self._reading = reading
        self._store = store
        self.time = store.time
        self._shades = _shades(reading, store.time)
        self._named = 0

    def load(self) -> list[Chart]:
        """Return sessions planned against started, and requests against errors, over time."""
        return [self._sessions(), self._requests()]

    def _sessions(self) -> Chart:
        per = self.time.bin_s
        due = [n / per for n in self._store.per_bin("sessions", "scheduled_at")]
        began = [n / per for n in self._store.per_bin("sessions", "started_at", "started_at > 0")]
        curve = planned(self._reading, self.time)
        plan = [Curve(name="the plan's curve", colour="c2", points=curve, dash=(6, 4))] if curve else []
        hints = [
            f"{count(round(d, 2))} sessions/s due, {count(round(b, 2))} started"
            for d, b in zip(due, began, strict=True)
        ]
        note = "A gap between due and started is load that was not delivered."
        curves = [
            *plan,
            self._curve(self.time, "due", "c4", due),
            self._curve(self.time, "started", "c1", began, weight=2.2),
        ]
        chart = self._over_time(self.time, "Sessions a second", curves, hints)
        return self._drawn(chart, note if plan else f"{note} The plan's curve is not known.")

    def _requests(self) -> Chart:
        per = self.time.bin_s
        sent, bad = self._store.requests_per_bin()
        hints = [f"{count(n)} requests sent, {count(b)} in error" for n, b in zip(sent, bad, strict=True)]
        curves = [
            self._curve(self.time, "sent", "c1", [n / per for n in sent]),
            self._curve(self.time, "of them in error", "bad", [n / per for n in bad], weight=2.2),
        ]
        return self._drawn(self._over_time(self.time, "Requests a second", curves, hints), "")

    def latency(self, group: Group) -> Chart | None:
        """Return the percentiles over time of a group of steps, drawn; None without any request."""
        chart = self.latency_over_time(group, self.bin_s(group))
        return None if chart is None else self._drawn(chart, _steps_note(group, chart.bin_s))

    def bin_s(self, group: Group) -> int:
        """Return how long a point of a group's chart is, for a percentile to mean something."""
        return self._store.time_for(group.steps).bin_s

    def latency_over_time(self, group: Group, bin_s: int) -> OverTime | None:
        """Return the percentiles over time of a group of steps; None without any request."""
        time = replace(self.time, bin_s=bin_s)
        bins = self._store.latency_per_bin(group.steps, time)
        if not bins:
            return None
        known = {one.index: one for one in bins}
        line = [known.get(index) for index in range(time.bins)]

        def of(place: int) -> list[float | None]:
            return [one.quantiles_s[place] if one and one.quantiles_s else None for one in line]

        curves = [
            self._curve(time, "p99", "c3", of(2)),
            self._curve(time, "p95", "c1", of(1), weight=2.2),
            self._curve(time, "p50", "c4", of(0)),
            self._curve(
                time,
                "p95 from sending",
                "muted",
                [one.service_p95_s if one else None for one in line],
                weight=1,
                dash=(3, 2),
            ),
        ]
        hints = [
            f"p50 {seconds(one.quantiles_s[0])}, p95 {seconds(one.quantiles_s[1])}, p99 {seconds(one.quantiles_s[2])}, "
            f"{count(one.requests)} requests"
            if one and one.quantiles_s
            else "no request"
            for one in line
        ]
        return self._over_time(time, group.title, curves, hints, limit=group.limit, duration=True)

    def distribution(self, group: Group) -> Chart | None:
        """Return the judged response times of a group on a logarithmic axis; None without any request."""
        counted = self._store.distribution(group.steps, BINS_A_DECADE)
        if not counted:
            return None
        bars = [(10 ** (k / BINS_A_DECADE), 10 ** ((k + 1) / BINS_A_DECADE), n) for k, n in counted]
        total = sum(n for _, n in counted)
        note = f"{count(total)} judged requests."
        if group.limit:
            note += " Bars that begin beyond the limit are red."
        label = f"Distribution of response times: {group.title}"
        drawn = draw(distribution(bars, group.limit, SMALL), self.name(), label)
        return Chart(title=group.title, note=note, wide=drawn)

    def orders(self, by_outcome: Mapping[str, Sequence[int]], time: Span) -> Chart | None:
        """Return orders a minute by outcome, drawn; None when no ledger has an outcome."""
        chart = self.orders_over_time(by_outcome, time)
        note = "Out of stock and declined cards are refusals: healthy answers. Unknown ones are settled by the audit."
        return None if chart is None else self._drawn(chart, note)

    def orders_over_time(self, by_outcome: Mapping[str, Sequence[int]], time: Span) -> OverTime | None:
        """Return orders a minute by outcome, counted in bins of `time`; None when no ledger has an outcome."""
        if not by_outcome:
            return None
        colours = {"accepted": "c4", "refused": "c2", "unknown": "bad"}
        per_minute = {name: [n * 60 / time.bin_s for n in numbers] for name, numbers in by_outcome.items()}
        curves = [self._curve(time, name, colours.get(name, "c5"), values) for name, values in per_minute.items()]
        hints = [
            ", ".join(f"{count(numbers[i])} {name}" for name, numbers in by_outcome.items()) for i in range(time.bins)
        ]
        return self._over_time(time, "By outcome", curves, hints)

    def lateness(self) -> Chart | None:
        """Return how late the generator handed requests to the socket; None without any request."""
        late = self._store.lateness_per_bin()
        if not any(value is not None for value in late):
            return None
        hints = [f"p99 {seconds(value)}" for value in late]
        curves = [self._curve(self.time, "p99", "c1", late)]
        note = "99 of 100 requests were handed to the socket within this time of when they were due."
        chart = self._over_time(self.time, "Generator lateness", curves, hints, duration=True, height=120)
        return self._drawn(chart, note)

    def answered(self, panel: StoredPanel) -> Chart:
        """Return one panel of stored server-side metrics."""
        factor = 1000 if panel.unit == "ms" else 1
        curves = [
            Curve(name=one.name, colour=f"c{i % 6 + 1}", points=[(x, y / factor) for x, y in one.points])
            for i, one in enumerate(panel.series)
        ]
        hidden = panel.total - len(panel.series)
        note = panel.description + (f" The highest {len(curves)} of {panel.total} series." if hidden else "")
        chart = OverTime(
            title=panel.title,
            length_s=self.time.length_s,
            bin_s=self.time.bin_s,
            curves=curves,
            shades=self._shades,
            duration=panel.unit in ("s", "ms"),
            ratio=panel.unit == "percentunit",
        )
        return Chart(title=panel.title, note=note, wide=draw(over_time(chart, SMALL), self.name(), panel.title))

    def _over_time(  # noqa: PLR0913 - a chart has that many sides
        self,
        time: Span,
        title: str,
        curves: Sequence[Curve],
        hints: Sequence[str],
        *,
        limit: tuple[float, str] | None = None,
        duration: bool = False,
        height: int = 190,
    ) -> OverTime:
        return OverTime(
            title=title,
            length_s=time.length_s,
            bin_s=time.bin_s,
            curves=curves,
            shades=self._shades,
            limit=limit,
            hints=[(float(index * time.bin_s), text) for index, text in enumerate(hints)],
            duration=duration,
            height=height,
        )

    def _drawn(self, chart: OverTime, note: str) -> Chart:
        label = f"{chart.title} over the run: {', '.join(curve.name for curve in chart.curves)}"
        wide, narrow = (draw(over_time(chart, width), self.name(), label) for width in (WIDE, NARROW))
        return Chart(title=chart.title, note=note, wide=wide, narrow=narrow)

    def _curve(
        self,
        time: Span,
        name: str,
        colour: str,
        values: Sequence[float | None],
        *,
        weight: float = 1.8,
        dash: Sequence[int] = (1, 0),
    ) -> Curve:
        middle, end_s = time.bin_s / 2, self._end_s(time)
        points = [
            (index * time.bin_s + middle, value if index * time.bin_s <= end_s else None)
            for index, value in enumerate(values)
        ]
        return Curve(name=name, colour=colour, points=points, weight=weight, dash=dash)

    def _end_s(self, time: Span) -> float:
        """Return when the run ended, in seconds from the chart's start: nothing is 0 after that, it isn't."""
        run = self._reading.run
        return time.length_s if run is None or run.ended_at is None else time.seconds(run.ended_at)

    def name(self) -> str:
        """Return a name that no other drawing of this page has."""
        self._named += 1
        return f"{self._prefix}{self._named}"


def _steps_note(group: Group, bin_s: int) -> str:
    steps = ", ".join(group.steps) or "every step"
    if group.limit and group.target is not None:
        steps += f"; {percent(group.target)} must be answered within {seconds(group.threshold_s)}"
    return f"{steps}. {length(bin_s)} to a point."


def _shades(reading: Reading, time: Span) -> list[Shade]:
    judged = reading.judged
    return [
        Shade(
            name=name,
            start_s=time.seconds(played.starts_at),
            end_s=time.seconds(played.ends_at),
            judged=judged is not None and judged.starts_at <= played.starts_at and played.ends_at <= judged.ends_at,
        )
        for name, played in reading.phases[:50]
        if played.starts_at < time.ends_at
    ]


def planned(reading: Reading, time: Span) -> list[tuple[float, float | None]]:
    """Return the plan's sessions a second at each corner of its curve, in seconds since the start."""
    if reading.plan is None:
        return []
    peak = reading.plan.demand.peak_sessions_per_s
    levels = {phase.name: phase.level for phase in reading.plan.phases}
    corners: list[tuple[float, float | None]] = []
    for name, played in reading.phases:
        level = levels.get(name) or (0.0, 0.0)
        ends = (played.starts_at, played.ends_at)
        corners += [(time.seconds(at), part * peak) for at, part in zip(ends, level, strict=True)]
    return corners
