"""Only what `targets.yaml` names may be loaded, and it is right or refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from loadtests.targets import Targets, read_targets, redacted
from slo.documents import MAX_BYTES, BadInput, read_json


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
                "orders_url": "http://127.0.0.1:18091/admin/orders",
                "stock_url": "http://127.0.0.1:18091/admin/stock",
                "funnel_url": "http://127.0.0.1:18091/admin/funnel",
                "payments_url": "http://127.0.0.1:18085/payments",
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
    told = targets.environment("staging", path).model_dump(mode="json")
    assert told == {
        **facts()["environments"]["staging"],
        "metrics": [{"job": "shop", "url": told["metrics"][0]["url"]}],
    }


def test_what_is_optional_may_be_missing(tmp_path: Path) -> None:
    data = facts()
    staging = data["environments"]["staging"]
    data["environments"]["staging"] = {name: staging[name] for name in ("base_url", "storefront", "ceiling")}
    environment = read_targets(written(tmp_path, data)).environments["staging"]
    assert (environment.orders_url, environment.metrics, environment.traces) == (None, (), False)


def test_an_address_ends_without_a_slash(tmp_path: Path) -> None:
    data = facts()
    data["environments"]["staging"]["base_url"] = "https://shop.example/base//"
    assert read_targets(written(tmp_path, data)).environments["staging"].base_url == "https://shop.example/base"


Change = Callable[[dict[str, Any]], object]


def staging(**changes: object) -> Change:
    return lambda data: data["environments"]["staging"].update(changes)


def without(name: str) -> Change:
    return lambda data: data["environments"]["staging"].pop(name)


E = "environments.staging."
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
    (staging(storefront="shopify"), f"{E}storefront: Input should be 'twisted-threads', found 'shopify'"),
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
        staging(orders_url="https://admin:hunter2@shop.example/orders"),
        f"{E}orders_url: must not hold a name or password; headers come from the environment",
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
        f"{E}token_env: String should match pattern '^[A-Z][A-Z0-9_]*$', found 'lower'",
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
        f"{path}: {E}storefront: Input should be 'twisted-threads', found 'shopify'"
    )


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "targets.yaml"
    with pytest.raises(BadInput) as refusal:
        read_targets(path)
    assert str(refusal.value) == f"{path}: can't be read: No such file or directory"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "not YAML at line 1, column 6: expected ',' or ']', but got '<stream end>'"),
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


def test_an_unknown_environment_is_refused_naming_those_there_are(tmp_path: Path) -> None:
    data = facts()
    data["environments"]["lab"] = data["environments"]["staging"]
    path = written(tmp_path, data)
    with pytest.raises(BadInput) as refusal:
        read_targets(path).environment("production", path)
    assert str(refusal.value) == f"{path}: no environment 'production'; there are: lab, staging"


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
