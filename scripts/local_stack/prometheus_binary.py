"""Finds Prometheus and the promtool that comes with it: $PEAKPROOF_PROMETHEUS, PATH, the cache, Debian's package."""

from collections.abc import Callable, Mapping
from pathlib import Path

from scripts.local_stack.debian_package import CACHE_VARIABLE, DebianProgram, cache_folder

__all__ = ["CACHE_VARIABLE", "VARIABLE", "cache_folder", "find_prometheus", "find_promtool"]

VARIABLE = "PEAKPROOF_PROMETHEUS"
_PROMETHEUS = DebianProgram(
    title="Prometheus", variable=VARIABLE, package="prometheus", names=("prometheus",), brew="prometheus", megabytes=19
)


def find_prometheus(environment: Mapping[str, str], say: Callable[[str], None]) -> Path:
    """Return the path of a `prometheus` program; raises EnvironmentLacks with the command that installs one."""
    return _PROMETHEUS.find(environment, say)


def find_promtool(prometheus: Path, environment: Mapping[str, str]) -> Path:
    """Return the `promtool` that came with `prometheus`; raises EnvironmentLacks."""
    return _PROMETHEUS.usable(prometheus.with_name("promtool"), "beside prometheus", environment)
