"""The words that a panel needs, for someone who sees it for the first time."""

from collections.abc import Iterator, Mapping

from dashboards.grafana.checks.finding import Rule, title_of
from dashboards.grafana.queries import panels
from dashboards.grafana.upgrade import Json


def _missing_words(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in panels(dashboard):
        for key in ("title", "description"):
            if not str(panel.get(key) or "").strip():
                yield title_of(panel), f"has no {key}"
        if str(panel.get("description", "")).strip(" .") == str(panel.get("title", "")).strip(" .") != "":
            yield title_of(panel), "its description says no more than its title"
        if not panel.get("targets"):
            yield title_of(panel), "has no query"


def _same_title(dashboard: Json) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for panel in dashboard.get("panels", []):
        if panel.get("type") == "row":
            seen = set()
        elif panel.get("title") in seen:
            yield title_of(panel), "another panel of its row has the same title"
        seen.add(panel.get("title", ""))


RULES: Mapping[str, Rule] = {"missing-words": _missing_words, "same-title": _same_title}
