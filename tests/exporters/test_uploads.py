"""What workers upload over HTTP: taken whole and once, from the worker whose file it is, and never at others' cost."""

import hashlib
import http.client
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
import requests

from exporters.spans.recorder import Recorder
from exporters.uploads import MOST_OTHERS, MOST_PARTS
from loadtests.coordination.uploads import PART_BYTES, ROWS_BYTES, digest_field, file_named, token_for
from loadtests.results.run_directory import RunDirectory

KEY, RUN_TOKEN = "a-key-for-uploads", "canary-of-the-run"
PART, LEDGER, STATUS = "requests-w0-00000.parquet", "ledger-w0.jsonl", "worker-w0.json"
ROW = b'{"event":"attempt"}\n'


@contextmanager
def serving(run: RunDirectory) -> Iterator[Recorder]:
    recorder = Recorder(run, token=RUN_TOKEN, metrics_token="canary-of-metrics", upload_key=KEY)
    recorder.start()
    yield recorder
    recorder.stop()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunDirectory, Recorder]]:
    path = tmp_path_factory.mktemp("runs") / "20261127T000000Z-small-abcd"
    path.mkdir()
    run = RunDirectory(path=path)
    with serving(run) as recorder:
        yield run, recorder


@pytest.fixture
def run(shared: tuple[RunDirectory, Recorder]) -> RunDirectory:
    for path in (*shared[0].path.glob("errors/*"), *shared[0].path.iterdir()):
        path.rmdir() if path.is_dir() else path.unlink()
    return shared[0]


@pytest.fixture
def server(shared: tuple[RunDirectory, Recorder]) -> Recorder:
    return shared[1]


def put(
    server: Recorder, run: RunDirectory, name: str, body: bytes, *, worker: str = "w0", **fields: str
) -> requests.Response:
    digest = digest_field(hashlib.sha256(body).digest())
    sent = {"Authorization": f"Bearer {token_for(KEY, run.name, worker)}", "Content-Digest": digest}
    sent |= {name.replace("_", "-"): value for name, value in fields.items()}
    return requests.put(f"{server.url}/runs/{run.name}/{name}", data=body, headers=sent, timeout=30)


def written(run: RunDirectory) -> dict[str, bytes]:
    files = (path for path in run.path.rglob("*") if path.is_file())
    return {path.relative_to(run.path).as_posix(): path.read_bytes() for path in files}


def test_a_part_appears_as_it_was_sent_and_a_repeat_changes_nothing(server: Recorder, run: RunDirectory) -> None:
    body = os.urandom(300_000)
    assert put(server, run, PART, body).status_code == 201
    assert put(server, run, PART, body).status_code == 204
    assert written(run) == {PART: body}


def test_a_part_is_on_disk_before_it_has_its_name(
    server: Recorder, run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, sync = list[bool](), os.fsync

    def seen(descriptor: int) -> None:
        synced.append((run.path / PART).exists())
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", seen)
    put(server, run, PART, b"x")
    assert (synced, (run.path / PART).exists()) == ([False], True)


@pytest.mark.parametrize("name", [PART, LEDGER, STATUS])
def test_a_body_that_was_changed_by_one_bit_is_not_taken(server: Recorder, run: RunDirectory, name: str) -> None:
    digest = digest_field(hashlib.sha256(b"abd").digest())
    fields = {"Content_Digest": digest, "Upload_Offset": "0", "Upload_Version": "1"}
    reply = put(server, run, name, b"abc", **fields)
    assert (reply.status_code, reply.text) == (400, "the body isn't what Content-Digest says\n")
    assert written(run) == {}


@pytest.mark.parametrize("name", [PART, LEDGER, STATUS])
def test_a_body_that_ends_early_leaves_nothing(server: Recorder, run: RunDirectory, name: str) -> None:
    host, _, port = server.url.removeprefix("http://").partition(":")
    digest = digest_field(hashlib.sha256(b"x" * 1000).digest())
    with closing(socket.create_connection((host, int(port)))) as wire:
        wire.sendall(
            f"PUT /runs/{run.name}/{name} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nContent-Digest: {digest}\r\n"
            f"Upload-Offset: 0\r\nUpload-Version: 1\r\nAuthorization: Bearer {token_for(KEY, run.name, 'w0')}\r\n"
            f"\r\n{'x' * 999}".encode()
        )
        wire.shutdown(socket.SHUT_WR)
        assert wire.recv(1000).startswith(b"HTTP/1.1 400 ")
    assert written(run) == {}


def test_rows_are_appended_and_what_is_repeated_or_leaves_a_gap_is_answered_with_the_length(
    server: Recorder, run: RunDirectory
) -> None:
    first = put(server, run, LEDGER, ROW, Upload_Offset="0")
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, str(len(ROW)))
    for offset in (0, 1, len(ROW) - 1, len(ROW) + 1):
        again = put(server, run, LEDGER, ROW, Upload_Offset=str(offset))
        assert (again.status_code, again.headers["Upload-Offset"]) == (409, str(len(ROW)))
    assert put(server, run, LEDGER, ROW, Upload_Offset=str(len(ROW))).headers["Upload-Offset"] == str(2 * len(ROW))
    assert written(run) == {LEDGER: 2 * ROW}


def test_rows_that_come_twice_at_once_are_appended_once(
    server: Recorder, run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    replies: list[int] = []
    open_file = Path.open

    def slowly(path: Path, mode: str = "r") -> IO[Any]:
        file: IO[Any] = open_file(path, mode)
        time.sleep(0.1)  # all of them would have looked by now how long the ledger is
        return file

    monkeypatch.setattr(Path, "open", slowly)
    send = lambda: replies.append(put(server, run, LEDGER, ROW * 1000, Upload_Offset="0").status_code)  # noqa: E731
    threads = [threading.Thread(target=send) for _ in range(MOST_OTHERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(replies) == [204] + [409] * (MOST_OTHERS - 1)
    assert written(run) == {LEDGER: ROW * 1000}


def test_an_older_status_never_takes_the_place_of_a_newer(server: Recorder, run: RunDirectory) -> None:
    for version in ("1", "3", "2"):
        assert put(server, run, STATUS, version.encode() * 2, Upload_Version=version).status_code == 204
    assert written(run) == {STATUS: b"33"}


@pytest.mark.parametrize("name", ["errors/w0.jsonl", "errors/storefront-w0.txt"])
def test_what_a_worker_keeps_of_errors_replaces_what_it_sent_before(
    server: Recorder, run: RunDirectory, name: str
) -> None:
    for version in ("1", "3", "2"):
        assert put(server, run, name, version.encode() * 2, Upload_Version=version).status_code == 204
    assert written(run) == {name: b"33"}
    assert put(server, run, name, b"x", worker="w1", Upload_Version="9").status_code == 401


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [(LEDGER, "Upload_Offset", value) for value in ("", "-1", "x", "1.0", "9" * 16)]
    + [(STATUS, "Upload_Version", value) for value in ("", "-1", "x")],
)
def test_an_offset_or_version_that_is_no_number_is_refused(
    server: Recorder, run: RunDirectory, name: str, field: str, value: str
) -> None:
    assert put(server, run, name, b"x", **{field: value}).status_code == 400
    assert written(run) == {}


@pytest.mark.parametrize(
    "name",
    [
        "run.json",
        "verdict.json",
        "job.json",
        "live.json",
        "over",
        "",
        "../worker-w0.json",
        "%2e%2e/worker-w0.json",
        "logs/worker-w0.json",
        "requests-w0-../../x.parquet",
        "requests-w0-00000.parquet%0a",
        "requests-w0-0.parquet",
        "spans-w0-00000.parquet",
        "ledger-x.jsonl",
        "ledger-w0.jsonl/",
        ".ledger-w0.jsonl",
        "errors/hang-w0.txt",
        "errors/w0.txt",
        "errors/../w0.jsonl",
        "errors/errors/w0.jsonl",
        "w0.jsonl",
    ],
)
def test_only_files_that_a_worker_writes_can_be_uploaded(server: Recorder, run: RunDirectory, name: str) -> None:
    target = f"/runs/{run.name}/{name}"
    with closing(http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)) as wire:
        token = token_for(KEY, run.name, "w0")
        wire.request("PUT", target, b"x", {"Authorization": f"Bearer {token}", "Upload-Offset": "0"})
        assert wire.getresponse().status == 404
    assert written(run) == {}
    assert file_named(name) is None


def test_another_run_is_not_written(server: Recorder, run: RunDirectory) -> None:
    other = RunDirectory(path=run.path.with_name("20261127T000000Z-small-0000"))
    assert put(server, other, LEDGER, ROW, Upload_Offset="0").status_code == 404
    assert not other.path.exists()


@pytest.mark.parametrize(
    "authorization",
    [
        f"Bearer {RUN_TOKEN}",
        "Bearer canary-of-metrics",
        f"Bearer {KEY}",
        f"Bearer {token_for(KEY, '20261127T000000Z-small-abcd', 'w1')}",
        f"Bearer {token_for(KEY, 'another-run', 'w0')}",
        f"Bearer {token_for('another-key', '20261127T000000Z-small-abcd', 'w0')}",
        token_for(KEY, "20261127T000000Z-small-abcd", "w0"),
        "Bearer \u00e9",
        "Bearer ",
        "",
    ],
)
@pytest.mark.parametrize("name", [PART, LEDGER, STATUS])
def test_without_the_token_of_the_worker_whose_file_it_is_nothing_is_written(
    server: Recorder, run: RunDirectory, name: str, authorization: str
) -> None:
    fields = {"Authorization": authorization, "Upload_Offset": "0", "Upload_Version": "1"}
    reply = put(server, run, name, b"x", **fields)
    assert (reply.status_code, reply.text) == (401, "the upload token of w0 is wanted\n")
    assert written(run) == {}


@pytest.mark.parametrize(("name", "most"), [(PART, PART_BYTES), (LEDGER, ROWS_BYTES), (STATUS, ROWS_BYTES)])
def test_what_is_too_large_is_refused_before_it_is_read(
    server: Recorder, run: RunDirectory, name: str, most: int
) -> None:
    with closing(http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)) as wire:
        wire.putrequest("PUT", f"/runs/{run.name}/{name}")
        wire.putheader("Authorization", f"Bearer {token_for(KEY, run.name, 'w0')}")
        wire.putheader("Content-Length", str(most + 1))
        wire.endheaders()
        assert wire.getresponse().status == 413
    assert written(run) == {}


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", f"/runs/20261127T000000Z-small-abcd/{PART}"), ("POST", "/v1/traces")]
)
def test_a_body_that_comes_without_a_token_is_not_read(server: Recorder, method: str, path: str) -> None:
    with closing(http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=5)) as wire:
        wire.putrequest(method, path)
        wire.putheader("Content-Length", "1000000")
        wire.endheaders()
        reply = wire.getresponse()
        assert (reply.status, reply.headers["Connection"]) == (401, "close")


def test_a_body_without_a_length_is_refused(server: Recorder, run: RunDirectory) -> None:
    target = f"{server.url}/runs/{run.name}/{PART}"
    sent = {"Authorization": f"Bearer {token_for(KEY, run.name, 'w0')}"}
    assert requests.put(target, data=iter([b"x"]), headers=sent, timeout=30).status_code == 411


def test_nothing_is_read_back_or_removed(server: Recorder, run: RunDirectory) -> None:
    put(server, run, PART, b"x")
    for method in ("GET", "HEAD", "POST", "DELETE"):
        sent = {"Authorization": f"Bearer {token_for(KEY, run.name, 'w0')}"}
        target = f"{server.url}/runs/{run.name}/{PART}"
        reply = requests.request(method, target, headers=sent, timeout=30)
        assert (reply.status_code, reply.headers["Allow"]) == (405, "PUT")
    assert written(run) == {PART: b"x"}


def half_sent(server: Recorder, run: RunDirectory, name: str) -> socket.socket:
    """Return a connection on which a body has begun and doesn't end."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    wire = socket.create_connection((host, int(port)))
    wire.sendall(
        f"PUT /runs/{run.name}/{name} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nUpload-Offset: 0\r\n"
        f"Authorization: Bearer {token_for(KEY, run.name, 'w0')}\r\n\r\nx".encode()
    )
    return wire


def test_uploads_that_do_not_end_leave_threads_to_rows_spans_and_scrapes(server: Recorder, run: RunDirectory) -> None:
    wires = [half_sent(server, run, f"requests-w0-{number:05d}.parquet") for number in range(3 * MOST_PARTS)]
    refused = [wire for wire in wires if is_refused(wire)]
    assert len(refused) == 2 * MOST_PARTS
    assert put(server, run, PART, b"x").status_code == 503
    assert put(server, run, LEDGER, ROW, Upload_Offset="0").status_code == 204
    bearer = {"Authorization": f"Bearer {RUN_TOKEN}"}
    assert requests.get(server.metrics_url, headers=bearer, timeout=2).status_code == 200
    spans = {**bearer, "Content-Type": "application/x-protobuf"}
    assert requests.post(server.traces_url, data=b"", headers=spans, timeout=2).status_code == 200
    for wire in wires:
        wire.close()
    while put(server, run, PART, b"x").status_code == 503:
        pass
    assert written(run) == {PART: b"x", LEDGER: ROW}


def is_refused(wire: socket.socket) -> bool:
    wire.settimeout(0.5)
    try:
        return wire.recv(1000).startswith(b"HTTP/1.1 503 ")
    except TimeoutError:
        return False


def test_a_disk_that_takes_nothing_is_told_and_the_server_goes_on(server: Recorder, run: RunDirectory) -> None:
    (run.path / LEDGER).mkdir()
    assert put(server, run, LEDGER, ROW, Upload_Offset="0").status_code == 507
    (run.path / LEDGER).rmdir()
    assert put(server, run, LEDGER, ROW, Upload_Offset="0").status_code == 204


def test_what_never_became_whole_is_gone_when_the_server_stops(run: RunDirectory) -> None:
    with serving(run) as server, closing(half_sent(server, run, PART)):
        while not list(run.path.glob(".*.upload.tmp")):
            pass
    assert written(run) == {}


def test_a_recorder_without_a_key_takes_no_uploads(run: RunDirectory) -> None:
    recorder = Recorder(run)
    recorder.start()
    assert put(recorder, run, PART, b"x").status_code == 405
    recorder.stop()
    assert written(run) == {}
