"""No secret of a recording stands in what is written or said of it, wherever in a request it stood."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from loadtests.har.addresses import secrets_of
from loadtests.har.importing import Imported, import_visit
from loadtests.har.reading import read_har
from tests.loadtests.har.test_reading import file, har
from tests.loadtests.har.test_values import Calls
from tests.loadtests.har.test_visit import SHOP, asked

TOKENS = {
    "hex": "9f8e7d6c5b4a39281706f5e4d3c2b1a0",
    "base64url": "Zk3v_Q9x-Lr7TmB2pWc8Ys",
    "letters": "kJhGfDsAqWeRtYuIoPzXcV",
    "a JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJraW0ifQ.c2lnbmF0dXJlLW9mLWtpbQ",
    "a code of eight digits": "48151623",
}
Recorded = Callable[[Path, str], Imported]


def page(html: str, then: dict[str, object], folder: Path) -> Imported:
    return import_visit(read_har(file(folder, har(asked("/", text=f"<html><body>{html}</body></html>"), then))))


def called(path: str) -> Recorded:
    return lambda folder, token: Calls().get("/a", {}).get(path.format(token), {}).imported(folder)


def sent(name: str) -> Recorded:
    return lambda folder, token: Calls().get("/a", {}).post("/b", {name: token}, {}).imported(folder)


def linked(path: str) -> Recorded:
    def recorded(folder: Path, token: str) -> Imported:
        to = path.format(token)
        return page(f'<p class="mail"><a href="{to}">go</a></p>', asked(to, 1, {"Referer": f"{SHOP}/"}), folder)

    return recorded


def one_of_many(folder: Path, token: str) -> Imported:
    links = "".join(f'<a href="/reset/{token}/step-{number}">go</a>' for number in range(4))
    return page(links, asked(f"/reset/{token}/step-2", 1, {"Referer": f"{SHOP}/"}), folder)


def form(action: str) -> Recorded:
    def recorded(folder: Path, token: str) -> Imported:
        to = action.format(token)
        one = asked(to, 1, {"Referer": f"{SHOP}/"})
        one["request"]["method"] = "POST"
        kind = "application/x-www-form-urlencoded"
        one["request"]["postData"] = {"mimeType": kind, "text": f"token={token}&city=Rome"}
        return page(f'<form action="{to}" method="post"><input name="city"></form>', one, folder)

    return recorded


PLACES: Mapping[str, Recorded] = {
    "a path, below its way": called("/reset-password/{}"),
    "a path, within": called("/account/activate/{}/done"),
    "a path, beside a word": called("/password/reset/confirm/{}"),
    "a matrix parameter of a path": called("/me;session={}"),
    "a pair within a path": called("/verify/token={}"),
    "a query": called("/reset?token={}"),
    "a query's second": called("/reset?page=2&reset_key={}"),
    "a query's last name": called("/reset?{}"),
    "a fragment": called("/reset#token={}"),
    "a fragment of a way": called("/#/reset/{}"),
    "a query's address": called("/login?next=%2Freset%3Ftoken%3D{}"),
    "JSON": sent("reset_token"),
    "JSON's address": lambda folder, token: sent("back")(folder, f"/reset?token={token}"),
    "a header": lambda folder, token: Calls().get("/a", {}).get("/b", {}, {"X-Api-Key": token}).imported(folder),
    "a link": linked("/reset/{}"),
    "a link's query": linked("/reset?key={}"),
    "links of a kind": one_of_many,
    "a form": form("/reset"),
    "a form's address": form("/reset/{}"),
    "a form's query": form("/reset?token={}"),
}  # fmt: skip


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS)
@pytest.mark.parametrize("place", PLACES)
def test_a_secret_is_neither_written_nor_said(place: str, token: str, tmp_path: Path) -> None:
    made = PLACES[place](tmp_path, token)
    compile(made.draft.text, "draft.py", "exec")
    said = (*made.draft.notes, *made.draft.steps, *made.visit.notes, *made.flow.settings, *made.flow.kept)
    assert [one for one in (made.draft.text, *said) if token.lower() in one.lower()] == []


@pytest.mark.parametrize("part", ["aA", "a/", "a;", "?b=/", "#/a", "%2Fx%3Fa%3D"])
def test_an_address_as_long_as_can_be_is_read_like_any_other(part: str) -> None:
    token = TOKENS["hex"]
    assert token in set(secrets_of(f"/reset/{token}?a=/{part * (60_000 // len(part))}"))


@pytest.mark.parametrize("path", ["/password/reset/step-2", "/auth/login", "/sessions/4711", "/products/blue-tee-2026"])
def test_words_and_short_numbers_are_written_whatever_stands_before_them(path: str, tmp_path: Path) -> None:
    assert f'"{path}")' in Calls().get("/a", {}).get(path, {}).imported(tmp_path).draft.text


def test_a_key_in_a_path_that_a_reply_gave_is_taken_from_it(tmp_path: Path) -> None:
    token = TOKENS["hex"]
    text = Calls().get("/a", {"order": {"id": token}}).get(f"/confirm/{token}", {}).imported(tmp_path).draft.text
    assert 'order_id = self.get("a", "/a")["order.id"]' in text
    assert 'f"/confirm/{order_id}"' in text
