"""Prometheus reads pages where their hosts were found to be, over verified TLS, with what they want to see."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from scripts.local_stack.prometheus_config import Watched, configuration
from slo.documents import BadInput
from tests.loadtests.certificates import Authority
from tests.ports import free_port
from tests.scripts.local_stack.scraping import CANARY, environment, metrics, scrapes, sections
from tests.scripts.world import fake_shop


def promtool() -> str:
    cache, told = os.environ.get("PEAKPROOF_CACHE"), os.environ.get("PEAKPROOF_PROMETHEUS")
    folders = [Path(cache) / "prometheus" / "usr" / "bin"] if cache else []
    folders += [Path(told).parent] if told else []
    path = os.pathsep.join([*map(str, folders), os.environ.get("PATH", "")])
    if found := shutil.which("promtool", path=path):
        return found
    pytest.skip("promtool is not at hand: set PEAKPROOF_CACHE or PEAKPROOF_PROMETHEUS")


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
    with pytest.raises(BadInput, match="`ca` must be a file, not a folder"):
        scrapes(one)


def test_every_series_is_labelled_with_its_environment_unless_its_page_names_one() -> None:
    found = scrapes(environment("http://a.test", **metrics("http://a.test/x")))
    made = configuration(found, {}, 1, Watched(environment="demo", rules={"one.yml": "groups: []"}))
    (section,) = made["scrape_configs"]
    assert section["static_configs"][0]["labels"] == {"job": "shop", "instance": "a.test:80", "environment": "demo"}
    assert section["metric_relabel_configs"] == [
        {"source_labels": ["exported_environment"], "regex": "(.+)", "target_label": "environment"},
        {"regex": "exported_environment", "action": "labeldrop"},
    ]
    assert made["rule_files"] == ["rules/*.yml"]
    assert "rule_files" not in configuration(found, {}, 1, Watched(environment="demo"))


def test_promtool_takes_the_configuration(tmp_path: Path) -> None:
    tool, authority = promtool(), Authority(tmp_path / "tls")
    one = environment(
        "https://shop.test",
        ca=str(authority.certificate),
        basic_auth={"user_env": "U", "password_env": "P"},
        **metrics("https://shop.test/m", "https://shop.test/n", "http://other.test"),
    )
    path = tmp_path / "prometheus.yml"
    path.write_text(yaml.safe_dump(configuration(scrapes(one, U="ada", P=CANARY), {}, 1, Watched(environment="demo"))))
    done = subprocess.run([tool, "check", "config", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
