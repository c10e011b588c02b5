"""Production is loaded only with a permission for this environment, this plan and this hour."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from loadtests.guardrails.permission import Permission, permitted, read_permission
from loadtests.results.inputs import Inputs
from scripts.running.read_inputs import read_inputs
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks
from tests.scripts.world import PLAN, targets, write_inputs

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SHOP = "http://127.0.0.1:9"


def given(folder: Path, environment: str = "staging", **changed: Any) -> Inputs:
    write_inputs(folder, targets=targets(**{"production": True, **changed}))
    files = (folder / "plan.yaml", (folder / "objectives.yaml",), folder / "targets.yaml")
    return read_inputs(*files, environment)


def permit(folder: Path, inputs: Inputs, **changed: Any) -> Path:
    """Write a permission that is good at NOW but for what is changed."""
    told = {
        "format": "peakproof/permission/v1",
        "environment": inputs.environment_name,
        "base_url": SHOP,
        "plan_sha256": inputs.plan_sha256,
        "who": "Ada, operations",
        "why": "the last test before Friday",
        "granted_at": NOW - timedelta(hours=1),
        "until": NOW + timedelta(hours=3),
    }
    path = folder / "permit.yaml"
    path.write_text(yaml.safe_dump({**told, **changed}))
    return path


def test_an_environment_that_is_not_production_needs_no_permission(tmp_path: Path) -> None:
    assert permitted(given(tmp_path, production=False), None, NOW) is None


def test_production_without_a_permission_is_refused_with_the_command_that_writes_one(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentLacks) as refused:
        permitted(given(tmp_path), None, NOW)
    assert str(refused.value) == (
        "staging is production: it is loaded only with a permission; write one with: peakproof doctor --on staging"
        " --plan PLAN --permit FILE --who NAME --why REASON, and give it to run --permit FILE"
    )


def test_a_permission_that_holds_is_logged_with_who_and_why(tmp_path: Path) -> None:
    inputs = given(tmp_path)
    found = permitted(inputs, permit(tmp_path, inputs), NOW)
    assert found is not None
    assert found.to_json() == {
        "plan_sha256": inputs.plan_sha256,
        "who": "Ada, operations",
        "why": "the last test before Friday",
        "granted_at": "2026-11-22T11:00:00Z",
        "until": "2026-11-22T15:00:00Z",
    }


BENT: list[tuple[dict[str, Any], str]] = [
    ({"environment": "shop"}, "it is for the environment shop, not staging"),
    ({"base_url": "https://shop.example.com"}, f"it is for https://shop.example.com, and staging is at {SHOP} now"),
    ({"plan_sha256": "0" * 64}, "it is for another plan, or for this one before it was changed"),
    ({"until": NOW}, "it ended at 2026-11-22T12:00:00+00:00"),
    ({"granted_at": NOW + timedelta(minutes=1)}, "it begins at 2026-11-22T12:01:00+00:00"),
    (
        {"until": NOW + timedelta(seconds=28)},
        "it ends at 2026-11-22T12:00:28+00:00, and the plan plays for 29 s",
    ),
]


@pytest.mark.parametrize(("changed", "why"), BENT)
def test_a_permission_for_anything_else_is_none(changed: dict[str, Any], why: str, tmp_path: Path) -> None:
    inputs = given(tmp_path)
    path = permit(tmp_path, inputs, **changed)
    with pytest.raises(EnvironmentLacks) as refused:
        permitted(inputs, path, NOW)
    assert str(refused.value) == f"{path}: doesn't permit this run: {why}"


def test_a_plan_that_is_changed_by_a_space_needs_another_permission(tmp_path: Path) -> None:
    path = permit(tmp_path, given(tmp_path))
    write_inputs(tmp_path, plan=f"{PLAN}\n", targets=targets(production=True))
    changed = read_inputs(tmp_path / "plan.yaml", (tmp_path / "objectives.yaml",), tmp_path / "targets.yaml", "staging")
    with pytest.raises(EnvironmentLacks, match="it is for another plan"):
        permitted(changed, path, NOW)


MALFORMED: list[tuple[dict[str, Any], str]] = [
    (
        {"until": NOW + timedelta(hours=23, seconds=1)},
        "the top: until must be after granted_at, by 24 hours at the most",
    ),
    ({"until": NOW - timedelta(hours=2)}, "the top: until must be after granted_at, by 24 hours at the most"),
    ({"until": datetime(2026, 11, 22, 15, 0)}, "until: Input should have timezone info"),  # noqa: DTZ001 - that's it
    ({"who": ""}, "who: String should have at least 1 character"),
    ({"why": "a\nb"}, "why: must not hold a line break or a control character"),
    ({"targets": "all"}, "targets: unknown key"),
]


@pytest.mark.parametrize(("changed", "message"), MALFORMED)
def test_a_permission_that_is_none_is_told_with_its_place(
    changed: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = permit(tmp_path, given(tmp_path), **changed)
    with pytest.raises(BadInput) as refused:
        read_permission(path)
    assert str(refused.value).partition(", found ")[0] == f"{path}: {message}"


def test_production_under_another_name_is_production(tmp_path: Path) -> None:
    """A copy of the entry without `production` would else be a way round."""
    text = json.loads(targets(shop="https://Shop.example.com/", production=True))
    innocent = {**text["environments"]["staging"], "base_url": "http://shop.example.com.:8080/x", "production": False}
    text["environments"]["harmless"] = innocent
    write_inputs(tmp_path, targets=json.dumps(text))
    files = (tmp_path / "plan.yaml", (tmp_path / "objectives.yaml",), tmp_path / "targets.yaml")
    assert read_inputs(*files, "harmless").production


def test_a_permission_is_read_as_it_is_written(tmp_path: Path) -> None:
    read = read_permission(permit(tmp_path, given(tmp_path)))
    again = tmp_path / "again.yaml"
    again.write_text(read.to_yaml())
    assert read_permission(again) == read
    assert isinstance(read, Permission)


HOSTS = {"pay": {"url": "https://pay.example.com"}}


def test_a_permission_is_for_the_hosts_that_it_names_and_no_other(tmp_path: Path) -> None:
    inputs = given(tmp_path, hosts=HOSTS)
    with pytest.raises(
        EnvironmentLacks, match=r"it is for no hosts beside base_url, and staging has the hosts https://pay"
    ):
        permitted(inputs, permit(tmp_path, inputs), NOW)
    path = permit(tmp_path, inputs, hosts={"pay": "https://pay.example.com"})
    assert permitted(inputs, path, NOW) is not None
    with pytest.raises(
        EnvironmentLacks, match=r"it is for the hosts https://pay\.example\.com, and staging has no hosts"
    ):
        permitted(given(tmp_path), path, NOW)


def test_an_environment_with_one_host_of_production_wants_a_permission(tmp_path: Path) -> None:
    live = {"pay": {**HOSTS["pay"], "production": True}}
    inputs = given(tmp_path, production=False, hosts=live)
    assert inputs.production
    with pytest.raises(EnvironmentLacks, match=r"^staging is production: it is loaded only with a permission"):
        permitted(inputs, None, NOW)
    assert not given(tmp_path, production=False, hosts=HOSTS).production
