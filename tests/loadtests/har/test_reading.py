"""A recording is read entry by entry; what isn't one is refused by file, place, what is there and what is allowed."""

import base64
import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loadtests.har import reading
from loadtests.har.importing import import_visit
from loadtests.har.reading import read_har
from slo.documents import BadInput

SECRET = "hunter2-of-kim"
ROOT = Path(__file__).parents[3]


def entry(
    url: str = "https://shop.example/", mime: str = "text/html", text: str | None = "<p>hi", **changed: Any
) -> Any:
    """Return one entry as a browser writes it."""
    content = {"size": 9, "mimeType": mime, **({} if text is None else {"text": text})}
    return {
        "startedDateTime": "2026-11-27T19:00:00.000Z",
        "time": 12.5,
        "request": {"method": "GET", "url": url, "headers": [{"name": "Accept", "value": "text/html"}]},
        "response": {"status": 200, "headers": [], "content": content, "redirectURL": ""},
        **changed,
    }


def har(*entries: Any) -> dict[str, Any]:
    return {"log": {"version": "1.2", "creator": {"name": "x", "version": "1"}, "entries": list(entries)}}


def file(folder: Path, content: object) -> Path:
    path = folder / "visit.har"
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    path.write_bytes(raw)
    return path


def refusal(folder: Path, content: object) -> str:
    """Return why a file is refused, without its folder."""
    with pytest.raises(BadInput) as error:
        import_visit(read_har(file(folder, content)))
    return str(error.value).replace(f"{folder}/", "")


def changed(change: Callable[[Any], object]) -> dict[str, Any]:
    one = entry()
    change(one)
    return har(entry(), one)


WRONG: dict[str, tuple[object, str]] = {
    "nothing": (
        b"",
        "visit.har: log.entries[0]: cut short or not JSON, before byte 0; 0 entries are whole: save",
    ),
    "no JSON": (
        b"<html>",
        "visit.har: log.entries[0]: cut short or not JSON, before byte 6; 0 entries are whole: save",
    ),
    "a list": ([], "visit.har: the top: expected an object, found a list"),
    "another document": ({"a": 1}, "visit.har: log.entries: required and missing: is it a HAR file?"),
    "entries of another kind": ({"log": {"entries": {}}}, "visit.har: log.entries: expected a list, found an object"),
    "no entries": (har(), "visit.har: log.entries: expected the requests of a visit, found none"),
    "an entry of another kind": (har(7), "visit.har: log.entries[0]: expected an object, found a number"),
    "no request": (
        changed(lambda one: one.pop("request")),
        "visit.har: log.entries[1].request: expected an object, found nothing",
    ),
    "an address of another kind": (
        changed(lambda one: one["request"].update(url=[SECRET])),
        "visit.har: log.entries[1].request.url: expected a text, found a list",
    ),
    "no address": (
        changed(lambda one: one["request"].update(url=f"http://[{SECRET}")),
        "visit.har: log.entries[1].request.url: expected an address, found what is none",
    ),
    "a header of another kind": (
        changed(lambda one: one["request"].update(headers=[{"name": "Authorization", "value": {"x": SECRET}}])),
        "visit.har: log.entries[1].request.headers[0].value: expected a text, found an object",
    ),
    "a status of another kind": (
        changed(lambda one: one["response"].update(status="200")),
        "visit.har: log.entries[1].response.status: expected a number, found a text",
    ),
    "no time": (
        changed(lambda one: one.update(startedDateTime="yesterday")),
        "visit.har: log.entries[1].startedDateTime: expected a time such as 2026-11-27T19:00:00.000Z",
    ),
    "too deep": (
        changed(lambda one: one["response"].update(x=json.loads("[" * 50 + "]" * 50))),
        "visit.har: log.entries[1].response.x.item.item.item.item",
    ),
    "no page": (
        har(entry(text="", mime="image/png")),
        "visit.har: none of 1 entries is a page or a call for data that was answered: record from the shop's first",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_recording_is_refused_by_its_place(tmp_path: Path, what: str) -> None:
    content, message = WRONG[what]
    said = refusal(tmp_path, content)
    assert said.startswith(message)
    assert SECRET not in said


def test_a_recording_that_is_cut_says_how_much_of_it_is_whole(tmp_path: Path) -> None:
    whole = json.dumps(har(entry(), entry(), entry(text=SECRET * 9))).encode()
    said = refusal(tmp_path, whole[:-60])
    assert said.startswith("visit.har: log.entries[2]: cut short or not JSON, before byte ")
    assert said.endswith("; 2 entries are whole: save the recording again")
    assert SECRET not in said


def test_one_entry_that_goes_on_and_on_is_refused_before_it_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_ENTRY_BYTES", 200_000)
    assert refusal(tmp_path, har(entry(), entry(text="x" * 500_000))) == (
        "visit.har: log.entries[1]: over 200000 bytes; at most so many are read"
    )


@pytest.mark.parametrize(
    ("bound", "least", "message"),
    [
        ("MAX_BYTES", 100, "bytes; at most 100 are read: record one visit, or leave bodies out"),
        ("MAX_ENTRIES", 1, "visit.har: over 1 entries: record one visit"),
        ("MAX_HELD_BYTES", 40, "log.entries[1]: over 40 characters of requests and headers: record one visit"),
    ],
)
def test_a_recording_over_a_bound_is_refused_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, least: int, message: str
) -> None:
    monkeypatch.setattr(reading, bound, least)
    assert message in refusal(tmp_path, har(entry(), entry()))


def test_bodies_beyond_the_bounds_aren_t_kept_and_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_KEPT_BYTES", 12)
    first, second = read_har(file(tmp_path, har(entry(text="<p>hello"), entry(text="<p>again")))).entries
    assert (first.body, first.lacks) == (b"<p>hello", "")
    assert (second.body, second.lacks) == (None, "over 0 MiB of pages came before")


def test_a_recording_without_bodies_says_so_and_is_still_a_visit(tmp_path: Path) -> None:
    made = import_visit(read_har(file(tmp_path, har(entry(text=None), entry("https://shop.example/a", text=None)))))
    assert made.visit.notes == (
        "2 replies without a body: it isn't in the recording: nothing can be found in them; record with bodies",
    )
    assert '        self.get("home", "/")' in made.draft.text.splitlines()


def test_a_body_in_base64_is_read_in_its_own_charset(tmp_path: Path) -> None:
    raw = base64.b64encode("<p>Größe".encode("latin-1")).decode()
    good, bad = entry(), entry()
    good["response"]["content"] |= {"text": raw, "encoding": "base64", "mimeType": "text/html; charset=iso-8859-1"}
    bad["response"]["content"] |= {"text": "!!!", "encoding": "base64"}
    first, second = read_har(file(tmp_path, har(good, bad))).entries
    assert (first.body, first.lacks) == ("<p>Größe".encode(), "")
    assert (second.body, second.lacks) == (None, "its base64 can't be read")


@pytest.mark.parametrize("packed", [lambda raw: raw, gzip.compress, lambda raw: b"\xef\xbb\xbf" + raw])
def test_a_file_may_be_compressed_or_begin_with_a_byte_order_mark(
    tmp_path: Path, packed: Callable[[bytes], bytes]
) -> None:
    raw = json.dumps(har(entry(), entry("https://shop.example/b"))).encode()
    read = read_har(file(tmp_path, packed(raw)))
    assert [one.url for one in read.entries] == ["https://shop.example/", "https://shop.example/b"]


def test_a_compressed_file_that_is_cut_is_refused(tmp_path: Path) -> None:
    packed = gzip.compress(json.dumps(har(entry())).encode())
    assert refusal(tmp_path, packed[:-20]).startswith("visit.har: can't be read: ")


def test_of_what_is_no_step_nothing_is_kept(tmp_path: Path) -> None:
    image = entry("https://shop.example/a.png", mime="image/png", text=SECRET)
    (kept,) = read_har(file(tmp_path, har(image))).entries
    assert (kept.what, kept.headers, kept.body) == ("images, scripts, styles", (), None)


def test_entries_are_in_the_order_of_time_whatever_the_file_s(tmp_path: Path) -> None:
    late = entry("https://shop.example/late", startedDateTime="2026-11-27T19:00:01+00:00")
    read = read_har(file(tmp_path, har(late, entry("https://shop.example/early"))))
    assert [one.parts.path for one in read.entries] == ["/early", "/late"]


MEASURED = """
import sys
from pathlib import Path
from loadtests.har.importing import import_visit
from loadtests.har.reading import read_har
from loadtests.runtime.process_memory import peak_rss_bytes
made = import_visit(read_har(Path(sys.argv[1])))
print(len(made.visit.notes), peak_rss_bytes() >> 20)
"""


@pytest.mark.heavy
def test_a_recording_of_200_mb_is_read_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "visit.har"
    picture = json.dumps(entry("https://shop.example/a.mp4", mime="video/mp4", text="A" * 33_000_000)).encode()
    with path.open("wb") as written:
        written.write(b'{"log": {"version": "1.2", "entries": [' + json.dumps(entry(text="<p>hello")).encode())
        for _ in range(6):
            written.write(b"," + picture)
        written.write(b"]}}")
    assert path.stat().st_size > 198_000_000
    command = [sys.executable, "-c", MEASURED, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[1]) < 600, done.stdout
