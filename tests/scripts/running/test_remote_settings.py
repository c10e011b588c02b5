"""What of a run is elsewhere is said by variables, read strictly."""

from pathlib import Path

import pytest

from scripts.running.remote_settings import HERE, RemoteSettings, read_remote_settings
from slo.documents import BadInput

JOINED = {"PEAKPROOF_BIND": "0.0.0.0", "PEAKPROOF_REACHED_AS": "master"}  # noqa: S104 - read, not bound
ELSEWHERE = {**JOINED, "PEAKPROOF_PROMETHEUS_URL": "http://prometheus:9090"}


def test_without_a_variable_everything_is_on_this_machine() -> None:
    assert read_remote_settings({}) == HERE == RemoteSettings()
    assert not HERE.workers_join
    assert HERE.send_spans_to(18086) == "http://127.0.0.1:18086"


def test_another_address_means_that_workers_join_from_elsewhere() -> None:
    outside = read_remote_settings({**JOINED, "PEAKPROOF_RUN_TOKEN": "canary-of-the-run"})
    assert outside.workers_join
    assert (outside.bind, outside.exporters_bind, outside.metrics_token) == ("0.0.0.0", "127.0.0.1", None)  # noqa: S104
    assert outside.send_spans_to(18086) == "http://master:18086"


def test_a_prometheus_and_a_collector_that_run_already_are_named_by_their_addresses() -> None:
    given = {"PEAKPROOF_PROMETHEUS_URL": "http://prometheus:9090/", "PEAKPROOF_SPANS_URL": "http://collector:4318"}
    outside = read_remote_settings(given)
    assert outside.prometheus_url == "http://prometheus:9090"
    assert outside.send_spans_to(18086) == "http://collector:4318"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"PEAKPROOF_BIND": "all"}, "PEAKPROOF_BIND: expected an IPv4 address such as 0.0.0.0, found 'all'"),
        (
            {"PEAKPROOF_BIND": "10.0.0.1"},
            (
                "PEAKPROOF_REACHED_AS is not set: with PEAKPROOF_BIND the workers need the name at which they reach"
                " this run"
            ),
        ),
        (
            {"PEAKPROOF_PROMETHEUS_URL": "prometheus:9090"},
            "PEAKPROOF_PROMETHEUS_URL: must be an address that begins with http:// or https://",
        ),
    ],
)
def test_a_value_that_cant_be_meant_is_refused_by_its_name(given: dict[str, str], message: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_remote_settings(given)
    assert str(refused.value) == message


def test_a_password_in_an_address_is_never_shown() -> None:
    with pytest.raises(BadInput) as refused:
        read_remote_settings({"PEAKPROOF_PROMETHEUS_URL": "http://user:hidden@prometheus:9090"})
    assert "hidden" not in str(refused.value)


def test_what_others_reach_wants_a_token_of_those_who_take_part_and_of_those_who_read(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("canary-of-the-metrics\n")
    outside = read_remote_settings(
        {
            **ELSEWHERE,
            "PEAKPROOF_RUN_TOKEN": "canary-of-the-run",
            "PEAKPROOF_METRICS_TOKEN_FILE": str(tmp_path / "token"),
        }
    )
    assert outside.run_token is not None
    assert outside.metrics_token is not None
    assert (outside.run_token.reveal(), outside.metrics_token.reveal()) == (
        "canary-of-the-run",
        "canary-of-the-metrics",
    )
    assert outside.exporters_bind == "0.0.0.0"  # noqa: S104 - read, not bound
    assert "canary" not in repr(outside)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            JOINED,
            (
                "the environment variable PEAKPROOF_RUN_TOKEN is not set: with PEAKPROOF_BIND it is required from"
                " workers and span senders; PEAKPROOF_RUN_TOKEN_FILE may name a file that holds it"
            ),
        ),
        (
            {**ELSEWHERE, "PEAKPROOF_RUN_TOKEN": "canary-of-the-run"},
            (
                "the environment variable PEAKPROOF_METRICS_TOKEN is not set: with PEAKPROOF_BIND it is required from"
                " Prometheus; PEAKPROOF_METRICS_TOKEN_FILE may name a file that holds it"
            ),
        ),
        (
            {**JOINED, "PEAKPROOF_RUN_TOKEN": "canary-short"},
            (
                "the environment variable PEAKPROOF_RUN_TOKEN: expected a token of at least 16 printable characters,"
                " without a space"
            ),
        ),
    ],
)
def test_without_its_token_nothing_listens_for_others(given: dict[str, str], message: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_remote_settings(given)
    assert str(refused.value) == message


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=f"{tmp_path}/none: can't be read"):
        read_remote_settings({**JOINED, "PEAKPROOF_RUN_TOKEN_FILE": f"{tmp_path}/none"})
