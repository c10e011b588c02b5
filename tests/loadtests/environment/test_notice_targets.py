"""`alertmanager_url` and `grafana_url` of targets.yaml: tokens come from variables and files and are never shown."""

import json
from pathlib import Path
from typing import Any

import pytest

from loadtests.environment.resolved_environment import resolve_environment
from loadtests.environment.targets import Environment, read_targets, redacted
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks

ALERTS, GRAFANA = "http://127.0.0.1:9093/alerts", "http://127.0.0.1:3000"
CANARY = "canary-of-a-token"


def given(folder: Path, **declared: Any) -> Environment:
    environment = {
        "base_url": "http://127.0.0.1:9",
        "storefront": "twisted-threads",
        "ceiling": {"requests_per_s": 1, "open_sessions": 1, "orders": 1},
        **declared,
    }
    path = folder / "targets.yaml"
    path.write_text(json.dumps({"format": "peakproof/targets/v1", "environments": {"staging": environment}}))
    return read_targets(path).environments["staging"]


def refusal(folder: Path, **declared: Any) -> str:
    with pytest.raises(BadInput) as refused:
        given(folder, **declared)
    return str(refused.value).removeprefix(f"{folder / 'targets.yaml'}: ")


def test_alerts_of_an_environment_carry_its_name_unless_it_says_otherwise(tmp_path: Path) -> None:
    assert given(tmp_path).alerts_of("staging") == "staging"
    assert given(tmp_path, alert_environment="stage").alerts_of("staging") == "stage"


def test_tokens_are_read_from_variables_and_files_beside_the_document(tmp_path: Path) -> None:
    (tmp_path / "grafana-token").write_text("glsa_canary\n")
    environment = given(
        tmp_path,
        alertmanager_url=ALERTS,
        alertmanager_token={"env": "ALERTS_TOKEN"},
        grafana_url=GRAFANA,
        grafana_token={"file": "grafana-token"},
    )
    resolved = resolve_environment(environment, {"ALERTS_TOKEN": CANARY})
    assert {url: secret.reveal() for url, secret in resolved.notice_tokens.items()} == {
        ALERTS: CANARY,
        GRAFANA: "glsa_canary",
    }
    shown = repr(resolved) + json.dumps(redacted("staging", environment))
    assert "canary" not in shown


def test_a_token_that_is_not_set_is_named_with_its_place(tmp_path: Path) -> None:
    environment = given(tmp_path, alertmanager_url=ALERTS, alertmanager_token={"env": "ALERTS_TOKEN"})
    with pytest.raises(BadInput) as refused:
        resolve_environment(environment, {})
    assert str(refused.value) == (
        "the environment variable ALERTS_TOKEN is not set; targets.yaml names it in alertmanager_token"
    )


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"grafana_token": {"env": "TOKEN_G"}}, "environments.staging: grafana_token needs grafana_url"),
    (
        {"alertmanager_url": f"{ALERTS}?x=1"},
        "environments.staging: alertmanager_url must not hold a query or a fragment",
    ),
    (
        {"alertmanager_url": ALERTS, "alertmanager_token": {}},
        "environments.staging.alertmanager_token: must be {env: NAME} or {file: PATH}",
    ),
    (
        {"grafana_url": GRAFANA, "grafana_token": CANARY},
        "environments.staging.grafana_token: Input should be a valid dictionary or instance of Token",
    ),
    (
        {"grafana_url": GRAFANA, "grafana_token": {"value": CANARY}},
        "environments.staging.grafana_token.value: unknown key",
    ),
    (
        {"alert_environment": ""},
        "environments.staging.alert_environment: String should have at least 1 character, found ''",
    ),
    (
        {"alert_environment": "a\nb"},
        (
            "environments.staging.alert_environment: must not begin or end with a space, or hold a control character,"
            " found 'a\\nb'"
        ),
    ),
]


@pytest.mark.parametrize(("declared", "message"), WRONG)
def test_what_can_not_be_used_is_refused_and_never_shown_where_it_may_be_a_secret(
    tmp_path: Path, declared: dict[str, Any], message: str
) -> None:
    found = refusal(tmp_path, **declared)
    assert found == message
    assert CANARY not in found


def test_a_grafana_without_an_address_is_no_reason_against_a_run_and_an_alertmanager_is(tmp_path: Path) -> None:
    environment = given(tmp_path, grafana_url="http://grafana.invalid")
    assert "grafana.invalid" not in resolve_environment(environment, {}).destinations.hosts
    environment = given(tmp_path, alertmanager_url="http://alertmanager.invalid")
    with pytest.raises(EnvironmentLacks, match=r"^alertmanager\.invalid: has no address"):
        resolve_environment(environment, {})


def test_no_token_goes_over_the_internet_in_the_clear(tmp_path: Path) -> None:
    url = "http://grafana.example.com"
    declared = {"grafana_url": url, "grafana_token": {"env": "TOKEN_G"}}
    environment = given(tmp_path, resolve={"grafana.example.com": "93.184.216.34"}, **declared)
    with pytest.raises(BadInput) as refused:
        resolve_environment(environment, {"TOKEN_G": CANARY})
    assert str(refused.value) == f"{url}: a secret would go over the internet in the clear; use https://"
