"""Only what `targets.yaml` names may be loaded, and it is right or refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from loadtests.environment.targets import Targets, read_targets, redacted
from slo.documents import MAX_BYTES, BadInput, read_json
from tests.record_pages import record_pages


def facts() -> dict[str, Any]:
    """Return the contract's example."""
    return {
        "format": "peakproof/targets/v1",
        "environments": {
            "staging": {
                "base_url": "http://127.0.0.1:18080",
                "storefront": "twisted-threads",
                "ceiling": {"requests_per_s": 500, "open_sessions": 2000, "orders": 20000},
                "release_probe": {"path": "/healthz", "field": "version"},
                "metrics": [{"job": "shop", "url": "http://127.0.0.1:18091/metrics"}],
                "traces": True,
                "shop_records": record_pages(
                    orders="http://127.0.0.1:18091/admin/orders",
                    payments="http://127.0.0.1:18085/payments",
                    stock="http://127.0.0.1:18091/admin/stock",
                    funnel="http://127.0.0.1:18091/admin/funnel",
                ),
                "token_env": "PEAKPROOF_SHOP_TOKEN",
                "fingerprint": {"replicas": 2, "database": "sqlite"},
            }
        },
    }


def written(folder: Path, data: object) -> Path:
    path = folder / "targets.yaml"
    path.write_text(data if isinstance(data, str) else yaml.safe_dump(data))
    return path


def test_the_contract_s_example_is_read_as_it_stands(tmp_path: Path) -> None:
    path = written(tmp_path, facts())
    targets = read_targets(path)
    told = targets.environment("staging", path).model_dump(mode="json", exclude_defaults=True)
    assert told == facts()["environments"]["staging"]


GUARDED: dict[str, Any] = {
    "base_url": "https://shop.example",
    "production": True,
    "side_effects": {"mail": "off", "tax": "sandbox", "erp": "acknowledged"},
    "token_env": None,
    "token_file": "/run/secrets/token",
    "headers": {
        "Accept-Language": {"value": "en-GB", "env": None, "file": None},
        "X-Api-Key": {"value": None, "env": "SHOP_API_KEY", "file": None},
        "Cookie": {"value": None, "env": None, "file": "/run/secrets/cookie"},
    },
    "basic_auth": {
        "user_env": "STAGING_USER",
        "user_file": None,
        "password_env": None,
        "password_file": "/run/secrets/password",
    },
    "client_certificate": {"certificate": "/etc/peakproof/client.pem", "key": "/etc/peakproof/client.key"},
    "ca": "/etc/peakproof/ca.pem",
    "resolve": {"shop.example": "10.0.0.7"},
    "tag": {"header": "X-Load-Test", "baggage": True},
    "kill_url": "https://ops.example/stop",
    "kill_poll_s": 0.5,
    "blocked": {
        "statuses": [429, 470],
        "header_contains": {"x-waf": ""},
        "denied_header_contains": {},
        "body_contains": ["captcha"],
    },
    "idle": {"max_requests_per_s": 0.5},
    "network": {"allow": ["10.0.0.0/8"]},
    "cache": {"steps": ["home", "search"]},
}


def test_every_guard_rail_is_read_as_it_stands_and_reads_back(tmp_path: Path) -> None:
    data = facts()
    data["environments"]["staging"].update(GUARDED)
    environment = read_targets(written(tmp_path, data)).environments["staging"]
    told = environment.model_dump(mode="json")
    assert {name: told[name] for name in GUARDED} == GUARDED
    path = tmp_path / "targets.redacted.json"
    path.write_text(json.dumps(redacted("staging", environment)))
    assert read_json(path, Targets).environments == {"staging": environment}


def test_the_guard_rails_that_nobody_wrote_are_the_safe_ones(tmp_path: Path) -> None:
    environment = read_targets(written(tmp_path, facts())).environments["staging"]
    assert (environment.production, environment.side_effects, environment.headers) == (False, {}, {})
    assert (environment.tag.header, environment.tag.baggage) == ("X-Peakproof-Run", False)
    assert (environment.kill_url, environment.kill_poll_s) == (None, 1.0)
    assert (environment.blocked.statuses, "captcha" in environment.blocked.body_contains) == ((429, 430), True)


def test_files_are_looked_for_beside_the_targets_and_headers_may_be_plain(tmp_path: Path) -> None:
    data = facts()
    data["environments"]["staging"].update(
        base_url="https://shop.example",
        token_env=None,
        token_file="secrets/token",
        ca="../ca.pem",
        client_certificate={"certificate": "client.pem", "key": "/etc/client.key"},
        headers={"X-Gate": {"file": "gate"}, "Accept-Language": "en-GB"},
        basic_auth={"user_file": "user", "password_env": "PASS"},
    )
    told = read_targets(written(tmp_path, data)).environments["staging"]
    assert told.basic_auth is not None
    assert told.client_certificate is not None
    assert [told.token_file, told.ca, told.headers["X-Gate"].file, told.basic_auth.user_file] == [
        str(tmp_path / "secrets/token"),
        str(tmp_path / "../ca.pem"),
        str(tmp_path / "gate"),
        str(tmp_path / "user"),
    ]
    assert (told.client_certificate.certificate, told.client_certificate.key) == (
        str(tmp_path / "client.pem"),
        "/etc/client.key",
    )
    assert told.headers["Accept-Language"].value == "en-GB"


def test_what_is_optional_may_be_missing(tmp_path: Path) -> None:
    data = facts()
    staging = data["environments"]["staging"]
    data["environments"]["staging"] = {name: staging[name] for name in ("base_url", "storefront", "ceiling")}
    environment = read_targets(written(tmp_path, data)).environments["staging"]
    assert (environment.shop_records, environment.metrics, environment.traces) == (None, (), False)


def test_an_address_ends_without_a_slash(tmp_path: Path) -> None:
    data = facts()
    data["environments"]["staging"]["base_url"] = "https://shop.example/base//"
    assert read_targets(written(tmp_path, data)).environments["staging"].base_url == "https://shop.example/base"


Change = Callable[[dict[str, Any]], object]


def staging(**changes: object) -> Change:
    return lambda data: data["environments"]["staging"].update(changes)


def without(name: str) -> Change:
    return lambda data: data["environments"]["staging"].pop(name)


S = "environments.staging"
E = f"{S}."
_STOREFRONT = (
    "storefront: Input should be 'twisted-threads', or {file: your-storefront.py}, or {locustfile: your-locustfile.py},"
    " found 'shopify'"
)
HTTP = "must be an address that begins with http:// or https://"
BAD: list[tuple[Change, str]] = [
    (staging(base_ulr="x"), f"{E}base_ulr: unknown key"),
    (lambda data: data.update(notes="x"), "notes: unknown key"),
    (without("ceiling"), f"{E}ceiling: required and missing"),
    (without("base_url"), f"{E}base_url: required and missing"),
    (staging(ceiling={"requests_per_s": 1, "open_sessions": 1}), f"{E}ceiling.orders: required and missing"),
    (
        staging(ceiling={"requests_per_s": 0, "open_sessions": 1, "orders": 0}),
        f"{E}ceiling.requests_per_s: Input should be greater than 0, found 0",
    ),
    (
        staging(ceiling={"requests_per_s": float("inf"), "open_sessions": 1, "orders": 0}),
        f"{E}ceiling.requests_per_s: Input should be a finite number, found inf",
    ),
    (
        staging(storefront="shopify"),
        f"{E}{_STOREFRONT}",
    ),
    (staging(http_version=3), f"{E}http_version: Input should be '1.1' or '2', found 3"),
    (staging(http_version=True), f"{E}http_version: Input should be '1.1' or '2', found True"),
    (staging(base_url="ftp://shop.example"), f"{E}base_url: {HTTP}, found 'ftp://shop.example'"),
    (staging(base_url="shop.example"), f"{E}base_url: {HTTP}, found 'shop.example'"),
    (staging(base_url="http://"), f"{E}base_url: {HTTP}, found 'http://'"),
    (staging(base_url="http://[::1"), f"{E}base_url: Invalid IPv6 URL, found 'http://[::1'"),
    (staging(base_url="http://a:99999"), f"{E}base_url: Port out of range 0-65535, found 'http://a:99999'"),
    (staging(base_url="http://a:0"), f"{E}base_url: Port out of range 0-65535, found 'http://a:0'"),
    (
        staging(base_url="http://a/\r\nX: y"),
        f"{E}base_url: must not hold a space or a control character, found 'http://a/\\r\\nX: y'",
    ),
    (staging(base_url=7), f"{E}base_url: Input should be a valid string, found 7"),
    (
        staging(shop_records=record_pages(orders="https://admin:hunter2@shop.example/orders")),
        f"{E}shop_records.orders.http.url: must not hold a name or password; headers come from the environment",
    ),
    (
        staging(base_url="ftp://:hunter2@shop.example"),
        f"{E}base_url: must not hold a name or password; headers come from the environment",
    ),
    (
        staging(metrics=[{"job": "Shop!", "url": "http://a"}]),
        f"{E}metrics[0].job: String should match pattern '^[a-z0-9]([a-z0-9-]{{0,38}}[a-z0-9])?$', found 'Shop!'",
    ),
    (
        staging(release_probe={"path": "healthz", "field": "version"}),
        f"{E}release_probe.path: String should match pattern '^/', found 'healthz'",
    ),
    (
        staging(token_env="lower"),
        f"{E}token_env: String should match pattern '^[A-Z][A-Z0-9_]*$'",  # it may be the token itself
    ),
    (staging(token_env="LOCUST_HOST"), f"{E}token_env: must not be a variable that steers the load generator"),
    (staging(token_file="t"), f"{S}: token_env and token_file exclude each other"),
    (staging(base_url="http://a/?x=1"), f"{E}base_url: must not hold a query or a fragment, found 'http://a/?x=1'"),
    (
        staging(base_url="http://bücher.example"),
        (
            f"{E}base_url: must name its host in ASCII: an international name begins with xn--,"
            " found 'http://bücher.example'"
        ),
    ),
    (
        staging(kill_url="https://a/stop?api_key=hunter2"),
        f"{E}kill_url: must not hold a secret in its query; `headers` take it from a variable or a file",
    ),
    (
        staging(side_effects={"mail": "on"}),
        f"{E}side_effects.mail: Input should be 'off', 'sandbox' or 'acknowledged', found 'on'",
    ),
    (
        staging(side_effects={"fax": "off"}),
        f"{E}side_effects.fax.[key]: Input should be 'mail', 'tax', 'erp', 'analytics' or 'payments', found 'fax'",
    ),
    (staging(headers="hunter2"), f"{E}headers: Input should be a valid dictionary"),
    (
        staging(headers={"X-Api-Key": "hunter2"}),
        f"{E}headers: X-Api-Key looks like a secret: it must come from {{env: NAME}} or {{file: PATH}}",
    ),
    (
        staging(headers={"X-Vercel-Protection-Bypass": "hunter2"}),
        (
            f"{E}headers: X-Vercel-Protection-Bypass looks like a secret:"
            " it must come from {env: NAME} or {file: PATH}"
        ),
    ),
    (staging(headers={"Host": "b"}), f"{E}headers: Host is written by the client itself"),
    (staging(headers={"content-LENGTH": "0"}), f"{E}headers: content-LENGTH is written by the client itself"),
    (staging(headers={"X-A": "1", "x-a": "2"}), f"{E}headers: x-a is given twice"),
    (
        staging(headers={"X-A": {"env": "A", "file": "b"}}),
        f"{E}headers.X-A: must be a value, or {{env: NAME}}, or {{file: PATH}}",
    ),
    (staging(headers={"X-A": {}}), f"{E}headers.X-A: must be a value, or {{env: NAME}}, or {{file: PATH}}"),
    (
        staging(headers={"X-A": "a\r\nX: hunter2"}),
        f"{E}headers.X-A: must not hold a character that a header can't carry",
    ),
    (
        staging(headers={"X-A": {"env": "PYTHONPATH"}}),
        f"{E}headers.X-A.env: must not be a variable that steers the load generator",
    ),
    (staging(headers={"X-Peakproof-Run": "x"}), f"{S}: headers holds x-peakproof-run, which tag writes"),
    (
        staging(headers={"Baggage": "x"}, tag={"baggage": True}),
        f"{S}: headers holds baggage, which tag writes",
    ),
    (staging(tag={"header": "Cookie"}), f"{S}: tag.header may not be Cookie: it has another meaning"),
    (staging(basic_auth="hunter2"), f"{E}basic_auth: Input should be a valid dictionary or instance of BasicAuth"),
    (staging(basic_auth={"user": "a"}), f"{E}basic_auth.user: unknown key"),
    (staging(basic_auth={"user_env": "A"}), f"{E}basic_auth: needs one of password_env and password_file"),
    (
        staging(basic_auth={"user_env": "A", "user_file": "b", "password_env": "C"}),
        f"{E}basic_auth: needs one of user_env and user_file",
    ),
    (
        staging(basic_auth={"user_env": "A", "password_env": "B"}, headers={"authorization": {"env": "C"}}),
        f"{S}: basic_auth and the header Authorization exclude each other",
    ),
    (
        staging(client_certificate={"certificate": "c", "key": "k"}),
        f"{S}: client_certificate needs a base_url that begins with https://",
    ),
    (staging(verify=False), f"{E}verify: unknown key"),
    (
        staging(resolve={"shop.example": "169.254.169.254"}),
        (
            f"{E}resolve.shop.example: must not be a link-local address, where clouds keep their metadata,"
            " found '169.254.169.254'"
        ),
    ),
    (staging(resolve={"a": "b"}), f"{E}resolve.a: must be an IPv4 or IPv6 address, found 'b'"),
    (
        staging(network={"allow": ["10.0.0.1/8"]}),
        f"{E}network.allow[0]: 10.0.0.1/8 has host bits set, found '10.0.0.1/8'",
    ),
    (staging(kill_poll_s=0), f"{E}kill_poll_s: Input should be greater than or equal to 0.1, found 0"),
    (
        staging(blocked={"statuses": [42]}),
        f"{E}blocked.statuses[0]: Input should be greater than or equal to 100, found 42",
    ),
    (
        staging(blocked={"body_contains": ["a"]}),
        f"{E}blocked.body_contains[0]: String should have at least 3 characters, found 'a'",
    ),
    (
        staging(cache={"steps": []}),
        f"{E}cache.steps: Tuple should have at least 1 item after validation, not 0, found []",
    ),
    (
        staging(idle={"max_requests_per_s": -1}),
        f"{E}idle.max_requests_per_s: Input should be greater than or equal to 0, found -1",
    ),
    (lambda data: data.update(format="v2"), "format: Input should be 'peakproof/targets/v1', found 'v2'"),
    (
        lambda data: data.update(environments={}),
        "environments: Dictionary should have at least 1 item after validation, not 0, found {}",
    ),
    (
        lambda data: data["environments"].update({"Prod Site": data["environments"].pop("staging")}),
        (
            "environments.Prod Site.[key]: String should match pattern '^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$',"
            " found 'Prod Site'"
        ),
    ),
]


@pytest.mark.parametrize(("change", "message"), BAD, ids=[message[:60] for _, message in BAD])
def test_a_bad_value_is_refused_with_its_place_and_what_is_allowed(
    tmp_path: Path, change: Change, message: str
) -> None:
    data = facts()
    change(data)
    path = written(tmp_path, data)
    with pytest.raises(BadInput) as refusal:
        read_targets(path)
    assert str(refusal.value) == f"{path}: {message}"


def test_every_error_is_told_at_once_and_no_password_with_it(tmp_path: Path) -> None:
    data = facts()
    data["environments"]["staging"].update(base_url="http://a:hunter2@b", storefront="shopify")
    path = written(tmp_path, data)
    with pytest.raises(BadInput) as refusal:
        read_targets(path)
    assert str(refusal.value) == (
        f"{path}: {E}base_url: must not hold a name or password; headers come from the environment\n"
        f"{path}: {E}{_STOREFRONT}"
    )


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "targets.yaml"
    with pytest.raises(BadInput) as refusal:
        read_targets(path)
    assert str(refusal.value) == f"{path}: can't be read: No such file or directory"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "not YAML at line 2, column 1: did not find expected ',' or ']'"),
        ("- 1\n", "expected a mapping at the top, found list"),
        ("", "expected a mapping at the top, found NoneType"),
        (
            "!!python/object/apply:os.system [ls]",
            (
                "not YAML at line 1, column 1: could not determine a constructor for the tag"
                " 'tag:yaml.org,2002:python/object/apply:os.system'"
            ),
        ),
        ("#" * (MAX_BYTES + 1), f"larger than the {MAX_BYTES} bytes allowed"),
    ],
    ids=["not YAML", "a list", "empty", "python", "too large"],
)
def test_what_is_no_targets_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(BadInput) as refusal:
        read_targets(path)
    assert str(refusal.value) == f"{path}: {message}"


def test_addresses_are_shared_only_with_environments_of_the_same_file(tmp_path: Path) -> None:
    data = facts()
    staging = data["environments"]["staging"]
    data["environments"]["shop"] = dict(staging)
    staging["shares_addresses_with"] = ["shop"]
    path = written(tmp_path, data)
    assert read_targets(path).environment("staging", path).shares_addresses_with == ("shop",)
    staging["shares_addresses_with"] = ["shop", "shpo"]
    with pytest.raises(BadInput) as refusal:
        read_targets(written(tmp_path, data))
    place = f"{path}: environments.staging.shares_addresses_with"
    assert str(refusal.value) == f"{place}: no environment 'shpo'; there are: shop, staging"


def test_an_unknown_environment_is_refused_naming_those_there_are(tmp_path: Path) -> None:
    data = facts()
    data["environments"]["lab"] = data["environments"]["staging"]
    path = written(tmp_path, data)
    with pytest.raises(BadInput) as refusal:
        read_targets(path).environment("production", path)
    assert str(refusal.value) == f"{path}: no environment 'production'; there are: lab, staging"


def test_the_file_of_shop_records_and_its_secrets_lie_beside_targets_yaml(tmp_path: Path) -> None:
    data = facts()
    own = {"file": "shops/mine.py", "settings": {"dsn": {"file": "dsn.txt"}, "region": "uk"}}
    data["environments"]["staging"].update(shop_records=own)
    path = tmp_path / "targets.yaml"
    path.write_text(json.dumps(data))
    read = read_targets(path).environments["staging"].shop_records
    assert read is not None
    assert read.file == str(tmp_path / "shops" / "mine.py")
    assert read.settings == {"dsn": {"file": str(tmp_path / "dsn.txt")}, "region": "uk"}
    own["settings"] = {"password": "hunter2"}
    path.write_text(json.dumps(data))
    with pytest.raises(BadInput, match="password looks like a secret") as refusal:
        read_targets(path)
    assert "hunter2" not in str(refusal.value)


def with_production(production: object, **own: object) -> dict[str, Any]:
    """Return the contract's example with a fingerprint of production."""
    document = facts()
    document["environments"]["staging"] |= {"fingerprint": {"replicas": 2, **own}, "production_fingerprint": production}
    return document


def test_production_s_fingerprint_is_declared_beside_the_environment_s(tmp_path: Path) -> None:
    production = {"replicas": 6, "load": 0.5, "cdn": True, "database": "postgresql"}
    path = written(tmp_path, with_production(production, cdn=False, load=1))
    staging = read_targets(path).environment("staging", path)
    assert (staging.fingerprint, staging.production_fingerprint) == (
        {"replicas": 2, "cdn": False, "load": 1},
        production,
    )


ALLOWED = "expected a text, a number, or true or false"


@pytest.mark.parametrize(
    ("production", "told"),
    [
        ({"replicas": [6]}, f".production_fingerprint.replicas: {ALLOWED}, found [6]"),
        ({"replicas": None}, f".production_fingerprint.replicas: {ALLOWED}, found None"),
        ([6], ".production_fingerprint: Input should be a valid dictionary, found [6]"),
        (
            {"replicas": "six"},
            ": production_fingerprint.replicas is a text, 'six', and fingerprint.replicas a number",
        ),
        (
            {"replicas": True},
            ": production_fingerprint.replicas is true or false, True, and fingerprint",
        ),
    ],
)
def test_facts_that_can_not_be_compared_are_refused_with_place_and_value(
    production: object, told: str, tmp_path: Path
) -> None:
    path = written(tmp_path, with_production(production))
    with pytest.raises(BadInput) as refused:
        read_targets(path)
    assert str(refused.value).startswith(f"{path}: environments.staging{told}")
