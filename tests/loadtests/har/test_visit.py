"""The steps of a visit: what a shopper asked of the shop's own hosts, and nothing that a page asked beside."""

from pathlib import Path
from typing import Any

import pytest

from loadtests.har import visit as visits
from loadtests.har.importing import import_visit
from loadtests.har.reading import read_har
from loadtests.har.visit import Visit, read_visit
from slo.documents import BadInput
from tests.loadtests.har.test_reading import entry, file, har

SHOP = "https://shop.example"


def asked(path: str, at_s: float = 0.0, headers: dict[str, str] | None = None, **changed: Any) -> Any:
    """Return an entry of the shop's, so many seconds into the visit."""
    url = path if "://" in path or path.startswith("data:") else f"{SHOP}{path}"
    one = entry(url, startedDateTime=f"2026-11-27T19:00:{at_s:06.3f}Z", **changed)
    one["request"]["headers"] += [{"name": name, "value": value} for name, value in (headers or {}).items()]
    return one


def visited(folder: Path, *entries: Any, own: tuple[str, ...] = ()) -> Visit:
    return read_visit(read_har(file(folder, har(*entries))), own)


def paths(visit: Visit) -> list[str]:
    return [f"{one.kind} {one.method} {one.first.parts.path}" for one in visit.requests]


def test_what_no_shopper_does_is_left_out_by_its_kind(tmp_path: Path) -> None:
    preflight = asked("/api/cart", 1, {"Access-Control-Request-Method": "POST"})
    preflight["request"]["method"] = "OPTIONS"
    aborted = asked("/slow", 2)
    aborted["response"]["status"] = 0
    visit = visited(
        tmp_path,
        asked("/"),
        preflight,
        aborted,
        asked("/next", 3, {"Sec-Purpose": "prefetch"}),
        asked("/live", 4, _resourceType="eventsource"),
        asked("/beacon", 5, _resourceType="ping"),
        asked("/frame", 6, {"Sec-Fetch-Dest": "iframe"}),
        asked("/app.js", 7, {"Sec-Fetch-Dest": "script"}),
        asked("/font", 8, mime="font/woff2"),
        asked("data:text/html,x", 9),
        asked("/api/cart", 10, {"X-Requested-With": "XMLHttpRequest"}, mime="application/json", text="{}"),
    )
    assert paths(visit) == ["page GET /", "data GET /api/cart"]
    assert dict(visit.left_out) == {
        "preflights": 1,
        "aborted": 1,
        "prefetched": 1,
        "event streams and sockets": 1,
        "beacons": 1,
        "pages within pages": 1,
        "images, scripts, styles": 2,
        "not over HTTP": 1,
    }


def test_third_parties_are_left_out_and_hosts_of_the_shop_s_site_are_declared(tmp_path: Path) -> None:
    entries = (
        asked("/"),
        asked("https://api.shop.example/cart", 1, mime="application/json", text="{}", _resourceType="fetch"),
        asked("https://search.other.example/q", 2, mime="application/json", text="{}", _resourceType="fetch"),
        asked("https://pay.bank.example/form", 3, {"Sec-Fetch-Dest": "document"}),
    )
    visit = visited(tmp_path, *entries)
    assert visit.origins == (SHOP, "https://api.shop.example", "https://pay.bank.example")
    assert dict(visit.third_parties) == {"search.other.example": 1}
    assert visited(tmp_path, *entries, own=("search.other.example",)).third_parties == {}


def test_redirects_are_one_step_that_ends_where_they_lead(tmp_path: Path) -> None:
    moved, again = asked("/old"), asked("/new", 1)
    for one, where in ((moved, "/new#top"), (again, f"{SHOP}/newest")):
        one["response"] |= {"status": 302, "headers": [{"name": "location", "value": where}]}
    (one,) = visited(tmp_path, moved, again, asked("/newest", 2)).requests
    assert (one.first.parts.path, one.last.parts.path, one.hops) == ("/old", "/newest", 2)


def test_a_redirect_to_what_isn_t_recorded_is_named(tmp_path: Path) -> None:
    away = asked("/pay", 1)
    away["response"] |= {"status": 302, "redirectURL": "https://bank.example/x?secret=1"}
    assert visited(tmp_path, asked("/"), away).notes == (
        "GET /pay leads to bank.example, whose page isn't in the recording",
    )


def test_a_page_that_asks_again_and_again_is_one_step(tmp_path: Path) -> None:
    polls = [asked("/api/state", second, _resourceType="xhr", mime="application/json") for second in range(1, 6)]
    visit = visited(tmp_path, asked("/"), *polls)
    assert [(one.first.parts.path, one.repeated) for one in visit.requests] == [("/", 1), ("/api/state", 5)]


def test_pages_of_two_tabs_are_told_and_each_goes_on_from_its_own(tmp_path: Path) -> None:
    def follows(path: str, at_s: float, before: str) -> Any:
        return asked(path, at_s, {"Referer": f"{SHOP}{before}"})

    one_tab = (asked("/"), follows("/a", 1, "/"), follows("/b", 2, "/a"))
    assert visited(tmp_path, *one_tab).notes == ()
    two = (asked("/"), follows("/a", 1, "/"), follows("/x", 2, "/"), follows("/b", 3, "/a"), follows("/y", 4, "/x"))
    visit = visited(tmp_path, *two)
    assert visit.notes == (
        "two tabs: the pages of one were opened between those of the other; the draft asks in the order of time",
    )
    assert [one.came_from for one in visit.requests] == [None, 0, 0, 1, 2]


def test_replies_of_the_browser_s_cache_are_steps_of_a_new_shopper(tmp_path: Path) -> None:
    visit = visited(tmp_path, asked("/"), asked("/a", 1, _fromCache="disk"))
    assert paths(visit) == ["page GET /", "page GET /a"]
    assert visit.notes == (
        "1 replies came from the browser's cache: a new shopper asks for them, and so does the draft",
    )


def test_a_whole_day_s_recording_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "MAX_REQUESTS", 2)
    with pytest.raises(
        BadInput, match=r"3 pages and calls for data of https://shop\.example; .* at most 2: record one"
    ):
        visited(tmp_path, asked("/"), asked("/a", 1), asked("/b", 2))


LINKS = "".join(f'<a class="x" href="{path}">x</a>' for path in ("/en/a", "/en/b", "/en/basket", "/account/x"))
SHELF = "".join(f'<a href="/shoes/{name}-{number}">x</a>' for number, name in enumerate(("run", "hike", "walk")))


@pytest.mark.parametrize(
    ("path", "opened"),
    [
        ("/shoes/hike-1", """self.pick(home.select('a[href^="/shoes/"]'))"""),
        ("/en/basket", """home.one('a[href="/en/basket"]')"""),
        ("/account/x", """home.one('a[href="/account/x"]')"""),
    ],
)
def test_only_a_link_to_one_thing_of_many_is_picked(tmp_path: Path, path: str, opened: str) -> None:
    account = '<a href="/account/y">y</a><a href="/account/logout">out</a>'
    page = asked("/", text=f"<html><body>{LINKS}{SHELF}{account}</body></html>")
    made = import_visit(read_har(file(tmp_path, har(page, asked(path, 1, {"Referer": f"{SHOP}/"})))))
    assert opened in made.draft.text


@pytest.mark.parametrize("has_params", [True, False])
def test_a_form_with_parts_is_sent_as_a_form(tmp_path: Path, has_params: bool) -> None:  # noqa: FBT001 - pytest's
    page = asked("/", text='<form id="add" method="post" action="/add"><input name="sku" value="T-1"></form>')
    sent = asked("/add", 1, {"Referer": f"{SHOP}/"})
    head = "--b\r\nContent-Disposition: form-data;"
    body = f'{head} name="sku"\r\n\r\nT-1\r\n{head} name="note"\r\n\r\ntwo\r\n--b--\r\n'
    given = [{"name": "sku", "value": "T-1"}, {"name": "note", "value": "two"}]
    sent["request"] |= {
        "method": "POST",
        "postData": {
            "mimeType": "multipart/form-data; boundary=b",
            "text": body,
            "params": given if has_params else [],
        },
    }
    made = import_visit(read_har(file(tmp_path, har(page, sent))))
    assert 'self.submit("add", home.form("#add"), {"note": "two"})' in made.draft.text
