"""Events that a locustfile listens to; those that only Locust's own processes have are refused by name."""

from collections.abc import Callable
from typing import Any

from loadtests.locustfiles.exceptions import NotPlayedError

PLAYED = ("init", "init_command_line_parser", "request", "test_start", "test_stop", "test_stopping", "user_error")
_BY_OTHERS = (
    "cpu_warning", "heartbeat_received", "heartbeat_sent", "quit", "quitting", "report_to_master", "reset_stats",
    "spawning_complete", "usage_monitor", "worker_connect", "worker_report",
)  # fmt: skip
NOT_PLAYED = {
    name: f"events.{name} isn't fired here: a run's process is the run's; take the listener out"
    for name in _BY_OTHERS
} | {
    name: f"events.{name} isn't fired here: what it would check of the statistics is an objective, which `judge` reads"
    for name in ("quit", "quitting")
}  # fmt: skip


class EventHook:
    """Functions that are called with what happened, by keyword."""

    def __init__(self) -> None:
        self.handlers: list[Callable[..., Any]] = []

    def add_listener(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        """Call a function from now on; may stand above it as a decorator."""
        self.handlers.append(handler)
        return handler

    def remove_listener(self, handler: Callable[..., Any]) -> None:
        """Call it no more."""
        self.handlers.remove(handler)

    def fire(self, **facts: Any) -> None:  # noqa: ANN401 - whatever the locustfile hands on
        """Call each function."""
        for handler in self.handlers:
            handler(**facts)


class RequestEvent(EventHook):
    """The event of a request, which only the client's own requests fire."""

    def fire(self, **_: Any) -> None:  # noqa: ANN401 - Locust's signature
        """Refuse: a request that isn't the client's isn't recorded."""
        raise NotPlayedError("events.request.fire: only requests of self.client are recorded; use self.client")

    def tell(self, facts: dict[str, Any]) -> None:
        """Call each function."""
        super().fire(**facts)


class Events:
    """The events of one locustfile."""

    def __init__(self) -> None:
        self.request = RequestEvent()
        for name in PLAYED:
            if name != "request":
                setattr(self, name, EventHook())

    def __getattr__(self, name: str) -> EventHook:
        """Refuse what isn't fired here; raises NotPlayedError."""
        if name in NOT_PLAYED:
            raise NotPlayedError(NOT_PLAYED[name])
        raise AttributeError(f"Locust's events have no {name}")
