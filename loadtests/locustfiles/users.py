"""Users, as a locustfile declares them: a class is a kind of session, whose client is the shopper's own."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from loadtests.locustfiles.exceptions import NotPlayedError, StopUser
from loadtests.locustfiles.http_session import FAST, REQUESTS, HttpSession
from loadtests.locustfiles.response import Response
from loadtests.locustfiles.tasks import Budget, Task, declared
from loadtests.locustfiles.visit import CURRENT
from loadtests.locustfiles.wait_times import constant


class UserMeta(type):
    """Collects a user's tasks, and lets no class be abstract because its base is."""

    def __new__(mcs, name: str, bases: tuple[type, ...], names: dict[str, Any]) -> "UserMeta":
        """Make the class."""
        names["tasks"] = declared(bases, names)
        names.setdefault("abstract", False)
        return super().__new__(mcs, name, bases, names)


class User(metaclass=UserMeta):
    """A kind of user."""

    abstract: ClassVar[bool] = True
    host: str | None = None
    min_wait = max_wait = wait_function = None
    tasks: ClassVar[list[Task]] = []
    weight: ClassVar[float] = 1
    fixed_count: ClassVar[int] = 0
    wait_time = constant(0)

    def __init__(self, environment: Any) -> None:  # noqa: ANN401 - the locustfile may hand on another
        visit = CURRENT.get()
        if visit is None:
            raise RuntimeError("a user is made for a session, and for nothing else")
        self.environment, self.visit = environment, visit
        self.host = visit.bases[visit.host]
        self._paced_at_s = visit.now_s()
        self.budget: Budget | None = None

    def on_start(self) -> None:
        """Do what comes before the first task; nothing, unless given."""

    def on_stop(self) -> None:
        """Do what comes after the last task; nothing, unless given."""

    def wait(self) -> None:
        """Wait for as long as wait_time says."""
        self.visit.pause(self.wait_time())

    def stop(self, force: bool = False) -> None:  # noqa: FBT001, FBT002 - Locust's signature
        """End the session."""
        del force
        raise StopUser

    def context(self) -> dict[str, Any]:
        """Return what listeners of events.request are told; nothing, unless given."""
        return {}

    @classmethod
    def fullname(cls) -> str:
        """Return the name of the class."""
        return cls.__qualname__


class WebUser(User):
    """A user with a client of HTTP."""

    abstract: ClassVar[bool] = True
    kind: ClassVar[str] = REQUESTS

    def __init__(self, environment: Any, *_: Any, **__: Any) -> None:  # noqa: ANN401 - what a locustfile hands on
        super().__init__(environment)
        self.client = HttpSession(self, self.kind)

    @contextmanager
    def rest(self, method: str, url: str, headers: dict[str, str] | None = None, **how: Any) -> Iterator[Response]:  # noqa: ANN401
        """Ask for JSON, which `js` of the response holds; what the block raises makes the request fail."""
        sent = {"Content-Type": "application/json", "Accept": "application/json"}
        given = {} if headers is None else dict(headers)
        sent = {name: value for name, value in sent.items() if name.lower() not in {one.lower() for one in given}}
        with self.client.request(method, url, catch_response=True, headers={**sent, **given}, **how) as response:
            response.js = None
            if response.text:
                try:
                    response.js = response.json()
                except json.JSONDecodeError as error:
                    response.failure(f"not JSON: {error}")
            try:
                yield response
            except AssertionError as error:
                response.failure(str(error) or "Assertion failed")
            except NotPlayedError:
                raise
            except Exception as error:  # noqa: BLE001 - as Locust has it, the block's error is the request's
                response.failure(f"{type(error).__name__}: {error}")

    @contextmanager
    def rest_(self, method: str, url: str, name: str | None = None, **how: Any) -> Iterator[Response]:  # noqa: ANN401
        """Ask for JSON past a cache: the time goes into the query."""
        separator = "&" if "?" in url else "?"
        with self.rest(method, f"{url}{separator}_={int(time.time() * 1000)}", name=name, **how) as response:
            yield response


class HttpUser(WebUser):
    """A user whose client is used as a session of requests."""

    abstract: ClassVar[bool] = True
    pool_manager = None


class FastHttpUser(WebUser):
    """A user whose client is used as Locust's fast one."""

    abstract: ClassVar[bool] = True
    kind: ClassVar[str] = FAST
    network_timeout = connection_timeout = 60.0
    max_redirects, max_retries, concurrency = 30, 0, 10
    insecure = True
    default_headers: ClassVar[dict[str, str] | None] = None
    client_pool = ssl_context_factory = proxy_host = proxy_port = None
