"""The table of ports, counted from a base (default 18080), all on loopback."""

import socket
from dataclasses import dataclass

from slo.outcomes import EnvironmentLacks

DEFAULT_BASE = 18080
HOST = "127.0.0.1"
_LAST = 65_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The port of each component, from `base`."""

    base: int = DEFAULT_BASE

    @property
    def front(self) -> int:
        """The front of the stand-in shop."""
        return self.base

    def shop(self, replica: int) -> int:
        """Return the port of a replica of the shop, counted from 0; at most two have room."""
        return self.base + 1 + 2 * replica

    def shop_admin(self, replica: int) -> int:
        """Return the port of a replica's admin API and metrics."""
        return self.base + 2 + 2 * replica

    @property
    def payments(self) -> int:
        """The payment provider."""
        return self.base + 5

    @property
    def recorder(self) -> int:
        """The span recorder: OTLP over HTTP, and its span metrics."""
        return self.base + 6

    @property
    def exporters(self) -> int:
        """The exporters of a run."""
        return self.base + 7

    @property
    def login(self) -> int:
        """The stand-in shop's login provider."""
        return self.base + 8

    @property
    def prometheus(self) -> int:
        """Prometheus."""
        return self.base + 10

    @property
    def locust(self) -> int:
        """Locust's master, for its workers."""
        return self.base + 11

    @property
    def web(self) -> int:
        """Locust's web UI, when one is wanted."""
        return self.base + 12

    @property
    def alertmanager(self) -> int:
        """Alertmanager, in an alert drill."""
        return self.base + 13

    def check_free(self, names: dict[str, int]) -> None:
        """Raise EnvironmentLacks naming every port of `names` that something else listens on."""
        taken = [f"{port} ({name})" for name, port in names.items() if not _is_free(port)]
        if taken:
            raise EnvironmentLacks(
                f"port {', '.join(taken)} is in use on {HOST}; stop what listens there or choose others"
                f" with --port-base, such as --port-base {_other_base(self.base)}"
            )


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            return False
    return True


def _other_base(base: int) -> int:
    return base + 100 if base + 100 < _LAST else DEFAULT_BASE
