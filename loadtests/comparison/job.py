"""A comparison's own document, `comparison.json`: the releases, the blocks, and the runs that hold their records."""

from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from slo.documents import Ns, WrittenDocument, read_json
from slo.regression.design import Design

FORMAT: Final = "peakproof/comparison/v1"
FILE = "comparison.json"
Variant = Literal["a", "b"]
VARIANTS: Final[tuple[Variant, Variant]] = ("a", "b")


def _is_name(name: str) -> str:
    if "/" in name or name in {"", ".", ".."}:
        raise ValueError("expected the name of a run that lies beside the comparison")
    return name


class VariantEntry(WrittenDocument):
    """One of the two releases: how it is reached, and the release that its probe named, null where it named none.

    `label` is what people call it: the variant's name in targets.yaml, an environment's, a release's, a command's.
    """

    variant: Variant
    label: str
    release: str | None = None


class BlockEntry(WrittenDocument):
    """One block: its pair from 1, its release, and when sessions began in it; `run` is the run's name.

    `release` is what the probe named in the block. A request belongs to the block in which it was scheduled, from
    `starts_at` + the design's `skip_s`, if its session began in a block of the same variant. `invalid_because` is why
    the block can't be counted, where each block is a run: that run isn't valid. Its pair has no value then; `outside`
    are the causes outside the shop, where these alone made it so.
    """

    pair: int
    variant: Variant
    run: Annotated[str, AfterValidator(_is_name)]
    starts_at: Ns
    ends_at: Ns
    release: str | None = None
    invalid_because: str | None = None
    outside: tuple[str, ...] = ()


class DesignEntry(WrittenDocument):
    """The design; see slo.regression.design.Design."""

    looks: tuple[int, ...]
    block_s: float
    skip_s: float
    switch_s: float = 0.0

    @model_validator(mode="after")
    def _can_be_judged(self) -> Self:
        self.design()
        return self

    def design(self) -> Design:
        """Return it as what the statistics take."""
        return Design(looks=self.looks, block_s=self.block_s, skip_s=self.skip_s, switch_s=self.switch_s)


class ComparisonJob(WrittenDocument):
    """What was compared, and how; `blocks` are those that were played to their end, in the order of time.

    `how` says how both releases ran; `notes` what a reader must know of it (a shared database, a probe that is
    missing). `ended` is `decided`, `played_out`, `stopped` or `failed`, null while it runs.
    """

    format: Annotated[str, Field(json_schema_extra={"const": FORMAT})] = FORMAT
    name: str
    how: Literal["variants", "switch", "environments", "releases", "days"]
    environment: str | None = None
    a: VariantEntry
    b: VariantEntry
    design: DesignEntry
    seed: str = Field("", description="what the order of its blocks was drawn from; empty where nothing was drawn")
    blocks: tuple[BlockEntry, ...] = ()
    objectives: tuple[str, ...] = Field((), description="the names of the copies beside this file")
    notes: tuple[str, ...] = ()
    ended: str | None = None
    because: str | None = None


def read_job(folder: Path) -> ComparisonJob:
    """Read the comparison in `folder`; raises BadInput."""
    return read_json(folder / FILE, ComparisonJob)
