"""Prometheus reads pages where their hosts were found to be, over verified TLS, with what they want to see."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from loadtests.credentials import credentials_of
from loadtests.destinations import resolve
from loadtests.targets import Environment
from scripts.local_stack.children import Children, wait_until
from scripts.local_stack.prometheus import Program, Prometheus, start_prometheus, wait_for_targets
from scripts.local_stack.prometheus_binary import find_prometheus
from scripts.local_stack.scraping import Scrape, configuration, scrapes_of
from scripts.refusals import EnvironmentLacks
from slo.documents import BadInput
from tests.loadtests.certificates import Authority
from tests.scripts.world import fake_shop, free_port

PAGE = b"# TYPE shop_up gauge\nshop_up 1\n"
CANARY = "canary-of-the-door"


def promtool() -> str:
    cache, told = os.environ.get("PEAKPROOF_CACHE"), os.environ.get("PEAKPROOF_PROMETHEUS")
    folders = [Path(cache) / "prometheus" / "usr" / "bin"] if cache else []
    folders += [Path(told).parent] if told else []
    path = os.pathsep.join([*map(str, folders), os.environ.get("PATH", "")])
    if found := shutil.which("promtool", path=path):
        return found
    pytest.skip("promtool is not at hand: set PEAKPROOF_CACHE or PEAKPROOF_PROMETHEUS")


def environment(base_url: str, **declared: Any) -> Environment:
    ceiling = {"requests_per_s": 1, "open_sessions": 1, "orders": 1}
    return Environment.model_validate(
        {"base_url": base_url, "storefront": "twisted-threads", "ceiling": ceiling, **declared}
    )


def scrapes(one: Environment, *answers: str, **variables: str) -> list[Scrape]:
    destinations = resolve(one, lambda _: list(answers or ("127.0.0.1",)))
    return scrapes_of(one, destinations, credentials_of(one, variables))


def sections(found: list[Scrape]) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = configuration(found, {"stock": 5}, 1)["scrape_configs"]
    return told


def metrics(*urls: str, job: str = "shop") -> dict[str, Any]:
    return {"metrics": [{"job": job, "url": url} for url in urls]}


def test_a_page_is_read_at_the_address_that_was_checked_and_keeps_its_name() -> None:
    (section,) = sections(scrapes(environment("http://shop.test", **metrics("http://shop.test/m?a=1&a=2&b="))))
    assert section == {
        "job_name": "shop",
        "scheme": "http",
        "metrics_path": "/m",
        "params": {"a": ["1", "2"], "b": [""]},
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
        "follow_redirects": False,
        "static_configs": [
            {"targets": ["127.0.0.1:80"], "labels": {"job": "shop", "instance": "shop.test:80"}},
        ],
    }


def test_over_tls_the_name_is_verified_against_the_environment_s_authority() -> None:
    pair = {"certificate": "/c.pem", "key": "/k.pem"}
    one = environment(
        "https://shop.test",
        ca="/ca.pem",
        client_certificate=pair,
        **metrics("https://shop.test/metrics", "https://other.test:8443/metrics"),
    )
    own, other = sections(scrapes(one, "127.0.0.1"))
    certificate = {"cert_file": "/c.pem", "key_file": "/k.pem"}
    assert own["tls_config"] == {"server_name": "shop.test", "ca_file": "/ca.pem", **certificate}
    assert other["tls_config"] == {"server_name": "other.test", "ca_file": "/ca.pem"}
    assert other["static_configs"][0]["targets"] == ["127.0.0.1:8443"]


def test_the_credentials_go_to_the_origin_of_the_shop_and_nowhere_else() -> None:
    urls = metrics("http://shop.test/metrics", "http://shop.test:8081/metrics", "http://other.test/metrics")
    bearer = environment("http://shop.test", headers={"authorization": {"env": "GATE"}}, **urls)
    told = sections(scrapes(bearer, GATE=f"Bearer {CANARY}"))
    assert [section.get("authorization") for section in told] == [{"type": "Bearer", "credentials": CANARY}, None, None]
    basic = environment("http://shop.test", basic_auth={"user_env": "U", "password_env": "P"}, **urls)
    told = sections(scrapes(basic, U="ada", P=CANARY + ":x"))
    assert [section.get("basic_auth") for section in told] == [
        {"username": "ada", "password": CANARY + ":x"},
        None,
        None,
    ]


def test_two_pages_of_one_job_are_told_apart_and_keep_the_job_s_label() -> None:
    told = sections(scrapes(environment("http://a.test", **metrics("http://a.test/x", "http://a.test/y"))))
    assert [one["job_name"] for one in told] == ["shop", "shop-2"]
    assert [one["static_configs"][0]["labels"]["job"] for one in told] == ["shop", "shop"]


def test_a_slow_page_is_read_less_often() -> None:
    (told,) = sections(scrapes(environment("http://a.test", **metrics("http://a.test/x", job="stock"))))
    assert (told["scrape_interval"], told["scrape_timeout"]) == ("5s", "5s")


def test_no_section_takes_a_proxy_or_follows_a_redirect() -> None:
    for told in sections(scrapes(environment("http://a.test", **metrics("http://a.test/x", "https://b.test/x")))):
        assert told["follow_redirects"] is False
        assert not {"proxy_url", "proxy_from_environment"} & set(told)
        assert "insecure_skip_verify" not in told.get("tls_config", {})


def test_of_two_addresses_the_one_that_answers_is_read() -> None:
    with fake_shop({}) as shop:
        one = environment("http://shop.test", **metrics(shop.url.replace("127.0.0.1", "shop.test")))
        (told,) = sections(scrapes(one, "::1", "127.0.0.1"))
        (deaf,) = sections(scrapes(environment("http://shop.test", **metrics(f"http://s.test:{free_port()}")), "::1"))
    assert told["static_configs"][0]["targets"] == [shop.url.removeprefix("http://")]
    assert deaf["static_configs"][0]["targets"][0].startswith("[::1]:")


def test_an_ipv6_address_stands_in_brackets_wherever_a_port_follows() -> None:
    page = environment("http://[::1]:8080", **metrics("http://[::1]:9090/metrics"))
    (told,) = sections(scrapes(page, "::1"))
    (static,) = told["static_configs"]
    assert (static["targets"], static["labels"]["instance"]) == (["[::1]:9090"], "[::1]:9090")


def test_a_folder_of_authorities_is_refused_for_prometheus_takes_a_file(tmp_path: Path) -> None:
    one = environment("https://shop.test", ca=str(tmp_path), **metrics("https://shop.test/metrics"))
    with pytest.raises(BadInput, match="which reads the environment's metrics, wants a file of CAs"):
        scrapes(one)


def test_promtool_takes_the_configuration(tmp_path: Path) -> None:
    tool, authority = promtool(), Authority(tmp_path / "tls")
    one = environment(
        "https://shop.test",
        ca=str(authority.certificate),
        basic_auth={"user_env": "U", "password_env": "P"},
        **metrics("https://shop.test/m", "https://shop.test/n", "http://other.test"),
    )
    path = tmp_path / "prometheus.yml"
    path.write_text(yaml.safe_dump(configuration(scrapes(one, U="ada", P=CANARY), {}, 1)))
    done = subprocess.run([tool, "check", "config", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def program() -> Path:
    try:
        return find_prometheus(os.environ, print)
    except EnvironmentLacks as error:
        pytest.skip(str(error))


@contextmanager
def a_real_one(folder: Path, program: Path, found: list[Scrape]) -> Iterator[Prometheus]:
    """Start Prometheus over `found`, with variables that would lead it to a proxy that isn't there."""
    private = folder / "private"
    private.mkdir(parents=True)
    variables = {"PATH": "/nowhere", "HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
    with Children(folder / "logs") as children:
        one = Program(path=program, port=free_port(), environment=variables)
        yield start_prometheus(children, one, folder / "kept", private, found)


def told_by(prometheus: Prometheus, url: str) -> str:
    """Return why a page can't be read, as soon as that was tried."""
    page = f"shop {url}"
    wait_until(lambda: prometheus.down().get(page) not in {None, "not scraped yet"}, prometheus.watched, 60, "a scrape")
    return prometheus.down()[page]


def test_a_real_prometheus_reads_a_name_that_no_resolver_knows_over_private_tls(tmp_path: Path, program: Path) -> None:
    authority = Authority(tmp_path / "tls")
    with fake_shop({"/metrics": (200, PAGE)}, authority.serve(authority.sign("shop.test"))) as shop:
        base_url = shop.url.replace("http://127.0.0.1", "https://shop.test")
        one = environment(
            base_url,
            ca=str(authority.certificate),
            basic_auth={"user_env": "U", "password_env": "P"},
            **metrics(f"{base_url}/metrics"),
        )
        found = scrapes(one, U="ada-of-the-shop", P=CANARY)
        with a_real_one(tmp_path / "a", program, found) as prometheus:
            wait_for_targets(prometheus)
            series = prometheus.range("shop_up", time.time_ns() - 10**9, time.time_ns() + 10**9)
        assert {one.labels["instance"] for one in series} == {base_url.removeprefix("https://")}
        assert {brought for _, _, brought in shop.asked} == {"Basic YWRhLW9mLXRoZS1zaG9wOmNhbmFyeS1vZi10aGUtZG9vcg=="}
    kept = b"".join(path.read_bytes() for path in (tmp_path / "a" / "kept").rglob("*") if path.is_file())
    kept += b"".join(path.read_bytes() for path in (tmp_path / "a" / "logs").rglob("*"))
    assert CANARY.encode() not in kept
    assert b"ada-of-the-shop" not in kept


def test_a_real_prometheus_believes_no_other_authority(tmp_path: Path, program: Path) -> None:
    authority, other = Authority(tmp_path / "tls"), Authority(tmp_path / "other")
    with fake_shop({"/metrics": (200, PAGE)}, authority.serve(authority.sign("shop.test"))) as shop:
        base_url = shop.url.replace("http://127.0.0.1", "https://shop.test")
        found = scrapes(environment(base_url, ca=str(other.certificate), **metrics(f"{base_url}/metrics")))
        with a_real_one(tmp_path / "a", program, found) as prometheus:
            told = told_by(prometheus, f"https://127.0.0.1:{shop.url.rpartition(':')[2]}/metrics")
        assert "certificate signed by unknown authority" in told
        assert shop.asked == []


def test_a_real_prometheus_follows_no_redirect(tmp_path: Path, program: Path) -> None:
    with fake_shop({"/metrics": (200, PAGE)}) as elsewhere, fake_shop({"/metrics": (302, b"")}) as shop:
        shop.headers["Location"] = f"{elsewhere.url}/metrics"
        found = scrapes(environment(shop.url, **metrics(f"{shop.url}/metrics")))
        with a_real_one(tmp_path / "a", program, found) as prometheus:
            assert told_by(prometheus, f"{shop.url}/metrics") == "server returned HTTP status 302 Found"
        assert elsewhere.asked == []
