"""The drill's Prometheus: started on a past that was written, stopped and started again on more of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from loadtests.runtime import guarded_child
from loadtests.runtime.guarded_child import python
from scripts.drilling.configuration import LOOKBACK_S
from scripts.local_stack.ports import HOST
from scripts.local_stack.processes import Child, Children, wait_until
from scripts.local_stack.prometheus import Prometheus

_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR")
_READY_S = 60.0
_GUARD = Path(str(guarded_child.__file__))


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillPrometheus:
    """How to start it: its program, port and data, and the environment that a few variables are taken from."""

    program: Path
    port: int
    data: Path
    environment: Mapping[str, str]

    def start(self, children: Children, config: Path) -> tuple[Prometheus, Child]:
        """Start it with a configuration and wait until it answers; raises EnvironmentLacks.

        The grace period is 0 so that an alert's `for` is restored as it stood, however short what is left of it is.
        """
        command = [
            str(self.program),
            f"--config.file={config}",
            f"--storage.tsdb.path={self.data}",
            "--storage.tsdb.retention.time=10y",
            f"--web.listen-address={HOST}:{self.port}",
            f"--query.lookback-delta={LOOKBACK_S}s",
            "--rules.alert.for-grace-period=0s",
            # What is sent before it has found Alertmanager is lost, and a minute until it is sent again is long here.
            "--rules.alert.resend-delay=10s",
            "--log.level=warn",
        ]
        clean = {name: self.environment[name] for name in _KEPT if name in self.environment}
        child = children.start("prometheus", python(str(_GUARD), *command), environment=clean)
        prometheus = Prometheus(f"http://{HOST}:{self.port}", child)
        wait_until(prometheus.is_ready, [child], _READY_S, "Prometheus")
        return prometheus, child
