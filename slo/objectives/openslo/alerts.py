"""OpenSLO's AlertPolicy, AlertCondition and AlertNotificationTarget.

Source: https://openslo.com/specification#alertpolicy and the two sections behind it. They are checked and their targets
passed on by name; the alerts themselves are derived from the objective (slo/rules), at the burn rates that are known to
find a spent budget soon.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, model_validator

from slo.objectives.openslo.parts import Description, Duration, Metadata, Object, Operator, Part, Reference


class _Condition(Part):
    kind: Literal["burnrate"] = "burnrate"
    op: Operator | None = None
    threshold: Annotated[float, Field(gt=0)]
    lookback_window: Duration
    alert_after: Duration | Literal["0m"] = "0m"


class _ConditionSpec(Part):
    description: Description | None = None
    severity: str = Field(min_length=1)
    condition: _Condition


class AlertCondition(Object):
    """When an alert is due."""

    kind: Literal["AlertCondition"]
    spec: _ConditionSpec


class _TargetSpec(Part):
    description: Description | None = None
    target: str = Field(min_length=1)


class AlertNotificationTarget(Object):
    """Whom an alert is told to."""

    kind: Literal["AlertNotificationTarget"]
    spec: _TargetSpec


def _one_of(data: Any, reference: str) -> Any:  # noqa: ANN401 - not validated yet
    """Refuse an item of a policy that is neither a reference nor an object, or both."""
    if not isinstance(data, dict):
        raise ValueError(f"expected {reference}: with a name, or the object itself")  # noqa: TRY004 - pydantic takes ValueError
    if (reference in data) == ("spec" in data):
        raise ValueError(f"expected exactly one of {reference} and spec")
    return data


class ConditionItem(Part):
    """A condition of a policy: a reference, or the object without its apiVersion."""

    condition_ref: Reference | None = None
    kind: Literal["AlertCondition"] | None = None
    metadata: Metadata | None = None
    spec: _ConditionSpec | None = None

    @model_validator(mode="before")
    @classmethod
    def _either(cls, data: Any) -> Any:  # noqa: ANN401 - not validated yet
        return _one_of(data, "conditionRef")


class TargetItem(Part):
    """A target of a policy: a reference, or the object without its apiVersion."""

    target_ref: Reference | None = None
    kind: Literal["AlertNotificationTarget"] | None = None
    metadata: Metadata | None = None
    spec: _TargetSpec | None = None

    @model_validator(mode="before")
    @classmethod
    def _either(cls, data: Any) -> Any:  # noqa: ANN401 - not validated yet
        return _one_of(data, "targetRef")

    @property
    def name(self) -> str:
        """The target's name, in whichever way it is given."""
        return self.target_ref or (self.metadata.name if self.metadata else "")


class PolicySpec(Part):
    """What a policy alerts on, and whom it tells."""

    description: Description | None = None
    alert_when_no_data: StrictBool = False
    alert_when_resolved: StrictBool = False
    alert_when_breaching: StrictBool = False
    conditions: Annotated[list[ConditionItem], Field(min_length=1, max_length=1)]
    notification_targets: Annotated[list[TargetItem], Field(min_length=1)]


class AlertPolicy(Object):
    """When whom to tell."""

    kind: Literal["AlertPolicy"]
    spec: PolicySpec


class PolicyItem(Part):
    """A policy of an objective: a reference, or the object without its apiVersion."""

    alert_policy_ref: Reference | None = None
    kind: Literal["AlertPolicy"] | None = None
    metadata: Metadata | None = None
    spec: PolicySpec | None = None

    @model_validator(mode="before")
    @classmethod
    def _either(cls, data: Any) -> Any:  # noqa: ANN401 - not validated yet
        return _one_of(data, "alertPolicyRef")
