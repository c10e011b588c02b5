"""Pieces of files, as they go from a worker to its master, and the receipts that come back.

A piece's place in its file is its number in the sequence: what is doubled or overtaken is known by it. Its digest is
over all of it, so whatever was changed on the way is found.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

PIECE_BYTES = 128 * 1024
MOST_BYTES = 1 << 30  # of one file
Kind = Literal["part", "ledger", "account"]


def kind_of(name: str, worker: str) -> Kind | None:
    """Return what a file of that name is to that worker; None when it is none of those that it writes."""
    if re.fullmatch(rf"(requests|sessions)-{re.escape(worker)}-[0-9]{{5,9}}\.parquet", name):
        return "part"
    return {f"ledger-{worker}.jsonl": "ledger", f"worker-{worker}.json": "account"}.get(name)  # type: ignore[return-value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some bytes of a file from `at` on; `size` and `sha256` are of the whole, 0 and "" of a ledger, which grows.

    Of an account, which is written anew each second, `version` counts the writings.
    """

    file: str
    at: int
    data: bytes
    size: int = 0
    sha256: str = ""
    version: int = 0

    def to_message(self) -> dict[str, Any]:
        """Return it as it goes over the line."""
        told = {name: getattr(self, name) for name in Piece.__slots__}
        return {**told, "digest": self._digest()}

    def _digest(self) -> bytes:
        found = hashlib.blake2b(
            repr((self.file, self.at, self.size, self.sha256, self.version)).encode(), digest_size=16
        )
        found.update(self.data)
        return found.digest()


def read_piece(told: object) -> Piece | None:
    """Return the piece that a message holds; None for anything else, be it changed by one bit."""
    if not isinstance(told, Mapping) or set(told) != {*Piece.__slots__, "digest"}:
        return None
    wanted = {"file": str, "at": int, "data": bytes, "size": int, "sha256": str, "version": int}
    if any(type(told[name]) is not kind for name, kind in wanted.items()):
        return None
    piece = Piece(**{name: told[name] for name in wanted})
    in_bounds = 0 <= piece.at <= MOST_BYTES and 0 <= piece.size <= MOST_BYTES and len(piece.data) <= PIECE_BYTES
    return piece if in_bounds and piece._digest() == told["digest"] else None  # noqa: SLF001 - it is this module's


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """How much of a file the master has: `have` bytes from its start on, or `version` of an account.

    `kept`: the whole is there under its name and on disk. `again`: send again from `have` on.
    """

    file: str
    have: int
    version: int = 0
    kept: bool = False
    again: bool = False

    def to_message(self) -> dict[str, Any]:
        """Return it as it goes over the line."""
        return {name: getattr(self, name) for name in Receipt.__slots__}
