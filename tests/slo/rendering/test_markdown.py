"""What Markdown makes of an escaped text: the text, wherever it stands, and nothing that a host would link."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from slo.formatting import clean, clip
from slo.rendering.markdown import escape, shorten

GFM = MarkdownIt("commonmark").enable(["table", "strikethrough"])
PLACES = {
    "a paragraph": ("{}\n", ["paragraph_open", "inline", "paragraph_close"]),
    "a heading": ("### ❌ {}\n", ["heading_open", "inline", "heading_close"]),
    "an entry": (
        "- {}\n",
        [
            "bullet_list_open",
            "list_item_open",
            "paragraph_open",
            "inline",
            "paragraph_close",
            "list_item_close",
            "bullet_list_close",
        ],
    ),
    "a cell": (
        "| a | b |\n|---|---|\n| {} | c |\n",
        [
            *("table_open", "thead_open", "tr_open", *("th_open", "inline", "th_close") * 2, "tr_close", "thead_close"),
            *("tbody_open", "tr_open", *("td_open", "inline", "td_close") * 2, "tr_close", "tbody_close"),
            "table_close",
        ],
    ),
}
APART = "\u200b"
# What GitHub and GitLab link in finished HTML: a mention, an address, an issue, a merge request, an epic, a label.
LINKED = re.compile(r"@\w|://|www\.\w|\bGH-\d|[#!&]\d|~\w|mailto:\w", re.IGNORECASE)
SIGNS = st.text("ab1 \\\\`*_{}[]()#+-!|~:@/.<>&;\"'=^$%\n\tGHw", max_size=40)
HOSTILE = [
    "[click](http://evil.example)",
    "<script>alert(1)</script>",
    "<https://evil.example>",
    "@everyone",
    "a | b\n# heading",
    "`x` ![i](u)",
    "&lt;b&gt; &#60;b&#62;",
    "https://evil.example www.evil.example",
    "/merge",
    "1. one",
    "---",
    "__bold__ *em* ~~gone~~ snake_case _em_",
    "[x]: http://evil.example",
    "a\\",
    "\\|\\`",
    "GH-12 #12 !12 &12 ~bug mailto:a@b.c",
    "- [ ] done",
    "> quoted",
    "shop 1 #",
    "~~~",
    "\x00\u202e",
]


def _in(place: str, text: str) -> tuple[list[str], Token]:
    """Return the tokens of a document with the text in its place, and the token that holds it."""
    frame, _ = PLACES[place]
    tokens = GFM.parse(frame.format(escape(text)))
    inline = [token for token in tokens if token.type == "inline"]
    return [token.type for token in tokens], inline[2 if place == "a cell" else 0] if inline else Token("", "", 0)


def _shown(inline: Token) -> Iterator[str]:
    for child in inline.children or ():
        assert child.type in ("text", "text_special"), f"{child.type} {child.content}"
        yield child.content


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_shown_as_it_is(place: str, text: str) -> None:
    types, inline = _in(place, text)
    plain = clip(clean(text), 400)
    if plain or place == "a cell":
        assert types == PLACES[place][1]
    shown = "".join(_shown(inline)).removeprefix("❌")
    assert shown.replace(APART, "").strip() == plain
    assert LINKED.findall(shown) == []


@given(text=SIGNS)
def test_any_text_of_signs_is_shown_as_it_is(text: str) -> None:
    plain = clean(text)
    for place in PLACES if plain else ():
        types, inline = _in(place, text)
        assert types == PLACES[place][1]
        shown = "".join(_shown(inline)).removeprefix("❌")
        assert shown.replace(APART, "").strip() == plain
        assert LINKED.findall(shown) == []


@pytest.mark.parametrize(
    "text",
    [
        "release 2026.47.0 on staging (replicas 2, cache cold)",
        "checkout-latency: 15 % of 400 checkouts took over 500 ms, allowed 5 % (p95 612 ms, limit 500 ms)",
        'grew: shop "SELECT stock" +310 ms a checkout (1 → 31 calls)',
        "wrong_reply 412 times; first: cart.id: not there; see report.html#replies",
        "needs 5,990 requests; < 0.0001 % at 12:30:45, R&D!",
    ],
)
def test_what_no_host_reads_as_markup_stays_as_it_is(text: str) -> None:
    assert escape(text) == text


def test_a_text_is_cut_at_a_line_and_says_so() -> None:
    text = "".join(f"line {number} é\n" for number in range(100))
    cut = shorten(text, 200)
    assert len(cut.encode()) <= 200
    assert cut.endswith(" é\n\n_cut: the whole is in verdict.json_\n")
    assert shorten(text, 2000) == text
