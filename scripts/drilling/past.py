"""Writes the past of all scenes: their series, what the rules would have recorded, and which alerts are pending."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scripts.drilling.configuration import SceneRules
from scripts.drilling.history import make_blocks, write
from scripts.drilling.page import for_state
from scripts.drilling.prometheus import DrillPrometheus
from scripts.drilling.recorded import Past, longest_range_s, past_of, rules_in
from scripts.drilling.scenes import Key, Scene
from scripts.drilling.series import number
from scripts.local_stack.processes import Children
from scripts.local_stack.prometheus import Prometheus, Series
from slo.objectives.selectors import quoted

# What is read at a moment alone needs no more of the past than that a value isn't stale.
_RECENT_S = 120.0
# Prometheus gives at most 11,000 points of a series at once.
_MOST_POINTS = 10_000
_HOURS_S = 3 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class PastWriter:
    """The scenes of a drill with their rules, and what their past is written with; `start_s` is where it ends."""

    scenes: Sequence[Scene]
    rules: Mapping[Key, SceneRules]
    start_s: float
    promtool: Path
    prometheus: DrillPrometheus
    folder: Path
    say: Callable[[str], None]

    def write(self, children: Children) -> Mapping[str, float]:
        """Write it; return the series that tell Prometheus since when an alert has been pending, with that moment."""
        text = self.folder / "history.txt"
        count = write(self.scenes, self.start_s, self.start_s, text)
        self.say(f"history of {len(self.scenes)} scenes: {count:,} samples")
        make_blocks(self.promtool, text, self.prometheus.data)
        text.unlink()
        levels = {scene.key: read_by(self.rules[scene.key]) for scene in self.scenes}
        for level in range(1, 1 + max((past.level for pasts in levels.values() for past in pasts), default=0)):
            self._record(children, levels, level)
        config = self._config()
        prometheus, child = self.prometheus.start(children, config)
        try:
            return dict(self._pending(prometheus))
        finally:
            child.end()

    def _record(self, children: Children, levels: Mapping[Key, Sequence[Past]], level: int) -> None:
        text = self.folder / f"recorded-{level}.txt"
        prometheus, child = self.prometheus.start(children, self._config())
        count = 0
        try:
            with text.open("w", encoding="utf-8") as file:
                for scene in self.scenes:
                    for past in levels[scene.key]:
                        if past.level == level:
                            for line in self._recorded(prometheus, scene, past):
                                file.write(line)
                                count += 1
                file.write("# EOF\n")
        finally:
            child.end()
        self.say(f"recorded in it, {level}. level: {count:,} samples")
        if count:
            make_blocks(self.promtool, text, self.prometheus.data)
        text.unlink()

    def _recorded(self, prometheus: Prometheus, scene: Scene, past: Past) -> Iterator[str]:
        step_s = past.rule.interval_s
        past_s = self.start_s - scene.fault(self.start_s).healthy_from_s if past.is_ranged else _RECENT_S
        # The last evaluation is at the start, so that the first live one is about as far from it as two are.
        begin_s = self.start_s - past_s // step_s * step_s
        while begin_s < self.start_s:
            end_s = min(self.start_s, begin_s + _MOST_POINTS * step_s)
            for one in prometheus.range(past.rule.expr, round(begin_s * 1e9), round(end_s * 1e9), step_s):
                yield from _lines(one, past)
            begin_s = end_s + step_s

    def _pending(self, prometheus: Prometheus) -> Iterator[tuple[str, float]]:
        """Yield what an alert whose condition began to hold before the start has as its state."""
        at = round((self.start_s - 1) * 1e9)
        for scene in self.scenes:
            if scene.active_since_s is None:
                continue
            ours = self.rules[scene.key]
            for one in prometheus.range(ours.alert.expr, at, at):
                labels = {name: text for name, text in one.labels.items() if name != "__name__"}
                yield for_state({**labels, **ours.labels}), self.start_s + scene.active_since_s

    def _config(self) -> Path:
        path = self.folder / "past.yml"
        path.write_text("global: {}\n")
        return path


def read_by(rules: SceneRules) -> list[Past]:
    """Return the recording rules that the alert of a scene reads."""
    found = rules_in(rules.document)
    alerts = [one for one in found if one.is_alert and {"alertname": one.name, **one.labels} == dict(rules.labels)]
    return past_of(alerts, found)


def filled(scene: Scene, rules: SceneRules) -> Scene:
    """Return a scene whose fault takes hours to be seen with as much health before it as its windows hold.

    A window that begins with the history holds a rate that is still rising, of which hours make minutes; in a
    Prometheus that has been there for longer there is none.
    """
    if scene.pending_s is None or scene.pending_s - scene.begins_s < _HOURS_S:
        return scene
    range_s = longest_range_s([rules.alert.expr, *(past.rule.expr for past in read_by(rules))])
    return replace(scene, healthy_s=max(scene.case.healthy_s, range_s))


def _lines(series: Series, past: Past) -> Iterator[str]:
    labels = {name: text for name, text in series.labels.items() if name != "__name__"} | dict(past.rule.labels)
    name = f"{past.rule.name}{{{','.join(f'{label}={quoted(text)}' for label, text in labels.items())}}}"
    return (f"{name} {number(value)} {at / 1e9:.3f}\n" for at, value in zip(series.at, series.value, strict=True))
