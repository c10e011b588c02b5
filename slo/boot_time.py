"""A moment by the time since a machine was started, which nothing sets back: beside one by its wall clock."""

from pydantic import Field

from slo.documents import Count, WrittenDocument


class BootTime(WrittenDocument):
    """A moment: of which start of which machine, and how long after it; all None where the system doesn't tell."""

    boot: str | None = Field(
        None,
        description="of the start's random id and a time namespace's offset, the first 16 digits of SHA-256",
    )
    elapsed_ns: Count | None = Field(None, description="nanoseconds since then, also of sleep")

    def ns_before(self, later: "BootTime | None") -> int | None:
        """Return the ns from this moment to a later one, below 0 when that was before; None unless both are known.

        Moments of two machines, or of two starts of one, can't be compared so.
        """
        if later is None or self.boot is None or self.boot != later.boot:
            return None
        return None if self.elapsed_ns is None or later.elapsed_ns is None else later.elapsed_ns - self.elapsed_ns
