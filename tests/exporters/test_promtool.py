"""What is exposed passes Prometheus' own lint."""

import subprocess
from pathlib import Path

import requests

from exporters.serving.pages import serve
from exporters.serving.source import AdminSource
from exporters.spans.recorder import Recorder
from exporters.subjects import loadgen, orders, stock
from loadtests.results.run_directory import RunDirectory
from tests.exporters.fakes import FUNNEL, LIVE, STOCK, TOKEN, shop_admin
from tests.exporters.otlp_bytes import request, span
from tests.exporters.subjects.test_subjects import write_live
from tests.promtool import NEEDED, PROMTOOL

# The Collector's connector names its durations in milliseconds; rules and dashboards must find that name.
KNOWN = ['traces_span_metrics_duration_milliseconds use base unit "seconds" instead of "milliseconds"']


def lint(text: str) -> list[str]:
    assert PROMTOOL
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    return sorted((done.stdout + done.stderr).splitlines())


@NEEDED
def test_promtool_finds_nothing_to_say(tmp_path: Path) -> None:
    write_live(tmp_path, LIVE)
    with shop_admin() as shop:
        shop.says({**STOCK, **FUNNEL})
        source = AdminSource(url=shop.url, token=TOKEN)
        server = serve([loadgen.subject(lambda: tmp_path), stock.subject(source), orders.subject(source)])
        text = requests.get(server.url + "/metrics", timeout=30).text
        server.stop()
    assert lint(text) == []


@NEEDED
def test_promtool_says_only_what_the_connectors_names_make_it_say(tmp_path: Path) -> None:
    recorder = Recorder(RunDirectory(path=tmp_path))
    recorder.start()
    headers = {"Content-Type": "application/x-protobuf"}
    requests.post(recorder.traces_url, data=request(span()), headers=headers, timeout=30)
    text = requests.get(recorder.metrics_url, timeout=30).text
    recorder.stop()
    assert lint(text) == KNOWN
