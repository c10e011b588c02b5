"""What a robots.txt says to crawlers in general (RFC 9309)."""

import re
from collections.abc import Iterator

_LINES = re.compile(r"\r\n|\n|\r")
_WHOLE_SITE = frozenset({"/", "/*", "*"})


def keeps_crawlers_out(body: bytes) -> bool:
    """Whether the whole site is closed to every crawler that no group is for.

    That is the group of `*`: one that keeps a single crawler out, by its name, lets all others in (RFC 9309, 2.2.1).
    Where as long a path is both allowed and disallowed, it is allowed (RFC 9309, 2.2.2).
    """
    rules = list(_rules_for_all(body.decode("utf-8-sig", "replace")))
    return ("disallow", True) in rules and ("allow", True) not in rules


def _rules_for_all(text: str) -> Iterator[tuple[str, bool]]:
    """Yield each rule of the groups for `*`, and whether it is about the whole site."""
    in_names = is_for_all = False
    for line in _LINES.split(text):
        name, colon, value = line.partition("#")[0].partition(":")
        name, value = name.strip(" \t").lower(), value.strip(" \t")
        if not colon or name not in ("user-agent", "allow", "disallow"):
            continue  # such as sitemap, which ends no group (RFC 9309, 2.2.4)
        if name == "user-agent":
            is_for_all = (in_names and is_for_all) or value == "*"
        elif is_for_all:
            yield name, value in _WHOLE_SITE
        in_names = name == "user-agent"
