"""Every alert has a runbook, every runbook an alert; it has its five parts, and its queries run and show the fault."""

import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
import yaml

from scripts.drilling.configuration import EVALUATION_S, rules_of
from scripts.drilling.past import PastWriter
from scripts.drilling.plan import places
from scripts.drilling.prometheus import DrillPrometheus
from scripts.drilling.scenes import Scene
from scripts.local_stack.processes import Children
from slo.outcomes import EnvironmentLacks
from slo.rules.scope import Scope
from tests.contracts.every_alert import ROOT, every_alert, every_group, subjects_without_an_example
from tests.contracts.runbook_index import INDEX, text
from tests.ports import free_port

RUNBOOKS = ROOT / "docs" / "runbooks"
# By the words that their headings begin with.
PARTS = (
    "What it means",
    "First look",
    "Likely causes.*",
    "Stop the bleeding",
    "It is over when",
)
MOST_LINES = 60
# Of every subject that reads sources: there, whichever of them are configured.
SHARED = "exporter-source-down"
QUERY = re.compile(r"^```promql\n(.*?)^```", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """A page: its parts by heading, and its text."""

    slug: str
    parts: Mapping[str, str]
    text: str

    @property
    def queries(self) -> list[str]:
        """Every query of the page."""
        return [query.strip() for query in QUERY.findall(self.text)]

    @property
    def first_look(self) -> list[str]:
        """The queries of its first look."""
        return [query.strip() for query in QUERY.findall(self.parts["First look"])]


def runbooks() -> list[Runbook]:
    pages = [path for path in sorted(RUNBOOKS.glob("*.md")) if path != INDEX]
    return [parsed(path.stem, path.read_text(encoding="utf-8")) for path in pages]


def parsed(slug: str, text: str) -> Runbook:
    """Return a page by its headings."""
    _, *rest = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
    return Runbook(slug=slug, parts=dict(zip(rest[::2], rest[1::2], strict=True)), text=text)


def by_runbook() -> dict[str, list[str]]:
    """Return the names of the alerts by their runbook."""
    found: dict[str, list[str]] = {}
    for alert in every_alert():
        names = found.setdefault(alert.runbook, [])
        if alert.name not in names:
            names.append(alert.name)
    return found


def test_every_subject_with_alerts_has_a_configuration_among_the_documents() -> None:
    assert subjects_without_an_example() == set()


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert {page.slug for page in runbooks()} == {*by_runbook(), SHARED}


@pytest.mark.parametrize("page", runbooks(), ids=lambda page: page.slug)
def test_a_runbook_has_its_five_parts_and_is_no_longer_than_two_screens(page: Runbook) -> None:
    assert len(page.parts) == len(PARTS), list(page.parts)
    assert [name for name, part in zip(page.parts, PARTS, strict=True) if not re.fullmatch(part, name)] == []
    assert [name for name, text in page.parts.items() if not text.strip()] == []
    assert page.first_look != []
    assert len(page.text.splitlines()) <= MOST_LINES


@pytest.mark.parametrize("page", runbooks(), ids=lambda page: page.slug)
def test_a_runbook_names_its_alerts(page: Runbook) -> None:
    names = [re.sub(r"^.+(?=(Source|Exporter)Down$)", "…", name) for name in by_runbook().get(page.slug, [])]
    assert [name for name in names if name not in page.text] == []


def test_the_index_is_what_is_written_from_the_alerts() -> None:
    assert INDEX.read_text(encoding="utf-8") == text(), "python -m tests.contracts.runbook_index writes it anew"


def test_a_runbooks_queries_are_promql(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not on PATH")
    rules = [{"record": "a:query", "expr": query} for page in runbooks() for query in page.queries]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    done = subprocess.run(
        [promtool, "check", "rules", "--lint=none", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def under_fault() -> list[Scene]:
    """Return a scene for each alert's case, whose fault has lasted until the alert fires."""
    names = (f"drill-{number:03d}" for number in count(1))
    return [
        Scene(
            kind="detection",
            alert=place.alert,
            case=case,
            environment=next(names),
            interval_s=EVALUATION_S,
            position=place.position,
            begins_s=-case.fires_after_s - 2 * EVALUATION_S,
            ends_s=3600,
        )
        for place in places(every_group(Scope(environment="drill")))
        for case in place.alert.cases
    ]


@pytest.mark.heavy
@pytest.mark.timeout(300)
def test_every_query_runs_and_the_first_look_shows_the_fault(tmp_path: Path) -> None:
    found = {name: shutil.which(name) for name in ("prometheus", "promtool")}
    if not all(found.values()):
        pytest.skip("prometheus and promtool are not on PATH")
    start_s = time.time()
    scenes = under_fault()
    program = DrillPrometheus(
        program=Path(str(found["prometheus"])), port=free_port(), data=tmp_path / "data", environment={}
    )
    writer = PastWriter(
        scenes=scenes,
        rules={scene.key: rules_of(scene, every_group) for scene in scenes},
        start_s=start_s,
        promtool=Path(str(found["promtool"])),
        prometheus=program,
        folder=tmp_path,
        say=lambda _: None,
    )
    at = round((start_s - 1) * 1e9)
    refused, empty = [], []
    with Children(tmp_path / "logs") as children:
        writer.write(children)
        (tmp_path / "prometheus.yml").write_text("global: {}\n")
        prometheus, _ = program.start(children, tmp_path / "prometheus.yml")
        for page in runbooks():
            answers = {}
            for query in page.queries:
                try:
                    answers[query] = prometheus.range(query, at, at)
                except EnvironmentLacks as error:
                    refused.append(f"{page.slug}: {error}")
            if not any(answers.get(query) for query in page.first_look):
                empty.append(page.slug)
    assert refused == []
    assert empty == [], empty
