"""Alertmanager's configuration: only a named environment pages, and what tells of the same is held back."""

import shutil
import subprocess
from pathlib import Path

import pytest

from slo.documents import BadInput
from slo.rules.alertmanager import INHIBITIONS, Routing, document, matches, read_receivers, waiting

RECEIVERS = """\
# ours, with a secret in a file
receivers:
  - name: pager
    webhook_configs: [{url: http://127.0.0.1:9/page}]
  - name: tickets
    webhook_configs: [{url: http://127.0.0.1:9/ticket}]
  - {name: nobody}
"""
PAGE = {"alertname": "ErrorBudgetBurn", "severity": "page", "environment": "production", "objective": "checkout"}


def routing(*environments: str, page: str = "pager") -> Routing:
    return Routing(page=page, ticket="tickets", other="nobody", page_environments=environments)


def written(folder: Path, of: Routing, receivers: str = RECEIVERS) -> Path:
    """Write a file of receivers, and the configuration made of it; return the latter."""
    (folder / "receivers.yml").write_text(receivers)
    config = folder / "alertmanager.yml"
    config.write_text(document(of, read_receivers(folder / "receivers.yml")))
    return config


def amtool(*arguments: str) -> str:
    """Return what amtool prints; skip without it."""
    program = shutil.which("amtool")
    if program is None:
        pytest.skip("amtool is not on PATH")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def receiver(config: Path, labels: dict[str, str]) -> str:
    """Return the receiver to which amtool says that labels are routed."""
    pairs = [f"{name}={text}" for name, text in labels.items()]
    return amtool("config", "routes", "test", f"--config.file={config}", *pairs).strip()


@pytest.mark.parametrize("environments", [(), ("production",), ("production", "eu.shop-1")])
def test_amtool_accepts_the_configuration(environments: tuple[str, ...], tmp_path: Path) -> None:
    said = amtool("check-config", str(written(tmp_path, routing(*environments))))
    assert f"{len(INHIBITIONS)} inhibit rules" in said
    assert "3 receivers" in said


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, "pager"),
        ({"severity": "ticket"}, "tickets"),
        ({"environment": "eu.shop-1"}, "pager"),
        ({"environment": "euxshop-1"}, "nobody"),
        ({"environment": "staging"}, "nobody"),
        ({"environment": "production-copy"}, "nobody"),
        ({"environment": ""}, "nobody"),
        ({"severity": ""}, "nobody"),
    ],
    ids=str,
)
def test_only_a_page_of_a_named_environment_pages(changed: dict[str, str], expected: str, tmp_path: Path) -> None:
    config = written(tmp_path, routing("production", "eu.shop-1"))
    labels = {name: text for name, text in {**PAGE, **changed}.items() if text}
    assert receiver(config, labels) == expected


def test_where_no_environment_is_named_nothing_pages(tmp_path: Path) -> None:
    assert receiver(written(tmp_path, routing()), PAGE) == "nobody"


def test_the_users_receivers_are_kept_to_the_letter(tmp_path: Path) -> None:
    assert written(tmp_path, routing("production")).read_text().endswith(f"\n{RECEIVERS}")


@pytest.mark.parametrize(
    ("receivers", "message"),
    [
        (
            "route: {receiver: a}\nreceivers: [{name: a}]\n",
            "route: is generated; expected receivers, global, templates and time_intervals only",
        ),
        ("inhibit_rules: []\nreceivers: [{name: a}]\n",
         "inhibit_rules: is generated; expected receivers, global, templates and time_intervals only"),
        ("receivers: []\n", "receivers: List should have at least 1 item after validation, not 0, found []"),
        ("receivers: [{name: a}]\nmore: 1\n", "more: unknown key"),
        (
            "receivers: [{name: a}, {name: a}]\n",
            "receivers: expected each name once, found [{'name': 'a'}, {'name': 'a'}]",
        ),
    ],
)  # fmt: skip
def test_a_file_of_receivers_holds_nothing_that_is_generated(receivers: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refused:
        written(tmp_path, routing(), receivers)
    assert str(refused.value) == f"{tmp_path / 'receivers.yml'}: {message}"


def test_a_receiver_that_is_not_in_the_file_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refused:
        written(tmp_path, routing(page="mail"))
    assert str(refused.value) == "--page mail: no receiver of that name; there are: pager, tickets, nobody"


def test_an_environment_that_would_be_an_expression_is_refused() -> None:
    with pytest.raises(BadInput) as refused:
        routing(".*")
    assert str(refused.value) == "--page-environment .*: expected letters, digits, and . _ - between them"


def test_what_is_waited_for_comes_from_the_evaluations_and_the_windows() -> None:
    page, ticket = waiting("page", 30), waiting("ticket", 30)
    assert (page.group_wait_s, page.group_interval_s, page.repeat_s) == (30, 300, 3600)
    assert (ticket.group_wait_s, ticket.group_interval_s, ticket.repeat_s) == (30, 7200, 86_400)
    assert "One evaluation, 30 s: " in page.reason


def held_back(source: dict[str, str], target: dict[str, str]) -> bool:
    """Whether the rules of inhibition hold `target` back while `source` fires, as Alertmanager reads them."""
    return any(
        all(matches(one, source) for one in rule.source)
        and all(matches(one, target) for one in rule.target)
        and all(source.get(name, "") == target.get(name, "") for name in rule.equal)
        for rule in INHIBITIONS
    )


TICKET = {**PAGE, "severity": "ticket"}
DOWN = {"alertname": "OrdersSourceDown", "severity": "ticket", "environment": "production", "exporter": "orders"}
EXPORTER = {**DOWN, "alertname": "OrdersExporterDown"}
FED = {"alertname": "NoOrders", "severity": "page", "environment": "production", "exporter": "orders"}
BACKUP = {"environment": "production", "exporter": "recovery", "worry": "backup-age", "system": "shop"}


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        (PAGE, TICKET, True),
        (PAGE, {**TICKET, "objective": "browse"}, False),
        (PAGE, {**TICKET, "environment": "staging"}, False),
        (TICKET, PAGE, False),
        (PAGE, PAGE, False),
        ({**PAGE, "objective": ""}, {**TICKET, "objective": ""}, False),
        ({**DOWN, "source": "records"}, FED, True),
        ({**DOWN, "source": "records"}, {**FED, "exporter": "cost"}, False),
        ({**DOWN, "source": "records"}, {**FED, "environment": "staging"}, False),
        ({**DOWN, "source": "records"}, {**FED, "source": "records"}, True),
        ({**DOWN, "source": "records"}, {**FED, "source": "shipments"}, False),
        ({**DOWN, "source": "records"}, {**DOWN, "source": "shipments"}, False),
        (EXPORTER, FED, True),
        (EXPORTER, {**DOWN, "source": "records"}, True),
        ({**DOWN, "source": "records"}, EXPORTER, False),
        (EXPORTER, {**FED, "exporter": "cost"}, False),
        ({**BACKUP, "severity": "page"}, {**BACKUP, "severity": "ticket"}, True),
        ({**BACKUP, "severity": "page"}, {**BACKUP, "severity": "ticket", "system": "mail"}, False),
        ({**BACKUP, "severity": "page"}, {**BACKUP, "severity": "ticket", "worry": ""}, False),
    ],
)
def test_a_page_holds_its_tickets_back_and_a_dead_source_what_it_feeds(
    source: dict[str, str], target: dict[str, str], *, expected: bool
) -> None:
    assert held_back(source, target) is expected


@pytest.mark.parametrize(
    ("matcher", "labels", "expected"),
    [
        ('a="x"', {"a": "x"}, True),
        ('a="x"', {}, False),
        ('a=""', {}, True),
        ('a!="x"', {}, True),
        ('a=~"x.+"', {"a": "xy"}, True),
        ('a=~"x"', {"a": "xy"}, False),
        ('a!~".+Down"', {"a": "UpDown"}, False),
    ],
)
def test_a_matcher_reads_as_alertmanagers(matcher: str, labels: dict[str, str], *, expected: bool) -> None:
    assert matches(matcher, labels) is expected
