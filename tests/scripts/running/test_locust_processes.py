"""Locust is started on a safe import path with an environment in which nothing of the user's settings is left."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from loadtests.environment.credentials import Secret
from loadtests.environment.resolved_environment import resolve_environment
from loadtests.environment.targets import Environment
from loadtests.results.run_directory import RunDirectory
from loadtests.runtime.guarded_child import python
from loadtests.runtime.resource_limits import hint
from scripts.local_stack.ports import Ports
from scripts.local_stack.processes import Child, Children, wait_until
from scripts.running.lifecycle import Setting, perform
from scripts.running.locust_processes import (
    LocustProcesses,
    check_connections,
    check_descriptors,
    port_hint,
    start_generator,
    start_worker,
)
from scripts.running.read_inputs import read_inputs
from scripts.running.remote_settings import HERE, RemoteSettings
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks
from tests.loadtests.fakes import small_plan
from tests.loadtests.prepared import prepared_run
from tests.ports import free_base
from tests.scripts.local_stack.test_processes import SLEEP, says
from tests.scripts.world import PLAN, World, write_inputs

SHOP: dict[str, Any] = {
    "base_url": "http://127.0.0.1:1",
    "storefront": "twisted-threads",
    "ceiling": {"requests_per_s": 500, "open_sessions": 100_000, "orders": 1000},
}
PORTS = Ports(base=18080)
CDN = {"hosts": {"cdn": {"url": "http://127.0.0.1:2"}}}


@dataclass
class FakeChildren:
    """Notes what would be started."""

    started: list[tuple[str, list[str], dict[str, str]]] = field(default_factory=list)

    def start(self, name: str, command: list[str], *, environment: dict[str, str], listens: bool = False) -> str:
        assert listens is ("worker" not in name)
        self.started.append((name, command, environment))
        return name


USERS = {
    "PATH": "/bin",
    "HOME": "/home/user",
    "LANG": "C.UTF-8",
    "LOCUST_USERS": "1000",
    "LOCUST_HOST": "http://production",
    "PYTHONPATH": "/home/user/evil",
    "PYTHONSTARTUP": "/home/user/evil.py",
    "HTTP_PROXY": "http://proxy",
    "SHOP_TOKEN": "secret",
}


def started(tmp_path: Path, workers: int) -> list[tuple[str, list[str], dict[str, str]]]:
    fake = FakeChildren()
    start_generator(cast("Children", fake), RunDirectory(path=tmp_path), PORTS, USERS, workers=workers)
    return fake.started


def test_one_worker_is_one_process(tmp_path: Path) -> None:
    ((name, command, _),) = started(tmp_path, 1)
    assert name == "locust"
    assert command[:4] == [sys.executable, "-P", "-m", "locust"]
    assert command[4] == "-f"
    assert command[5].endswith("/loadtests/locustfile.py")
    assert command[6:] == [
        *("--run-directory", str(tmp_path), "--loglevel", "INFO", "--stop-timeout", "0", "--exit-code-on-error", "0"),
        *("--headless", "--change-on-stdin", "--begin-on-stdin", "--users", "1", "--spawn-rate", "1", "--only-summary"),
    ]


def test_a_worker_is_given_the_variables_that_its_environment_names_and_no_other(tmp_path: Path) -> None:
    declared = {"headers": {"X-Gate": {"env": "SHOP_GATE"}, "X-Other": {"env": "NOT_SET"}}, "token_env": "SHOP_TOKEN"}
    directory = prepared_run(tmp_path, "http://127.0.0.1:1", declared=declared)
    fake = FakeChildren()
    start_generator(
        cast("Children", fake),
        directory,
        PORTS,
        {**USERS, "SHOP_GATE": "canary", "SHOP_PATH": "x"},
        workers=2,
    )
    own = {"PATH", "LANG", "HOME", "PYTHONUNBUFFERED", "PEAKPROOF_RUN_TOKEN", "PEAKPROOF_UPLOAD_KEY"}
    assert [set(variables) - own for _, _, variables in fake.started] == [{"SHOP_GATE"}] * 3
    assert not any("canary" in word for _, command, _ in fake.started for word in command)


def test_more_workers_are_a_master_on_loopback_and_its_workers(tmp_path: Path) -> None:
    (head, first, second) = started(tmp_path, 2)
    assert [head[0], first[0], second[0]] == ["locust-master", "locust-worker-0", "locust-worker-1"]
    assert head[1][-12:] == [
        *("--only-summary", "--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", "18091"),
        *("--upload-port", "18086"),
        *("--expect-workers", "2", "--expect-workers-max-wait", "60"),
    ]
    assert first[1] == second[1]
    assert first[1][-5:] == ["--worker", "--master-host", "127.0.0.1", "--master-port", "18091"]


def test_those_of_one_run_share_a_token_that_no_other_run_has(tmp_path: Path) -> None:
    tokens = [environment["PEAKPROOF_RUN_TOKEN"] for _, _, environment in started(tmp_path, 2) + started(tmp_path, 2)]
    assert tokens[0] == tokens[1] == tokens[2] != tokens[3]
    assert len(tokens[0]) == 64


def test_only_the_master_has_the_key_of_uploads(tmp_path: Path) -> None:
    keys = [environment.get("PEAKPROOF_UPLOAD_KEY") for _, _, environment in started(tmp_path, 2)]
    assert keys == [HERE.upload_key.reveal(), None, None]
    assert len(HERE.upload_key.reveal()) == 64
    assert RemoteSettings().upload_key.reveal() != HERE.upload_key.reveal()


@pytest.mark.parametrize("workers", [1, 2])
def test_when_workers_join_from_elsewhere_only_the_master_is_started(tmp_path: Path, workers: int) -> None:
    fake, directory = FakeChildren(), RunDirectory(path=tmp_path)
    given = Secret("canary-of-the-run")
    outside = RemoteSettings(bind="0.0.0.0", reached_as="master", run_token=given)  # noqa: S104 - nothing is bound here
    start_generator(cast("Children", fake), directory, PORTS, USERS, outside, workers=workers)
    ((name, command, variables),) = fake.started
    assert name == "locust-master"
    assert variables["PEAKPROOF_RUN_TOKEN"] == "canary-of-the-run"
    assert command[command.index("--master-bind-host") + 1] == "0.0.0.0"  # noqa: S104 - the same
    assert command[command.index("--expect-workers") + 1] == str(workers)


def test_a_worker_elsewhere_reaches_the_master_by_its_name(tmp_path: Path) -> None:
    fake = FakeChildren()
    start_worker(
        cast("Children", fake), RunDirectory(path=tmp_path), 3, ("master", 18091), USERS, Secret("canary-of-the-run")
    )
    ((name, command, variables),) = fake.started
    assert variables["PEAKPROOF_RUN_TOKEN"] == "canary-of-the-run"
    assert "canary-of-the-run" not in " ".join(command)
    assert name == "locust-worker-3"
    assert command[-5:] == ["--worker", "--master-host", "master", "--master-port", "18091"]


@pytest.mark.parametrize("workers", [1, 2])
def test_nothing_of_the_users_settings_and_no_secret_reaches_locust(tmp_path: Path, workers: int) -> None:
    for _, _, environment in started(tmp_path, workers):
        assert ("PEAKPROOF_RUN_TOKEN" in environment) == (workers > 1)
        own = {"PEAKPROOF_RUN_TOKEN", "PEAKPROOF_UPLOAD_KEY"}
        assert {name: value for name, value in environment.items() if name not in own} == {
            "PATH": "/bin",
            "LANG": "C.UTF-8",
            "HOME": str(tmp_path / "logs"),
            "PYTHONUNBUFFERED": "1",
        }


def test_what_our_own_process_has_in_its_environment_does_not_reach_locust_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real `Children`, whose processes would inherit what we have."""
    monkeypatch.setenv("LOCUST_USERS", "1000")
    show = "import json, os; print(json.dumps(sorted(os.environ)))"
    ((_, _, environment),) = started(tmp_path, 1)
    with Children(tmp_path) as children:
        child = children.start("show", python("-c", show), environment=environment)
        child.process.wait()
        seen: list[str] = json.loads(child.last_log_line())
    assert set(seen) - {"LC_CTYPE"} == set(environment)


def test_ending_asks_every_process_and_waits_for_each(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        made = [children.start(f"locust-{n}", python("-c", SLEEP)) for n in range(3)]
        for child in made:
            wait_until(lambda child=child: says(child, "ready"), [child], 30, "a sleeper")  # type: ignore[misc]
        generator = LocustProcesses(made[0], tuple(made[1:]))
        assert not generator.is_over
        generator.end()
        assert generator.is_over
        assert all(child.code is not None for child in generator.children)


def test_too_few_descriptors_are_refused_with_the_number_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtests.runtime.resource_limits.most", lambda: 1024)
    check_descriptors(768, 1)
    check_descriptors(1537, 2)
    with pytest.raises(EnvironmentLacks) as refused:
        check_descriptors(20_000, 1)
    assert str(refused.value) == (
        "20,000 open sessions over 1 worker need 20,256 descriptors each, and 1,024 are allowed:"
        " ulimit -n 20256 first, or add workers, or lower the plan's limits.open_sessions"
    )


def test_the_connections_for_a_pages_assets_need_descriptors_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtests.runtime.resource_limits.most", lambda: 1024)
    check_descriptors(128, 1, 6)
    with pytest.raises(EnvironmentLacks) as refused:
        check_descriptors(129, 1, 6)
    assert str(refused.value) == (
        "129 open sessions over 1 worker, of up to 6 connections each with their assets and streams, need 1,030"
        " descriptors each,"
        " and 1,024 are allowed: ulimit -n 1030 first, or add workers, or lower the plan's limits.open_sessions"
    )


@pytest.mark.parametrize(("assets", "cdn", "most"), [("off", {}, 768), ("all", {}, 768), ("all", CDN, 384)])
def test_connections_that_sessions_share_are_all_that_need_descriptors(
    monkeypatch: pytest.MonkeyPatch, assets: str, cdn: dict[str, Any], most: int
) -> None:
    monkeypatch.setattr("loadtests.runtime.resource_limits.most", lambda: 1024)
    environment = Environment.model_validate({**SHOP, **cdn})
    limits = {"open_sessions": 100_000, "connections": most}
    check_connections(small_plan(assets=assets, limits=limits), environment, 1)
    with pytest.raises(
        EnvironmentLacks, match=r"shared connections and streams over 1 worker need .* the plan's limits.connections"
    ):
        check_connections(small_plan(assets=assets, limits={**limits, "connections": most + 1}), environment, 1)


@pytest.mark.parametrize(("limits", "most"), [({}, 384), ({"connections": 68}, 700)])
def test_a_stream_needs_a_descriptor_of_its_own_shared_connections_or_not(
    monkeypatch: pytest.MonkeyPatch, limits: dict[str, int], most: int
) -> None:
    monkeypatch.setattr("loadtests.runtime.resource_limits.most", lambda: 1024)
    environment = Environment.model_validate({**SHOP, "ceiling": {**SHOP["ceiling"], "open_sessions": 100_000}})
    told = {"limits": {**limits, "open_sessions": most}, "streams": "orders"}
    check_connections(small_plan(**told), environment, 1)
    more = {**told, "limits": {**limits, "open_sessions": most + 1}}
    with pytest.raises(EnvironmentLacks):
        check_connections(small_plan(**more), environment, 1)
    check_connections(small_plan(**{**more, "streams": "off"}), environment, 1)


def test_local_ports_are_hinted_at_for_the_connections_to_the_shop_at_the_highest_level() -> None:
    demand = {"source": "made up", "forecast_orders_per_hour": 3.6e6, "factor": 1.0, "orders_per_session": 1.0}
    higher = [
        {"name": "warm-up", "kind": "warm-up", "duration_s": 0.2, "level": [1.0, 1.0]},
        {"name": "plateau", "kind": "plateau", "duration_s": 0.8, "level": [1.0, 2.0]},
        {"name": "drain", "kind": "drain", "duration_s": 1.0},
    ]
    told: dict[str, Any] = {"demand": {**demand, "peak_sessions_per_s": 1000.0}, "phases": higher, "assets": "shop"}
    resolved = resolve_environment(Environment.model_validate(SHOP), {})
    assert port_hint(small_plan(**told), resolved) == hint(2000.0 * 6, 1)
    shared = {**told, "limits": {"open_sessions": 100, "connections": 50}}
    assert port_hint(small_plan(**shared), resolved) is None


def test_fewer_shared_connections_than_workers_are_refused(world: World) -> None:
    limits = "limits: {open_sessions: 100, connections: 1}"
    write_inputs(world.folder, plan=PLAN.replace("limits: {open_sessions: 100}", limits))
    plan, objectives, targets = (world.folder / name for name in ("plan.yaml", "objectives.yaml", "targets.yaml"))
    inputs = read_inputs(plan, (objectives,), targets, "staging")
    with pytest.raises(BadInput) as refused:
        perform(inputs, Setting(ports=Ports(base=free_base()), workers=2), world.context())
    assert str(refused.value) == "limits.connections: 1 for 2 workers; each needs one at least"
    assert not (world.folder / "runs").exists()


@pytest.mark.parametrize(("more", "needed"), [("", 356), ("assets: shop\n", 856)])
def test_a_run_that_lacks_descriptors_leaves_nothing_behind(
    world: World, monkeypatch: pytest.MonkeyPatch, more: str, needed: int
) -> None:
    monkeypatch.setattr("loadtests.runtime.resource_limits.most", lambda: 300)
    write_inputs(world.folder, plan=PLAN + more)
    given = (world.folder / name for name in ("plan.yaml", "objectives.yaml", "targets.yaml"))
    plan, objectives, targets = given
    inputs = read_inputs(plan, (objectives,), targets, "staging")
    with pytest.raises(
        EnvironmentLacks, match=f"need {needed} descriptors each, and 300 are allowed: ulimit -n {needed} first"
    ):
        perform(inputs, Setting(ports=Ports(base=free_base())), world.context())
    assert not (world.folder / "runs").exists()


def test_the_run_is_over_when_the_one_that_decides_has_ended(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        head: Child = children.start("head", python("-c", ""))
        worker: Any = children.start("worker", python("-c", SLEEP))
        head.process.wait()
        assert LocustProcesses(head, (worker,)).is_over
