"""The variables of a process that plays sessions: those that the environment names, by name, and few more."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from loadtests.environment.credentials import variables_of
from loadtests.environment.targets import Environment

_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")


def clean(home: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """Return what every child gets.

    Locust reads its settings from the home folder, the folder it stands in, and LOCUST_*: none is the user's here.
    """
    kept = {name: variables[name] for name in _KEPT if name in variables}
    return kept | {"HOME": str(home), "PYTHONUNBUFFERED": "1"}


def secrets_for(environments: Iterable[Environment], variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that an environment takes a header, a password or a setting from."""
    named = {name for one in environments for name in variables_of(one)}
    return {name: variables[name] for name in named if name in variables}
