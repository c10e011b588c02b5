"""A Locust worker that isn't ours: it tries to end the run and another's part of it, and notes the work it is given."""

from pathlib import Path
from typing import Any

from locust import User, events, task


class Shoppers(User):
    """As the run's own are called."""

    @task
    def visit(self) -> None:
        """Note that there was work, and end everything."""
        Path("given-work").touch()
        self.environment.runner.quit()


@events.init.add_listener  # type: ignore[untyped-decorator]
def _(environment: Any, runner: Any, **_: Any) -> None:  # noqa: ARG001 - Locust's names
    runner.send_message("peakproof_stop", {"ended": "stopped", "because": "the stray"})
    runner.send_message("peakproof_done", {"worker": "w0", "ended": "completed"})
    runner.send_message("peakproof_change", {"worker": "w0", "change": {}, "gauges": {}})
    runner.send_message("peakproof_join", {"proof": "0" * 64})
    Path("name").write_text(runner.client_id)
