"""`peakproof recorder`: record spans sent over OTLP/HTTP into a run directory."""

import argparse

from exporters.serving.http_server import CantListen
from exporters.spans.recorder import Recorder
from loadtests.results.run_directory import RunDirectory
from scripts.arguments import add_web, web_token
from scripts.context import Context
from scripts.listening import until_interrupted
from scripts.running.runs import find_run
from slo.outcomes import EnvironmentLacks, ExitCode

SUMMARY = "record spans sent over OTLP/HTTP into a run directory, and serve span metrics"
EXAMPLE = "peakproof recorder latest"


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("run_name", metavar="RUN", nargs="?", default="latest", help="path, name or latest (default)")
    add_web(parser)
    parser.add_argument("--port", type=int, default=18086, help="port to listen on (default 18086)")


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Record until interrupted; raises EnvironmentLacks when the port is in use."""
    directory = RunDirectory(path=find_run(options.run_name, context))
    recorder = Recorder(directory, options.host, options.port, token=web_token(options, context))
    try:
        recorder.start()
    except CantListen as error:
        raise EnvironmentLacks(str(error)) from error
    context.say(f"OTLP over HTTP: {recorder.traces_url}   metrics: {recorder.metrics_url}")
    try:
        until_interrupted()
    except KeyboardInterrupt:
        context.say("stopped")
    finally:
        summary = recorder.stop()
        context.say(
            f"{summary.spans} spans recorded, {sum(summary.rejected.values())} rejected, {summary.dropped} dropped"
        )
    return ExitCode.OK
