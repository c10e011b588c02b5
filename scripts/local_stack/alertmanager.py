"""Alertmanager as a child process: how it is found and started. It knows no other Alertmanager."""

from collections.abc import Callable, Mapping
from pathlib import Path

import requests

from loadtests.environment.direct_http import DirectSession
from loadtests.runtime import guarded_child
from loadtests.runtime.guarded_child import python
from scripts.local_stack.debian_package import DebianProgram
from scripts.local_stack.ports import HOST
from scripts.local_stack.processes import Children, wait_until

VARIABLE = "PEAKPROOF_ALERTMANAGER"
_ALERTMANAGER = DebianProgram(
    title="Alertmanager",
    variable=VARIABLE,
    package="prometheus-alertmanager",
    names=("prometheus-alertmanager", "alertmanager"),
    brew="alertmanager",
    megabytes=11,
)
_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
_READY_S = 30.0
_GUARD = Path(str(guarded_child.__file__))


def find_alertmanager(environment: Mapping[str, str], say: Callable[[str], None]) -> Path:
    """Return the path of an Alertmanager; raises EnvironmentLacks with the command that installs one."""
    return _ALERTMANAGER.find(environment, say)


def start_alertmanager(
    children: Children, program: Path, port: int, folder: Path, config: Path, environment: Mapping[str, str]
) -> str:
    """Start `program` on loopback with the configuration `config`, its data below `folder`; return its URL when ready.

    Raises EnvironmentLacks with its last line when it ends before. The empty address keeps it from looking for others.
    """
    url = f"http://{HOST}:{port}"
    command = [
        *(str(program), f"--config.file={config}", f"--storage.path={folder}", f"--web.listen-address={HOST}:{port}"),
        *("--cluster.listen-address=", "--log.level=warn"),
    ]
    clean = {name: environment[name] for name in _KEPT if name in environment}
    child = children.start("alertmanager", python(str(_GUARD), *command), environment=clean)
    wait_until(lambda: _is_ready(url), [child], _READY_S, "Alertmanager")
    return url


def _is_ready(url: str) -> bool:
    try:
        with DirectSession() as http:
            return bool(http.get(f"{url}/-/ready", timeout=1).ok)
    except requests.RequestException:
        return False
