"""The stand-in shop as child processes: the payment provider, the login provider, the replicas and the front."""

import csv
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import requests
import yaml

from loadtests.environment.cleanup_target import CleanupTarget
from loadtests.environment.data_targets import AccountShare, AccountsTarget
from loadtests.environment.direct_http import DirectSession
from loadtests.environment.hosts import Host
from loadtests.environment.record_targets import (
    FunnelSource,
    HttpRecords,
    OrdersSource,
    PaymentsSource,
    ShopRecordsTarget,
    StockSource,
)
from loadtests.environment.targets import Ceiling, Environment, ReleaseProbe, ScrapeTarget
from loadtests.runtime.guarded_child import python
from scripts.local_stack.ports import HOST, Ports
from scripts.local_stack.processes import Child, Children, wait_until
from slo.outcomes import EnvironmentLacks

TOKEN_VARIABLE = "PEAKPROOF_SHOP_TOKEN"  # noqa: S105 - the variable's name
RELEASES = (
    *("stable", "slow-checkout", "oversell", "double-charge", "silent-orders"),
    *("lost-orders", "leaked-reservations", "price-drift", "mixed-up-sessions"),
)
OBJECTIVES = Path(str(files("slo") / "objectives" / "twisted-threads.yaml"))
REPLICAS = 2
ACCOUNTS = 200
DROP_STOCK = 20
_READY_S = 60.0
_ADMIN_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A running stand-in shop; its release can be changed, and `accounts` (user, password) log in."""

    ports: Ports
    token: str
    access_log: Path
    database: Path
    accounts: Path

    @property
    def login_url(self) -> str:
        """Return the origin of the login provider."""
        return f"http://{HOST}:{self.ports.login}"

    @property
    def payments_url(self) -> str:
        """Return the origin of the payment provider and of its pages."""
        return f"http://{HOST}:{self.ports.payments}"

    def set_release(self, name: str) -> str:
        """Switch every replica to the release `name`; return its version; raises EnvironmentLacks."""
        version = ""
        for replica in range(REPLICAS):
            url = f"http://{HOST}:{self.ports.shop_admin(replica)}/admin/release"
            try:
                headers = {"Authorization": f"Bearer {self.token}"}
                with DirectSession() as http:
                    reply = http.put(url, json={"release": name}, headers=headers, timeout=_ADMIN_S)
                reply.raise_for_status()
                version = str(reply.json()["version"])
            except (requests.RequestException, ValueError, KeyError) as error:
                raise EnvironmentLacks(
                    f"the stand-in shop at {url} doesn't switch to release {name}: {error}"
                ) from error
        return version

    def environment_with_customers(self) -> Environment:
        """Return the same with customers who log in or register; guests stay half of the others."""
        share = AccountShare(guest=0.5, new=0.1, returning=0.4)
        accounts = AccountsTarget(file=str(self.accounts), share=share)
        return self.environment().model_copy(update={"accounts": accounts})

    def environment(self) -> Environment:
        """Return the shop as an environment of targets.yaml."""
        ports = self.ports
        admin = f"http://{HOST}:{ports.shop_admin(0)}"
        replicas = [f"http://{HOST}:{ports.shop_admin(replica)}/metrics" for replica in range(REPLICAS)]
        return Environment(
            base_url=f"http://{HOST}:{ports.front}",
            storefront="twisted-threads",
            ceiling=Ceiling(requests_per_s=500, open_sessions=2000, orders=50_000),
            release_probe=ReleaseProbe(path="/healthz", field="version"),
            metrics=(
                *(ScrapeTarget(job="shop", url=url) for url in replicas),
                ScrapeTarget(job="payments", url=f"{self.payments_url}/metrics"),
            ),
            traces=True,
            shop_records=ShopRecordsTarget(
                orders=OrdersSource(http=HttpRecords(url=f"{admin}/admin/orders")),
                payments=PaymentsSource(http=HttpRecords(url=f"{self.payments_url}/payments")),
                stock=StockSource(http=HttpRecords(url=f"{admin}/admin/stock")),
                funnel=FunnelSource(http=HttpRecords(url=f"{admin}/admin/funnel")),
            ),
            token_env=TOKEN_VARIABLE,
            cleanup=CleanupTarget(hosts={"admin": Host(url=admin)}, settings={"token": {"env": TOKEN_VARIABLE}}),
            hosts={"login": Host(url=self.login_url), "payments": Host(url=self.payments_url)},
            fingerprint={"replicas": REPLICAS, "database": "sqlite", "data": "fresh", "cache": "cold"},
        )

    def write_targets(self, folder: Path, name: str) -> Path:
        """Write a targets file that declares the shop under `name` into the folder; return its path."""
        environment = self.environment().model_dump(mode="json", exclude_none=True)
        document = {"format": "peakproof/targets/v1", "environments": {name: environment}}
        path = folder / "targets.yaml"
        path.write_text(yaml.safe_dump(document, sort_keys=False))
        return path


def used_ports(ports: Ports) -> dict[str, int]:
    """Return the ports that the shop listens on, by component."""
    replicas = {f"shop {n + 1}": ports.shop(n) for n in range(REPLICAS)}
    admins = {f"shop {n + 1} admin": ports.shop_admin(n) for n in range(REPLICAS)}
    return {"front": ports.front, "payments": ports.payments, "login": ports.login, **replicas, **admins}


def start_shop(children: Children, folder: Path, ports: Ports, release: str, environment: Mapping[str, str]) -> Shop:
    """Start the shop with fresh data below `folder` and wait until it answers; raises EnvironmentLacks."""
    folder.mkdir(parents=True, exist_ok=True)
    shop = Shop(
        ports=ports,
        token=environment.get(TOKEN_VARIABLE) or secrets.token_urlsafe(24),
        access_log=folder / "access.jsonl",
        database=folder / "shop.sqlite",
        accounts=folder / "accounts.csv",
    )
    _write_accounts(shop.accounts)
    variables = {**environment, TOKEN_VARIABLE: shop.token}
    own = ["--with-parent", str(os.getpid())]
    otlp = ["--otlp", f"http://{HOST}:{ports.recorder}"]
    payments = children.start(
        "payments",
        [*python("-m", "staging.payments"), "--port", str(ports.payments),
         "--database", f"sqlite:///{folder / 'payments.sqlite'}", *otlp, *own],
        environment=variables,
    )  # fmt: skip
    login = children.start(
        "login",
        [*python("-m", "staging.login"), "--port", str(ports.login),
         "--database", f"sqlite:///{folder / 'login.sqlite'}", "--accounts", str(shop.accounts), *otlp, *own],
        environment=variables,
    )  # fmt: skip
    replicas = [
        _start_replica(children, shop, release, replica, [*otlp, *own], variables) for replica in range(REPLICAS)
    ]
    upstreams = [word for n in range(REPLICAS) for word in ("--upstream", f"http://{HOST}:{ports.shop(n)}")]
    front = children.start(
        "front",
        [*python("-m", "staging.front"), "--port", str(ports.front), *upstreams,
         "--access-log", str(shop.access_log), *own],
        environment=variables,
    )  # fmt: skip
    for child in (payments, login, *replicas, front):
        wait_until(lambda child=child: is_ready(child), [child], _READY_S, "the stand-in shop")  # type: ignore[misc]
    wait_until(lambda: _is_served(ports), [front], _READY_S, "the stand-in shop's front")
    return shop


def _write_accounts(path: Path) -> None:
    """Write the accounts of a new shop, for its login provider and for those who log in; only this user reads it."""
    path.touch(0o600)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("user", "password"))
        rows.writerows((f"shopper-{number:04d}", secrets.token_urlsafe(12)) for number in range(ACCOUNTS))


def is_ready(child: Child) -> bool:
    """Whether a process of the stand-in has logged that it is ready."""
    return any(line.startswith("ready ") for line in child.log.read_text(errors="replace").splitlines())


def _is_served(ports: Ports) -> bool:
    """Whether the front has found a healthy replica."""
    try:
        with DirectSession() as http:
            return bool(http.get(f"http://{HOST}:{ports.front}/healthz", timeout=_ADMIN_S).ok)
    except requests.RequestException:
        return False


def _start_replica(
    children: Children, shop: Shop, release: str, replica: int, rest: list[str], variables: Mapping[str, str]
) -> Child:
    ports = shop.ports
    return children.start(
        f"shop-{replica + 1}",
        [*python("-m", "staging.shop"), "--port", str(ports.shop(replica)),
         "--admin-port", str(ports.shop_admin(replica)), "--database", f"sqlite:///{shop.database}",
         "--payments", shop.payments_url, "--login", shop.login_url, "--drop-stock", str(DROP_STOCK),
         "--release", release, *rest],
        environment=variables,
    )  # fmt: skip
