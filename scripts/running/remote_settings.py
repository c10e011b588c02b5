"""What of a run is on other machines: workers that join over the network, and a Prometheus that runs already.

Variables of the environment set it, as for a container: without them everything is on this machine. What listens on
another address than loopback requires a token: the run's from workers and span senders, the metrics' from Prometheus.
"""

import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import TypeAdapter, ValidationError

from loadtests.environment.credentials import Secret
from loadtests.environment.target_fields import WebAddress
from loadtests.worker.job import VARIABLE as RUN_TOKEN
from scripts.local_stack.ports import HOST
from scripts.tokens import METRICS, token_named
from slo.documents import BadInput

BIND = "PEAKPROOF_BIND"
REACHED_AS = "PEAKPROOF_REACHED_AS"
PROMETHEUS_URL = "PEAKPROOF_PROMETHEUS_URL"
SPANS_URL = "PEAKPROOF_SPANS_URL"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSettings:
    """Where other machines reach this run: the address that it listens on, and the name by which they reach it.

    `spans_url` is a Collector that passes the shoppers' spans on to our recorder; without one they come straight.
    `upload_key` is made anew each time: the run's master and the server that takes uploads share it.
    """

    bind: str = HOST
    reached_as: str = HOST
    prometheus_url: str | None = None
    spans_url: str | None = None
    run_token: Secret | None = field(default=None, repr=False)
    metrics_token: Secret | None = field(default=None, repr=False)
    upload_key: Secret = field(default_factory=lambda: Secret(secrets.token_hex(32)), repr=False, compare=False)

    @property
    def workers_join(self) -> bool:
        """Whether the workers are started elsewhere and join: so it is as soon as we listen on another address."""
        return self.bind != HOST

    @property
    def exporters_bind(self) -> str:
        """Where the exporters listen: on loopback unless the Prometheus that reads them is on another machine."""
        return HOST if self.prometheus_url is None else self.bind

    def send_spans_to(self, recorder_port: int) -> str:
        """Return where workers send their spans."""
        return self.spans_url or f"http://{self.reached_as}:{recorder_port}"


HERE = RemoteSettings()


def read_remote_settings(environment: Mapping[str, str]) -> RemoteSettings:
    """Read the settings from the environment; raises BadInput naming the variable."""
    bind = environment.get(BIND) or HOST
    try:
        ipaddress.IPv4Address(bind)
    except ValueError as error:
        raise BadInput(f"{BIND}: expected an IPv4 address such as 0.0.0.0, found {bind!r}") from error
    reached_as = environment.get(REACHED_AS) or (HOST if bind == HOST else "")
    if not reached_as:
        raise BadInput(f"{REACHED_AS} is not set: with {BIND} the workers need the name at which they reach this run")
    prometheus_url, joined = _url(PROMETHEUS_URL, environment), bind != HOST
    joins, reads = (
        f"with {BIND} it is required from workers and span senders",
        f"with {BIND} it is required from Prometheus",
    )
    return RemoteSettings(
        bind=bind,
        reached_as=reached_as,
        prometheus_url=prometheus_url,
        spans_url=_url(SPANS_URL, environment),
        run_token=token_named(RUN_TOKEN, environment, joins) if joined else None,
        metrics_token=token_named(METRICS, environment, reads) if joined and prometheus_url is not None else None,
    )


def _url(variable: str, environment: Mapping[str, str]) -> str | None:
    if not (text := environment.get(variable)):
        return None
    try:
        return str(TypeAdapter(WebAddress).validate_python(text))
    except ValidationError as error:
        raise BadInput(f"{variable}: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None
