"""A set of OpenSLO documents as objectives: references are followed, and what they lead to is checked.

A reference may be to any document of the files that are read together. A service needs a document of its own only where
there is any; so does a data source that has its type beside its name.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from slo.documents import BadInput, YamlDocument, validate
from slo.objectives.evaluated import queries_of
from slo.objectives.objective import Objective
from slo.objectives.openslo.alerts import AlertCondition, AlertNotificationTarget, AlertPolicy, PolicySpec
from slo.objectives.openslo.data_source import DataSource, secret_of
from slo.objectives.openslo.metrics import indicator_of
from slo.objectives.openslo.parts import Object
from slo.objectives.openslo.service import Service
from slo.objectives.openslo.sli import Sli, SliSpec
from slo.objectives.openslo.slo import Slo, Threshold
from slo.objectives.production import events_per_day
from slo.objectives.promql import longest_range_s
from slo.objectives.slices import Slices
from slo.objectives.sources import Sessions

PERIOD = "28d"
"""The period of a budget whose SLO names none, which the specification leaves open."""
KINDS: Mapping[str, type[Object]] = {
    "AlertCondition": AlertCondition,
    "AlertNotificationTarget": AlertNotificationTarget,
    "AlertPolicy": AlertPolicy,
    "DataSource": DataSource,
    "SLI": Sli,
    "SLO": Slo,
    "Service": Service,
}
_DEEPEST = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A document as it was found; `where` names its file and number."""

    where: str
    document: YamlDocument

    def refuse(self, loc: Sequence[int | str], message: str) -> BadInput:
        """Return a refusal of what `loc` leads to, with its line."""
        place = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in loc).lstrip(".")
        return BadInput(f"{self.where}, line {self.document.line(loc)}: {place}: {message}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One document that was read."""

    given: Given
    read: Any


@dataclass(frozen=True, slots=True)
class DocumentSet:
    """All documents of the files that are read together, by kind and name."""

    kept: dict[tuple[str, str], Kept] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def add(self, given: Sequence[Given]) -> None:
        """Read documents; those of data sources first, as they may say the type of others' metrics."""
        kinds = [(one, _kind_of(one, self.problems)) for one in given]
        for one, kind in sorted(kinds, key=lambda pair: pair[1] != "DataSource"):
            if kind is not None:
                self._add(one, kind)

    def _add(self, given: Given, kind: str) -> None:
        data = given.document.data
        try:
            typed = data if kind == "DataSource" else _typed(data, self._types(), given)
            read = validate(typed, KINDS[kind], given.where, document=given.document)
        except BadInput as error:
            self.problems.append(str(error))
            return
        secret = secret_of(read) if isinstance(read, DataSource) else None
        if secret is not None:
            why = f"holds {secret}, and files of objectives are copied into every run: no secret may be in one"
            self.problems.append(str(given.refuse(("spec", "connectionDetails"), why)))
            return
        name = read.metadata.name
        if (kind, name) in self.kept:
            other = self.kept[kind, name].given.where
            self.problems.append(str(given.refuse(("metadata", "name"), f"{name!r} is already in {other}")))
            return
        self.kept[kind, name] = Kept(given=given, read=read)

    def _types(self) -> dict[str, str]:
        return {name: one.read.spec.type for (kind, name), one in self.kept.items() if kind == "DataSource"}

    def objectives(self) -> list[tuple[str, Objective]]:
        """Return the objectives, each with where it is; what is wrong is added to the problems."""
        found: list[tuple[str, Objective]] = []
        for (kind, _), one in self.kept.items():
            try:
                if kind == "AlertPolicy":
                    self._check_policy(one.read.spec, one.given, ("spec",))
                if kind == "SLO":
                    found += [(one.given.where, objective) for objective in self._of(one.read, one.given)]
            except BadInput as error:
                self.problems.append(str(error))
        return found

    def _find(self, kind: str, name: str, given: Given, loc: Sequence[int | str]) -> Any:  # noqa: ANN401 - its kind's
        if (kind, name) not in self.kept:
            raise given.refuse(loc, f"no {kind} {name!r} is in the files that are read together")
        return self.kept[kind, name].read

    def _of(self, slo: Slo, given: Given) -> list[Objective]:
        if any(kind == "Service" for kind, _ in self.kept):
            self._find("Service", slo.spec.service, given, ("spec", "service"))
        notifies = self._notifies(slo, given)
        names = _names(slo)
        if len(set(names)) < len(names):
            raise given.refuse(("spec", "objectives"), "two objectives have the same displayName")
        return [self._objective(slo, place, name, notifies, given) for place, name in enumerate(names)]

    def _objective(self, slo: Slo, place: int, name: str, notifies: tuple[str, ...], given: Given) -> Objective:
        limit = slo.spec.objectives[place]
        spec, loc = self._indicator(slo, place, given)
        if spec.threshold_metric is not None and len(slo.spec.objectives) > 1 and slo.spec.indicator is not None:
            raise given.refuse(("spec", "objectives"), "a thresholdMetric has one objective only")
        window = slo.spec.time_window[0] if slo.spec.time_window else None
        try:
            indicator = indicator_of(spec, limit)
            slices = _slices(slo, limit, indicator.source)
        except ValueError as error:
            raise given.refuse(loc, str(error)) from error
        try:
            per_day = events_per_day(slo.metadata.annotations)
        except ValueError as error:
            raise given.refuse(("metadata", "annotations"), str(error)) from error
        display = slo.metadata.display_name or slo.metadata.name
        return Objective(
            name=name,
            display_name=display if len(slo.spec.objectives) == 1 else f"{display}: {limit.display_name or place + 1}",
            description=slo.spec.description,
            service=slo.spec.service,
            indicator=indicator,
            target=limit.ratio,
            window=PERIOD if window is None else window.duration,
            calendar=window is not None and not window.is_rolling,
            calendar_from=window.calendar.first if window is not None and window.calendar is not None else None,
            slices=slices,
            notifies=notifies,
            production_events_per_day=per_day,
        )

    def _indicator(self, slo: Slo, place: int, given: Given) -> tuple[SliSpec, tuple[int | str, ...]]:
        at: list[tuple[Any, tuple[int | str, ...]]] = [
            (slo.spec.objectives[place], ("spec", "objectives", place)),
            (slo.spec, ("spec",)),
        ]
        for holder, loc in at:
            if holder.indicator is not None:
                spec: SliSpec = holder.indicator.spec
                metric = "thresholdMetric" if spec.ratio_metric is None else "ratioMetric"
                return spec, (*loc, "indicator", "spec", metric)
            if holder.indicator_ref is not None:
                sli: Sli = self._find("SLI", holder.indicator_ref, given, (*loc, "indicatorRef"))
                return sli.spec, (*loc, "indicatorRef")
        raise TypeError("an SLO has an indicator when it was read")  # pragma: no cover

    def _notifies(self, slo: Slo, given: Given) -> tuple[str, ...]:
        names: list[str] = []
        for place, item in enumerate(slo.spec.alert_policies or ()):
            loc = ("spec", "alertPolicies", place)
            spec = item.spec
            if item.alert_policy_ref is not None:
                spec = self._find("AlertPolicy", item.alert_policy_ref, given, (*loc, "alertPolicyRef")).spec
            elif spec is not None:
                self._check_policy(spec, given, (*loc, "spec"))
            names += [one.name for one in spec.notification_targets] if spec is not None else []
        return tuple(dict.fromkeys(names))

    def _check_policy(self, spec: PolicySpec, given: Given, loc: Sequence[int | str]) -> None:
        for place, one in enumerate(spec.conditions):
            if one.condition_ref is not None:
                self._find("AlertCondition", one.condition_ref, given, (*loc, "conditions", place, "conditionRef"))
        for place, target in enumerate(spec.notification_targets):
            if target.target_ref is not None:
                at = (*loc, "notificationTargets", place, "targetRef")
                self._find("AlertNotificationTarget", target.target_ref, given, at)


def _kind_of(given: Given, problems: list[str]) -> str | None:
    data = given.document.data
    if not isinstance(data, dict):
        problems.append(f"{given.where}: expected a mapping at the top, found {type(data).__name__}")
        return None
    version, kind = data.get("apiVersion", "openslo/v1"), data.get("kind", "SLO")
    if version != "openslo/v1":
        problems.append(str(given.refuse(("apiVersion",), f"expected openslo/v1, found {version!r}")))
        return None
    if not isinstance(kind, str) or kind not in KINDS:
        problems.append(str(given.refuse(("kind",), f"expected one of {', '.join(KINDS)}, found {kind!r}")))
        return None
    return kind


def _typed(data: Any, types: Mapping[str, str], given: Given, loc: tuple[int | str, ...] = ()) -> Any:  # noqa: ANN401 - YAML
    """Return a document with the type of each metric source that only names its data source; raises BadInput."""
    if len(loc) > _DEEPEST:
        raise given.refuse(loc[:3], "nested too deeply")
    if isinstance(data, list):
        return [_typed(one, types, given, (*loc, place)) for place, one in enumerate(data)]
    if not isinstance(data, dict):
        return data
    return {
        key: _with_type(one, types, given, (*loc, str(key)))
        if key == "metricSource" and isinstance(one, dict)
        else _typed(one, types, given, (*loc, str(key)))
        for key, one in data.items()
    }


def _with_type(
    source: dict[str, Any], types: Mapping[str, str], given: Given, loc: tuple[int | str, ...]
) -> dict[str, Any]:
    name = source.get("metricSourceRef")
    if name is None or not isinstance(name, str):
        return source
    at = (*loc, "metricSourceRef")
    if name not in types:
        if types or "type" not in source:
            raise given.refuse(at, f"no DataSource {name!r} is in the files that are read together")
        return source
    said = source.get("type", types[name])
    if not isinstance(said, str) or said.lower() != types[name].lower():
        raise given.refuse(at, f"the DataSource {name!r} is of type {types[name]}, and not {said}")
    return {**source, "type": said}


def _names(slo: Slo) -> list[str]:
    """Return the names of an SLO's objectives: its own where it has one, else with each one's title or number."""
    if len(slo.spec.objectives) == 1:
        return [slo.metadata.name]
    return [f"{slo.metadata.name}-{_slug(one, place)}" for place, one in enumerate(slo.spec.objectives, start=1)]


def _slug(one: Threshold, place: int) -> str:
    return re.sub(r"[^a-z0-9]+", "-", (one.display_name or "").lower()).strip("-") or str(place)


def _slices(slo: Slo, limit: Threshold, source: object) -> Slices | None:
    method, length_s = slo.spec.budgeting_method, limit.slice_s
    if method == "Occurrences" or length_s is None:
        return None
    if isinstance(source, Sessions):
        raise ValueError("sessions last longer than a slice: judge them by Occurrences")  # noqa: TRY004 - for people
    longest_s = max((longest_range_s(one) for one in queries_of(source)), default=0.0)
    if longest_s > length_s:
        raise ValueError(f"its query reads {longest_s:g} s, and its slices are {length_s} s long")
    return Slices(method=method, length_s=length_s, target=limit.time_slice_target)
