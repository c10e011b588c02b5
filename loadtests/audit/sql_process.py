"""One kind of shop records read by SQL, in a process of its own."""

from collections.abc import Mapping
from typing import Any

from loadtests.audit.rows_process import RowsProcess
from loadtests.environment.credentials import RecordAccess
from loadtests.environment.record_targets import RecordSource


class SqlProcess(RowsProcess):
    """The process that asks the query of one kind. Every method raises RecordsError."""

    def __init__(
        self,
        kind: str,
        source: RecordSource,
        access: RecordAccess,
        variables: Mapping[str, str],
        longest_s: float = float("inf"),
    ) -> None:
        super().__init__("loadtests.audit.sql_child", access.hidden, variables, longest_s)
        self._kind, self._source, self._address = kind, source, access.address

    @property
    def name(self) -> str:
        """What messages call the source: its place in targets.yaml."""
        return f"shop_records.{self._kind}.sql"

    def _given(self) -> Mapping[str, Any]:
        return {"kind": self._kind, "source": self._source.model_dump(mode="json"), "address": self._address}

    def _place(self, kind: str) -> str:
        del kind
        return self.name

    def _late(self, deadline_s: float) -> str:
        return f"no end within {deadline_s:g} s: select less, or say deadline_s"
