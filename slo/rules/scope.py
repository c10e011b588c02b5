"""Which environment a set of rules watches, and the selectors and labels that keep it apart from the others."""

from collections.abc import Mapping
from dataclasses import dataclass

from slo.objectives.selectors import parse_selector

ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One environment: `matcher` selects its series, by default those with the label `environment`.

    Where a Prometheus watches one environment alone, `matcher` is empty.
    """

    environment: str
    matcher: str | None = None

    @property
    def _matcher(self) -> str:
        return f'{ENVIRONMENT}="{self.environment}"' if self.matcher is None else self.matcher

    def selector(self, metric: str, *matchers: str) -> str:
        """Return the PromQL selector of a metric in this environment."""
        inside = ",".join(part for part in (self._matcher, *matchers) if part)
        return f"{metric}{{{inside}}}" if inside else metric

    @property
    def example_labels(self) -> tuple[tuple[str, str], ...]:
        """The labels of what `selector` selects; raises ValueError where `matcher` doesn't say their values."""
        if self.matcher is None:
            return ((ENVIRONMENT, self.environment),)
        matchers = parse_selector(f"any_total{{{self.matcher}}}").matchers
        if vague := [one for one in matchers if one.op != "="]:
            raise ValueError(f'expected label="value" alone, found {vague[0].label}{vague[0].op}"{vague[0].value}"')
        return tuple((one.label, one.value) for one in matchers)

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels that every rule of this environment carries."""
        return {ENVIRONMENT: self.environment}
