"""A page is read as a browser reads it, whatever it holds, and never at length."""

from collections.abc import Callable
from functools import partial
from operator import mul

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from loadtests.shopper.html_links import MAX_LINKS, MAX_PAGE, links_of


def asked(page: str) -> list[str]:
    return list(links_of(page.encode()).addresses)


@pytest.mark.parametrize(
    ("page", "addresses"),
    [
        ('<img src="/a.png">', ["/a.png"]),
        ("<IMG alt='>' SRC='/a.png'/>", ["/a.png"]),
        ("<img\n\tsrc=/a.png\nsrc=/b.png>", ["/a.png"]),
        ("<img src = /a.png><img src='/a.png'>", ["/a.png"]),
        ("<img src='/a?x=1&amp;y=2'>", ["/a?x=1&y=2"]),
        ("<img src='  /a.png '>", ["/a.png"]),
        ("<img data-src=/a.png><img src><img src=''>", []),
        ('<script src="/a.js" async></script><script>var a = "<img src=/no.png>"</script>', ["/a.js"]),
        ("<script type=module src=/a.js></script><script nomodule src=/b.js></script>", ["/a.js"]),
        ("<script type='application/ld+json' src=/a.json></script>", []),
        ("<link rel=stylesheet href=/a.css><link rel='Icon shortcut' href=/a.ico>", ["/a.css", "/a.ico"]),
        ("<link rel=preload as=font href=/a.woff2><link rel=modulepreload href=/a.mjs>", ["/a.woff2", "/a.mjs"]),
        ("<link rel=canonical href=/c><link rel=next href=/n><link rel=dns-prefetch href=//x>", []),
        ("<link rel='alternate stylesheet' href=/a.css><link rel=stylesheet disabled href=/b.css>", []),
        ("<input type=image src=/go.png><input type=text src=/no.png>", ["/go.png"]),
        ("<video poster=/p.jpg src=/v.mp4><source src=/v.webm></video>", ["/p.jpg"]),
        ("<!-- <img src=/no.png> --><img src=/a.png>", ["/a.png"]),
        ("<!--><img src=/a.png><!---><img src=/b.png>", ["/a.png", "/b.png"]),
        ("<!-- never closed <img src=/no.png>", []),
        ("<noscript><img src=/no.png></noscript><template><img src=/no.png></template><img src=/a>", ["/a"]),
        ("<title><img src=/no.png></title><textarea><img src=/no.png></TEXTAREA ><img src=/a>", ["/a"]),
        ("<style>a { background: url(/no.png) } <img src=/no.png></style><img src=/a>", ["/a"]),
        ("""<div data-card='{"html": "<img src=/no.png>"}' title="a > b"><img src=/a></div>""", ["/a"]),
        ("<p don't><img src=/a> 1 < 2 <3 <? <! </ >", ["/a"]),
        ("<image src=/no.png><imgs src=/no.png><a href=/no>", []),
        ("<img src=/a><img src='/no", ["/a"]),
        ("<img src=/a><script>never closed <img src=/no>", ["/a"]),
        ("<img src='/a?x=1&copy=2&currency=EUR&timestamp=3'>", ["/a?x=1&copy=2&currency=EUR&timestamp=3"]),
        ("<img src='/&copy;&copy-&reg;=&#x2f;&#64&nothing;&copy1&amp'>", ["/©©-®=/@&nothing;&copy1&"]),
        # HTML 13.2.5.73: what ends without a semicolon before a letter, a digit or "=" is none in an attribute.
        ("<img src='/&notit;&not=1&not;&not'>", ["/&notit;&not=1\xac\xac"]),
        (
            "<img src='/&#128;&#x41zz&#0;&#xD800;&#x110000;&#xFFFE;'>",
            ["/\u20acAzz\ufffd\ufffd\ufffd\ufffe"],
        ),  # 13.2.5.80
        (f"<img src='/&#{'9' * 5000};'>", ["/\ufffd"]),
        # MIME Sniffing 4.6
        (
            "<script type='application/x-javascript' src=/a></script><script type=' Text/JScript ' src=/b></script>",
            ["/a", "/b"],
        ),
        ("<script type=text/javascript;charset=utf-8 src=/a></script><script type=text/plain src=/b></script>", []),
        ("<script language=JavaScript1.2 src=/a></script><script language=vbscript src=/b></script>", ["/a"]),
        ("<template><template><img src=/no></template><img src=/no></template></template><img src=/a>", ["/a"]),
        ("<template><script>'</template>'</script><div><img src=/no></template><img src=/a>", ["/a"]),
        ("<img src=/a><template>never closed <img src=/no>", ["/a"]),
        ("<template><base href=/no><picture></template><source srcset=/no><img src=/a>", ["/a"]),
        ("<div><NoScript><b></div><img src=/no></NOSCRIPT ></div><img src=/a>", ["/a"]),
        ("<noscript><!-- </noscript><img src=/a><noscript><p title='</noscript><img src=/b>", ["/a", "/b"]),
        ("<noscript/><img src=/no></noscript><title/><img src=/no></title><img src=/a>", ["/a"]),
        ("", []),
    ],
)
def test_a_page_asks_for_what_a_browser_would_fetch(page: str, addresses: list[str]) -> None:
    assert asked(page) == addresses


@pytest.mark.parametrize(
    ("image", "chosen"),
    [
        ("srcset='/1.png 1x, /2.png 2x' src=/0.png", "/1.png"),
        ("srcset='/2.png 2x,/3.png 3x' src=/0.png", "/0.png"),
        ("srcset='/2.png 2x, /3.png 3x'", "/2.png"),
        ("srcset='/half.png 0.5x, /less.png 0.2x'", "/half.png"),
        ("srcset='/plain.png' src=/0.png", "/plain.png"),
        ("srcset='/400.png 400w, /1400.png 1400w, /2000.png 2000w' src=/0.png", "/1400.png"),
        ("srcset='/400.png 400w, /800.png 800w' src=/0.png", "/800.png"),
        ("srcset='/400.png 400w, /800.png 800w' sizes='(max-width: 600px) 100vw, 300px'", "/400.png"),
        ("srcset='/400.png 400w, /800.png 800w' sizes='50vw'", "/800.png"),
        ("srcset='/400.png 400w' sizes='0px'", "/400.png"),
        ("srcset='data:image/png;base64,AA== 1x, /2.png 2x'", "data:image/png;base64,AA=="),
        ("srcset=',,, /a.png,, /b.png wrong, ' src=/0.png", "/a.png"),
        ("srcset='' src=/0.png", "/0.png"),
    ],
)
def test_of_many_sizes_one_is_fetched(image: str, chosen: str) -> None:
    assert asked(f"<img {image}>") == [chosen]


@pytest.mark.parametrize(
    ("picture", "chosen"),
    [
        ("<source srcset=/a.avif type=image/avif><source srcset=/a.webp type=image/webp><img src=/a.png>", ["/a.avif"]),
        ("<source srcset=/a.jxl type=image/jxl><img src=/a.png>", ["/a.png"]),
        ("<source srcset=/wide.png media='(min-width: 5000px)'><img src=/a.png>", ["/a.png"]),
        ("<source srcset='/1.webp 1x, /2.webp 2x'><img srcset='/1.png, /2.png 2x'>", ["/1.webp"]),
    ],
)
def test_a_picture_is_fetched_once(picture: str, chosen: list[str]) -> None:
    assert asked(f"<picture>{picture}</picture><img src=/next>") == [*chosen, "/next"]


def test_a_source_is_fetched_for_an_image_in_its_picture_alone() -> None:
    assert asked("<source srcset=/no.png><img src=/a.png>") == ["/a.png"]
    assert asked("<picture><source srcset=/no.png></picture><img src=/a.png>") == ["/a.png"]


def test_the_first_base_with_an_address_is_the_page_s() -> None:
    page = b"<base target=_blank><img src=a><base href='/shop/'><base href=/other/>"
    assert links_of(page).base == "/shop/"
    assert links_of(b"<img src=a>").base is None


def test_a_preloaded_image_is_chosen_like_any_other() -> None:
    page = "<link rel=preload as=image href=/0 imagesrcset='/400 400w, /1400 1400w' imagesizes='300px'>"
    assert asked(page) == ["/400"]


def test_a_page_that_asks_for_too_much_gets_a_part_and_the_rest_is_counted() -> None:
    links = links_of("".join(f"<img src=/{n}>" for n in range(MAX_LINKS + 7)).encode())
    assert links.addresses == tuple(f"/{n}" for n in range(MAX_LINKS))
    assert links.left_out == 7


@pytest.mark.parametrize(
    ("page", "address"),
    [
        (b"<meta charset=iso-8859-1><img src='/\xc3\xa9'>", "/é"),
        (b"<?xml version='1.0' encoding='utf-16'?><img src='/\xc3\xa9'>", "/é"),
        (b"\xef\xbb\xbf<img src='/\xc3\xa9'>", "/é"),
        (b"<img src='/\xe2\x82-\xff\xfe'>", "/\ufffd-\ufffd\ufffd"),
    ],
)
def test_a_page_is_text_in_utf_8_whatever_it_calls_itself(page: bytes, address: str) -> None:
    assert links_of(page).addresses == (address,)


def test_a_value_too_long_is_passed_over_and_so_is_what_follows_thousands_of_elements() -> None:
    assert asked(f"<img src=/{'a' * 8192}><img src=/a>") == ["/a"]
    assert asked("<img src=/a>" * 5000 + "<img src=/far>") == ["/a"]


def test_what_lies_beyond_a_long_page_s_reach_is_not_read() -> None:
    assert links_of(b" " * MAX_PAGE + b"<img src=/far>").addresses == ()
    assert links_of(b" " * (MAX_PAGE - 20) + b"<img src=/near>").addresses == ("/near",)


def by_lexbor(page: str) -> list[str]:
    """Return what the plainest elements ask for, as another's parser finds them."""
    parser, found = LexborHTMLParser(page, scripting=True), dict[str, None]()
    for element in parser.css("img, script, link"):
        if address := element.attributes.get("href" if element.tag == "link" else "src"):
            found[address.strip()] = None
    return list(found)


PIECES = (
    "<img src='/a.png' alt='x'>", "<script src=/b.js></script>", '<link rel=stylesheet href="/c.css">', "<p class=x>",
    "text & <b>more</b> 1 < 2", "<!-- a > comment -->", "<a href='/d?x=1&amp;y'>&lt;img src=/no&gt;</a>",
    "<div data-x='<img src=/no>'>", "<br/>", "<img src=/e.png />", "<!doctype html>", "<style>b > i { }</style>",
    "<noscript><img src=/no></noscript>", "<template><p><img src=/no></p></template>", "<IMG\nSRC = /f?a=1&amp;b>",
    "<iframe><img src=/no></iframe>", "<title><img src=/no></title>", "<!--><img src=/g.png>", "</p></div>",
    "<img src='/h?a=1&copy=2&reg;&currency=3'>", "<template><template></template><img src=/no></template>",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_plain_pages_are_read_as_a_browser_s_parser_reads_them(page: str) -> None:
    assert asked(page) == by_lexbor(page)


HOSTILE = {
    "tags that never end": b"<a ",
    "quotes that never close": b'<a b="',
    "comments that never close": b"<!--",
    "raw text that never closes": b"<script>",
    "raw text without end": b"<title></title>",
    "attributes without end": b"<img a='1' ",
    "equals signs": b"<img =",
    "images": b"<img src=a>",
    "pictures": b"<picture><source srcset='a 1x'>",
    "candidates": b"<img srcset='a 1x,a 2x,,,,",
    "widths": b"<img srcset='a 1w' sizes='1111111111111111111",
    "half entities": b"<img src='&amp&#x&#99999999999;",
    "bytes that are no text": b"<img src='\xff\xfe\x00\x80'>",
    "blocks within blocks": b"<div>",
    "paragraphs within blocks": b"<div><p>",
    "formats that never close": b"<p><b id=1><i id=2><font color=3>",
    "ends of nothing": b"<x></y>",
    "templates": b"<template>",
    "templates without end": b"<template></template>",
}


def numbered(piece: bytes) -> bytes:
    """Return a page of MAX_PAGE bytes of pieces that differ by a number."""
    return b"".join(piece % number for number in range(MAX_PAGE // len(piece)))[:MAX_PAGE]


LONG: dict[str, Callable[[], bytes]] = {
    **{name: partial(mul, piece, 16 * MAX_PAGE // len(piece)) for name, piece in HOSTILE.items()},
    "one tag with many attributes": lambda: b"<img " + numbered(b"a%d=1 "),
    "many names": lambda: numbered(b"<x%d z>"),
    "formats that are opened anew": lambda: (
        b"<p>" + numbered(b"<b id=%d>")[: MAX_PAGE // 2] + b"<p>x" * (MAX_PAGE // 8)
    ),
}


@pytest.mark.parametrize("make", LONG.values(), ids=LONG.keys())
@pytest.mark.timeout(20)
def test_a_hostile_page_of_any_length_is_read_soon(make: Callable[[], bytes]) -> None:
    page = make()
    assert len(links_of(page).addresses) <= MAX_LINKS
    assert links_of(b"<img src=/first>" + page).addresses[:1] == ("/first",)
