"""What a locustfile sees of the environment: the shop's address, options, events; nothing of Locust's processes."""

import argparse
from collections.abc import Mapping
from typing import Any, NoReturn

from loadtests.environment.storefront_targets import Locustfile
from loadtests.locustfiles.events import Events
from loadtests.locustfiles.exceptions import NotPlayedError
from loadtests.locustfiles.step_names import StepNames
from slo.documents import BadInput

RUNNER = "environment.runner: there is no runner; the plan says how many sessions come and when a run ends"
STATS = "environment.stats: there are no statistics here; objectives and the report have them"


class LocustEnvironment:
    """Locust's environment, as far as a session may read it."""

    def __init__(self, host: str, events: Events, declared: Locustfile, step_names: StepNames) -> None:
        self.host, self.events, self.step_names = host, events, step_names
        tags, exclude_tags = declared.tags, declared.exclude_tags
        self.parsed_options = argparse.Namespace(
            host=host, tags=list(tags) or None, exclude_tags=list(exclude_tags) or None
        )
        self.tags, self.exclude_tags = list(tags) or None, list(exclude_tags) or None
        self.web_ui = self.shape_class = None
        self.process_exit_code: int | None = None
        self.catch_exceptions, self.reset_stats, self.stop_timeout = True, False, 0
        self.user_classes: list[type] = []

    @property
    def runner(self) -> NoReturn:
        """Refuse; raises NotPlayedError."""
        raise NotPlayedError(RUNNER)

    @property
    def stats(self) -> NoReturn:
        """Refuse; raises NotPlayedError."""
        raise NotPlayedError(STATS)


class OptionParser(argparse.ArgumentParser):
    """The command line of Locust, as far as a locustfile adds arguments of its own to it."""

    def add_argument(self, *names: Any, **how: Any) -> argparse.Action:  # noqa: ANN401 - argparse's
        """Add an argument; what only Locust's web page shows is left out."""
        for own in ("env_var", "include_in_web_ui", "is_secret", "is_required"):
            how.pop(own, None)
        how.pop("required", None)
        return super().add_argument(*names, **how)

    def error(self, message: str) -> NoReturn:
        """Refuse; raises BadInput."""
        raise BadInput(f"the locustfile's own arguments: {message}")


def read_options(environment: LocustEnvironment, settings: Mapping[str, Any], place: str) -> None:
    """Let the locustfile add its arguments, and take their values from the settings; raises BadInput."""
    parser = OptionParser(prog="locustfile", add_help=False, allow_abbrev=False)
    hook: Any = environment.events.init_command_line_parser
    hook.fire(parser=parser)
    known = {action.dest: action for action in parser._actions}  # noqa: SLF001 - argparse has no other list of them
    for name, action in known.items():
        setattr(environment.parsed_options, name, action.default)
    for name, value in settings.items():
        if name.startswith("$"):
            continue  # a variable
        dest = name.replace("-", "_")
        if dest not in known:
            there = ", ".join(known) or "none"
            raise BadInput(f"{place}: settings: the locustfile has no argument {name!r}; it has: {there}")
        kind = known[dest].type
        try:
            given = kind(value) if callable(kind) and isinstance(value, str) else value
        except (ValueError, TypeError, argparse.ArgumentTypeError):
            raise BadInput(f"{place}: settings: {name}: the locustfile's argument doesn't take its value") from None
        setattr(environment.parsed_options, dest, given)
