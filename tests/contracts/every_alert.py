"""Every alert that there is: an objective's, and each subject's under the example configurations."""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import yaml

from exporters.alerts.table import ALERTS
from exporters.alerts.table import groups as worry_groups
from exporters.config import ExportersConfig, read_config
from slo.documents import validate
from slo.objectives.objective import Objective
from slo.objectives.reading import read_objectives
from slo.rules.build import objective_groups
from slo.rules.model import Alert, Group
from slo.rules.scope import Scope

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "exporters" / "exporters.yaml"
OBJECTIVES = Path(__file__).with_name("objectives.yaml")
_YAML = re.compile(r"^```yaml\n(.*?)^```", re.DOTALL | re.MULTILINE)
_FORMAT = "peakproof/exporters/v1"


@cache
def objectives() -> tuple[Objective, ...]:
    """Return objectives that Prometheus can read."""
    return tuple(read_objectives([OBJECTIVES]))


@cache
def configurations() -> tuple[ExportersConfig, ...]:
    """Return the example of every part, and the whole configurations that the pages of docs/exporters/ show."""
    pages = sorted((ROOT / "docs" / "exporters").glob("*.md"))
    blocks = [(page, text) for page in pages for text in _YAML.findall(page.read_text(encoding="utf-8"))]
    read = [(page, yaml.safe_load(text)) for page, text in blocks if _FORMAT in text]
    return (read_config(EXAMPLE), *(validate(data, ExportersConfig, page) for page, data in read))


def every_group(scope: Scope) -> tuple[Group, ...]:
    """Return every group of rules in one environment; of a later configuration what no earlier one has."""
    groups, seen = list(objective_groups(objectives(), scope)), set[str]()
    for number, config in enumerate(configurations()):
        for group in worry_groups(config, scope):
            new = tuple(rule for rule in group.rules if not isinstance(rule, Alert) or rule.name not in seen)
            if any(isinstance(rule, Alert) for rule in new):
                groups.append(replace(group, name=f"{group.name}-{number}", rules=new))
        seen |= {alert.name for group in groups for alert in group.alerts}
    return tuple(groups)


def every_alert() -> tuple[Alert, ...]:
    """Return every alert, in one environment."""
    return tuple(alert for group in every_group(Scope(environment="production")) for alert in group.alerts)


def subjects_without_an_example() -> set[str]:
    """Return the subjects with alerts that no page's configuration names."""
    return {name for name in ALERTS if all(getattr(config, name, None) is None for config in configurations())}
