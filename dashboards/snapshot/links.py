"""Links between boards, as the page has them: another part of the same page, or another address."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dashboards.grafana.links import PREFIX
from dashboards.grafana.upgrade import Json

# Returns where a board is, with these values of its variables; None when it isn't there.
Address = Callable[[str, Mapping[str, str]], str | None]
_BOARD = re.compile(rf"^/d/{PREFIX}([\w-]+)")
_CHOSEN = re.compile(r'&var-(\w+)=\$\{(?:__data\.fields\["([^"]+)"\]|__field\.labels\.(\w+)):percentencode\}')


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A link on the page."""

    title: str
    href: str


def anchors(links: Sequence[Json], labels: Mapping[str, str], address: Address) -> list[Anchor]:
    """Return `links` of a panel or column for a series or row with these labels; those to boards that are there."""
    found = []
    for link in links:
        board = _BOARD.match(link["url"])
        chosen = {name: labels[field or label] for name, field, label in _CHOSEN.findall(link["url"])
                  if (field or label) in labels}  # fmt: skip
        href = address(board[1], chosen) if board else None
        if href is not None:
            found.append(Anchor(title=link["title"], href=href))
    return found
