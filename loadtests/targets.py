"""The environments that may be loaded: `targets.yaml`, format peakproof/targets/v1 (docs/contracts.md)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from slo.documents import BadInput, Document, read_yaml

_CREDENTIALS = "must not hold a name or password; headers come from the environment"


def _web_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.username or parts.password:
        raise ValueError(_CREDENTIALS)
    if not text.isprintable() or " " in text:
        raise ValueError("must not hold a space or a control character")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an address that begins with http:// or https://")
    if parts.port == 0:
        raise ValueError("Port out of range 0-65535")  # what urlsplit says of one that is too high
    return text.rstrip("/")


WebAddress = Annotated[str, AfterValidator(_web_address)]
Label = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")]


class Ceiling(Document):
    """What the environment may be asked to bear, at the most."""

    requests_per_s: float = Field(gt=0, le=100_000)
    open_sessions: int = Field(ge=1, le=1_000_000)
    orders: int = Field(ge=0, le=10_000_000)


class ReleaseProbe(Document):
    """Where the shop says which release it is: a path and a field of its JSON reply."""

    path: str = Field(pattern=r"^/")
    field: str = Field(min_length=1)


class ScrapeTarget(Document):
    """A /metrics of the shop's for Prometheus to read."""

    job: Label
    url: WebAddress


class Environment(Document):
    """One named target: what may be sent to it, and what it offers for judging.

    What isn't declared is left out of the verdict and named there.
    """

    base_url: WebAddress
    storefront: Literal["twisted-threads"]
    ceiling: Ceiling
    release_probe: ReleaseProbe | None = None
    metrics: tuple[ScrapeTarget, ...] = ()
    traces: bool = False
    orders_url: WebAddress | None = None
    stock_url: WebAddress | None = None
    funnel_url: WebAddress | None = None
    payments_url: WebAddress | None = None
    token_env: str | None = Field(default=None, pattern=r"^[A-Z][A-Z0-9_]*$")
    fingerprint: Mapping[str, str | int | float | bool] = Field(default_factory=dict)


class Targets(Document):
    """Every environment by name."""

    format: Literal["peakproof/targets/v1"]
    environments: Mapping[Label, Environment] = Field(min_length=1)

    def environment(self, name: str, path: Path | str) -> Environment:
        """Return the environment `name`; raises BadInput naming those there are."""
        if name not in self.environments:
            known = ", ".join(sorted(self.environments))
            raise BadInput(f"{path}: no environment {name!r}; there are: {known}")
        return self.environments[name]


def read_targets(path: Path) -> Targets:
    """Read `targets.yaml`; raises BadInput, which never shows a password."""
    try:
        return read_yaml(path, Targets)
    except BadInput as error:
        lines = str(error).splitlines()
        hidden = [line.partition(", found ")[0] if _CREDENTIALS in line else line for line in lines]
        raise BadInput("\n".join(hidden)) from None


def redacted(name: str, environment: Environment) -> dict[str, Any]:
    """Return the environment as it may be kept in a run directory: no secret is ever in it, only variables' names."""
    return {"format": "peakproof/targets/v1", "environments": {name: environment.model_dump(mode="json")}}
