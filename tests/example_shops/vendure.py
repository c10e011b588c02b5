"""Vendure on a PostgreSQL of its own, filled as its example says."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.example_shops.cache import Server, ran, serving
from tests.example_shops.node import shop_folder


@contextmanager
def vendure(folder: Path) -> Iterator[tuple[Server, dict[str, str]]]:
    """Serve it out of `folder`, which gets the example's files; give it and the variables of its targets.yaml."""
    with shop_folder("vendure", folder) as database:
        needs = {"VENDURE_DB": database}
        ran(["npm", "run", "seed"], cwd=folder, log=folder / "seed.log", **needs)
        with serving(
            lambda port: ["env", f"PORT={port}", "npm", "start"],
            cwd=folder, log=folder / "vendure.log", ready="/health", environment=needs,
        ) as server:  # fmt: skip
            yield server, {**needs, "VENDURE_ADMIN_PASSWORD": "superadmin"}
