"""Checks of the machine that the load comes from: Python, Prometheus, ports, open files, clock, disk."""

import os
import platform
import resource
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from scripts.context import Context
from scripts.doctor.lines import Line, missing, ok, wrong
from scripts.local_stack.ports import HOST, Ports
from scripts.local_stack.prometheus_binary import VARIABLE, cache_folder
from slo.outcomes import EnvironmentLacks

_PYTHON = (3, 11)
_DESCRIPTORS = 4096
_FREE_BYTES = 2 << 30
_BUILT = 1_760_000_000  # no clock of today is before this


def machine(context: Context, ports: Ports) -> Iterator[Line]:
    """Check everything that a run needs of this machine."""
    yield _python()
    yield _prometheus(context)
    yield _ports(ports)
    yield _descriptors()
    yield _clock()
    yield _disk(context.runs)


def _python() -> Line:
    found = f"Python {platform.python_version()}, {os.cpu_count() or 1} cores"
    if sys.version_info < _PYTHON:
        return wrong("Python", found, "install Python 3.11 or newer")
    return ok("Python", found)


def _prometheus(context: Context) -> Line:
    variables = context.environment
    told, path = variables.get(VARIABLE), variables.get("PATH")
    cached = cache_folder(variables) / "prometheus" / "usr" / "bin" / "prometheus"
    if told:
        if os.access(told, os.X_OK) and Path(told).is_file():
            return ok("Prometheus", f"{told} (${VARIABLE})")
        return wrong("Prometheus", f"{told} (${VARIABLE}) is not a program", f"set {VARIABLE} to the program's path")
    for found in (shutil.which("prometheus", path=path), cached if os.access(cached, os.X_OK) else None):
        if found is not None:
            return ok("Prometheus", str(found))
    if shutil.which("apt-get", path=path) and shutil.which("dpkg", path=path):
        return ok("Prometheus", "not here yet; the first run fetches it from Debian's packages (19 MB, without root)")
    step = f"install it from prometheus.io and set {VARIABLE} to the program's path"
    return missing("Prometheus", "not on this machine", step)


def _ports(ports: Ports) -> Line:
    used = {
        "span recorder": ports.recorder,
        "exporters": ports.exporters,
        "Prometheus": ports.prometheus,
        "Locust's master": ports.locust,
    }
    try:
        ports.check_free(used)
    except EnvironmentLacks as error:
        told, _, step = str(error).partition("; ")
        return wrong("ports", told, step)
    return ok("ports", f"{', '.join(str(port) for port in used.values())} are free on {HOST}")


def _descriptors() -> Line:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 1 << 40 if soft == resource.RLIM_INFINITY else soft
    told = "no limit" if most == 1 << 40 else f"{soft} open files"
    if most < _DESCRIPTORS:
        allowed = _DESCRIPTORS if hard == resource.RLIM_INFINITY or hard >= _DESCRIPTORS else hard
        return wrong("descriptors", f"{told}: each open session needs one", f"ulimit -n {allowed}")
    return ok("descriptors", told)


def _clock() -> Line:
    now = time.time()
    if now < _BUILT:
        return wrong(
            "clock", f"it says {time.strftime('%Y-%m-%d', time.gmtime(now))}", "set it, and synchronise it by NTP"
        )
    return ok("clock", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)))


def _disk(runs: Path) -> Line:
    folder = next(path for path in (runs, *runs.parents) if path.exists())
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return wrong("disk", f"{folder}: {error.strerror}", "run peakproof in a folder that can be read")
    told = f"{free / (1 << 30):,.1f} GiB free for runs at {runs}"
    if not os.access(folder, os.W_OK):
        return wrong("disk", f"{folder} can't be written", "run peakproof in a folder that can be written")
    return ok("disk", told) if free >= _FREE_BYTES else wrong("disk", told, "free some space: a long run takes 2 GiB")
