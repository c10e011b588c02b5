"""`peakproof dashboards snapshot`: one offline page of a run's boards, or pages of a running Prometheus."""

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from dashboards.grafana.build import build
from dashboards.snapshot.page import NAME, render_snapshot
from exporters.serving.http_server import CantListen, Listener
from loadtests.environment.target_fields import WebAddress
from loadtests.evidence.steps import recorded_step
from loadtests.results.run_directory import RunDirectory
from scripts.arguments import between, write_given
from scripts.context import Context
from scripts.listening import until_interrupted
from scripts.live_boards.pages import REFRESH_S, LivePages
from scripts.local_stack.ports import HOST, Ports
from scripts.local_stack.prometheus import Prometheus
from scripts.running.evidence import flaw_lines, page_flaws
from scripts.running.remote_settings import PROMETHEUS_URL
from scripts.running.runs import find_run
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks, ExitCode

_AT_ONCE = 4
_THREADS = 4
_MAX_BODY = 1 << 10


def add_snapshot(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("run_name", metavar="RUN", nargs="?", default="latest", help="path, name or latest (default)")
    parser.add_argument("--to", type=Path, metavar="FILE", help=f"what to write (default: {NAME} of the run)")
    parser.add_argument(
        "--live", action="store_true", help=f"serve what Prometheus has now, on loopback, anew every {REFRESH_S} s"
    )
    parser.add_argument(
        "--prometheus",
        metavar="URL",
        help=f"with --live: the Prometheus to ask (default {PROMETHEUS_URL}, else that of a run on this machine)",
    )
    parser.add_argument("--port", type=_port, help="with --live: port to listen on (default any free one)")


def snapshot(options: argparse.Namespace, context: Context) -> ExitCode:
    """Write the page and print its path, or serve until interrupted; 75 where the run's evidence isn't whole.

    Raises BadInput and EnvironmentLacks.
    """
    if options.live:
        return _serve(options, context)
    if options.prometheus is not None or options.port is not None:
        raise BadInput("--prometheus and --port go with --live: a finished run has kept its answers")
    run = find_run(options.run_name, context)
    path = options.to or run / NAME
    flaws = page_flaws(run)
    inside = [path] if path.is_relative_to(run) else []
    with recorded_step(RunDirectory(path=run), "snapshot", writes=inside):
        write_given(path, render_snapshot(run, flaws=flaws).encode("utf-8", "replace"))
    for line in flaw_lines(run.name, "is not whole", flaws):
        context.say(line)
    context.say(str(path))
    return ExitCode.INCONCLUSIVE if flaws else ExitCode.OK


def _serve(options: argparse.Namespace, context: Context) -> ExitCode:
    if options.to is not None:
        raise BadInput("--to goes without --live: what is served isn't written")
    url = options.prometheus or context.environment.get(PROMETHEUS_URL) or f"http://{HOST}:{Ports().prometheus}"
    with ThreadPoolExecutor(_AT_ONCE) as executor:
        pages = LivePages(
            prometheus=Prometheus(_checked(url), None), dashboards=build(), executor=executor, now=time.time_ns
        )
        listener = Listener(pages.answer, HOST, options.port or 0, threads=_THREADS, max_body=_MAX_BODY)
        try:
            listener.start()
        except CantListen as error:
            raise EnvironmentLacks(str(error)) from error
        context.say(f"dashboards of {url}: {listener.url}/   (Ctrl-C ends it)")
        try:
            until_interrupted()
        except KeyboardInterrupt:
            context.say("stopped")
        finally:
            listener.stop()
    return ExitCode.OK


def _checked(url: str) -> str:
    try:
        return str(TypeAdapter(WebAddress).validate_python(url))
    except ValidationError as error:
        raise BadInput(f"--prometheus: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


def _port(text: str) -> int:
    return between(text, 0, 65_535, "a port")
