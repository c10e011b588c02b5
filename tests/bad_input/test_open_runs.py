"""A run that others reach: only those who bring its token take part or read, and the token is kept nowhere.

127.0.0.2 stands for an address of the network's: it is another than the one we listen on unless told otherwise.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from scripts.local_stack.shop import TOKEN_VARIABLE, Shop
from tests.bad_input.conftest import Peakproof
from tests.bad_input.process import command_line, descendants, running
from tests.bad_input.test_endings import Played
from tests.bad_input.test_guard_rails import command, environment_of, variables, write

OPEN = "127.0.0.2"
RUN_TOKEN = "canary-of-the-run-token"
BOUND = {"PEAKPROOF_BIND": OPEN, "PEAKPROOF_REACHED_AS": OPEN}


def status(url: str, token: str | None = None) -> int:
    session = requests.Session()
    session.trust_env = False
    with session:
        fields = {} if token is None else {"Authorization": f"Bearer {token}"}
        return session.get(url, headers=fields, timeout=10).status_code


def kept(folder: Path) -> Iterator[bytes]:
    yield from (path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("missing", ["PEAKPROOF_RUN_TOKEN", "PEAKPROOF_METRICS_TOKEN"])
def test_a_run_that_others_reach_is_refused_without_its_tokens(
    missing: str, called: Peakproof, tmp_path: Path, shop: Shop
) -> None:
    write(tmp_path, staging=environment_of(shop))
    tokens = {"PEAKPROOF_RUN_TOKEN": "a" * 32, "PEAKPROOF_METRICS_TOKEN": "b" * 32}
    del tokens[missing]
    ended = called(
        *command(shop),
        **{TOKEN_VARIABLE: shop.token, "PEAKPROOF_PROMETHEUS_URL": "http://127.0.0.1:9"},
        **BOUND,
        **tokens,
    )
    assert ended.code == 2
    assert ended.err.startswith(f"peakproof: the environment variable {missing} is not set: with PEAKPROOF_BIND ")
    assert not (tmp_path / "runs").exists()


@pytest.mark.heavy
def test_a_run_that_others_reach_listens_to_those_who_bring_its_token(
    tmp_path: Path, shop: Shop, prometheus: str
) -> None:
    # the shop on this machine sends its spans to the loopback of always: here only the shoppers' come
    write(tmp_path, staging=environment_of(shop, traces=False))
    told = {**variables(shop, prometheus), **BOUND, "PEAKPROOF_RUN_TOKEN": RUN_TOKEN}
    with running(tmp_path, *command(shop), **told) as peak:
        run = Played(peak, tmp_path, shop)
        (tmp_path / "worker").mkdir()
        (tmp_path / "worker" / "runs").symlink_to(tmp_path / "runs")
        with running(tmp_path / "worker", "worker", "--once", PEAKPROOF_RUN_TOKEN=RUN_TOKEN) as worker:
            run.wait_for_load()
            base = f"http://{OPEN}:{shop.ports.recorder}"
            answers = [status(f"{base}/metrics"), status(f"{base}/metrics", "wrong"), status(f"{base}/healthz")]
            assert answers == [401, 401, 200]
            with pytest.raises(requests.ConnectionError):  # they are read by the Prometheus of this machine alone
                status(f"http://{OPEN}:{shop.ports.exporters}/healthz")
            processes = [*descendants(peak.process.pid), *descendants(worker.process.pid)]
            assert len(processes) >= 4
            assert RUN_TOKEN not in " ".join(command_line(pid) for pid in processes)
            assert peak.ended() == 0, peak.told()
            assert worker.ended() == 0, worker.told()
    document = run.document()
    assert (document["ended"], document["workers_refused"]) == ("completed", [])
    assert document["recorder"]["spans"] > 0
    assert document["recorder"]["dropped"] == 0
    assert not any(RUN_TOKEN.encode() in content for content in kept(tmp_path))
