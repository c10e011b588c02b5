"""A user's file of shop records, read through a process of its own."""

from collections.abc import Mapping
from typing import Any

from loadtests.audit.rows_process import RowsProcess
from loadtests.environment.credentials import Settings
from loadtests.results.inputs import RecordsFile


class RecordsProcess(RowsProcess):
    """The process of one file of shop records, given its settings. Every method raises RecordsError."""

    def __init__(
        self,
        file: RecordsFile,
        settings: Settings,
        variables: Mapping[str, str],
        longest_s: float = float("inf"),
        *,
        quiet: bool = False,
    ) -> None:
        super().__init__("loadtests.audit.records_child", settings.secrets, variables, longest_s, quiet=quiet)
        self.file, self._settings = file, settings

    @property
    def name(self) -> str:
        """What messages call the source: the file."""
        return self.file.path.name

    def _given(self) -> Mapping[str, Any]:
        return {"file": str(self.file.path), "text": self.file.text, "settings": dict(self._settings.values)}

    def _place(self, kind: str) -> str:
        return f"{self.name}: {kind}()"

    def _late(self, deadline_s: float) -> str:
        return f"no end within {deadline_s:g} s; its class says deadline_s"

    def _masked(self, why: str) -> str:
        """Return what the process said, without a secret, and without the folder of the file."""
        return super()._masked(why).replace(str(self.file.path), self.file.path.name)
