"""Every alert that there is: example objectives', and each subject's under the configurations in docs/exporters/."""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import yaml

from exporters.alerts.table import ALERTS
from exporters.alerts.table import groups as worry_groups
from exporters.config import ExportersConfig
from slo.documents import validate
from slo.objectives.objective import Objective
from slo.objectives.reading import read_objectives
from slo.rules.build import objective_groups
from slo.rules.model import Alert, Group
from slo.rules.scope import Scope

ROOT = Path(__file__).parents[2]
OBJECTIVES = Path(__file__).with_name("objectives.yaml")
_YAML = re.compile(r"^```yaml\n(.*?)^```", re.DOTALL | re.MULTILINE)
_FORMAT = "peakproof/exporters/v1"


@cache
def objectives() -> tuple[Objective, ...]:
    """Return objectives that Prometheus can read."""
    return tuple(read_objectives([OBJECTIVES]))


@cache
def configurations() -> tuple[ExportersConfig, ...]:
    """Return the whole configurations that the pages of docs/exporters/ show."""
    pages = sorted((ROOT / "docs" / "exporters").glob("*.md"))
    blocks = [(page, text) for page in pages for text in _YAML.findall(page.read_text(encoding="utf-8"))]
    read = [(page, yaml.safe_load(text)) for page, text in blocks if _FORMAT in text]
    return tuple(validate(data, ExportersConfig, page) for page, data in read)


def every_group(scope: Scope) -> tuple[Group, ...]:
    """Return every group of rules in one environment, a subject's as often as configurations name it."""
    worries = (group for config in configurations() for group in worry_groups(config, scope))
    return (*objective_groups(objectives(), scope), *_once(worries))


def every_alert() -> tuple[Alert, ...]:
    """Return every alert, in one environment."""
    return tuple(alert for group in every_group(Scope(environment="production")) for alert in group.alerts)


def subjects_without_an_example() -> set[str]:
    """Return the subjects with alerts that no page's configuration names."""
    return {name for name in ALERTS if all(getattr(config, name, None) is None for config in configurations())}


def _once(groups: Iterable[Group]) -> Iterable[Group]:
    """Yield the first group of each subject: two would have the same name."""
    return {group.name: group for group in reversed(list(groups))}.values()
