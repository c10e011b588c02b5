"""A run whose shop sends spans that aren't taken, and errors: both are named, the replies kept and on the report."""

import contextlib
import subprocess
from pathlib import Path

import pytest
import requests

from loadtests.results.error_samples import BODY_BYTES, FIRST_OF_A_STEP, by_step, read_samples
from loadtests.results.run_directory import RunDirectory
from scripts.local_stack.ports import Ports
from tests.bad_input.process import running
from tests.dashboards.page import read_page
from tests.end_to_end.played import RUN_TOKEN, Played, findings, prometheus, shop, write_inputs
from tests.loadtests.fake_shop import FakeShop
from tests.ports import free_base

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(240)]
__all__ = ["prometheus", "shop"]
THRIFT = {"Content-Type": "application/x-thrift"}


def test_refused_spans_and_wrong_replies_are_named_by_run_judge_and_report(
    tmp_path: Path, shop: FakeShop, prometheus: str
) -> None:
    write_inputs(tmp_path, shop.url, plateau_s=8, traces=True)
    plan = tmp_path / "plan.yaml"
    plan.write_text(plan.read_text().replace("trace_sampling: 0.0", "trace_sampling: 1.0"))
    shop.failing["/"] = 3
    ports = Ports(base=free_base())
    command = ("run", "plan.yaml", "--on", "staging", "--workers", "2", "--port-base", str(ports.base))
    variables = {"PEAKPROOF_PROMETHEUS": prometheus, "SHOP_TOKEN": "made-up-token", **RUN_TOKEN}
    with running(tmp_path, *command, **variables) as peak:
        while peak.process.poll() is None:
            with contextlib.suppress(requests.RequestException):
                requests.post(f"http://127.0.0.1:{ports.recorder}/v1/traces", b"x", headers=THRIFT, timeout=5)
            with contextlib.suppress(subprocess.TimeoutExpired):
                peak.process.wait(0.5)
        assert peak.ended() == 75, peak.told()
    played = Played(peak, tmp_path)
    why = "no span of the shop was taken: the recorder refused "
    assert why in peak.told()
    assert played.document()["recorder"]["refused"].keys() == {"content type application/x-thrift"}
    verdict = played.judged()
    assert verdict["outcome"] == "INCONCLUSIVE"
    assert [message.startswith(why) for message, *_ in findings(verdict, "traces")] == [True]
    directory = RunDirectory(path=played.directory)
    kept = by_step(read_samples(directory))["home"]
    assert len(directory.all_error_samples()) == 2
    assert len(kept) >= FIRST_OF_A_STEP
    assert [one.at for one in kept[:FIRST_OF_A_STEP]] == sorted(one.at for one in kept[:FIRST_OF_A_STEP])
    for one in kept:
        assert one.status >= 500
        assert one.headers.keys() >= {"content-length", "server"}
        assert len(one.body.encode()) <= BODY_BYTES
    text = read_page(directory.report).text
    section = text[text.index("First replies that weren't what their step expects") :]
    assert " home http 5xx · " in section[:600]
    (note,) = [one["message"] for one in verdict["findings"] if one["kind"] == "cause" and one["subject"] == "home"]
    assert note.endswith("; see report.html#replies")
