"""The load generator: Locust as child processes, alone or as a master with workers, on a safe import path."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from loadtests.run_directory import RunDirectory
from scripts.local_stack.children import Child, Children, python
from scripts.local_stack.ports import HOST

_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")


class Generator:
    """Locust's processes of one run."""

    def __init__(self, head: Child, workers: tuple[Child, ...]) -> None:
        self.head, self._workers = head, workers

    @property
    def children(self) -> tuple[Child, ...]:
        """Every process, the one that decides first."""
        return (self.head, *self._workers)

    @property
    def is_over(self) -> bool:
        """Whether the one that decides has ended."""
        return self.head.code is not None

    def end(self) -> None:
        """End all of them: each writes what it recorded first."""
        for child in self.children:
            if child.code is None:
                child.process.terminate()
        for child in self.children:
            child.end()


def start_generator(
    children: Children, directory: RunDirectory, workers: int, port: int, environment: Mapping[str, str]
) -> Generator:
    """Start Locust on the run directory: one process for `workers` = 1, else a master and its workers."""
    clean = {name: environment[name] for name in _KEPT if name in environment}
    # Locust reads its settings from the home folder, the folder it stands in, and LOCUST_*: none is the user's here.
    clean |= {"HOME": str(directory.logs), "PYTHONUNBUFFERED": "1"}
    base = [*python("-m", "locust"), "-f", str(_locustfile()), "--run-directory", str(directory.path)]
    base += ["--loglevel", "INFO", "--stop-timeout", "0", "--exit-code-on-error", "0"]
    play = ["--headless", "--users", str(workers), "--spawn-rate", str(workers), "--only-summary"]
    if workers == 1:
        return Generator(children.start("locust", [*base, *play], environment=clean), ())
    bound = ["--master", "--master-bind-host", HOST, "--master-bind-port", str(port)]
    expect = ["--expect-workers", str(workers), "--expect-workers-max-wait", "60"]
    head = children.start("locust-master", [*base, *play, *bound, *expect], environment=clean)
    reach = ["--worker", "--master-host", HOST, "--master-port", str(port)]
    started = tuple(
        children.start(f"locust-worker-{number}", [*base, *reach], environment=clean) for number in range(workers)
    )
    return Generator(head, started)


def _locustfile() -> Path:
    spec = find_spec("loadtests")
    if spec is None or spec.origin is None:  # pragma: no cover - the package holds this file
        raise RuntimeError("the package loadtests is not installed")
    return Path(spec.origin).with_name("locustfile.py")
