"""The boards by name, in the order in which an incident needs them: the one table that a new board is entered in."""

from collections.abc import Mapping
from types import MappingProxyType

from dashboards.grafana.board import Board
from dashboards.grafana.boards import (
    business,
    cost,
    exporters,
    incident,
    inventory,
    objectives,
    peak_run,
    recovery,
    releases,
    shop_health,
    traces,
)

BOARDS: Mapping[str, Board] = MappingProxyType(
    {
        board.name: board
        for board in (
            incident.BOARD,
            shop_health.BOARD,
            objectives.BOARD,
            peak_run.BOARD,
            traces.BOARD,
            inventory.BOARD,
            business.BOARD,
            cost.BOARD,
            releases.BOARD,
            recovery.BOARD,
            exporters.BOARD,
        )
    }
)
