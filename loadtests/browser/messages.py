"""What the run and the browser's process send each other: one job in, a report a line out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from loadtests.demand.think_time import ThinkTime
from loadtests.environment.targets import Ceiling
from slo.documents import Document

Milliseconds = Annotated[float, Field(ge=0, le=3_600_000)] | None


class BrowserJob(Document):
    """Everything that the browser's process is given, on its standard input: it holds secrets.

    `headers` are by base URL, as are `host_ceilings`, in requests a second; `addresses` by `host:port`; `tag` goes with
    every request; `walk` are the pages of a visit, each with the beginning of the path that leads to it.
    """

    program: Path
    profile: Path
    base_url: str
    headers: Mapping[str, Mapping[str, str]] = Field(repr=False)
    addresses: Mapping[str, tuple[str, ...]]
    ceiling: Ceiling
    host_ceilings: Mapping[str, float] = Field(default_factory=dict)
    tag: Mapping[str, str]
    walk: tuple[tuple[str, str], ...]
    think_time: ThinkTime
    trace_sampling: float
    page_s: float


class Timings(BaseModel):
    """What the browser measured of a page, in ms from the start of its navigation; what never came is None."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    ttfb: Milliseconds = None
    first_paint: Milliseconds = None
    first_contentful_paint: Milliseconds = None
    largest_contentful_paint: Milliseconds = None
    dom_content_loaded: Milliseconds = None
    load: Milliseconds = None

    @classmethod
    def of(cls, measured: object) -> Self:
        """Return what a page's script measured, nothing where it can't be true."""
        try:
            return cls.model_validate(measured)
        except ValidationError:
            return cls()


class PageView(Document):
    """One page that the browser opened."""

    page: str
    started_at: int
    ended_at: int
    status: int = Field(ge=0, le=999)
    error: str | None
    timings: Timings
    requests: int
    failed: int
    blocked: int
    bytes: int
    trace_id: str

    def row(self) -> dict[str, Any]:
        """Return it as a row of `browser.parquet`."""
        seconds = {f"{name}_s": None if ms is None else ms / 1000 for name, ms in self.timings}
        return {**self.model_dump(exclude={"timings"}), **seconds}


class BrowserCounts(Document):
    """What the browser has seen so far, for `run.json`; `why_not_more` is None until something stops it early."""

    program: str | None = None
    pages: int = 0
    failed: int = 0
    requests_blocked: int = 0
    requests_held: int = 0
    why_not_more: str | None = None


class Report(Document):
    """One line of the browser's process: the facts by now, and the page that was seen since the line before, if any."""

    facts: BrowserCounts
    page: PageView | None = None
