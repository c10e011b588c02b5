"""`peakproof drill alerts`: refuses what could wake someone, and plays real alerts through to a webhook."""

import json
import shutil
from pathlib import Path

import pytest

from scripts.drilling.drill import Drill, Programs
from scripts.drilling.report import document, findings, rows, table
from scripts.local_stack.ports import Ports
from tests.ports import free_base
from tests.scripts.drilling.cases import groups
from tests.scripts.world import OBJECTIVES, Command

RECEIVERS = "receivers: [{name: team-drill}, {name: drilldown}, {name: pager}]\n"


@pytest.fixture
def folder(peakproof: Command) -> Path:
    (peakproof.folder / "objectives.yaml").write_text(OBJECTIVES)
    (peakproof.folder / "receivers.yml").write_text(RECEIVERS)
    return peakproof.folder


@pytest.mark.parametrize("name", ["pager", "drilldown"])
@pytest.mark.usefixtures("folder")
def test_a_receiver_whose_name_does_not_say_drill_is_refused(name: str, peakproof: Command) -> None:
    ended = peakproof("drill", "alerts", "objectives.yaml", "--receivers", "receivers.yml", "--receiver", name)
    assert (ended.code, ended.err) == (
        2,
        (
            f"peakproof: --receiver {name}: its name doesn't say drill, so a drill could wake someone;"
            " expected a receiver such as drill or team-drill\n"
        ),
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "nothing to drill: name a file of objectives, or --config exporters.yaml"),
        (
            ("objectives.yaml", "--receiver", "drill"),
            "--receivers and --receiver belong together: the file, and which of its receivers is notified",
        ),
        (
            ("objectives.yaml", "--receivers", "receivers.yml", "--receiver", "no-drill"),
            "--receiver no-drill: no receiver of that name; there are: team-drill, drilldown, pager",
        ),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_can_not_be_drilled_is_refused(arguments: tuple[str, ...], message: str, peakproof: Command) -> None:
    ended = peakproof("drill", "alerts", *arguments)
    assert (ended.code, ended.err) == (2, f"peakproof: {message}\n")


@pytest.mark.parametrize(
    ("variable", "title"), [("PEAKPROOF_PROMETHEUS", "Prometheus"), ("PEAKPROOF_ALERTMANAGER", "Alertmanager")]
)
def test_a_program_that_is_missing_leaves_it_undecided(
    variable: str, title: str, folder: Path, peakproof: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PROMETHEUS", "ALERTMANAGER"):
        program = folder / name
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        monkeypatch.setenv(f"PEAKPROOF_{name}", str(program))
    shutil.copy(folder / "PROMETHEUS", folder / "promtool")
    monkeypatch.setenv(variable, str(folder / "none"))
    ended = peakproof("drill", "alerts", "objectives.yaml", "--port-base", str(free_base()))
    assert ended.code == 75
    assert ended.err.startswith(f"peakproof: {title} can't be run: {folder / 'none'} (${variable}) is not a program;")


def programs() -> Programs:
    """Return the real programs; skip without them."""
    found = {name: shutil.which(name) for name in ("prometheus", "promtool", "prometheus-alertmanager")}
    if missing := [name for name, path in found.items() if path is None]:
        pytest.skip(f"{', '.join(missing)} not on PATH")
    paths = {name: Path(str(path)) for name, path in found.items()}
    return Programs(
        prometheus=paths["prometheus"],
        promtool=paths["promtool"],
        alertmanager=paths["prometheus-alertmanager"],
        ports=Ports(base=free_base()),
        environment={},
    )


@pytest.mark.heavy
@pytest.mark.timeout(400)
def test_real_alerts_fire_and_clear_as_predicted_and_a_wrong_threshold_is_found(tmp_path: Path) -> None:
    said: list[str] = []
    drill = Drill(build=lambda scope: groups(scope, wrong=True), programs=programs(), folder=tmp_path, say=said.append)
    drilled = drill.run()
    wrong = {row.alert.name for row in rows(drilled) if row.findings}
    assert wrong == {"TooManyBadLate"}, "\n".join(table(drilled))
    report = json.loads(json.dumps(document(drilled, "2026-01-01T00:00:00+00:00")))
    assert report["outcome"] == ("FAIL" if findings(drilled) else "PASS")
    assert [(one["alert"], one["case"]) for one in report["alerts"]] == [
        ("ShopDown", "at-once"),
        ("ShopSlow", "slow"),
        ("TestsSourceDown", "after-for"),
        ("TooManyBad", "share"),
        ("TooManyBadLate", "share"),
        ("ShopDown", "at-once (routing)"),
        ("TestsSourceDown", "after-for (inhibition)"),
        ("ShopSlow", "slow (inhibition)"),
    ]
    waited = next(one for one in report["alerts"] if one["case"] == "after-for")
    assert {one["name"]: one["within"] for one in waited["figures"]} == dict.fromkeys(
        ("detected after", "fires after", "clears after", "notified after"), True
    )
    assert not (tmp_path / "data").exists()
