"""OpenSLO's Service: what groups objectives. Source: https://openslo.com/specification#service."""

from typing import Literal

from slo.objectives.openslo.parts import Description, Object, Part


class _Spec(Part):
    description: Description | None = None


class Service(Object):
    """A service that objectives are of."""

    kind: Literal["Service"]
    spec: _Spec
