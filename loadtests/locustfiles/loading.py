"""Loads a locustfile: what it is made of is copied, read, refused or run, and its users are found."""

import inspect
import re
import tempfile
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loadtests.demand.plan import is_name
from loadtests.environment.bundle import Bundle, bundle_of
from loadtests.environment.storefront_targets import Locustfile
from loadtests.locustfiles import sleeping
from loadtests.locustfiles.environment import LocustEnvironment, read_options
from loadtests.locustfiles.events import Events
from loadtests.locustfiles.importing import OwnModules, in_folder
from loadtests.locustfiles.refusals import refusals_of
from loadtests.locustfiles.routes import routes_of
from loadtests.locustfiles.step_names import StepNames
from loadtests.locustfiles.tasks import is_set, keep_tagged
from loadtests.locustfiles.users import User, WebUser
from slo.documents import BadInput

PAGE = "docs/from-a-locustfile.md"
_MOST_REFUSALS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A locustfile that was loaded: its users by the names of their journeys, and what their sessions share.

    `buyers` are the journeys whose code places orders.
    """

    declared: Locustfile
    file: str
    users: Mapping[str, type[Any]]
    buyers: frozenset[str]
    environment: LocustEnvironment = field(repr=False)
    bundle: Bundle = field(repr=False)


def load_locustfile(declared: Locustfile, base_url: str, copy: Path | None = None) -> Played:
    """Load a locustfile, or the copy of it; raises BadInput naming everything that can't be played, by its place.

    Without a copy one is made for as long as it takes: what is loaded is always what a worker would have.
    """
    if copy is not None:
        return _loaded(declared, base_url, bundle_of(copy, ()), copy)
    bundle = bundle_of(Path(declared.locustfile), declared.files)
    check(bundle)
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder).resolve()
        write_bundle(bundle, there)
        try:
            return _loaded(declared, base_url, bundle, there / bundle.file.name)
        except BadInput as error:
            missing = isinstance(error.__cause__, FileNotFoundError)
            hint = "\nwhat belongs to a locustfile lies below its folder, and `files` names what its source doesn't"
            shown = str(error).replace(f"{there}/", f"{bundle.folder}/")
            raise BadInput(f"{shown}{hint if missing else ''}") from error


def check(bundle: Bundle) -> None:
    """Raise BadInput naming each thing in the source that can't be played."""
    if found := refusals_of(bundle.modules):
        more = len(found) - _MOST_REFUSALS
        lines = [str(one) for one in found[:_MOST_REFUSALS]] + ([f"and {more} more"] if more > 0 else [])
        raise BadInput("\n".join([*lines, f"what a locustfile may hold: {PAGE}"]))


def write_bundle(bundle: Bundle, folder: Path) -> None:
    """Copy a locustfile's files below a folder; raises BadInput for too much, OSError."""
    for name, content in bundle.read():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _loaded(declared: Locustfile, base_url: str, bundle: Bundle, file: Path) -> Played:
    sleeping.install()
    events = Events()
    modules = OwnModules(file.parent, events)
    module = modules.load(file)
    environment = LocustEnvironment(base_url, events, declared, StepNames(routes_of(bundle.modules)))
    place = str(bundle.file)
    users = _users(module, declared, place)
    environment.user_classes = list(users.values())
    return Played(
        declared=declared,
        file=str(file),
        users=users,
        buyers=frozenset(name for name, user in users.items() if _orders(user)),
        environment=environment,
        bundle=bundle,
    )


def begin(played: Played, settings: Mapping[str, Any]) -> None:
    """Tell the locustfile that a process begins to play it: its arguments, `init` and `test_start`. Raises BadInput."""
    environment: Any = played.environment
    place = str(played.bundle.file)
    with in_folder(Path(played.file).parent):
        _fire(place, "init_command_line_parser", lambda: read_options(environment, settings, place))
        _fire(place, "init", lambda: environment.events.init.fire(environment=environment, runner=None, web_ui=None))
        _fire(place, "test_start", lambda: environment.events.test_start.fire(environment=environment))


def end(played: Played) -> None:
    """Tell the locustfile that the process has played it; raises BadInput for what its listeners raise."""
    environment: Any = played.environment
    place = str(played.bundle.file)
    _fire(place, "test_stopping", lambda: environment.events.test_stopping.fire(environment=environment))
    _fire(place, "test_stop", lambda: environment.events.test_stop.fire(environment=environment))


def _fire(place: str, event: str, fire: Any) -> None:  # noqa: ANN401 - a function
    try:
        fire()
    except BadInput:
        raise
    except Exception as error:
        raise BadInput(f"{place}: a listener of {event}: {type(error).__name__}: {error}") from error


def _users(module: types.ModuleType, declared: Locustfile, place: str) -> dict[str, type[Any]]:
    """Return the users that Locust would spawn, by their journeys; raises BadInput."""
    found: dict[str, type[Any]] = {}
    for user in dict.fromkeys(one for one in vars(module).values() if isinstance(one, type)):
        if not issubclass(user, User) or vars(user)["abstract"]:
            continue
        where = f"{place}:{_line_of(user)}: {user.__name__}"
        if not issubclass(user, WebUser):
            raise BadInput(f"{where}: a User without HTTP: only HttpUser and FastHttpUser are played; leave it out")
        name = journey_of(user.__name__)
        if not is_name(name):
            raise BadInput(f"{where}: its name makes no journey ({name!r}): 1 to 40 letters and digits")
        if name in found:
            raise BadInput(f"{where}: a second user makes the journey {name}: rename one")
        keep_tagged(user, frozenset(declared.tags), frozenset(declared.exclude_tags))
        if not user.tasks:
            left = " that its tags leave" if declared.tags or declared.exclude_tags else ""
            raise BadInput(f"{where}: it has no task{left}: mark one with @task, or set abstract = True")
        if not callable(user.wait_time):
            raise BadInput(f"{where}: wait_time is {user.wait_time!r}, not a function: wait_time = between(1, 5)")
        weight: Any = user.weight
        if not isinstance(weight, int | float) or not 0 <= weight <= 1e6:  # noqa: PLR2004 - a bound
            raise BadInput(f"{where}: its weight must be a number from 0 on, found {weight!r}")
        found[name] = user
    if not found:
        raise BadInput(f"{place}: it has no user: a class that is an HttpUser or a FastHttpUser, with a task")
    return found


def journey_of(class_name: str) -> str:
    """Return the journey of a user's class: `WebsiteUser` is `website-user`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", class_name)
    return words.replace("_", "-").strip("-").lower()


def _line_of(user: type) -> int:
    functions = [one for one in vars(user).values() if isinstance(one, types.FunctionType)]
    try:
        return inspect.getsourcelines(user)[1]
    except (OSError, TypeError):
        return min((one.__code__.co_firstlineno for one in functions), default=1)


def _orders(user: type[Any]) -> bool:
    """Whether the code of a user, its sets of tasks and the functions that they name uses peakproof.order."""
    seen: set[int] = set()
    left: list[Any] = [user]
    while left:
        one = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, types.FunctionType):
            if any(_is_order(one, name) for name in _names_in(one.__code__)):
                return True
            left += [one.__globals__[name] for name in _names_in(one.__code__) if name in one.__globals__]
        elif isinstance(one, type) and (issubclass(one, User) or is_set(one) or _is_own(one, user)):
            left += [member for base in one.__mro__ if _is_own(base, user) for member in vars(base).values()]
            left += list(getattr(one, "tasks", ()))
    return False


def _is_own(one: type, user: type) -> bool:
    return one.__module__.partition(".")[0] == user.__module__.partition(".")[0]


def _names_in(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names_in(constant)


def _is_order(function: types.FunctionType, name: str) -> bool:
    held = function.__globals__.get(name)
    if inspect.ismodule(held) and held.__name__ == "peakproof":
        return "order" in tuple(_names_in(function.__code__))
    return getattr(held, "__module__", "") == "loadtests.locustfiles.order"
