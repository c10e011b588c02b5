"""What the command and the cleanup's process send each other: one job in, a line for each thing that happens out.

Nothing in a line is secret: what is shown of replies is masked before it is sent.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from loadtests.cleanup.journal import Outcome
from loadtests.results.created import Created
from slo.documents import Document

ITEMS: TypeAdapter[list[Created]] = TypeAdapter(list[Created])


class CleanupJob(Document):
    """What the cleanup's process is given on its standard input.

    `directory` holds plan, targets and job.json as a run's does, and is called like the run; `items` is the file of
    what is to be removed, in the order of kinds. At most `requests_per_s` go out, `at_once` things at a time.
    """

    directory: Path
    items: Path
    requests_per_s: float
    at_once: int
    item_s: float
    code_s: float
    hang: Path


class Removing(Document):
    """The thing of that number is being removed."""

    kind: Literal["removing"] = "removing"
    number: int


class Removed(Document):
    """What became of the thing of that number."""

    kind: Literal["removed"] = "removed"
    number: int
    outcome: Outcome
    why: str = ""


class GaveUp(Document):
    """The cleanup goes no further."""

    kind: Literal["gave-up"] = "gave-up"
    why: str


CleanupEvent = Annotated[Removing | Removed | GaveUp, Field(discriminator="kind")]
CLEANUP_EVENT: TypeAdapter[CleanupEvent] = TypeAdapter(CleanupEvent)
