"""How a cleanup removes from an environment what a run created there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import Field

from loadtests.environment.hosts import MAX_HOSTS, Host, at
from loadtests.environment.own_code import OwnCode, PythonFile
from loadtests.environment.target_fields import Label


class CleanupTarget(OwnCode):
    """How `peakproof cleanup` removes what a run created: at most `requests_per_s`, `at_once` things at a time.

    `file` holds the methods marked `@cleanup`; without it they are the storefront's own. `settings` are given to them
    beside the storefront's, and `hosts` may be asked beside the environment's; no run is given either.
    """

    file: PythonFile | None = None
    hosts: Mapping[Label, Host] = Field(default_factory=dict, max_length=MAX_HOSTS)
    requests_per_s: float = Field(default=5.0, gt=0, le=1000, allow_inf_nan=False)
    at_once: int = Field(default=2, ge=1, le=16)

    def anchored(self, folder: Path) -> Self:
        """Return it with every path absolute: what is relative is looked for in `folder`."""
        hosts = {label: host.anchored(folder) for label, host in self.hosts.items()}
        return super().anchored(folder).model_copy(update={"file": at(folder, self.file), "hosts": hosts})
