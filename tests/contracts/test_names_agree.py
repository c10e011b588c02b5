"""Names agree across rooms: what one promises another has."""

import ast
import re
from keyword import iskeyword
from pathlib import Path

import pytest
import yaml

from dashboards.grafana.boards.table import BOARDS
from dashboards.grafana.build import GENERATED, stale
from exporters.names.catalogue import FAMILIES
from loadtests.demand.demo import PLAN_PATH
from loadtests.demand.plan import read_plan
from loadtests.demand.visits import BUYERS, VISITS
from loadtests.environment import storefront_targets
from loadtests.masking.text import masked_text
from loadtests.probe.result import REASONS
from loadtests.results.schemas import ANSWERS, REQUESTS, SESSIONS, SPANS
from loadtests.storefronts import BUILT_IN
from loadtests.storefronts.twisted_threads_customers import STOREFRONT
from scripts.cli import VERBS
from slo.objectives.reading import read_objectives
from slo.outcomes import ExitCode
from slo.verdict.promises import NEEDS

ROOT = Path(__file__).parents[2]
CONTRACTS = (ROOT / "docs" / "contracts.md").read_text()
ROOMS = ("slo", "loadtests", "exporters", "dashboards", "scripts", "staging")
OBJECTIVES = sorted((ROOT / "slo" / "objectives").glob("*.yaml"))
KINDS = {"string, null": "string", "list<int64 ns>": "list<item: int64>", "list<double>": "list<item: double>"}


def section(title: str) -> str:
    """Return the text below the heading that begins with `title`."""
    _, _, rest = CONTRACTS.partition(f"\n### {title}")
    assert rest, title
    return re.split(r"\n##", rest, maxsplit=1)[0]


def columns(title: str) -> dict[str, str]:
    """Return the columns that a heading's text names in the form `name` type, in order."""
    found = re.findall(r"`(\w+)` (string|double|int64|list<[a-z0-9 ]+>)", section(title))
    return {name: KINDS.get(kind, kind) for name, kind in found}


def test_the_requests_schema_is_the_contracts_table() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\w, ]+) \|", section("requests-"), re.MULTILINE)
    assert [(name, KINDS.get(kind, kind)) for name, kind in rows] == [
        (field.name, str(field.type)) for field in REQUESTS
    ]


def errors_of_a_request() -> list[str]:
    (row,) = re.findall(r"^\| `error` \| .*a word from: (.*) \|$", section("requests-"), re.MULTILINE)
    return re.findall(r"`(\w+)`", row)


@pytest.mark.parametrize("error", errors_of_a_request())
def test_a_probe_and_a_message_name_each_error_of_a_request(error: str) -> None:
    assert error in REASONS
    assert masked_text(f"address: {error}") == f"address: {error}"


@pytest.mark.parametrize(("title", "schema"), [("sessions-", SESSIONS), ("spans-", SPANS), ("metrics/", ANSWERS)])
def test_every_other_schema_is_what_the_contract_says(title: str, schema: object) -> None:
    assert list(columns(title).items()) == [
        (field.name, str(field.type))
        for field in schema  # type: ignore[attr-defined]
    ]


def test_every_promised_metric_is_in_the_one_table_of_names() -> None:
    _, _, jobs = CONTRACTS.partition("\n## Prometheus jobs of a run\n")
    table = re.split(r"\n##", jobs, maxsplit=1)[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    promised = {name for cell in cells for name in re.findall(r"`([a-z0-9_]+)`", cell)}
    of_a_run = ("loadgen", "stock and orders of a run", "spans")  # docs/metrics.md lists all there are
    exposed = {family.name for part in of_a_run for family in FAMILIES[part]}
    assert promised - exposed == set()
    assert {name for name in exposed - promised if not name.startswith("recorder_")} <= {
        "loadtest_snapshot_timestamp_seconds"
    }


def test_every_promise_of_the_audit_is_in_the_contract() -> None:
    _, _, rest = CONTRACTS.partition("\nChecks: ")
    assert tuple(re.findall(r"`([a-z-]+)`", rest.partition("\n")[0])) == tuple(NEEDS)


def test_the_exit_codes_of_the_contract_are_the_codes() -> None:
    text = CONTRACTS.rpartition("## Exit codes")[2]
    assert [int(number) for number in re.findall(r"(?:PASS|FAIL|INCONCLUSIVE|usage|ours) (\d+)", text)] == [
        ExitCode.OK,
        ExitCode.FAIL,
        ExitCode.INCONCLUSIVE,
        ExitCode.USAGE,
        ExitCode.CRASH,
    ]


def test_the_table_of_commands_lists_every_verb_in_the_order_of_help() -> None:
    text = (ROOT / "docs" / "commands.md").read_text()
    listed = re.findall(r"^\| `([a-z]+)` \|", text, re.MULTILINE)
    assert listed == list(VERBS)


def test_every_verb_is_a_file_and_every_file_a_verb() -> None:
    files = {path.stem for path in (ROOT / "scripts" / "verbs").glob("*.py")} - {"__init__"}
    assert files == {f"{name}_" if iskeyword(name) else name for name in VERBS}


@pytest.mark.parametrize("path", OBJECTIVES, ids=[path.name for path in OBJECTIVES])
def test_every_step_of_an_objective_is_visited_by_some_journey(path: Path) -> None:
    visited = {step for visits in VISITS.values() for step in visits}
    steps = {step for objective in read_objectives([path]) for step in objective.steps}
    assert steps
    assert steps - visited == set()


def test_a_plan_and_an_environment_may_name_exactly_what_a_worker_can_play() -> None:
    assert set(storefront_targets.STOREFRONTS) == set(BUILT_IN)
    assert set(VISITS) == set(STOREFRONT.journeys)
    assert STOREFRONT.buyers == BUYERS


def test_the_demos_plan_plays_known_journeys_and_gives_up_on_objectives_that_are_there() -> None:
    demo = read_plan(PLAN_PATH)
    assert set(demo.journeys) <= set(STOREFRONT.journeys)
    known = {objective.name for objective in read_objectives(OBJECTIVES)}
    assert {item.objective for item in demo.not_judged} <= known


def test_the_generated_dashboards_are_fresh_and_no_other_lies_there() -> None:
    assert stale() == []
    assert {path.name for path in GENERATED.iterdir()} == {f"{name}.json" for name in BOARDS}


def test_the_examples_in_the_contract_are_valid_documents() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", CONTRACTS, re.DOTALL)
    formats = [yaml.safe_load(block)["format"] for block in blocks]
    assert formats == ["peakproof/plan/v1", "peakproof/targets/v1"]


MODULES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


@pytest.mark.parametrize("room", ROOMS)
def test_every_module_says_what_it_is_for(room: str) -> None:
    modules = [path for path in MODULES if path.relative_to(ROOT).parts[0] == room]
    assert modules
    assert [str(path) for path in modules if not ast.get_docstring(ast.parse(path.read_text()))] == []
