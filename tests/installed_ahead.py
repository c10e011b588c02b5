"""Install what heavy tests install at their first use, while others run: the example shops, and the stack's images.

`.ci/run` starts it beside `make check` and `make test`. A test that needs one of them earlier waits for it.
"""

import sys

from tests.example_shops import oscar
from tests.example_shops.node import npm_installed
from tests.stack.podman import STORAGE, Podman, missing


def install() -> None:
    """Install all; end with the reason when no container runs here."""
    oscar.programs()
    for name in ("vendure", "medusa"):
        npm_installed(name)
    podman = Podman(folder=STORAGE, project="ahead", variables={})
    with podman.alone():
        if (why := missing() or podman.refused()) is not None:
            sys.exit(f"no images: {why}")
        podman.build()


if __name__ == "__main__":
    install()
