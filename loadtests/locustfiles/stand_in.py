"""The modules that a locustfile gets for `locust`: ours, by Locust's names."""

from types import ModuleType
from typing import Any

from loadtests.locustfiles import exceptions, tasks, users, wait_times
from loadtests.locustfiles.events import EventHook, Events
from loadtests.locustfiles.exceptions import NotPlayedError
from loadtests.locustfiles.http_session import HttpSession
from loadtests.locustfiles.response import Response

VERSION = "2.47.0"
_MISSING = {
    "LoadTestShape": "the plan's phases are the shape of the load: peakproof plan build, then plan.yaml",
    "HttpLocust": "it is of before Locust 1.0: class X(HttpUser), and tasks = [Y] in place of task_set = Y",
    "Locust": "it is of before Locust 1.0: class X(HttpUser), and tasks = [Y] in place of task_set = Y",
    "FastHttpLocust": "it is of before Locust 1.0: class X(FastHttpUser)",
    "MarkovTaskSet": "write its transitions as a TaskSet with weights, or as a SequentialTaskSet",
    "transition": "write a MarkovTaskSet's transitions as a TaskSet with weights",
    "transitions": "write a MarkovTaskSet's transitions as a TaskSet with weights",
}


def refused_names() -> dict[str, str]:
    """Return what to do in place of each name of Locust's that can't be played, dotted."""
    own = {f"locust.{name}": why for name, why in _MISSING.items()}
    return {**own, "locust.contrib.fasthttp.FastHttpLocust": _MISSING["FastHttpLocust"]}


class StandIn(ModuleType):
    """A module of the stand-in; what it lacks is refused by name."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a module's attribute
        """Raise NotPlayedError for what Locust has and a session doesn't."""
        if name.startswith("__"):
            raise AttributeError(name)
        why = _MISSING.get(name, "it can't be played here: only users of HTTP, their tasks, waits and events are")
        raise NotPlayedError(f"{self.__name__}.{name}: {why}")


class _Settable(StandIn):
    """A module whose settings a locustfile may set, to no effect here."""


class Runner:
    """A name to compare a runner with: there is none here."""


def run_single_user(*_: Any, **__: Any) -> None:  # noqa: ANN401 - Locust's signature
    """Do nothing: it is for debugging, and stands where a file isn't imported."""


def modules(events: Events) -> dict[str, ModuleType]:
    """Return the modules by name; `events` are the locustfile's."""
    sets = {name: getattr(tasks, name) for name in ("TaskSet", "SequentialTaskSet", "task", "tag")}
    kinds = {name: getattr(users, name) for name in ("User", "HttpUser", "FastHttpUser")}
    waits = {
        name: getattr(wait_times, name)
        for name in ("between", "constant", "constant_pacing", "constant_throughput", "poisson")
    }
    raised = {
        name: one
        for name, one in vars(exceptions).items()
        if isinstance(one, type) and one.__module__ == exceptions.__name__
    }
    answers = {"HttpSession": HttpSession, "ResponseContextManager": Response, "Response": Response}
    runners = dict.fromkeys(("MasterRunner", "WorkerRunner", "LocalRunner", "DistributedRunner", "Runner"), Runner)
    waiting = _module("locust.wait_time", waits)
    names = {**sets, **kinds, **waits, "events": events, "wait_time": waiting, "run_single_user": run_single_user}
    made = {
        "locust": {**names, "__version__": VERSION, "exception": _module("locust.exception", raised)},
        "locust.exception": raised,
        "locust.event": {"EventHook": EventHook, "Events": Events},
        "locust.events": {name: getattr(events, name) for name in vars(events)},
        "locust.wait_time": waits,
        "locust.clients": answers,
        "locust.contrib": {},
        "locust.contrib.fasthttp": {
            "FastHttpUser": users.FastHttpUser,
            "FastHttpSession": HttpSession,
            "FastResponse": Response,
            "ResponseContextManager": Response,
            "RestResponseContextManager": Response,
        },
        "locust.user": {**sets, **kinds, "wait_time": waiting},
        "locust.user.users": kinds,
        "locust.user.task": sets,
        "locust.user.sequential_taskset": {"SequentialTaskSet": tasks.SequentialTaskSet},
        "locust.user.wait_time": waits,
        "locust.env": {"Environment": Runner},
        "locust.argument_parser": {"LocustArgumentParser": Runner},
        "locust.runners": {**runners, "STATE_STOPPING": "stopping", "STATE_STOPPED": "stopped"},
        "locust.stats": {},
        "locust.log": {"setup_logging": run_single_user},
        "locust.debug": {"run_single_user": run_single_user},
    }  # fmt: skip
    found: dict[str, ModuleType] = {name: _module(name, known) for name, known in made.items()}
    for name, module in found.items():
        parent, _, own = name.rpartition(".")
        if parent and own not in vars(found[parent]):
            setattr(found[parent], own, module)
    return found


def _module(name: str, known: dict[str, Any]) -> ModuleType:
    module = (_Settable if name == "locust.stats" else StandIn)(name)
    module.__dict__.update(known)
    module.__path__ = []  # it may hold modules
    return module
