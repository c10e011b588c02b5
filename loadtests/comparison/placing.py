"""Which block of a job a request belongs to: its judged time, and the release in whose block its session began."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from loadtests.comparison.job import BlockEntry, ComparisonJob

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The judged time of one block (ns), and its place among the job's."""

    place: int
    block: BlockEntry
    starts_at: int
    ends_at: int

    @property
    def letter(self) -> int:
        """The block's release: 0 for A, 1 for B."""
        return 0 if self.block.variant == "a" else 1


def kept_of(job: ComparisonJob) -> tuple[Kept, ...]:
    """Return the judged time of each block of the job."""
    skip = round(job.design.skip_s * _NS)
    return tuple(
        Kept(place=place, block=block, starts_at=block.starts_at + skip, ends_at=block.ends_at)
        for place, block in enumerate(job.blocks)
    )


def begun_sql(kept: Sequence[Kept]) -> str:
    """Return the SQL of `told`: by session the release (0 A, 1 B) in whose block it began, null outside of all."""
    variant = _cases("began", ((one.block.starts_at, one.block.ends_at, one.letter) for one in kept))
    return f"""
        begun AS (SELECT session, min(scheduled_at) AS began FROM requests GROUP BY session),
        told AS (SELECT session, {variant} AS variant FROM begun)
    """  # noqa: S608 - numbers


def within_sql(column: str, kept: Sequence[Kept], *, letters: bool = False) -> str:
    """Return the SQL of the block's place, or its release's letter, in whose judged time the column lies."""
    return _cases(column, ((one.starts_at, one.ends_at, one.letter if letters else one.place) for one in kept))


def _cases(column: str, spans: Iterable[tuple[int, int, int]]) -> str:
    cases = " ".join(f"WHEN {column} >= {since} AND {column} < {until} THEN {then}" for since, until, then in spans)
    return f"CASE {cases} ELSE NULL END"
