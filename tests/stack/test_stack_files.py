"""The stack's files hold what they promise: by published schemas, by the tools that read them, and by our own rules.

Nothing is started here. `test_stack_runs.py` runs what can be run; Grafana's, Tempo's and the Collector's files are
held against their documentation here, and against the real programs by `peakproof doctor --stack`.
"""

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.grafana.boards.table import BOARDS
from dashboards.grafana.links import uid
from exporters.names.spans import SPAN_CALLS, SPAN_DURATION
from exporters.spans.span_metrics import BUCKETS_MS
from loadtests.demand.plan import read_plan
from loadtests.environment.targets import read_targets
from scripts.doctor.stack import DATASOURCES, FOLDER, JOBS
from scripts.local_stack.prometheus_binary import cache_folder
from scripts.running.read_inputs import read_inputs

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
HERE = Path(__file__).parent


def load(path: Path) -> dict[str, Any]:
    """Read a YAML file."""
    value: dict[str, Any] = yaml.safe_load(path.read_text())
    return value


COMPOSE = load(ROOT / "docker-compose.yml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PROMETHEUS = load(DOCKER / "prometheus" / "prometheus.yml")
COLLECTOR = load(DOCKER / "collector" / "config.yaml")
DOCUMENTED = load(HERE / "documented.yaml")
OURS = sorted(name for name, service in SERVICES.items() if service["image"].startswith("peakproof:"))


def tool(name: str) -> str:
    """Return one of the tools that come with Prometheus and Alertmanager; skip without it."""
    cached = cache_folder(os.environ) / "prometheus" / "usr" / "bin" / name
    found = os.environ.get(f"PEAKPROOF_{name.upper()}") or shutil.which(name)
    if not found and not cached.exists():
        pytest.skip(f"{name} is neither on PATH nor in our cache")
    return found or str(cached)


def run(*command: str) -> tuple[int, str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    return done.returncode, done.stdout + done.stderr


# -- docker-compose.yml ------------------------------------------------------------------------------------


def test_the_compose_file_follows_the_specifications_schema() -> None:
    code, said = run(
        *(sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml")
    )
    assert code == 0, said


def test_every_image_is_pinned_to_an_exact_version() -> None:
    tags = {name: service["image"].rpartition(":")[2] for name, service in SERVICES.items()}
    assert {name: tag for name, tag in tags.items() if not re.match(r"v?\d+\.\d+", tag)} == {}


def test_our_image_carries_our_version() -> None:
    (version,) = re.findall(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert {SERVICES[name]["image"] for name in OURS} == {f"peakproof:{version}"}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_is_fenced_in(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].partition(":")[0] not in ("0", "root", "")
    limits = service["deploy"]["resources"]["limits"] if "deploy" in service else {}
    assert set(limits) == {"cpus", "memory"}
    assert service["profiles"] in (["shop"], ["load"], ["observe"], ["play"])


def test_only_the_shop_and_grafana_are_published_and_on_loopback() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert sorted(published) == ["front", "grafana"]
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_every_service_has_a_health_check_but_those_whose_image_holds_nothing_to_ask_with() -> None:
    without = {name for name, service in SERVICES.items() if "healthcheck" not in service}
    assert without == {"collector", "tempo"}


def test_whoever_waits_for_another_waits_for_its_health_where_it_has_one() -> None:
    waits = [
        (name, other, how["condition"])
        for name, service in SERVICES.items()
        for other, how in service.get("depends_on", {}).items()
    ]
    assert waits
    healthy = {
        other: "service_healthy" if "healthcheck" in SERVICES[other] else "service_started" for other in SERVICES
    }
    assert [wait for wait in waits if wait[2] != healthy[wait[1]]] == []


def test_no_secret_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    secrets = re.findall(r"\$\{(\w*(?:PASSWORD|TOKEN)\w*)([^}]*)\}", text)
    assert {name for name, _ in secrets} == {
        *("PEAKPROOF_DATABASE_PASSWORD", "PEAKPROOF_SHOP_TOKEN", "PEAKPROOF_METRICS_TOKEN", "PEAKPROOF_RUN_TOKEN"),
        "GRAFANA_ADMIN_PASSWORD",
    }
    assert [name for name, rest in secrets if not rest.startswith(":?")] == []


def test_whoever_takes_part_in_a_run_or_reads_it_brings_the_token_that_it_wants() -> None:
    """The run listens in the stack's network: its workers, the senders of spans and Prometheus are told its tokens."""
    wanted = {name: set(SERVICES[name]["environment"]) for name in ("master", "worker", "collector")}
    assert {"PEAKPROOF_RUN_TOKEN", "PEAKPROOF_METRICS_TOKEN"} < wanted["master"]
    assert wanted["worker"] == wanted["collector"] == {"PEAKPROOF_RUN_TOKEN"}
    for name in ("payments", "shop-1", "shop-2"):
        told = SERVICES[name]["environment"]["OTEL_EXPORTER_OTLP_HEADERS"]
        assert told.startswith("Authorization=Bearer%20${PEAKPROOF_RUN_TOKEN:?")
    sent = COLLECTOR["exporters"]["otlphttp/recorder"]["headers"]
    assert sent == {"authorization": "Bearer ${env:PEAKPROOF_RUN_TOKEN}"}
    jobs = {job["job_name"]: job for job in PROMETHEUS["scrape_configs"]}
    assert {name for name, job in jobs.items() if "authorization" in job} == {
        *("loadgen", "stock", "orders", "recorder", "exporters"),
    }


def test_every_file_that_is_mounted_is_there() -> None:
    mounts = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
    paths = [re.sub(r"^\$\{\w+:-(.+?)\}", r"\1", mount).partition(":")[0] for mount in mounts]
    ours = [path for path in paths if path.startswith("./")]
    assert len(ours) > 5
    assert [path for path in ours if not (ROOT / path).exists()] == []
    assert {path for path in paths if not path.startswith("./")} == set(COMPOSE["volumes"])


def test_the_load_alone_needs_nothing_of_the_other_profiles() -> None:
    alone = [service for service in SERVICES.values() if service["profiles"] == ["load"]]
    assert [how for service in alone for how in service.get("depends_on", {}).values()] == []
    (play,) = (service for service in SERVICES.values() if service["profiles"] == ["play"])
    assert all(how["required"] is False for how in play["depends_on"].values())


# -- the load ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "objectives"),
    [
        (DOCKER / "load" / "plan.yaml", ROOT / "slo" / "objectives" / "twisted-threads.yaml"),
        (HERE / "plan.yaml", HERE / "objectives.yaml"),
    ],
    ids=["shipped", "of the test"],
)
def test_the_plan_can_be_played_on_the_environment_of_the_stack(plan: Path, objectives: Path) -> None:
    inputs = read_inputs(plan, (objectives,), DOCKER / "load" / "targets.yaml", "shop")
    assert inputs.plan == read_plan(plan)


def test_prometheus_scrapes_all_that_the_environment_declares() -> None:
    environment = read_targets(DOCKER / "load" / "targets.yaml").environments["shop"]
    declared = {(target.job, target.url) for target in environment.metrics}
    scraped = {
        (job["job_name"], f"http://{address}{job.get('metrics_path', '/metrics')}")
        for job in PROMETHEUS["scrape_configs"]
        for static in job.get("static_configs", [])
        for address in static["targets"]
    }
    assert declared - scraped == set()
    assert {job for job, _ in scraped} - {"recorder"} == set(JOBS)
    hosts = {re.split(r"[:/]+", url)[1] for _, url in scraped}
    assert hosts - set(SERVICES) == {"127.0.0.1"}


def test_the_example_of_further_targets_says_which_environment_they_are() -> None:
    (job,) = (one for one in PROMETHEUS["scrape_configs"] if "file_sd_configs" in one)
    assert job["file_sd_configs"] == [{"files": ["targets/*.yml"]}]
    folder = DOCKER / "prometheus" / "targets"
    assert sorted(path.name for path in folder.iterdir()) == ["exporters.yml.example"]
    (example,) = yaml.safe_load((folder / "exporters.yml.example").read_text())
    assert set(example) == {"targets", "labels"}
    assert set(example["labels"]) == {"job", "environment"}


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def test_grafana_takes_rates_over_what_holds_a_sample_of_every_job() -> None:
    """Grafana makes the range of a rate of the data source's interval."""
    every = PROMETHEUS["global"]["scrape_interval"]
    scraped = {job["job_name"]: job.get("scrape_interval", every) for job in PROMETHEUS["scrape_configs"]}
    sources = load(DOCKER / "grafana" / "provisioning" / "datasources" / "peakproof.yaml")["datasources"]
    (prometheus,) = (source for source in sources if source["type"] == "prometheus")
    assert seconds(prometheus["jsonData"]["timeInterval"]) == max(map(seconds, scraped.values()))
    assert COLLECTOR["connectors"]["spanmetrics"]["metrics_flush_interval"] == scraped["spans"]


# -- Prometheus and Alertmanager ---------------------------------------------------------------------------


def test_promtool_takes_the_configuration_and_the_rules() -> None:
    # By its syntax: the token that a scrape brings is a file in the container only.
    code, said = run(tool("promtool"), "check", "config", "--syntax-only", "docker/prometheus/prometheus.yml")
    assert code == 0, said
    code, said = run(tool("promtool"), "check", "rules", "docker/prometheus/rules/stack.yml")
    assert code == 0, said


def test_the_rules_fire_when_they_should_and_only_then() -> None:
    code, said = run(tool("promtool"), "test", "rules", "tests/stack/rules_test.yml")
    assert code == 0, said


def test_every_alert_says_what_is_wrong_and_what_to_make_of_it() -> None:
    (group,) = load(DOCKER / "prometheus" / "rules" / "stack.yml")["groups"]
    tested = {
        one["alertname"] for test in load(HERE / "rules_test.yml")["tests"] for one in test.get("alert_rule_test", [])
    }
    assert {rule["alert"] for rule in group["rules"]} == tested
    assert all(set(rule["annotations"]) == {"summary", "description"} for rule in group["rules"])


def test_amtool_takes_the_configuration() -> None:
    code, said = run(tool("amtool"), "check-config", "docker/alertmanager/alertmanager.yml")
    assert code == 0, said


# -- the Collector, Tempo and Grafana, by their documentation ----------------------------------------------


def leaves(value: object, at: str = "") -> Iterator[str]:
    """Return the dotted path of every key that holds no further keys."""
    if not isinstance(value, dict):
        yield at
        return
    for key, inner in value.items():
        yield from leaves(inner, f"{at}.{key}" if at else str(key))


def undocumented(given: object, documented: list[Any]) -> list[str]:
    """Return the keys of `given` that the documentation doesn't name; a list may stand in place of its names."""
    names = [name for one in documented for name in (one if isinstance(one, list) else [one])]
    return [path for path in leaves(given) if not any(fnmatch.fnmatchcase(path, name) for name in names)]


@pytest.mark.parametrize("kind", ["extensions", "receivers", "processors", "connectors", "exporters"])
def test_every_key_of_a_collectors_component_is_documented(kind: str) -> None:
    documented = DOCUMENTED["collector"]
    assert COLLECTOR[kind]
    for name, given in COLLECTOR[kind].items():
        assert undocumented(given, documented[f"{kind}.{name.partition('/')[0]}"]) == [], name


def test_every_key_of_tempo_is_documented() -> None:
    assert undocumented(load(DOCKER / "tempo" / "tempo.yaml"), DOCUMENTED["tempo"]) == []


def test_every_key_of_grafanas_provisioning_is_documented() -> None:
    provisioning = DOCKER / "grafana" / "provisioning"
    documented = DOCUMENTED["datasources"]
    sources = load(provisioning / "datasources" / "peakproof.yaml")["datasources"]
    for source in sources:
        assert set(source) - {"jsonData"} - set(documented["common"]) == set(), source["name"]
        assert set(source["jsonData"]) - set(documented[source["type"]]) == set(), source["name"]
    (provider,) = load(provisioning / "dashboards" / "peakproof.yaml")["providers"]
    assert set(provider) - set(DOCUMENTED["dashboards"]) == set()


def test_a_key_that_is_misspelt_is_seen() -> None:
    given = {"endpoint": "a", "sending_queue": {"size": 1}, "headers": {"authorization": "b"}}
    assert undocumented(given, DOCUMENTED["collector"]["exporters.otlphttp"]) == ["sending_queue.size"]


def test_every_component_of_a_pipeline_is_configured_and_every_configured_one_is_used() -> None:
    kinds = ("receivers", "processors", "exporters", "connectors", "extensions")
    configured = {name for kind in kinds for name in COLLECTOR[kind]}
    service = COLLECTOR["service"]
    used = {name for line in service["pipelines"].values() for names in line.values() for name in names}
    assert used | set(service["extensions"]) == configured


def test_the_collectors_span_metrics_have_the_names_and_buckets_of_our_recorder() -> None:
    made = COLLECTOR["connectors"]["spanmetrics"]
    prefix = made["namespace"].replace(".", "_")
    unit = {"ms": "milliseconds", "s": "seconds"}[made["histogram"]["unit"]]
    assert (f"{prefix}_calls_total", f"{prefix}_duration_{unit}") == (SPAN_CALLS.name, SPAN_DURATION.name)
    factor = {"ms": 1, "s": 1000}
    found = [re.fullmatch(r"(\d+)(ms|s)", bucket) for bucket in made["histogram"]["explicit"]["buckets"]]
    assert tuple(int(one[1]) * factor[one[2]] for one in found if one) == BUCKETS_MS


def test_spans_are_sent_where_somebody_listens() -> None:
    tempo = load(DOCKER / "tempo" / "tempo.yaml")
    assert COLLECTOR["exporters"]["otlp/tempo"]["endpoint"] == "tempo:4317"
    assert tempo["distributor"]["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"] == "0.0.0.0:4317"
    assert COLLECTOR["exporters"]["otlphttp/recorder"]["endpoint"] == "http://master:18086"
    assert COLLECTOR["receivers"]["otlp"]["protocols"]["http"]["endpoint"] == "0.0.0.0:4318"


def test_grafana_is_given_the_data_sources_and_the_folder_that_the_smoke_check_asks_for() -> None:
    given = load(DOCKER / "grafana" / "provisioning" / "datasources" / "peakproof.yaml")
    assert given["apiVersion"] == 1
    assert tuple(source["uid"] for source in given["datasources"]) == DATASOURCES
    assert [source for source in given["datasources"] if source["editable"]] == []
    hosts = {re.split(r"[:/]+", source["url"])[1] for source in given["datasources"]}
    assert hosts - set(SERVICES) == set()
    (provider,) = load(DOCKER / "grafana" / "provisioning" / "dashboards" / "peakproof.yaml")["providers"]
    assert provider["options"] == {"path": "/etc/peakproof/dashboards", "foldersFromFilesStructure": True}
    assert f"./dashboards/generated:/etc/peakproof/dashboards/{FOLDER}:ro" in SERVICES["grafana"]["volumes"]
    uids = {json.loads(path.read_text())["uid"] for path in (ROOT / "dashboards" / "generated").glob("*.json")}
    assert uids == {uid(name) for name in BOARDS}  # doctor asks Grafana for each
