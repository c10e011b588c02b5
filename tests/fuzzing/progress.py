"""What is known of one parser between batches: the inputs it had, those to mutate further, the lines they reach."""

import hashlib
import json
from array import array
from dataclasses import dataclass, field
from pathlib import Path

_SEEN, _POOL = "seen.bin", "pool.json"


def digest(data: bytes) -> int:
    """Return the 64 bits by which an input is known."""
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


@dataclass(slots=True, kw_only=True)
class Progress:
    """`seen` are the digests of its inputs so far, `pool` those that reached something new, `lines` what that was."""

    seen: set[int] = field(default_factory=set)
    pool: list[bytes] = field(default_factory=list)
    lines: set[str] = field(default_factory=set)
    _new: "array[int]" = field(default_factory=lambda: array("Q"))

    @classmethod
    def read(cls, folder: Path) -> "Progress":
        """Read what batches have written into a folder; nothing where there is none."""
        progress, seen, pool = cls(), folder / _SEEN, folder / _POOL
        if seen.exists():
            digests = array("Q")
            whole = seen.read_bytes()
            digests.frombytes(whole[: len(whole) // 8 * 8])  # a batch that was killed as it wrote
            progress.seen.update(digests)
        if pool.exists():
            known = json.loads(pool.read_bytes())
            progress.pool, progress.lines = [bytes.fromhex(one) for one in known["pool"]], {*known["lines"]}
        return progress

    def is_new(self, data: bytes) -> bool:
        """Whether an input wasn't there before; from now on it was."""
        number = digest(data)
        if number in self.seen:
            return False
        self.seen.add(number)
        self._new.append(number)
        return True

    def write(self, folder: Path) -> None:
        """Add what is new to what a folder holds."""
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / _SEEN).open("ab") as file:
            self._new.tofile(file)
        self._new = array("Q")
        beside = folder / f"{_POOL}.tmp"
        beside.write_text(json.dumps({"pool": [one.hex() for one in self.pool], "lines": sorted(self.lines)}))
        beside.replace(folder / _POOL)
