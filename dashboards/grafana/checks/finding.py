"""What a check finds: a value; the command and the tests show it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dashboards.grafana.upgrade import Json

BOARD = "dashboard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is wrong with a dashboard: the rule, the place (a panel's title, or `dashboard`), and a sentence.

    `board` is the dashboard's name where more than one was checked.
    """

    rule: str
    where: str
    message: str
    board: str = ""


# From a dashboard to each place and sentence.
Rule = Callable[[Json], Iterator[tuple[str, str]]]


def title_of(panel: Json) -> str:
    """Return what a panel is called in a finding."""
    return str(panel.get("title") or "").strip() or f"panel {panel.get('id')}"
