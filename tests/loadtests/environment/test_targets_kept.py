"""What is kept with a run of the environment that was loaded says all but its secrets."""

import json
from pathlib import Path

import pytest

from loadtests.environment.targets import Targets, read_targets, redacted
from slo.documents import read_json
from tests.loadtests.environment.test_targets import facts, staging, written


def test_what_is_kept_with_a_run_holds_the_token_s_variable_and_never_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PEAKPROOF_SHOP_TOKEN", "s3cret-t0ken")
    data = facts()
    data["environments"]["other"] = {**data["environments"]["staging"], "base_url": "http://other.example"}
    targets = read_targets(written(tmp_path, data))
    kept = redacted("staging", targets.environments["staging"])
    text = json.dumps(kept)
    assert "s3cret-t0ken" not in text
    assert "other.example" not in text
    assert kept["environments"]["staging"]["token_env"] == "PEAKPROOF_SHOP_TOKEN"


def test_what_is_kept_with_a_run_reads_back_as_the_same_environment(tmp_path: Path) -> None:
    environment = read_targets(written(tmp_path, facts())).environments["staging"]
    path = tmp_path / "targets.redacted.json"
    path.write_text(json.dumps(redacted("staging", environment)))
    assert read_json(path, Targets).environments == {"staging": environment}


@pytest.mark.parametrize(("written_as", "kept"), [(2, "2"), ("2", "2"), (1.1, "1.1"), ("1.1", "1.1"), (None, "1.1")])
def test_what_is_kept_with_a_run_says_which_http_was_spoken(tmp_path: Path, written_as: object, kept: str) -> None:
    data = facts()
    if written_as is not None:
        staging(http_version=written_as)(data)
    environment = read_targets(written(tmp_path, data)).environments["staging"]
    assert redacted("staging", environment)["environments"]["staging"]["http_version"] == kept
