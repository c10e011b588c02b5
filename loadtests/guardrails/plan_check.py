"""Whether a plan stays under the environment's ceiling, before it is played and when it is changed in mid-run."""

from loadtests.demand.curve import Curve
from loadtests.demand.plan import Plan
from loadtests.demand.visits import ORDER_NEWS, orders_of, visits_of
from loadtests.environment.targets import Ceiling


def too_much(plan: Plan, curve: Curve, ceiling: Ceiling, from_s: float = 0.0) -> str | None:
    """Return what of `curve` from `from_s` on, played with the plan's mix, is over the ceiling; None when it isn't.

    Orders are counted over the whole of it; an event that is awaited is no request. A page's assets aren't counted, as
    their number isn't known, nor is what a browser beside the load takes; the ceiling holds for them all the same.
    """
    steps = visits_of(plan)
    visits = {name: sum(n for step, n in steps[name].items() if step not in ORDER_NEWS) for name in plan.journeys}
    requests_a_session = sum(share * visits[name] for name, share in plan.journeys.items())
    pieces = [piece for piece in curve.pieces if piece.end_s > from_s]
    rate = max(max(piece.start_rate, piece.end_rate) for piece in pieces) * requests_a_session
    if rate > ceiling.requests_per_s:
        return (
            f"plays up to {rate:.0f} requests a second; the environment's ceiling.requests_per_s"
            f" is {ceiling.requests_per_s:g}"
        )
    orders_a_session = orders_of(plan)
    ordering = sum(share * orders_a_session[name] for name, share in plan.journeys.items())
    orders = curve.total * ordering
    if orders > ceiling.orders:
        return f"places about {orders:.0f} orders; the environment's ceiling.orders is {ceiling.orders}"
    return None
