"""A shop over TLS with an authority of its own: loaded when it is trusted, and not at all when it isn't."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bad_input.conftest import Peakproof
from tests.bad_input.process import peakproof
from tests.bad_input.test_endings import PLAN, account_adds_up
from tests.loadtests import fake_shop
from tests.loadtests.certificates import Authority
from tests.ports import free_base
from tests.scripts.world import slo

OBJECTIVES = slo("checkout-answers", "{steps: [checkout]}", "{steps: [checkout]}")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "tls")


@pytest.fixture
def shop(authority: Authority) -> Iterator[fake_shop.FakeShop]:
    with fake_shop.running(authority.serve(authority.sign("shop.test"))) as one:
        yield one


def arguments(folder: Path, shop: fake_shop.FakeShop, **declared: object) -> tuple[str, ...]:
    """Write what a run of the small plan needs, on a shop whose name no resolver knows; return what starts it."""
    environment = {
        "base_url": f"https://shop.test:{shop.server.server_port}",
        "storefront": "twisted-threads",
        "ceiling": {"requests_per_s": 500, "open_sessions": 100, "orders": 1000},
        "resolve": {"shop.test": "127.0.0.1"},
        **declared,
    }
    document = {"format": "peakproof/targets/v1", "environments": {"staging": environment}}
    (folder / "plan.yaml").write_text(PLAN)
    (folder / "objectives.yaml").write_text(OBJECTIVES)
    (folder / "targets.yaml").write_text(json.dumps(document))
    return ("run", "plan.yaml", "--on", "staging", "--port-base", str(free_base()))


@pytest.mark.heavy
def test_a_shop_that_is_trusted_is_loaded_without_an_error(
    tmp_path: Path, shop: fake_shop.FakeShop, authority: Authority, prometheus: str
) -> None:
    given = arguments(tmp_path, shop, ca=str(authority.certificate))
    ended = peakproof(tmp_path, *given, PEAKPROOF_PROMETHEUS=prometheus)
    assert ended.code == 0, ended.out + ended.err
    (directory,) = (tmp_path / "runs").iterdir()
    document = json.loads((directory / "run.json").read_text())
    assert document["ended"] == "completed"
    assert document["requests"]["sent"] > 20
    assert document["requests"]["errors"] == 0
    assert document["account"]["completed"] == document["account"]["planned"]
    assert account_adds_up(document)
    (host,) = document["environment"]["destinations"]["hosts"].items()
    assert host == ("shop.test", {"addresses": ["127.0.0.1"], "kind": "loopback"})


@pytest.mark.parametrize("trusted", ["nobody", "another"])
def test_a_shop_that_is_not_trusted_gets_no_request(
    trusted: str, called: Peakproof, tmp_path: Path, shop: fake_shop.FakeShop, prometheus: str
) -> None:
    declared = {"ca": str(Authority(tmp_path / "other").certificate)} if trusted == "another" else {}
    ended = called(*arguments(tmp_path, shop, **declared), PEAKPROOF_PROMETHEUS=prometheus)
    url = f"https://shop.test:{shop.server.server_port}"
    why = "the certificate isn't trusted: unable to get local issuer certificate"
    assert (ended.code, ended.err.partition(";")[0]) == (75, f"peakproof: base_url: {url} {why}")
    assert not (tmp_path / "runs").exists()
    assert shop.asked == []


def test_a_certificate_for_another_name_is_none(
    called: Peakproof, tmp_path: Path, authority: Authority, shop: fake_shop.FakeShop, prometheus: str
) -> None:
    base_url, resolve = f"https://other.test:{shop.server.server_port}", {"other.test": "127.0.0.1"}
    declared = {"ca": str(authority.certificate), "base_url": base_url, "resolve": resolve}
    ended = called(*arguments(tmp_path, shop, **declared), PEAKPROOF_PROMETHEUS=prometheus)
    why = "answers with the certificate of shop.test, not of other.test"
    assert (ended.code, ended.err.partition(";")[0]) == (75, f"peakproof: base_url: {base_url} {why}")
    assert shop.asked == []
