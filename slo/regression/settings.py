"""The settings of a comparison: tolerances and error rates, the section `comparison` of a policy file."""

from pydantic import Field

from slo.documents import Document


class ComparisonSettings(Document):
    """How much worse a release may be, and how often the gate may be wrong.

    `alpha` is the chance of a false FAIL of one measure at its tolerance, at most 0.10 over all of them; `beta` that of
    passing a change of `pass_ratio`. Ratios are B / A of the latency at `quantile`. The budget shares are of each
    objective's error budget, the orders' of A's orders by session. `deployment_sd` is the lasting difference (standard
    deviation of ln p95) between two deployments of one build, known from comparisons of a release with itself.
    `assumed_error_burst_s` is the burst of errors that a PASS must rule out; at 0 each PASS says for which it stands.
    """

    alpha: float = Field(default=0.05, gt=0, le=0.10)
    beta: float = Field(default=0.05, gt=0, le=0.10)
    quantile: float = Field(default=0.95, ge=0.5, le=0.99)
    fail_ratio: float = Field(default=1.05, ge=1, le=2)
    pass_ratio: float = Field(default=1.10, gt=1, le=3)
    min_change_ms: float = Field(default=5.0, ge=0, le=60_000)
    fail_budget_share: float = Field(default=0.25, gt=0, le=1)
    pass_budget_share: float = Field(default=0.5, gt=0, le=1)
    fail_orders_share: float = Field(default=0.02, gt=0, le=1)
    pass_orders_share: float = Field(default=0.04, gt=0, le=1)
    deployment_sd: float = Field(default=0.0, ge=0, le=0.5)
    assumed_error_burst_s: float = Field(default=0.0, ge=0, le=60)

    @property
    def family_alpha(self) -> float:
        """The chance of a false FAIL over all measures, shared by Holm's procedure."""
        return 0.10
