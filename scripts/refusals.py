"""Why a command didn't do what it was asked, other than bad input: each has its exit code."""


class EnvironmentLacks(Exception):  # noqa: N818 - it is what the environment does
    """Something around us is missing (Prometheus, a port, the shop): exit 75, nothing is proven."""
