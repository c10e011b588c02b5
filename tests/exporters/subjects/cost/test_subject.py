"""The cost subject as it is scraped: figures by arithmetic, absent where they aren't known, a source down by itself."""

import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.registry import CollectorRegistry

from exporters.alerts.cost import alerts
from exporters.alerts.table import groups
from exporters.config import ExportersConfig, subjects
from exporters.context import ExporterContext
from exporters.names.catalogue import FAMILIES
from exporters.serving.exposition import rendered
from exporters.serving.scrape import ScrapeCollector, Scraper
from exporters.serving.source import Deadline
from exporters.subjects.cost.config import CostConfig
from exporters.subjects.cost.families import top_of, with_other
from slo.documents import BadInput, validate
from slo.rules.model import Alert
from slo.rules.scope import Scope
from tests.exporters.subjects.cost.bills import NOV, charge, days, write
from tests.exporters.subjects.cost.promtool import promtool_files
from tests.exporters.subjects.cost.test_run_windows import write_run

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SEP = datetime(2026, 9, 7, tzinfo=UTC)
STAGING = {"Tags": '{"environment": "staging"}'}
Sample = tuple[str, tuple[tuple[str, str], ...]]


def config(**changed: Any) -> dict[str, Any]:
    bill = {
        "path": "bills", "delivery": "new-file", "settled_after_s": 0, "budget": {"amount": "1000", "currency": "USD"},
    }  # fmt: skip
    return {"bills": {"aws": bill}, "every_s": 300, **changed}


def scraped(folder: Path, **changed: Any) -> dict[Sample, float]:
    """Return every sample but the durations."""
    document = {"format": "peakproof/exporters/v1", "cost": config(**changed)}
    context = ExporterContext(
        variables={}, folder=folder, runs=folder / "runs", now=lambda: round(NOW.timestamp() * 1e9)
    )
    (subject,) = subjects(validate(document, ExportersConfig, "exporters.yaml"), context)
    scraper = Scraper(subject)
    registry = CollectorRegistry()
    ScrapeCollector(scraper.health, scraper.begin(Deadline(at=60.0, clock=lambda: 0.0)), registry)
    page = rendered(registry, "text/plain", "").body.decode()
    (folder / "page.txt").write_text(page)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if not sample.name.endswith("_duration_seconds")
    }


def value(samples: dict[Sample, float], name: str, **labels: str) -> float | None:
    labels = {"source": "aws", "currency": "USD", **labels}
    return samples.get((f"cost_{name}", tuple(sorted(labels.items()))))


def write_bills(folder: Path) -> None:
    """Write a bill of 10 a day from 7 September on: 8 for Compute, 2 for Storage, and 5 more for Compute at its end."""
    for month in (datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC), NOV):
        first, after = max(month, SEP), (month + timedelta(days=32)).replace(day=1)
        count = (min(after, NOW.replace(hour=0)) - first).days
        rows = [*days("8", first, count, **STAGING), *days("2", first, count, ServiceName="Storage")]
        if month == NOV:
            rows += [charge("5", NOV + timedelta(days=17)), charge("-20", ChargeCategory="Credit")]
        write(folder / "bills" / f"{month:%Y-%m}.csv", rows)


def write_counts(folder: Path) -> None:
    lines = [f"{date(2026, 11, 1) + timedelta(days=n)},10,2000" for n in range(19)]
    (folder / "counts.csv").write_text("\n".join(["day,orders,requests", *lines]))


def test_every_figure_follows_from_the_bill(tmp_path: Path) -> None:
    write_bills(tmp_path)
    write_counts(tmp_path)
    write_run(tmp_path / "runs", "20261110T000000Z-peak-0001")
    found = scraped(
        tmp_path,
        counts={"file": "counts.csv"},
        runs={"environment": "staging", "tag": {"key": "environment", "value": "staging"}},
    )
    assert value(found, "month_to_date_billed") == 19 * 10 + 5 - 20
    assert value(found, "service_month_to_date_billed", service_name="Compute") == 19 * 8 + 5 - 20
    assert value(found, "service_month_to_date_billed", service_name="Storage") == 38
    assert value(found, "service_month_to_date_billed", service_name="other") is None
    assert value(found, "services_in_other") == 0
    assert value(found, "charge_category_month_to_date_billed", charge_category="Credit") == -20
    assert value(found, "corrections_month_to_date_billed") == 0
    assert value(found, "month_budget_billed") == 1000
    assert value(found, "day_effective", service_name="Compute") == 13
    assert value(found, "day_typical_effective", service_name="Compute") == 8
    assert value(found, "day_anomaly_score", service_name="Compute") == pytest.approx(0.6745 * 5 / 0.08)
    assert value(found, "day_anomaly_score", service_name="Storage") == 0
    assert value(found, "per_order_effective") == pytest.approx(75 / 70)
    assert value(found, "per_1000_requests_effective") == pytest.approx(1000 * 75 / 14_000)
    assert value(found, "run_effective", run="20261110T000000Z-peak-0001") == pytest.approx(8 / 24)
    newest = found["cost_bill_newest_charge_timestamp_seconds", (("source", "aws"),)]
    assert newest == (NOV + timedelta(days=19)).timestamp()
    mean, known = (28 * 10 + 5) / 28, 18 * 10 + 5 - 20
    assert value(found, "month_forecast_billed") == pytest.approx(known + 12 * mean)
    lower, upper = value(found, "month_forecast_lower_billed"), value(found, "month_forecast_upper_billed")
    assert lower is not None
    assert upper is not None
    assert lower < known + 12 * mean < upper
    assert found["cost_exporter_up", (("source", "aws"),)] == 1
    assert found["cost_exporter_up", (("source", "counts"),)] == 1


def test_what_is_scraped_is_in_the_catalogue_and_promtool_finds_nothing(tmp_path: Path) -> None:
    write_bills(tmp_path)
    write_counts(tmp_path)
    write_run(tmp_path / "runs", "20261120T000000Z-peak-0001")
    found = scraped(
        tmp_path,
        counts={"file": "counts.csv"},
        runs={"environment": "staging", "tag": {"key": "environment", "value": "staging"}},
    )
    known = {family.name: family for family in FAMILIES["cost"]}
    own = {(name, labels) for name, labels in found if not name.startswith("cost_exporter_")}
    assert {name for name, _ in own} <= known.keys()
    assert {(name, frozenset(label for label, _ in labels)) for name, labels in own} == {
        (name, frozenset(known[name].labels)) for name, _ in own
    }
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("no promtool on this machine")
    page = (tmp_path / "page.txt").read_bytes()
    done = subprocess.run([program, "check", "metrics"], input=page, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_source_that_is_down_takes_only_what_needs_it(tmp_path: Path) -> None:
    write_bills(tmp_path)
    (tmp_path / "counts.csv").write_text("day,orders\n2026-11-19,lies\n")
    found = scraped(tmp_path, counts={"file": "counts.csv"})
    assert found["cost_exporter_up", (("source", "counts"),)] == 0
    assert value(found, "per_order_effective") is None
    assert value(found, "month_to_date_billed") == 175
    write(tmp_path / "bills" / "lies.csv", [charge("NaN")])
    found = scraped(tmp_path, counts={"file": "counts.csv"})
    assert found["cost_exporter_up", (("source", "aws"),)] == 0
    assert [name for name, _ in found if not name.startswith("cost_exporter_")] == ["cost_month_budget_billed"]


def test_an_order_has_no_cost_where_one_days_orders_are_not_known(tmp_path: Path) -> None:
    write_bills(tmp_path)
    write_counts(tmp_path)
    path = tmp_path / "counts.csv"
    path.write_text(path.read_text().replace("2026-11-15,10,2000\n", ""))
    found = scraped(tmp_path, counts={"file": "counts.csv"})
    assert found["cost_exporter_up", (("source", "counts"),)] == 1
    assert value(found, "per_order_effective") is None


def test_three_days_of_a_bill_forecast_nothing_and_judge_nothing(tmp_path: Path) -> None:
    write(tmp_path / "bills" / "bill.csv", days("10", NOV + timedelta(days=15), 4))
    found = scraped(tmp_path)
    assert value(found, "month_to_date_billed") == 40
    for name in ("month_forecast_billed", "day_typical_effective", "day_anomaly_score", "per_order_effective"):
        assert not [one for one, _ in found if one == f"cost_{name}"], name


def test_the_largest_services_and_the_others_add_up_to_the_bill(tmp_path: Path) -> None:
    rows = [charge(str(n), NOV, ServiceName=f"Service {n:02}") for n in range(1, 31)]
    rows += [charge("-500", ServiceName="Refunds", ChargeCategory="Credit"), charge("7", ServiceName="other")]
    write(tmp_path / "bills" / "bill.csv", rows)
    found = scraped(tmp_path, top=3)
    shown = {
        dict(labels)["service_name"]: amount
        for (name, labels), amount in found.items()
        if name == "cost_service_month_to_date_billed"
    }
    assert shown == {"Refunds": -500, "Service 30": 30, "Service 29": 29, "other": 465 - 59 + 7}
    assert sum(shown.values()) == value(found, "month_to_date_billed")
    assert value(found, "services_in_other") == 29


def test_a_service_that_is_called_other_is_among_the_others() -> None:
    amounts = {"other": Decimal(9), "a": Decimal(5), "b": Decimal(1)}
    shown = top_of(amounts, 2)
    assert with_other(amounts, shown) == {"a": Decimal(5), "other": Decimal(10)}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"bills": {}}, "cost.bills: Dictionary should have at least 1 item after validation, not 0, found {}"),
    (
        {"bills": {"counts": {"path": "x"}}},
        "cost: a bill may not be called counts: another source is",
    ),
    ({"counts": {}}, "cost.counts: must be {file: PATH} or {prometheus: …}"),
    ({"budget": 5}, "cost.budget: unknown key"),
]


@pytest.mark.parametrize(("changed", "message"), WRONG)
def test_a_configuration_that_is_wrong_is_refused(changed: dict[str, Any], message: str) -> None:
    document = {"format": "peakproof/exporters/v1", "cost": config(**changed)}
    with pytest.raises(BadInput) as refused:
        validate(document, ExportersConfig, "exporters.yaml")
    assert str(refused.value).startswith(f"exporters.yaml: {message}")


SCOPE = Scope(environment="production")


def own(all_of_them: Sequence[Alert]) -> list[Alert]:
    """Return the alerts but those that every exporter has."""
    return [alert for alert in all_of_them if alert.runbook.startswith("cost-")]


def test_bills_without_a_budget_have_the_alert_on_their_age_alone() -> None:
    given = CostConfig.model_validate({"bills": {"aws": {"path": "bills"}}})
    assert [alert.name for alert in own(alerts(given, SCOPE))] == ["CostBillTooOld"]


def test_every_alert_fires_in_its_cases_and_in_health_stays_silent(tmp_path: Path) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("no promtool on this machine")
    document = validate({"format": "peakproof/exporters/v1", "cost": config()}, ExportersConfig, "exporters.yaml")
    (group,) = groups(document, SCOPE)
    found = own(group.alerts)
    assert [alert.name for alert in found] == [
        *("CostBillTooOld", "CostBudgetExceeded", "CostBudgetWillBeExceeded", "CostAnomaly")
    ]
    files = promtool_files(found, tmp_path)
    done = subprocess.run([program, "test", "rules", files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    runbooks = Path(__file__).parents[4] / "docs" / "runbooks"
    assert [alert.runbook for alert in found if not (runbooks / f"{alert.runbook}.md").is_file()] == []
