"""robots.txt is read as a crawler reads it that no group names (RFC 9309, 2.2.1)."""

import pytest

from scripts.init.robots import keeps_crawlers_out


@pytest.mark.parametrize(
    ("text", "keeps_out"),
    [
        ("User-agent: *\nDisallow: /", True),
        ("user-agent : *\r\n\tDISALLOW:/ # all\r\n", True),
        ("\ufeffUser-agent: *\rDisallow: /*", True),
        ("User-agent: GPTBot\nUser-agent: *\nDisallow: /", True),
        ("User-agent: GPTBot\nDisallow: /x\n\nUser-agent: *\nDisallow: /", True),
        ("User-agent: *\nSitemap: https://s.test/x\nDisallow: /", True),
        ("User-agent: *\nDisallow: /a\n\nUser-agent: *\nDisallow: /", True),
        ("User-agent: GPTBot\nDisallow: /", False),
        ("User-agent: *\nDisallow:\n\nUser-agent: AhrefsBot\nDisallow: /\n", False),
        ("User-agent: *\nDisallow: /cart", False),
        ("User-agent: *\nDisallow: /\nAllow: /", False),  # RFC 9309, 2.2.2
        ("Disallow: /", False),
        ("<html>Disallow: /</html>", False),
        ("", False),
    ],
)
def test_it_keeps_crawlers_out_when_the_group_for_all_does(text: str, *, keeps_out: bool) -> None:
    assert keeps_crawlers_out(text.encode()) is keeps_out
