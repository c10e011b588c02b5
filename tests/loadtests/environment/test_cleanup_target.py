"""How a run is cleaned up is declared beside the environment, and its keys and hosts are nobody else's."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from loadtests.environment.cleanup_target import CleanupTarget
from loadtests.environment.credentials import variables_of
from loadtests.environment.targets import read_targets
from slo.documents import BadInput
from tests.loadtests.environment.test_targets import facts, written

ADMIN = {"url": "http://127.0.0.1:18090", "headers": {"X-Admin": {"env": "ADMIN_HEADER"}}}
PLACE = "targets.yaml: environments.staging"


def declared(**cleanup: Any) -> dict[str, Any]:
    told = facts()
    told["environments"]["staging"] |= {"cleanup": cleanup, "accounts": {"file": "a.csv", "share": {"new": 1}}}
    return told


def test_its_files_lie_beside_targets_yaml_and_it_is_slow_by_itself(tmp_path: Path) -> None:
    given = declared(file="cleanup.py", settings={"key": {"file": "key.txt"}, "zone": "eu"}, hosts={"admin": ADMIN})
    path = written(tmp_path, given)
    own = read_targets(path).environment("staging", path).cleanup
    assert own is not None
    assert (own.file, own.requests_per_s, own.at_once) == (str(tmp_path / "cleanup.py"), 5, 2)
    assert own.settings == {"key": {"file": str(tmp_path / "key.txt")}, "zone": "eu"}


def test_a_run_knows_neither_its_hosts_nor_its_variables_and_a_cleanup_no_accounts(tmp_path: Path) -> None:
    path = written(tmp_path, declared(settings={"key": {"env": "ADMIN_KEY"}}, hosts={"admin": ADMIN}))
    environment = read_targets(path).environment("staging", path)
    assert (list(environment.loaded), variables_of(environment)) == ([None], frozenset())
    asked = environment.for_cleanup()
    assert (list(asked.loaded), variables_of(asked)) == ([None, "admin"], frozenset({"ADMIN_HEADER"}))
    assert (asked.accounts, asked.cleanup and asked.cleanup.hosts) == (None, {})
    assert asked.for_cleanup() == asked


@pytest.mark.parametrize(
    ("cleanup", "why"),
    [
        ({"file": "cleanup.txt"}, ".cleanup.file: must be a Python file: its name ends in .py"),
        ({"settings": {"password": "sesame"}}, ".cleanup.settings: password looks like a secret: it must come from"),
        ({"at_once": 100}, ".cleanup.at_once: Input should be less than or equal to 16"),
        ({"requests_per_s": 0}, ".cleanup.requests_per_s: Input should be greater than 0"),
        ({"hosts": {"admin": {"url": "http://127.0.0.1:18080"}}}, ": hosts.admin is at the origin of base_url"),
        ({"every": 1}, ".cleanup.every: unknown key"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(tmp_path: Path, cleanup: dict[str, Any], why: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_targets(written(tmp_path, declared(**cleanup)))
    assert f"{PLACE}{why}" in str(refused.value)
    assert "sesame" not in str(refused.value)


def test_a_host_is_declared_once(tmp_path: Path) -> None:
    told = declared(hosts={"pay": ADMIN})
    told["environments"]["staging"]["hosts"] = {"pay": {"url": "http://127.0.0.1:18091"}}
    with pytest.raises(BadInput, match=r"staging: cleanup\.hosts holds pay, which hosts declares already"):
        read_targets(written(tmp_path, yaml.safe_dump(told)))


def test_without_any_it_is_the_storefront_s_own_methods() -> None:
    assert CleanupTarget() == CleanupTarget(file=None, settings={}, hosts={}, requests_per_s=5.0, at_once=2)
