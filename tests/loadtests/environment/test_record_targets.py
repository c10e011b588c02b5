"""Where shop records are read from is declared kind by kind, strictly, and no secret is written down."""

from pathlib import Path
from typing import Any

import pytest

from loadtests.environment.credentials import record_access_of
from loadtests.environment.earlier_targets import as_written_today
from loadtests.environment.record_targets import OrdersSource, PaymentsSource
from loadtests.environment.targets import Environment, read_targets, redacted
from slo.documents import BadInput, validate

FACTS: dict[str, Any] = {
    "base_url": "http://127.0.0.1:9",
    "storefront": "twisted-threads",
    "ceiling": {"requests_per_s": 1, "open_sessions": 1, "orders": 1},
}
SQL = {"url": "sqlite:///shop.db", "query": "select 1"}
HTTP = {"url": "https://pay.test/list"}


def refused(shop_records: object, **more: object) -> str:
    with pytest.raises(BadInput) as refusal:
        validate({**FACTS, "shop_records": shop_records, **more}, Environment, "x")
    return str(refusal.value).removeprefix("x: ")


REFUSED: list[tuple[object, str]] = [
    ({}, "shop_records: must have one of orders, payments, stock, funnel and file, found {}"),
    ({"orders": {}}, "shop_records.orders: must have one of sql and http, found {}"),
    ({"orders": {"sql": SQL, "fields": {"totl": "t"}}}, "shop_records.orders.fields: totl: no such field; there are "),
    ({"stock": {"sql": SQL, "money": "cents"}}, "shop_records.stock.money: "),
    ({"orders": {"sql": SQL, "zone": "Mars"}}, "shop_records.orders.zone: must be a time zone by its IANA name, such"),
    (
        {"orders": {"sql": SQL, "one_row_per": "line", "fields": {"lines": "l"}}},
        "shop_records.orders: fields.lines goes with one row per order",
    ),
    ({"orders": {"sql": {**SQL, "url": "oracle://x"}}}, "shop_records.orders.sql.url: must be an address that begins"),
    (
        {"payments": {"http": HTTP, "status": {"paid": ["x"]}}},
        "shop_records.payments.status: paid: no such status; there are authorised, captured, ",
    ),
    (
        {"payments": {"http": HTTP, "status": {"captured": ["OK"], "failed": ["ok"]}}},
        "shop_records.payments.status: ok: is given as captured and as failed",
    ),
    ({"payments": {"http": {**HTTP, "next": {}}}}, "shop_records.payments.http.next: must have one of cursor, last, "),
    (
        {"payments": {"http": {**HTTP, "next": {"cursor": "next"}}}},
        "shop_records.payments.http.next: param goes with cursor and last",
    ),
    (
        {"payments": {"http": {**HTTP, "next": {"page": "page", "link": "next"}}}},
        "shop_records.payments.http.next: must have one of",
    ),
    (
        {"payments": {"http": {**HTTP, "headers": {"Host": "x"}}}},
        "shop_records.payments.http.headers",
    ),
    (
        {"payments": {"http": {**HTTP, "bearer": {"env": "A"}, "headers": {"Authorization": {"env": "B"}}}}},
        "shop_records.payments.http: bearer, basic_auth and the header Authorization exclude each other",
    ),
    ({"settings": {"a": 1}, "stock": {"sql": SQL}}, "shop_records: settings go with file"),
]


@pytest.mark.parametrize(("declared", "message"), REFUSED, ids=[message[13:60] for _, message in REFUSED])
def test_what_can_not_be_meant_is_refused_with_what_is_allowed(declared: object, message: str) -> None:
    assert refused(declared).startswith(message)


def test_each_key_of_an_earlier_version_is_refused_with_its_new_form() -> None:
    for kind in ("orders", "payments", "stock", "funnel"):
        new = f"is now shop_records: {{{kind}: {{http: {{url: …}}}}}}"
        assert refused(None, **{f"{kind}_url": "http://127.0.0.1/x"}) == f"{kind}_url: {new}"


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("orders", {"sql": {**SQL, "url": "postgresql://me:hunter2@db/shop"}}),
        ("orders", {"sql": {**SQL, "url": "postgresql://me:hunter2/9@db/shop"}}),
        ("orders", {"sql": {**SQL, "url": "postgresql://me@db/shop?password=hunter2"}}),
        ("orders", {"http": {**HTTP, "bearer": {"value": "hunter2"}}}),
        ("orders", {"http": {**HTTP, "headers": {"X-Api-Key": "hunter2"}}}),
    ],
)
def test_a_secret_that_is_written_down_is_refused_and_not_shown(
    kind: str, source: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "targets.yaml"
    environments = {"staging": {**FACTS, "shop_records": {kind: source}}}
    path.write_text(str({"format": "peakproof/targets/v1", "environments": environments}))
    with pytest.raises(BadInput) as refusal:
        read_targets(path)
    assert "shop_records.orders." in str(refusal.value)
    assert "hunter2" not in str(refusal.value)


def test_files_lie_beside_targets_yaml_and_what_a_run_records_reads_the_same(tmp_path: Path) -> None:
    path = tmp_path / "targets.yaml"
    declared = {
        "orders": {"sql": SQL},
        "payments": {"http": {**HTTP, "bearer": {"file": "key"}}},
        "file": "mine.py",
        "settings": {"dsn": {"file": "dsn"}},
    }
    environments = {"staging": {**FACTS, "shop_records": declared}}
    path.write_text(str({"format": "peakproof/targets/v1", "environments": environments}))
    environment = read_targets(path).environments["staging"]
    found = environment.shop_records
    assert found is not None
    assert found.orders is not None
    assert found.orders.sql is not None
    assert found.orders.sql.url.value == f"sqlite:///{tmp_path}/shop.db"
    assert found.payments is not None
    assert found.payments.http is not None
    assert found.payments.http.bearer is not None
    assert found.payments.http.bearer.file == f"{tmp_path}/key"
    assert environment.records_file is not None
    assert environment.records_file.file == f"{tmp_path}/mine.py"
    assert environment.records_file.sources()["dsn"].file == f"{tmp_path}/dsn"
    again = Environment.model_validate(redacted("staging", environment)["environments"]["staging"])
    assert again == environment
    assert found.payments.as_stand_in
    assert not PaymentsSource.model_validate({"http": HTTP, "times": "s"}).as_stand_in


def test_a_run_that_an_earlier_version_recorded_has_its_pages_as_they_are_declared_today() -> None:
    old = {**FACTS, "orders_url": "http://127.0.0.1/o", "funnel_url": None, "shop_records": {"file": "mine.py"}}
    today = as_written_today({"environments": {"staging": old}})
    records = Environment.model_validate(today["environments"]["staging"]).shop_records
    assert records is not None
    assert (records.file, list(records.kinds)) == ("mine.py", ["orders"])
    assert as_written_today({"environments": []}) == {"environments": []}


@pytest.mark.parametrize("records", [2, "mine.py", [1]])
def test_records_of_another_kind_beside_such_pages_are_refused_by_their_name(records: object) -> None:
    old = {**FACTS, "orders_url": "http://127.0.0.1/o", "shop_records": records}
    today = as_written_today({"environments": {"staging": old}})
    with pytest.raises(ValueError, match="shop_records"):
        Environment.model_validate(today["environments"]["staging"])


def test_a_secret_that_is_not_there_is_named_with_its_place() -> None:
    source = OrdersSource.model_validate({"sql": {**SQL, "url": {"env": "SHOP_DB"}}})
    with pytest.raises(BadInput) as refusal:
        record_access_of("orders", source, {})
    said = "the environment variable SHOP_DB is not set; targets.yaml names it in shop_records.orders.sql.url"
    assert str(refusal.value) == said
    page = PaymentsSource.model_validate({"http": {**HTTP, "bearer": {"env": "KEY"}, "headers": {"X-A": {"env": "B"}}}})
    access = record_access_of("payments", page, {"KEY": "s3cret-key", "B": "other-key"})
    assert access.headers == {"X-A": "other-key", "Authorization": "Bearer s3cret-key"}
    assert [secret.reveal() for secret in access.hidden] == ["other-key", "s3cret-key"]
    assert "s3cret" not in repr(access)
