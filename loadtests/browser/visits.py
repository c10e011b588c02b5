"""One real browser beside the load: it walks through the shop's pages and times them.

It lives in a process of its own (`walker`). Whatever happens to it, the run goes on; what it saw, and what stopped it
before the run's end, is recorded and never judged.
"""

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa

from loadtests.browser.chromium import authority, kill_chromium, variables_of
from loadtests.browser.messages import BrowserCounts, BrowserJob, PageView, Report
from loadtests.client.origin import Origin
from loadtests.demand.plan import Plan
from loadtests.environment.ceilings import split
from loadtests.environment.resolved_environment import ResolvedEnvironment
from loadtests.environment.tagging import shopper_headers
from loadtests.environment.targets import Environment
from loadtests.results.run_directory import RunDirectory, write_table
from loadtests.results.run_json import PEAKPROOF
from loadtests.results.schemas import BROWSER
from loadtests.runtime.guarded_child import python
from loadtests.storefronts import storefront_of
from slo.outcomes import EnvironmentLacks

_PAGE_S = 30.0
_END_S = 5.0
_MAX_LINE = 64 << 10
_WALKER = tuple(python("-m", "loadtests.browser.walker"))


def check_browser(environment: Environment) -> None:
    """Raise EnvironmentLacks for an environment that a browser can't be let into beside the load."""
    storefront = storefront_of(environment)
    if not storefront.walk:
        raise EnvironmentLacks(
            f"--browser isn't supported for the storefront {storefront.name}: it defines no walk (`walk` of its class)"
        )
    for setting in ("client_certificate", "ca", "proxy"):
        if getattr(environment, setting) is not None:
            raise EnvironmentLacks(f"--browser isn't supported with the environment's {setting}; run without --browser")
    try:
        split(environment.ceiling)
    except ValueError as error:
        message = f"--browser: the environment's ceiling {error}; raise it, or run without --browser"
        raise EnvironmentLacks(message) from error


def job_of(
    program: Path, directory: RunDirectory, plan: Plan, resolved: ResolvedEnvironment, page_s: float = _PAGE_S
) -> BrowserJob:
    """Return what the browser's process is given: the environment's own origins, at their pinned addresses."""
    environment = resolved.environment
    cdn: dict[str, dict[str, str]] = {} if environment.cdn_url is None else {environment.cdn_url: {}}
    headers = {**cdn, environment.base_url: resolved.credentials.revealed()}
    origins = [Origin.of(url) for url in headers]
    tag = shopper_headers(directory.name, PEAKPROOF, environment.tag)
    return BrowserJob(
        program=program,
        profile=directory.logs / "browser-profile",
        base_url=environment.base_url,
        headers=headers,
        addresses={authority(one.host, one.port): resolved.destinations.of(one.host) for one in origins},
        ceiling=split(environment.ceiling)[1],
        tag={name: value for name, value in tag.items() if name not in ("User-Agent", "Accept")},
        walk=tuple(storefront_of(environment).walk),
        think_time=plan.think_time,
        trace_sampling=plan.trace_sampling,
        page_s=page_s,
    )


class BrowserShopper:
    """The browser of one run, from entering the block to leaving it; `facts` are for `run.json`."""

    def __init__(
        self, job: BrowserJob, directory: RunDirectory, variables: Mapping[str, str], command: Sequence[str] = _WALKER
    ) -> None:
        self.facts = BrowserCounts()
        self._job, self._directory, self._variables, self._command = job, directory, variables, command
        self._pages: list[PageView] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._killing, self._is_over = threading.Lock(), False
        self._reader = threading.Thread(target=self._read, name="browser", daemon=True)

    def __enter__(self) -> Self:
        try:
            self._start()
        except OSError as error:
            self._stopped(f"the browser can't be started: {error.strerror}")
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over = True
        self._kill()
        self._reader.join(_END_S)
        shutil.rmtree(self._job.profile, ignore_errors=True)
        if self._pages:
            rows = [page.row() for page in self._pages]
            write_table(self._directory.browser, pa.Table.from_pylist(rows, schema=BROWSER))

    def _start(self) -> None:
        self._job.profile.mkdir(mode=0o700, parents=True)
        with (self._directory.logs / "browser.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=self._job.profile,
                env=variables_of(self._variables, self._job.profile),
                start_new_session=True,
            )
        if self._process.stdin is not None:
            self._process.stdin.write(self._job.model_dump_json().encode() + b"\n")
            self._process.stdin.flush()

    def _read(self) -> None:
        """Take reports until there are no more, and keep why there aren't."""
        process = self._process
        if process is None or process.stdout is None:
            return
        with suppress(OSError), process:  # OSError: the job that it didn't read
            try:
                while line := process.stdout.readline(_MAX_LINE):
                    report = Report.model_validate_json(line)
                    self.facts = report.facts
                    self._pages += [report.page] if report.page is not None else []
                self._stopped("the browser is gone: its process ended")
            except ValueError:
                self._stopped("the browser is gone: its process reports what can't be read")
            self._kill()

    def _stopped(self, why: str) -> None:
        """Keep what stopped the browser, unless the run is over or its process has reported that."""
        if not self._is_over and self.facts.why_not_more is None:
            self.facts = self.facts.model_copy(update={"why_not_more": why})

    def _kill(self) -> None:
        """Kill the browser and all that drives it at once: nothing of it is worth keeping."""
        with self._killing:
            process, self._process = self._process, None
            if process is not None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                kill_chromium(self._job.profile)
