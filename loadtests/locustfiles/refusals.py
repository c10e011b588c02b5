"""What a locustfile does that a session can't play, found in its source before anything of it is run."""

import ast
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loadtests.environment.bundle import Module
from loadtests.locustfiles.events import NOT_PLAYED
from loadtests.locustfiles.stand_in import refused_names
from loadtests.locustfiles.visit import MOST_WAIT_S

_GREENLETS = "a session is one greenlet, which the run starts and counts: make its requests one after the other"
_OTHER_CLIENT = "its requests would go round hosts, ceilings and records: make them with self.client"
_PROTOCOL = "only HTTP is played: leave its users out, or keep them in a Locust of their own"
_PROCESS = "a worker plays thousands of sessions in one process: do it before the run"
_DATA = "workers reach the shop only: read what is needed into a file beside the locustfile, before the run"
_REFUSED = {
    **dict.fromkeys(("gevent.spawn", "gevent.spawn_later", "gevent.spawn_raw", "gevent.Greenlet"), _GREENLETS),
    **dict.fromkeys(("gevent.pool", "gevent.threadpool", "gevent.greenlet", "gevent.get_hub"), _GREENLETS),
    **dict.fromkeys(("threading.Thread", "threading.Timer", "concurrent.futures", "_thread"), _GREENLETS),
    **dict.fromkeys(("multiprocessing", "subprocess", "os.system", "os.fork", "os.popen"), _PROCESS),
    "asyncio": _GREENLETS,
    **dict.fromkeys(
        (
            "requests.get", "requests.post", "requests.put", "requests.patch", "requests.delete", "requests.head",
            "requests.options", "requests.request", "requests.Session", "requests.session", "urllib.request",
            "urllib3.PoolManager", "urllib3.request", "http.client", "httpx", "aiohttp", "pycurl", "geventhttpclient",
            "mechanize", "selenium", "playwright", "requests.api", "requests.sessions", "requests_html", "httplib2",
            "curl_cffi", "cloudscraper", "urllib3.HTTPConnectionPool", "urllib3.HTTPSConnectionPool",
            "urllib3.connectionpool", "urllib3.poolmanager",
        ),
        _OTHER_CLIENT,
    ),
    **dict.fromkeys(
        (
            "socket.socket", "socket.create_connection", "websocket", "websockets", "socketio", "grpc", "paho", "kafka",
            "confluent_kafka", "pika", "zmq", "xmlrpc", "suds", "zeep", "locust_plugins", "locust.contrib.mqtt",
            "locust.contrib.socketio", "locust.contrib.mongodb", "locust.contrib.postgres", "locust.contrib.milvus",
            "locust.contrib.qdrant", "locust.contrib.oai",
        ),
        _PROTOCOL,
    ),
    "prometheus_client.start_http_server": "a worker serves no metrics of its own: the run's exporters do",
    **dict.fromkeys(("redis", "psycopg", "psycopg2", "pymysql", "pymongo", "boto3", "sqlalchemy"), _DATA),
}  # fmt: skip
_ENVIRONMENT = frozenset({"environment", "env", "_environment"})
_OF_ENVIRONMENT = {
    "runner": "there is no runner here: the plan says how many sessions come, and when a run ends",
    "stats": "there are no statistics here: objectives and the report have them",
    "create_local_runner": "the run is started by peakproof run",
    "create_web_ui": "the run is started by peakproof run",
}
_SLEEPS = frozenset({"time.sleep", "gevent.sleep"})
_BEFORE_1 = {"task_set": "tasks = [Y]", "task_sequence": "tasks = [Y]"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A place in the source, what stands there, and what to do."""

    file: str
    line: int
    what: str
    instead: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}: {self.instead}"


def refusals_of(modules: Sequence[Module]) -> list[Refusal]:
    """Return what can't be played, in the order of the files and their lines."""
    return [one for module in modules for one in _of_module(module)]


def _of_module(module: Module) -> list[Refusal]:
    names = _names(module.tree)
    found = {
        (node_line, what): Refusal(file=str(module.file), line=node_line, what=what, instead=instead)
        for node in ast.walk(module.tree)
        for node_line, what, instead in _of_node(node, names)
    }
    return sorted(found.values(), key=lambda one: one.line)


def _names(tree: ast.Module) -> dict[str, str]:
    """Return what each imported name stands for, dotted."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                found[one.asname or one.name.partition(".")[0]] = one.name if one.asname else one.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.update({one.asname or one.name: f"{node.module}.{one.name}" for one in node.names})
    return found


def _of_node(node: ast.AST, names: dict[str, str]) -> Iterator[tuple[int, str, str]]:
    if isinstance(node, ast.Import):
        yield from ((node.lineno, *found) for one in node.names for found in _refused(one.name))
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        for one in node.names:
            yield from ((node.lineno, *found) for found in _refused(f"{node.module}.{one.name}"))
    elif isinstance(node, ast.Attribute):
        yield from ((node.lineno, *found) for found in _of_attribute(node, names))
    elif isinstance(node, ast.Call):
        yield from ((node.lineno, *found) for found in _of_call(node, names))
    elif isinstance(node, ast.ClassDef):
        yield from _of_class(node)


def _refused(dotted: str) -> Iterator[tuple[str, str]]:
    """Return the longest part of a dotted name that is refused."""
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        name = ".".join(parts[:count])
        instead = _REFUSED.get(name) or refused_names().get(name)
        if instead is not None:
            yield name, instead
            return


def _of_attribute(node: ast.Attribute, names: dict[str, str]) -> Iterator[tuple[str, str]]:
    dotted = _dotted(node)
    if dotted is None:
        return
    parts = dotted.split(".")
    if parts[0] in names:
        full = f"{names[parts[0]]}.{'.'.join(parts[1:])}"
        yield from _refused(full)
    if len(parts) > 1 and parts[-2] in _ENVIRONMENT and parts[-1] in _OF_ENVIRONMENT:
        yield f"{parts[-2]}.{parts[-1]}", _OF_ENVIRONMENT[parts[-1]]
    if len(parts) > 1 and parts[-2] == "events" and parts[-1] in NOT_PLAYED:
        yield f"events.{parts[-1]}", NOT_PLAYED[parts[-1]].partition(": ")[2]
    if dotted.endswith("events.request.fire"):
        yield "events.request.fire", "only requests of self.client are recorded: make them with self.client"


def _of_call(node: ast.Call, names: dict[str, str]) -> Iterator[tuple[str, str]]:
    dotted = _dotted(node.func)
    if dotted is None:
        return
    head, _, rest = dotted.partition(".")
    full = names.get(head, head) + (f".{rest}" if rest else "")
    if full in _SLEEPS and node.args:
        seconds = _number(node.args[0])
        if seconds is not None and seconds > MOST_WAIT_S:
            yield f"{full}({seconds:g})", f"a session waits up to {MOST_WAIT_S:g} s: think time is wait_time"


def _number(node: ast.expr, depth: int = 8) -> float | None:
    """Return a number that is written down, or a product of such numbers; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(min(node.value, sys.maxsize))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) and depth:
        left, right = _number(node.left, depth - 1), _number(node.right, depth - 1)
        return None if left is None or right is None else left * right
    return None


def _of_class(node: ast.ClassDef) -> Iterator[tuple[int, str, str]]:
    for one in node.body:
        if isinstance(one, ast.Assign):
            for target in one.targets:
                if isinstance(target, ast.Name) and target.id in _BEFORE_1:
                    instead = f"it is of before Locust 1.0: write {_BEFORE_1[target.id]}"
                    yield one.lineno, f"{node.name}.{target.id}", instead


def _dotted(node: ast.expr) -> str | None:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        return ".".join([node.id, *reversed(parts)])
    return ".".join(["", *reversed(parts)]) if parts else None
