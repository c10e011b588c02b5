"""Medusa on a PostgreSQL of its own, filled as its example says."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.example_shops.cache import Server, ran, serving
from tests.example_shops.node import shop_folder


@contextmanager
def medusa(folder: Path) -> Iterator[tuple[Server, dict[str, str]]]:
    """Serve it out of `folder`, which gets the example's files; give it and the variables of its targets.yaml."""
    with shop_folder("medusa", folder) as database:
        needs = {"MEDUSA_DB": database}
        variables = {**needs, "MEDUSA_DISABLE_TELEMETRY": "true"}
        for step in ("migrate", "seed"):
            ran(["npm", "run", step], cwd=folder, log=folder / f"{step}.log", **variables)
        with serving(
            lambda port: ["npm", "start", "--", "--port", str(port)],
            cwd=folder, log=folder / "medusa.log", ready="/health", within_s=120, environment=variables,
        ) as server:  # fmt: skip
            yield server, needs
