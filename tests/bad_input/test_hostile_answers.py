"""What comes over the net ends no command otherwise than its codes say: no traceback, no hang, no secret, no escape.

The servers are the shop's pages, its records, its release probe and kill page, its metrics, an Alertmanager and a
Prometheus; files of strangers that commands run or hand on (a storefront, a locustfile, signers) and rows of a database
are told of as well.
"""

import gzip
import json
import shutil
import socket
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from loadtests.guardrails import alertmanager, kill_switch, preflight
from loadtests.guardrails.release_watch import probe_release
from loadtests.results.inputs import hash_inputs
from loadtests.results.run_directory import RunDirectory
from scripts.doctor import environment, traces
from scripts.init import survey
from scripts.local_stack.prometheus import Prometheus
from scripts.rules import exposed
from tests.bad_input.conftest import Peakproof
from tests.bad_input.hostile import CONTENTS, ESCAPE, HIDDEN, SECRET
from tests.bad_input.test_hostile_files import CODES, in_time, put, unsafe
from tests.loadtests.hostile_server import Answer, HostileServer, Seen, reply
from tests.ports import free_base
from tests.record_pages import record_pages
from tests.scripts.made_run import make_run
from tests.scripts.world import OBJECTIVES, script, targets, write_inputs

__all__ = ["in_time"]
SHORT_S = 0.3
NOISE = f"{ESCAPE}{HIDDEN}{SECRET}"
TEXT = ("Content-Type: text/plain",)


def endless(head: bytes, piece: bytes, every_s: float = 0.0) -> Answer:
    """Send `head`, and then `piece` again and again for as long as somebody takes it."""

    def answer(connection: socket.socket, _: Seen) -> bool:
        connection.sendall(head)
        while True:
            connection.sendall(piece)
            time.sleep(every_s)

    return answer


def bomb(connection: socket.socket, _: Seen) -> bool:
    """Send 64 MiB of zeros as the few that they are when they are compressed."""
    connection.sendall(reply(gzip.compress(bytes(64 << 20)), headers=("Content-Encoding: gzip",)))
    return True


def gone(connection: socket.socket, _: Seen) -> bool:
    """Close the connection without a word."""
    connection.close()
    return False


OK = b"HTTP/1.1 200 OK\r\n"
JSON = ("Content-Type: application/json",)
ANSWERS: dict[str, bytes | Answer] = {
    "nothing": gone,
    "another protocol": b"\x15\x03\x03\x00\x02\x02\x28" + NOISE.encode(),
    "a status in control characters": f"HTTP/1.1 200 {NOISE}\r\nContent-Length: 0\r\n\r\n".encode(),
    "a refusal in control characters": reply(NOISE.encode(), status="403 X", headers=TEXT),
    "an error page with the token": reply(f"<html>{NOISE}</html>".encode(), status="500 X"),
    "a redirect with the token": reply(b"", status="302 X", headers=(f"Location: http://u:{SECRET}@evil.test/",)),
    "keys and values that are escapes": reply(
        json.dumps({**dict.fromkeys((NOISE, "version", "status"), NOISE), "orders": [{NOISE: NOISE}]}).encode(),
        headers=JSON,
    ),
    "rows that are escapes": reply(
        json.dumps([{"id": NOISE, "key": NOISE, "run": NOISE, "status": NOISE, "created_at": NOISE}] * 3).encode(),
        headers=JSON,
    ),
    "Prometheus' own words in escapes": reply(
        json.dumps({"status": "error", "errorType": NOISE, "error": NOISE, "data": {"resultType": NOISE}}).encode(),
        headers=JSON,
    ),
    "metrics in escapes": reply(f'# TYPE x {NOISE}\n{NOISE}{{a="{NOISE}"}} 1\n'.encode(), headers=TEXT),
    "a page of forms in escapes": reply(f"<title>{NOISE}</title><a href='/{NOISE}'>{NOISE}</a>".encode()),
    "brackets without end": reply(b"[" * 100_000, headers=JSON),
    "braces without end": reply(b'{"data":' * 100_000, headers=JSON),
    "numbers without end": reply(b'{"next": ' + b"9" * 5_000 + b', "version": 1e999, "orders": NaN}', headers=JSON),
    "half a surrogate pair": reply(b'{"version": "\\ud800", "\\udfff": "\\ud800"}', headers=JSON),
    "not UTF-8": reply(b'{"version": "\xff\xfe\x1b[31m"}', headers=("Content-Type: application/json; charset=utf-7",)),
    "UTF-16": reply('{"version": "x"}'.encode("utf-16"), headers=JSON),
    "a coding that it isn't in": reply(b"{}", headers=("Content-Encoding: gzip",)),
    "a coding nobody knows": reply(b"{}", headers=(f"Content-Encoding: {SECRET}",)),
    "gigabytes in little": bomb,
    "a body without end": endless(OK + b"\r\n", b" " * 65_536),
    "a head without end": endless(OK, b"X: y\r\n" * 1_000),
    "a head that drips": endless(OK + b"X: ", b"y", 0.02),
    "a body that drips": endless(OK + b"Content-Length: 99999\r\n\r\n", b" ", 0.02),
    "chunks that drip behind a refusal": endless(
        b"HTTP/1.1 410 X\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 0.02
    ),
}  # fmt: skip
FEW = {"keys and values that are escapes", "a body that drips", "brackets without end"}
"""Those of `make test`; the others are asked in `make test-heavy`, for each takes a command or two."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run directory that passes."""
    return make_run(tmp_path_factory.mktemp("made"), "PASS")


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give answers little time: how long they are given is tested where that is."""
    for module, name in (
        *((survey, "TIMEOUT_S"), (environment, "_TIMEOUT_S"), (traces, "_TIMEOUT_S"), (traces, "LONGEST_S")),
        *((alertmanager, "TIMEOUT_S"), (kill_switch, "TIMEOUT_S"), (preflight, "_TIMEOUT_S"), (exposed, "_TIMEOUT_S")),
    ):
        monkeypatch.setattr(module, name, SHORT_S)
    for function in (probe_release, Prometheus.range, Prometheus.instant, Prometheus._get):
        *others, _ = function.__defaults__ or ()
        monkeypatch.setattr(function, "__defaults__", (*others, SHORT_S))
    monkeypatch.setattr(survey, "EVERY_S", 0.0)


@pytest.fixture
def checked(called: Peakproof) -> Callable[..., str]:
    """Call a command, and check how it ends; return what it said. The token `is_known` to those that are given it."""

    def check(*arguments: str, codes: set[int] = CODES, is_known: bool = True) -> str:
        ended = called(*arguments, SHOP_TOKEN=SECRET, PEAKPROOF_PROMETHEUS=str(called.command.folder / "prometheus"))
        said = ended.out + ended.err
        assert ended.code in codes, said[:2000]
        assert not is_known or SECRET not in said
        assert unsafe(said) == set(), said[:2000]
        return said

    script(called.command.folder / "prometheus", "exit 0")
    return check


def declared(url: str, **changed: Any) -> str:
    records = record_pages(orders=f"{url}/admin/orders", payments=f"{url}/payments", stock=f"{url}/admin/stock")
    for one in records.values():
        one["deadline_s"] = 1
    beside = {"kill_url": f"{url}/kill", "metrics": [{"job": "shop", "url": f"{url}/metrics"}], "alertmanager_url": url}
    sent = {"headers": {"X-Key": {"env": "SHOP_TOKEN"}}}  # to every page of the shop, which may repeat it
    return targets(url, **{"traces": None, "shop_records": records, **sent, **beside, **changed})


def init(checked: Callable[..., str], url: str, _run: Path, _folder: Path) -> None:
    checked("init", url, "--to", "drafted", is_known=False)


def doctor(checked: Callable[..., str], url: str, _run: Path, folder: Path) -> None:
    write_inputs(folder, targets=declared(url))
    assert url in checked("doctor", "--on", "staging", "--port-base", str(free_base()), codes={2, 75})


def audit(checked: Callable[..., str], url: str, run: Path, folder: Path) -> None:
    copy = RunDirectory(path=Path(shutil.copytree(run, folder / "runs" / run.name)))
    copy.targets.write_text(declared(url))
    document = json.loads(copy.run.read_text())
    copy.run.write_text(json.dumps({**document, "inputs": hash_inputs(copy)}))
    assert "unknown " in checked("audit", run.name, codes={75})


def budget(checked: Callable[..., str], url: str, _run: Path, _folder: Path) -> None:
    checked("slo", "budget", "objectives.yaml", "--prometheus", url, codes={75}, is_known=False)


def series(checked: Callable[..., str], url: str, _run: Path, _folder: Path) -> None:
    checked("slo", "check", "objectives.yaml", "--prometheus", url, codes={2, 75, 99}, is_known=False)


ASKED_BY = (init, doctor, audit, budget, series)
CASES = [
    pytest.param(ask, answer, id=f"{ask.__name__}: {kind}", marks=() if kind in FEW else pytest.mark.heavy)
    for ask in ASKED_BY
    for kind, answer in ANSWERS.items()
]


@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize(("ask", "answer"), CASES)
def test_whatever_a_server_answers_is_said_and_nothing_else_happens(
    ask: Callable[..., None], answer: bytes | Answer, checked: Callable[..., str], run: Path, called: Peakproof
) -> None:
    write_inputs(called.command.folder)
    with HostileServer(answer) as server:
        ask(checked, server.url, run, called.command.folder)
        assert server.connections


FILES: Mapping[str, bytes] = {
    **{
        kind: CONTENTS[kind] for kind in ("nothing", "zero bytes", "not UTF-8", "one long line", "brackets without end")
    },
    "what it raises is escapes": f"raise ValueError({NOISE!r})\n".encode(),
    "it ends the process": f"import sys\nsys.exit({NOISE!r})\n".encode(),
    "a name of escapes": f"class Shop:\n    {NOISE!r}\n    x = {NOISE!r}.nothing\n".encode(),
}


@pytest.mark.heavy
@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
@pytest.mark.parametrize("key", ["file", "locustfile"])
def test_a_stranger_s_code_that_is_none_is_refused_in_words_that_a_terminal_takes(
    key: str, content: bytes, checked: Callable[..., str], called: Peakproof
) -> None:
    write_inputs(called.command.folder, targets=targets(storefront={key: "theirs.py"}))
    put(called.command.folder, {"theirs.py": content})
    said = checked("doctor", "--on", "staging", "--port-base", str(free_base()), codes={2, 75}, is_known=False)
    assert "wrong    storefront   " in said


SIGNERS = ("nothing", "zero bytes", "not UTF-8", "one long line", "an escape on each line", "too much")


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs OpenSSH's ssh-keygen")
@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize("kind", SIGNERS)
def test_a_file_of_signers_that_is_none_signs_nothing(
    kind: str, checked: Callable[..., str], run: Path, called: Peakproof
) -> None:
    copy = shutil.copytree(run, called.command.folder / "runs" / run.name)
    (copy / "manifest.json.sig").write_bytes(
        b"-----BEGIN SSH SIGNATURE-----\n" + NOISE.encode() + CONTENTS[kind][:4096]
    )
    put(called.command.folder, {"signers": CONTENTS[kind]})
    checked("verify", run.name, "--signers", "signers", codes={2, 75})


ROWS: Mapping[str, tuple[Any, ...]] = {
    "escapes": (NOISE, NOISE, NOISE, NOISE, NOISE),
    "numbers without end": (1, 2, "accepted", float("inf"), "9" * 5_000),
    "bytes": (b"\xff\xfe", b"\x1b[31m", b"accepted", b"1", b"\0"),
    "brackets without end": ("o1", "k1", "[" * 100_000, 1, 1),
    "nothing": (None, None, None, None, None),
}


@pytest.mark.heavy
@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_row_of_a_database_that_is_hostile_is_said_as_a_terminal_takes_it(
    row: tuple[Any, ...], checked: Callable[..., str], called: Peakproof
) -> None:
    folder = called.command.folder
    with sqlite3.connect(folder / "shop.db") as database:
        database.execute("CREATE TABLE o (id, key, status, at, total)")
        database.execute("INSERT INTO o VALUES (?, ?, ?, ?, ?)", row)
    database.close()
    query = (
        "SELECT id AS order_id, key AS \"key\", status, at AS created_at, total AS total_cents, '[]' AS lines FROM o"
    )
    sql = {"orders": {"sql": {"url": f"sqlite:///{folder}/shop.db", "query": query}, "times": "s"}}
    write_inputs(folder, targets=targets(shop_records=sql, release_probe=None), objectives=OBJECTIVES)
    said = checked("doctor", "--on", "staging", "--port-base", str(free_base()), codes={2, 75}, is_known=False)
    assert "orders" in said
