"""The part `cost` of exporters.yaml: where the bills lie, their budgets, and what they are divided by."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from loadtests.environment.notice_targets import LabelValue, Token
from loadtests.environment.target_fields import File, Label, WebAddress
from slo.documents import Document

# What a source of counts and of runs is called beside the bills.
COUNTS, RUNS = "counts", "runs"
Money = Annotated[Decimal, Field(gt=0, max_digits=24, decimal_places=6)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Delivery = Literal["overwrite", "new-folder", "new-file"]


class Budget(Document):
    """What a billing period may cost, in BilledCost: what the invoice will say."""

    amount: Money
    currency: Currency


class BillConfig(Document):
    """One bill: a file, or a folder of files (CSV, .csv.gz, Parquet), and how a newer export replaces an older one.

    `overwrite`: what lies there is the bill, in parts. `new-folder`, `new-file`: each folder or file is an export, and
    of those of one billing period the newest counts. A file is read `settled_after_s` after it was last written.
    """

    path: File
    delivery: Delivery = "overwrite"
    settled_after_s: float = Field(default=300, ge=0, le=86_400)
    budget: Budget | None = None


class PrometheusCounts(Document):
    """Selectors of the counters of accepted orders and of requests, at a Prometheus that has two weeks of them."""

    url: WebAddress
    token: Token | None = None
    orders: str = Field(min_length=1, max_length=1000)
    requests: str | None = Field(default=None, min_length=1, max_length=1000)


class CountsConfig(Document):
    """Where orders and requests of each day (UTC) are counted: a CSV file `day,orders,requests`, or a Prometheus."""

    file: File | None = None
    prometheus: PrometheusCounts | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.file is None) == (self.prometheus is None):
            raise ValueError("must be {file: PATH} or {prometheus: …}")
        return self


class Tag(Document):
    """A tag of a resource, as the bill's column Tags has it."""

    key: str = Field(pattern=r'^[^"\\]{1,128}$')
    value: LabelValue


class RunsConfig(Document):
    """Which load tests cost something, and the tag of the resources that they load."""

    environment: Label
    tag: Tag


class CostConfig(Document):
    """Bills by a name of one's own, and what else the figures need.

    `top` is for how many services there are series of their own; `late_h` how long after a day's end its charges still
    come in; `max_age_h` how old a bill may be; `every_s` how often files are looked at.
    """

    bills: Mapping[Label, BillConfig] = Field(min_length=1, max_length=20)
    counts: CountsConfig | None = None
    runs: RunsConfig | None = None
    top: int = Field(default=20, ge=1, le=200)
    late_h: float = Field(default=24, ge=0, le=240)
    max_age_h: float = Field(default=48, ge=1, le=1000)
    every_s: float = Field(default=300, ge=1, le=86_400)

    @model_validator(mode="after")
    def _names_are_apart(self) -> Self:
        if taken := {COUNTS, RUNS} & self.bills.keys():
            raise ValueError(f"a bill may not be called {min(taken)}: another source is")
        return self
