"""Plays every scene at once against a real Prometheus and Alertmanager, and gathers what came of it."""

import math
import secrets
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from scripts.drilling.configuration import (
    OTHER,
    PAGE,
    QUIET,
    TICKET,
    Build,
    Own,
    SceneRules,
    alertmanager,
    prometheus_text,
    rules_of,
)
from scripts.drilling.measured import INTERVALS, Evidence, Shown, alerts_seen, judge
from scripts.drilling.page import DrillServer, Page
from scripts.drilling.past import PastWriter, filled
from scripts.drilling.plan import plan
from scripts.drilling.prometheus import DrillPrometheus
from scripts.drilling.scenes import Key, Scene
from scripts.local_stack.alertmanager import start_alertmanager
from scripts.local_stack.ports import Ports
from scripts.local_stack.processes import Children
from scripts.local_stack.prometheus import Prometheus
from slo.outcomes import EnvironmentLacks

_POLL_S = 5.0
_SELECTOR = 'ALERTS{environment=~"drill-.+"}'
# What writing the past takes: at least, by scene, and by sample.
_WRITING_S, _WRITING_A_SCENE_S, _SAMPLES_PER_S = 10.0, 0.25, 150_000
_DELIVERED_S, _TELL_S = 45.0, 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """The programs of a drill, where they listen, and the environment that they get a few variables of."""

    prometheus: Path
    promtool: Path
    alertmanager: Path
    ports: Ports
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drilled:
    """What every scene showed, and how long all took."""

    shown: tuple[Shown, ...]
    took_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """A drill of the rules that `build` gives for an environment; its files are written below `folder`."""

    build: Build
    programs: Programs
    folder: Path
    say: Callable[[str], None]
    own: Own | None = None

    def run(self) -> Drilled:
        """Play every scene; raises EnvironmentLacks when a program is missing or ends."""
        begun = time.monotonic()
        scenes = plan(self.build)
        if not scenes:
            raise EnvironmentLacks("there is no alert to drill: Prometheus can read none of the objectives")
        rules = {scene.key: rules_of(scene, self.build) for scene in scenes}
        scenes = [filled(scene, rules[scene.key]) for scene in scenes]
        try:
            with Children(self.folder / "logs") as children:
                evidence = _Played(drill=self, scenes=scenes, rules=rules).play(children)
        finally:
            shutil.rmtree(self.folder / "data", ignore_errors=True)
        shown = tuple(judge(scene, rules[scene.key].labels, evidence, receiver_of(scene)) for scene in scenes)
        return Drilled(shown=shown, took_s=time.monotonic() - begun)


def receiver_of(scene: Scene) -> str:
    """Return the receiver that a scene's alert must reach."""
    if scene.environment == QUIET:
        return OTHER
    return PAGE if scene.alert.severity == "page" else TICKET


@dataclass(frozen=True, slots=True, kw_only=True)
class _Played:
    """The scenes of a drill under way."""

    drill: Drill
    scenes: Sequence[Scene]
    rules: Mapping[Key, SceneRules]

    def play(self, children: Children) -> Evidence:
        drill, programs = self.drill, self.drill.programs
        shutil.rmtree(drill.folder / "data", ignore_errors=True)
        start_s = time.time() + self._writing_s()
        server = DrillServer(page := Page(self.scenes, start_s))
        program = DrillPrometheus(
            program=programs.prometheus,
            port=programs.ports.prometheus,
            data=drill.folder / "data" / "prometheus",
            environment=programs.environment,
        )
        page.restored = PastWriter(
            scenes=self.scenes,
            rules=self.rules,
            start_s=start_s,
            promtool=programs.promtool,
            prometheus=program,
            folder=drill.folder,
            say=drill.say,
        ).write(children)
        server.start()
        try:
            self._start_alertmanager(children, server.url)
            _wait_for(start_s)
            prometheus, _ = program.start(children, self._prometheus_config(server.url))
            return self._watch(prometheus, server, start_s)
        finally:
            server.stop()

    def _writing_s(self) -> float:
        samples = sum(_samples_of(scene) for scene in self.scenes)
        return _WRITING_S + _WRITING_A_SCENE_S * len(self.scenes) + samples / _SAMPLES_PER_S

    def _start_alertmanager(self, children: Children, webhook: str) -> None:
        drill, programs, own = self.drill, self.drill.programs, self.drill.own
        environments = [scene.environment for scene in self.scenes if scene.environment != QUIET]
        config = drill.folder / "alertmanager.yml"
        config.touch(0o600)
        evaluation_s = round(max(scene.interval_s for scene in self.scenes))
        config.write_text(alertmanager(environments, webhook, own, evaluation_s))
        start_alertmanager(
            children,
            programs.alertmanager,
            programs.ports.alertmanager,
            drill.folder / "data" / "alertmanager",
            config,
            programs.environment,
        )

    def _prometheus_config(self, page: str) -> Path:
        folder = self.drill.folder
        shutil.rmtree(folder / "rules", ignore_errors=True)
        (folder / "rules").mkdir()
        for (environment, _), rules in self.rules.items():
            (folder / "rules" / f"{environment}.yml").write_text(yaml.safe_dump(dict(rules.document), sort_keys=False))
        config = folder / "prometheus.yml"
        config.write_text(prometheus_text(page, self.drill.programs.ports.alertmanager, "rules/*.yml"))
        return config

    def _watch(self, prometheus: Prometheus, server: DrillServer, start_s: float) -> Evidence:
        begun_s = time.time()
        last_s = max(scene.is_over_s + INTERVALS * scene.interval_s for scene in self.scenes) + _DELIVERED_S
        self.drill.say(f"playing {len(self.scenes)} scenes, at most {last_s:.0f} s")
        told_s = 0.0
        while True:
            time.sleep(_POLL_S)
            now_s = time.time()
            seen = alerts_seen(prometheus.raw(_SELECTOR, round(begun_s * 1e9), round(now_s * 1e9)))
            evidence = Evidence(
                start_s=start_s,
                until_s=now_s,
                seen=seen,
                notifications=server.notifications(),
                broken=broken_rules(prometheus),
            )
            open_scenes = [scene for scene in self.scenes if not self._is_settled(scene, evidence)]
            if not open_scenes or now_s > start_s + last_s:
                return evidence
            if now_s - told_s >= _TELL_S:
                told_s = now_s
                done, left = len(self.scenes) - len(open_scenes), start_s + last_s - now_s
                self.drill.say(f"{done} of {len(self.scenes)} scenes are over, at most {left:.0f} s left")

    def _is_settled(self, scene: Scene, evidence: Evidence) -> bool:
        """Whether nothing that may still come could change what a scene shows."""
        if scene.kind == "inhibition":  # what must not come may come as long as it isn't late
            return evidence.until_s > evidence.start_s + scene.is_over_s + INTERVALS * scene.interval_s
        shown = judge(scene, self.rules[scene.key].labels, evidence, receiver_of(scene))
        return not shown.findings and evidence.until_s > evidence.start_s + scene.is_over_s


def broken_rules(prometheus: Prometheus) -> Mapping[str, str]:
    """Return by environment the message of a rule that can't be evaluated."""
    return {
        rule.get("labels", {}).get("environment", ""): f"{rule['name']}: {rule['lastError']}"
        for group in prometheus.rules()
        for rule in group["rules"]
        if rule.get("lastError")
    }


def _samples_of(scene: Scene) -> float:
    past_s = -scene.fault(0).healthy_from_s
    step_s = 5 if past_s <= 3 * 3600 else 60
    return len(scene.case.signals) * max(0.0, past_s) / step_s


def _wait_for(at_s: float) -> None:
    left_s = at_s - time.time()
    if left_s < 0:
        raise EnvironmentLacks(f"this machine is too slow: the history was ready {math.ceil(-left_s)} s late")
    time.sleep(left_s)


def new_folder(base: Path) -> Path:
    """Return a new folder below `base` for a drill."""
    folder = base / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(2)}"
    folder.mkdir(parents=True)
    return folder
