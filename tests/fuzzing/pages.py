"""Parsers of what is in a shop's replies: cookies, redirects, HTML, JSON, and what is masked of them."""

from typing import Any, cast

from loadtests.client.cookies import Jar, date
from loadtests.client.http1_client import _graphql_error
from loadtests.client.interface import Reply
from loadtests.client.locations import Locations
from loadtests.client.origin import Origin
from loadtests.masking.text import masked_head
from loadtests.shopper.html_links import links_of
from loadtests.storefronts.html import HtmlError, document
from scripts.init.robots import keeps_crawlers_out
from scripts.init.storefront_draft import first_page
from tests.fuzzing.parser import Parser


def _cookies(data: bytes) -> object:
    target, *lines = data.decode("latin-1").split("\n")
    jar = Jar(lambda: 1_800_000_000.0)
    host = jar.at("shop.example.co.uk", secure=True)
    host.keep(lines, target)
    for crossing in (None, "navigation", "post", "subresource"):
        line = host.pairs(target, cast("Any", crossing))
        assert "\r" not in line, "a cookie that ends a line"
    return host.values()


def _redirect(data: bytes) -> object:
    places = Locations({None: Origin.of("https://shop.example/de"), "pay": Origin.of("https://pay.example:8443")})
    label, target = places.redirect(data.decode("latin-1"), None, "/cart?x=1")
    assert label in (None, "pay"), "a host that isn't declared"
    assert target.startswith("/"), "no path"
    assert target.isascii(), "a path that can't be sent"
    assert target.isprintable(), "a path that can't be sent"
    assert " " not in target, "a path that can't be sent"
    return target


def _forms(data: bytes) -> object:
    page = document(data)
    for element in page.select("form, a[href], [class~=x]")[:20]:
        element.text  # noqa: B018 - it is parsed when asked for
        element.get("href")
    return page


def _first_page(data: bytes) -> object:
    return first_page(data, 200).described


def _json_reply(data: bytes) -> object:
    _graphql_error(data)
    return Reply(200, data).json()


def _masked(data: bytes) -> object:
    return masked_head(data, 2048, ("secret",))


_PAGE = (
    b'<!doctype html><html><head><base href="/x/"><title>Shop</title><link rel="stylesheet preload" as="style"'
    b' href="/a.css"><link rel=preload as=image imagesrcset="/a.jpg 1x, /b.jpg 2x" imagesizes="(min-width: 10em) 50vw">'
    b'<script src="/a.js?x=1&amp;y=2"></script><style>p{}</style></head><body><!-- <img src=n> --><img srcset="/a 9w,'
    b" /b 200w\" sizes='100vw' src=/c><picture><source srcset=/d type=image/avif></picture><form action=/cart method="
    b"post><input name=a value=1><select name=s><option value=2 selected>2</select><textarea name=t>x</textarea></form>"
    b"<svg><use href=#a /></svg><video poster=/p><iframe src=//other.example/></body></html>"
)
_TAGS = (
    *(
        b"<",
        b"<!--",
        b"-->",
        b"<img src=",
        b"<script",
        b"</script>",
        b"<textarea>",
        b"<![CDATA[",
        b"]]>",
        b"&#x110000;",
    ),
    *(
        b"&#0;",
        b"&amp",
        b"&nGg;",
        b"srcset=",
        b"sizes=",
        b"<base href=",
        b"<form",
        b"<table><form>",
        b"<noscript>",
        b"<template>",
    ),
    *(
        b"<link rel=preload as=",
        b" 1e999w,",
        b"data:,",
        b"javascript:",
        b"<svg><style>",
        b"</",
        b"/>",
        b"<?xml version='1.0' encoding='utf-16'?>",
    ),
    *(b"<meta charset=utf-7>", b"<plaintext>", b"<frameset>", b"http://[::1", b"//a:99999/"),
)

PARSERS = (
    Parser(
        name="cookies",
        parse=_cookies,
        refuses=(),
        seeds=(
            b"/cart/a\nsid=1; Path=/cart; Domain=.example.co.uk; Secure; HttpOnly; SameSite=None; Max-Age=10",
            b"/\n__Host-a=b; Path=/; Secure\n__Secure-c=d; Secure\na=b; expires=Wed, 09 Jun 2027 10:18:14 GMT\nb",
        ),
        tokens=(
            b"__Host-",
            b"__Secure-",
            b"; Domain=",
            b"; Path=",
            b"; Expires=",
            b"; Max-Age=",
            b"; SameSite=Lax",
            b"\n",
            b"co.uk",
        ),
    ),
    Parser(
        name="cookie-date",
        parse=lambda data: date(data.decode("latin-1")),
        refuses=(),
        seeds=(b"Wed, 09 Jun 2027 10:18:14 GMT", b"Sunday, 06-Nov-94 08:49:37 GMT", b"Sun Nov  6 08:49:37 1994"),
        tokens=(b"Feb", b"30", b"31", b"1600", b"9999", b"00:00:60", b"24:00:00", b"jan", b"69", b"70"),
    ),
    Parser(
        name="redirect",
        parse=_redirect,
        refuses=(ValueError,),
        seeds=(
            b"https://pay.example:8443/x",
            b"/de/a?b=c#d",
            b"?y",
        ),
        other_seeds=(b"/a?b=c#d", b"//shop.example/de/..//a", b"../x", "/ä\\x".encode()),
        tokens=(
            b"https://",
            b"//",
            b"\\",
            b"@",
            b"[::1]",
            b":99999",
            b"../",
            b"javascript:",
            b"shop.example",
            b"%2e%2e/",
            b"/de",
        ),
    ),
    Parser(
        name="robots",
        parse=keeps_crawlers_out,
        refuses=(),
        seeds=(
            b"\xef\xbb\xbfUser-agent: a\nUser-Agent: *\r\nDisallow: / # all\rAllow: /*\n\nSitemap: https://a.example/x.xml\n",
            b"user-agent:*\ndisallow:\n",
        ),
        tokens=(b"User-agent:", b"Disallow:", b"Allow:", b"Sitemap:", b" *", b" /", b"#", b"\r", b"\n"),
    ),
    Parser(name="first-page", parse=_first_page, refuses=(), seeds=(_PAGE,), tokens=_TAGS),
    Parser(name="html-links", parse=links_of, refuses=(), seeds=(_PAGE,), tokens=_TAGS),
    Parser(name="html-forms", parse=_forms, refuses=(HtmlError,), seeds=(_PAGE,), tokens=_TAGS),
    Parser(
        name="json-reply",
        parse=_json_reply,
        refuses=(ValueError,),
        seeds=(b'{"a": [1, 2.5, "x"], "errors": []}',),
        other_seeds=(b"[]",),
    ),
    Parser(
        name="masking",
        parse=_masked,
        refuses=(),
        seeds=(
            b'{"card": "4111 1111 1111 1111", "mail": "a.b@c.example", "token": "secret"}',
            b"password=x&iban=DE89370400440532013000",
            b"order:\n  - address: |\n      Main St\n  - name: Jane\nKey (city)=(Wien) already exists.",
            b"INSERT INTO x (a) VALUES ('Jane') [parameters: ('Jane', 2)] [street] => Main St :city=>\"x\"",
            b'{"street": ["Main St"], "name": {"first": "Jane", "code": "x"}} <city><![CDATA[Wien]]></city>',
        ),
        tokens=(
            *(
                b"4111111111111111",
                b"@",
                b"Bearer ",
                b"eyJhbGciOi",
                b"secret",
                b".",
                b"street",
                b"name",
                b": |\n  ",
                b" => ",
            ),
            *(
                b"[",
                b"(",
                b"{",
                b"'",
                b'"',
                b"\\",
                b"&quot;",
                b"%22",
                b"value ",
                b"select a, ",
                b"<td>",
                b"#1 a(1): b('",
            ),
        ),
    ),
)
