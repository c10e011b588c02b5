"""The plan of sessions that were given none: what a shopper's session needs of one."""

from loadtests.demand.plan import Plan


def plan_of(name: str, journey: str, *, buys: bool = False) -> Plan:
    """Return a plan of one journey; with `buys` it says that a session of it places an order."""
    demand = {"source": f"none: a {name}", "forecast_orders_per_hour": 3600, "factor": 1, "orders_per_session": 1}
    phases = [("warm-up", [1, 1]), ("plateau", [1, 1]), ("drain", None)]
    visits = {"visits": {journey: {"steps": {name: 1}, "orders": 1}}} if buys else {}
    return Plan.model_validate(
        {
            "format": "peakproof/plan/v1",
            "name": name,
            "seed": 0,
            "demand": {**demand, "peak_sessions_per_s": 1},
            "phases": [{"name": kind, "kind": kind, "duration_s": 10, "level": level} for kind, level in phases],
            "journeys": {journey: 1},
            "think_time": {"median_s": 1, "sigma": 0, "max_s": 1},
            "cart_lines": {"min": 1, "max": 2},
            "limits": {"open_sessions": 1},
            **visits,
        }
    )
