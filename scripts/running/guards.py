"""The guard rails of a run: the checks before the first request, and what ends it while it plays."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from loadtests.client.http2.probe import check_spoken
from loadtests.environment.resolved_environment import ResolvedEnvironment
from loadtests.guardrails.kill_switch import KillSwitch, check_kill_url
from loadtests.guardrails.lease import Lease, Place, held
from loadtests.guardrails.preflight import check_hosts, check_idle, check_release
from loadtests.guardrails.release_watch import EVERY_S, TIMEOUT_S, ReleaseWatch, probe_release
from loadtests.guardrails.watch_thread import WatchThread
from loadtests.results.inputs import Inputs
from loadtests.runtime.clock import Clock
from scripts.context import Context
from slo.validity.run_document import SeenRelease


@contextmanager
def lease_of(inputs: Inputs, folder: Path, say: Callable[[str], None]) -> Iterator[Lease]:
    """Hold the environment for as long as the block lasts; raises EnvironmentLacks when another run does."""
    place = Place(
        folder=folder,
        environment=inputs.environment_name,
        base_url=inputs.environment.base_url,
        hosts=(*(host.url for host in inputs.environment.hosts.values()), *inputs.environment.variant_urls),
    )
    with held(place, say) as lease:
        if lease.took_over is not None:
            say(f"the lease {lease.path} was {lease.took_over}")
        yield lease


def check_environment(resolved: ResolvedEnvironment, releases_expected: tuple[str, ...]) -> str | None:
    """Check the environment before the load; return the release it is on. Raises EnvironmentLacks."""
    check_hosts(resolved)
    check_spoken(resolved)
    with resolved.http() as http:
        check_kill_url(resolved.environment, http)
        release = probe_release(resolved)
        check_release(release, releases_expected)
        check_idle(resolved.environment, http)
    return release


class Watches:
    """Watches the release, the kill URL and the lease of a run; `why_stop` is why it must end, `seen` its releases."""

    def __init__(self, resolved: ResolvedEnvironment, lease: Lease, clock: Clock, context: Context) -> None:
        self._resolved, self._lease = resolved, lease
        self._http = resolved.http()
        self._release = ReleaseWatch(lambda: probe_release(resolved, TIMEOUT_S), clock.now, context.say)
        url = resolved.environment.kill_url
        self._kill = None if url is None else KillSwitch(url, self._http)
        self._threads: list[WatchThread] = []
        self._all = ExitStack()

    @property
    def seen(self) -> tuple[SeenRelease, ...]:
        """Each change of the release that the shop named."""
        return tuple(self._release.seen)

    def keep(self, release: str | None) -> None:
        """Keep the release that was read before or after the load."""
        if self._resolved.environment.release_probe is not None:
            self._release.keep(release)

    def why_stop(self) -> str | None:
        """Return why the run must end now, None while it may go on."""
        broken = next((thread.failed for thread in self._threads if thread.failed), None)
        return self._lease.lost or (self._kill and self._kill.why_stop) or broken

    def __enter__(self) -> Self:
        if self._resolved.environment.release_probe is not None:
            self._start(WatchThread("release", EVERY_S, self._release.look))
        if self._kill is not None:
            self._start(WatchThread("kill URL", self._resolved.environment.kill_poll_s, self._kill.look))
        return self

    def _start(self, thread: WatchThread) -> None:
        self._threads.append(self._all.enter_context(thread))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._all.close()
        self._http.close()
