"""What a command line names is a file of this machine, and what others reach wants a token."""

import argparse
from pathlib import Path

import pytest
import requests

from exporters.serving.pages import serve
from exporters.subjects import loadgen
from scripts.arguments import local_file, web_token
from scripts.context import Context
from slo.documents import BadInput
from tests.ports import free_port
from tests.scripts.world import Command, write_inputs

TOKEN = "made-up-and-long-enough"
ADDRESSES = ["https://example.com/plan.yaml", "http://127.0.0.1:9/plan.yaml", "file:///etc/passwd", "//example.com/x"]


@pytest.mark.parametrize("address", [*ADDRESSES, "HTTPS:/example.com/x"])
@pytest.mark.parametrize("flag", ["PLAN", "--targets", "--objectives", "--permit"])
def test_nothing_that_a_run_is_given_comes_from_an_address(flag: str, address: str, peakproof: Command) -> None:
    """What it holds could change between the reading and the run."""
    arguments = [address] if flag == "PLAN" else ["plan.yaml", flag, address]
    ended = peakproof("run", *arguments, "--on", "staging")
    message = f"argument {flag}: {address} is an address, not a file: download it, read it, then name the file\n"
    assert ended.code == 2
    assert ended.err.endswith(f"peakproof run: error: {message}")


def test_a_file_of_an_odd_name_is_a_file() -> None:
    assert [local_file(name) for name in ("c:plan.yaml", "a/b:/c", "/x")] == [
        Path("c:plan.yaml"),
        Path("a/b:/c"),
        Path("/x"),
    ]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "shop.example.com"])  # noqa: S104 - refused
def test_what_others_reach_wants_a_token(host: str, peakproof: Command) -> None:
    write_inputs(peakproof.folder)
    port = str(free_port())
    shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    needs = f"{shown}: other machines reach that address, so clients must show who they are: add --web-token-env NAME,"
    more = " the variable that holds a token, or --web.config.file with users or client certificates"
    for where in (("--host", host, "--port", port), ("--web.listen-address", shown)):
        ended = peakproof("exporter", "loadgen", *where)
        assert (ended.code, ended.err) == (2, f"peakproof: {needs}{more}\n")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "shop.example.com"])  # noqa: S104 - refused
def test_what_takes_a_host_wants_a_token_for_it(host: str, tmp_path: Path) -> None:
    context = Context(environment={}, folder=tmp_path, say=print, is_terminal=False, command="peakproof recorder")
    with pytest.raises(BadInput) as refused:
        web_token(argparse.Namespace(host=host, web_token_env=None), context)
    assert str(refused.value) == (
        f"--host {host}: other machines reach that address, so clients must send a token:"
        " add --web-token-env NAME, the variable that holds it"
    )


@pytest.mark.parametrize("token", ["short", "a token with a line\nbreak", "schlüssel-und-lang-genug"])
def test_a_token_that_is_none_is_refused_and_not_shown(
    token: str, peakproof: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEB_TOKEN", token)
    ended = peakproof("exporter", "loadgen", "--host", "0.0.0.0", "--web-token-env", "WEB_TOKEN")  # noqa: S104 - refused
    message = (
        "the environment variable WEB_TOKEN: expected a token of at least 16 printable characters, without a space"
    )
    assert (ended.code, ended.err) == (2, f"peakproof: {message}\n")


def test_a_token_that_is_not_set_is_asked_for_by_its_name(peakproof: Command) -> None:
    ended = peakproof("exporter", "loadgen", "--host", "0.0.0.0", "--web-token-env", "WEB_TOKEN")  # noqa: S104 - refused
    message = "the environment variable WEB_TOKEN is not set: --web-token-env names it; WEB_TOKEN_FILE may name a file"
    assert (ended.code, ended.err) == (2, f"peakproof: {message} that holds it\n")


def test_only_who_brings_the_token_is_answered(tmp_path: Path) -> None:
    server = serve([loadgen.subject(lambda: tmp_path)], token=TOKEN)
    try:
        brought = (
            None,
            "",
            "Bearer",
            f"Bearer {TOKEN}x",
            f"Basic {TOKEN}",
            TOKEN,
            f"bearer {TOKEN}",
            f"Bearer {TOKEN}",
        )
        with requests.Session() as http:
            http.trust_env = False
            codes = [
                http.get(f"{server.url}/metrics", headers={"Authorization": word}, timeout=5).status_code
                for word in brought
            ]
            open_to_all = http.get(f"{server.url}/healthz", timeout=5).status_code
    finally:
        server.stop()
    assert codes == [401] * 7 + [200]
    assert open_to_all == 200
