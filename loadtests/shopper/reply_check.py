"""What the content of a reply makes of it: the answer that its step needs, or an error."""

from collections.abc import Callable

from loadtests.client.interface import Reply, Request
from loadtests.environment.hosts import SHOP
from loadtests.shopper.session_errors import UNREADABLE, CheckFailedError

MAX_HOPS = 10
# Errors of a whole reply of the shop's: what its body says may still make an answer of it.
_ANSWERED = frozenset({"http_4xx", "http_5xx", "graphql"})


def checked(
    request: Request,
    reply: Reply,
    check: Callable[[Reply], object] | None,
    accepts: Callable[[Reply], bool] | None,
    hops_left: int,
) -> tuple[Reply, str]:
    """Return a reply with the error that its content makes, or without the one that its content takes back, and why."""
    if reply.error is not None:
        if accepts is not None and reply.error in _ANSWERED and accepts(reply):
            return reply._replace(error=None), ""
        return reply, f"leads to {reply.host}, which hosts doesn't declare" if reply.error == "redirected_away" else ""
    if reply.location is not None and request.follow is not None:
        last = f"the last from {request.host or SHOP} to {reply.host or SHOP}"
        why = "" if hops_left else f"over {MAX_HOPS} redirects, {last}"
        return (reply._replace(error="wrong_reply") if why else reply), why
    try:
        if check is not None:
            check(reply)
    except CheckFailedError as failed:
        return reply._replace(error="wrong_reply"), str(failed)
    except UNREADABLE as failed:
        return reply._replace(error="wrong_reply"), repr(failed)
    return reply, ""
