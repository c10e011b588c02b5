"""Which release each variant was while the blocks were played: asked before, during and after."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from loadtests.comparison.job import VARIANTS, BlockEntry, Variant
from loadtests.environment.resolved_environment import ResolvedEnvironment
from loadtests.guardrails.release_watch import TIMEOUT_S, probe_release
from slo.outcomes import EnvironmentLacks

EVERY_S = 5.0
_NS = 1_000_000_000
_MOST = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a variant's probe named at a moment (ns), None where it named nothing."""

    at: int
    variant: Variant
    release: str | None


@dataclass(kw_only=True)
class ReleaseProbes:
    """Asks each variant which release it is; `declared` is False where the environment has no probe."""

    now: Callable[[], int]
    sides: Mapping[Variant, ResolvedEnvironment] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)

    @property
    def declared(self) -> bool:
        """Whether there is a probe."""
        return any(one.environment.release_probe is not None for one in self.sides.values())

    def first(self, variant: Variant) -> str | None:
        """Return the release that a variant named first."""
        return next((one.release for one in self.seen if one.variant == variant and one.release is not None), None)

    def check(self, *, same: bool) -> None:
        """Ask both before any load; raises EnvironmentLacks when one doesn't answer, or both are one release."""
        for variant in VARIANTS:
            self._keep(variant, probe_release(self.sides[variant]))
        a, b = self.first("a"), self.first("b")
        if a is not None and a == b and not same:
            raise EnvironmentLacks(
                f"both variants say that they are the release {a}: put the other one up, or correct how it is reached;"
                " to compare a release with itself (the noise of the environment), add --same"
            )

    def look(self) -> None:
        """Ask both once."""
        for variant in VARIANTS:
            try:
                self._keep(variant, probe_release(self.sides[variant], TIMEOUT_S))
            except EnvironmentLacks:
                self._keep(variant, None)

    def _keep(self, variant: Variant, release: str | None) -> None:
        if len(self.seen) < _MOST:
            self.seen.append(Seen(at=self.now(), variant=variant, release=release))

    def told(self, block: BlockEntry) -> BlockEntry:
        """Return the block with the release that was met in it, invalid where that isn't shown or is another."""
        if not self.declared:
            return block
        since, until = block.starts_at - round(EVERY_S * _NS / 2), block.ends_at + round(EVERY_S * _NS / 2)
        met = {one.release for one in self.seen if one.variant == block.variant and since <= one.at <= until}
        expected = self.first(block.variant)
        other = sorted(one for one in met if one not in {None, expected})
        if other:
            why = f"its probe named {other[0]}, not {expected}"
            return block.model_copy(update={"release": other[0], "invalid_because": why})
        if expected is None or expected not in met:
            why = "its probe named no release in the block, so nothing shows which one was met"
            return block.model_copy(update={"invalid_because": why})
        return block.model_copy(update={"release": expected})
