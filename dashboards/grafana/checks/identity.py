"""What a dashboard is as a whole: by what it is found, that it stays as built, and what time it shows."""

from collections.abc import Iterator, Mapping

from dashboards.grafana.board import TAG
from dashboards.grafana.checks.finding import BOARD, Rule
from dashboards.grafana.links import PREFIX
from dashboards.grafana.upgrade import SCHEMA_VERSION, Json

# Grafana refuses a longer one (pkg/util/shortid_generator.go).
_LONGEST_UID = 40
_REFRESH = frozenset({"", "5s", "10s", "30s", "1m", "5m", "15m", "30m", "1h"})


def _found(dashboard: Json) -> Iterator[str]:
    uid = dashboard.get("uid") or ""
    if dashboard.get("editable") is not False:
        yield "editable: a change made in the browser would be lost with the next build"
    if dashboard.get("schemaVersion") != SCHEMA_VERSION:
        yield f"schemaVersion {dashboard.get('schemaVersion')} is not {SCHEMA_VERSION}"
    if not uid:
        yield "no uid: links to it would break with each import"
    elif len(uid) > _LONGEST_UID or not uid.startswith(PREFIX):
        yield f"uid {uid!r} must begin with {PREFIX!r} and have at most {_LONGEST_UID} characters"
    if dashboard.get("id") is not None:
        yield f"id {dashboard['id']} is of one Grafana's database: leave it out"
    if TAG not in (dashboard.get("tags") or ()):
        yield f"no tag {TAG!r}: the other dashboards' menu leaves it out"
    if not dashboard.get("panels"):
        yield "has no panel"


def _said(dashboard: Json) -> Iterator[str]:
    if not str(dashboard.get("title") or "").strip():
        yield "has no title"
    if not str(dashboard.get("description") or "").strip():
        yield "has no question that it answers (description)"


def _time(dashboard: Json) -> Iterator[str]:
    time = dashboard.get("time") or {}
    if not str(time.get("from", "")).startswith("now-") or time.get("to") != "now":
        yield f"opens at a fixed time, {time.get('from')} to {time.get('to')}: begin with now-…, end with now"
    if dashboard.get("timezone") != "utc":
        yield f"timezone {dashboard.get('timezone')!r}: two people would read two times; use utc"
    if dashboard.get("refresh") not in _REFRESH:
        yield f"refresh {dashboard.get('refresh')!r} is not one of {', '.join(sorted(_REFRESH - {''}))}"


def _identity(dashboard: Json) -> Iterator[tuple[str, str]]:
    for check in (_found, _said, _time):
        yield from ((BOARD, message) for message in check(dashboard))


RULES: Mapping[str, Rule] = {"dashboard": _identity}
