"""A file of release events: strict, and free of contradictions."""

import json
from pathlib import Path
from typing import Any

import pytest

from exporters.serving.source import Unreadable
from exporters.subjects.releases.release_events import read_events
from exporters.subjects.releases.values import Deployment, Events, Incident, Rollback
from tests.exporters.subjects.reading import NOW_S

AT, AT_S = "2026-11-28T09:00:00Z", 1_795_856_400.0
DEPLOYED = {"event": "deployment", "at": AT, "deployed_to": "production", "version": "v1", "succeeded": True}
OPENED = {"event": "incident_opened", "at": AT, "id": "I", "deployed_to": "production", "version": "v1"}
RESOLVED = {"event": "incident_resolved", "at": "2026-11-28T10:00:00+01:00", "id": "I"}
ROLLED_BACK = {"event": "rollback", "at": AT, "deployed_to": "production", "version": "v1"}


def read(folder: Path, *events: dict[str, Any]) -> Events:
    lines = (json.dumps({"format": "peakproof/release-event/v1", **event}) + "\n" for event in events)
    (folder / "events.jsonl").write_text("".join(lines))
    return read_events(folder / "events.jsonl", NOW_S)


def test_every_kind_of_event_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, DEPLOYED, OPENED, RESOLVED, ROLLED_BACK) == Events(
        deployments=(Deployment(deployed_to="production", version="v1", at_s=AT_S, succeeded=True),),
        incidents=(Incident(deployed_to="production", opened_at_s=AT_S, resolved_at_s=AT_S, version="v1"),),
        rollbacks=(Rollback(deployed_to="production", version="v1", at_s=AT_S),),
    )


def test_an_incident_is_open_until_it_is_resolved(tmp_path: Path) -> None:
    assert read(tmp_path, OPENED).incidents[0].resolved_at_s is None


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([{**DEPLOYED, "event": "deploy"}], "1: the top: Input tag 'deploy' found using 'event' does not match"),
        ([{**DEPLOYED, "succeeded": "yes?"}], "1: deployment.succeeded: Input should be a valid boolean"),
        ([{**DEPLOYED, "version": "\ud800"}], "1: deployment.version: Input should be a valid string"),
        ([{**DEPLOYED, "commit": "main"}], "1: deployment.commit: String should match pattern"),
        ([{**DEPLOYED, "at": "2026-11-30T09:00:00Z"}], "1: at: lies 29200 s ahead, allowed are 300"),
        ([DEPLOYED, {**DEPLOYED, "who": "x"}], "2: deployment.who: unknown key"),
        ([OPENED, OPENED], "2: id: 'I' was opened before"),
        ([RESOLVED], "1: id: 'I' wasn't opened before"),
        ([OPENED, RESOLVED, RESOLVED], "3: id: 'I' was resolved before"),
        ([OPENED, {**RESOLVED, "at": "2026-11-28T08:59:59Z"}], "2: at: 'I' was opened after it was resolved"),
    ],
)
def test_what_can_t_have_been_makes_all_unreadable(events: list[dict[str, Any]], message: str, tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as error:
        read(tmp_path, *events)
    assert str(error.value).startswith(f"{tmp_path}/events.jsonl:{message}")
