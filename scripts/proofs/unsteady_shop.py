"""The stand-in shop whose processes are stopped for a moment, started anew or killed while it is under load."""

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from loadtests.environment.hosts import Host
from loadtests.environment.record_targets import (
    HttpRecords,
    OrdersSource,
    PaymentsSource,
    ShopRecordsTarget,
    StockSource,
)
from loadtests.environment.targets import Ceiling, Environment, ReleaseProbe
from loadtests.runtime.guarded_child import python
from scripts.local_stack.ports import HOST, Ports
from scripts.local_stack.processes import Child, Children, wait_until
from scripts.local_stack.shop import TOKEN_VARIABLE, is_ready

_READY_S = 60.0
_FRONT_TIMEOUT_MS = 1000
# Longer than the front waits for a replica, and than the shop waits for the provider.
_STALL_S, _PROVIDER_STALL_S = 1.6, 3.4
_DROP_STOCK = 60
# Longer than a shopper of the proofs thinks, and than a payment that is tried again may take.
_PENDING_EXPIRES_S = 15


@dataclass(slots=True, kw_only=True)
class UnsteadyShop:
    """A payment provider, two replicas and a front, with their data below `folder`; `releases` is a file of releases.

    `variables` are those of its processes, the token that it takes from auditors among them.

    One in twenty captures has its reply lost, and the front gives a replica a second.
    """

    children: Children
    folder: Path
    ports: Ports
    variables: Mapping[str, str]
    release: str = "stable"
    releases: Path | None = None
    _commands: Mapping[str, Sequence[str]] = field(default_factory=dict)
    _running: dict[str, Child] = field(default_factory=dict)

    def start(self) -> None:
        """Start all and wait until they answer; raises EnvironmentLacks."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._commands = self._all_commands()
        for name in self._commands:
            self._begin(name)
        self._wait(*self._commands)

    def targets(self, name: str) -> Path:
        """Write a targets file that declares the shop under `name`; return its path."""
        environment = self._environment().model_dump(mode="json", exclude_none=True)
        path = self.folder / "targets.yaml"
        document = {"format": "peakproof/targets/v1", "environments": {name: environment}}
        path.write_text(yaml.safe_dump(document, sort_keys=False))
        return path

    def stall_replica(self) -> None:
        """Stop a replica for longer than the front waits: gateway time-outs, whose orders it makes all the same."""
        self._stall("shop-1", _STALL_S)

    def stall_provider(self) -> None:
        """Stop the payment provider for longer than the shop waits: payments of unknown outcome, tried again."""
        self._stall("payments", _PROVIDER_STALL_S)

    def restart_replica(self) -> None:
        """End a replica as a deployment does, its requests under way finished, and start it anew."""
        self._running["shop-2"].end()
        self._begin("shop-2")
        self._wait("shop-2")

    def kill_front(self) -> None:
        """Kill the front: every open connection is reset, with requests on it; and start it anew."""
        process = self._running["front"].process
        process.send_signal(signal.SIGKILL)
        process.wait()
        self._begin("front")
        self._wait("front")

    def _stall(self, name: str, for_s: float) -> None:
        process = self._running[name].process
        process.send_signal(signal.SIGSTOP)
        time.sleep(for_s)
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)

    def _begin(self, name: str) -> None:
        log = self.folder / "logs" / f"{name}.log"
        log.unlink(missing_ok=True)
        self._running[name] = self.children.start(name, self._commands[name], environment=self.variables)

    def _wait(self, *names: str) -> None:
        for name in names:
            child = self._running[name]
            wait_until(lambda child=child: is_ready(child), [child], _READY_S, "the shop")  # type: ignore[misc]

    def _all_commands(self) -> Mapping[str, Sequence[str]]:
        ports, own = self.ports, ["--with-parent", str(os.getpid())]
        releases = [] if self.releases is None else ["--releases", str(self.releases)]
        payments = [
            *("--port", str(ports.payments), "--database", f"sqlite:///{self.folder}/payments.sqlite"),
            *("--lost-reply-ratio", "0.05"),
        ]
        replicas = {
            f"shop-{number + 1}": [
                *python("-m", "staging.shop"),
                *("--port", str(ports.shop(number)), "--admin-port", str(ports.shop_admin(number))),
                *("--database", f"sqlite:///{self.folder}/shop.sqlite", "--database-round-trip-ms", "4"),
                *("--payments", f"http://{HOST}:{ports.payments}", "--drop-stock", str(_DROP_STOCK)),
                *("--pending-expires-s", str(_PENDING_EXPIRES_S)),
                *("--release", self.release, *releases, *own),
            ]
            for number in (0, 1)
        }
        upstreams = [word for number in (0, 1) for word in ("--upstream", f"http://{HOST}:{ports.shop(number)}")]
        front = [
            *("--port", str(ports.front), *upstreams, "--timeout-ms", str(_FRONT_TIMEOUT_MS)),
            *("--access-log", str(self.folder / "access.jsonl")),
        ]
        return {
            "payments": [*python("-m", "staging.payments"), *payments, *own],
            **replicas,
            "front": [*python("-m", "staging.front"), *front, *own],
        }

    def _environment(self) -> Environment:
        ports, admin = self.ports, f"http://{HOST}:{self.ports.shop_admin(0)}"
        return Environment(
            base_url=f"http://{HOST}:{ports.front}",
            storefront="twisted-threads",
            ceiling=Ceiling(requests_per_s=500, open_sessions=2000, orders=50_000),
            release_probe=ReleaseProbe(path="/healthz", field="version"),
            shop_records=ShopRecordsTarget(
                orders=OrdersSource(http=HttpRecords(url=f"{admin}/admin/orders")),
                payments=PaymentsSource(http=HttpRecords(url=f"http://{HOST}:{ports.payments}/payments")),
                stock=StockSource(http=HttpRecords(url=f"{admin}/admin/stock")),
            ),
            token_env=TOKEN_VARIABLE,
            hosts={"payments": Host(url=f"http://{HOST}:{ports.payments}")},
        )


Disturbance = Callable[[UnsteadyShop], None]


def _all_at_once(shop: UnsteadyShop) -> None:
    for one in (UnsteadyShop.stall_replica, UnsteadyShop.kill_front, UnsteadyShop.restart_replica):
        one(shop)


DISTURBANCES: Mapping[str, Disturbance] = {
    "lost payment replies alone": lambda _: None,
    "gateway time-outs": UnsteadyShop.stall_replica,
    "a replica restarts": UnsteadyShop.restart_replica,
    "connections are reset": UnsteadyShop.kill_front,
    "the provider stalls": UnsteadyShop.stall_provider,
    "all but the provider": _all_at_once,
}
