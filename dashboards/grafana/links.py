"""Links from one board to another: they carry time, environment and Prometheus, so that nothing is chosen twice."""

from collections.abc import Mapping
from dataclasses import dataclass, field

PREFIX = "peakproof-"


def uid(board: str) -> str:
    """Return the uid of a board by its name."""
    return f"{PREFIX}{board}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link of a panel's values to the board of that name.

    `labels` are variables of that board by the series' label that each is taken from. In a table a value is taken from
    the row's column instead.
    """

    title: str
    board: str
    labels: Mapping[str, str] = field(default_factory=dict)

    def url(self, *, of_row: bool) -> str:
        """Return the address with Grafana's own variables in it; `of_row` for a table's row."""
        chosen = "".join(
            f"&var-{variable}=${{{_held(label, of_row=of_row)}:percentencode}}"
            for variable, label in self.labels.items()
        )
        carried = "${__url_time_range}&${environment:queryparam}&${datasource:queryparam}"
        return f"/d/{uid(self.board)}?{carried}{chosen}"


def _held(label: str, *, of_row: bool) -> str:
    return f'__data.fields["{label}"]' if of_row else f"__field.labels.{label}"
