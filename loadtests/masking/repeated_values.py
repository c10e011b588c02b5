"""Masking of values that an error repeats without their names: a database's message, a statement, its parameters."""

import re
from collections.abc import Callable

from loadtests.masking.names import ESCAPED_QUOTE, MASK, MEMBER_KEY, STRING

_PARAMETERS = r"(?:args|arguments|bind(?:ing)?s?|param(?:eter)?s)"
# PostgreSQL's `Key (city)=(…)`; lists of values; parameters of a statement; a value in brackets.
_BEFORE_A_GROUP = re.compile(
    r"(?i)(?:\)\s?=\s?"
    r"|(?<![\"'\w.])(?:values?(?: (?:is|was)|:)|rejected value|(?:values|contains)(?=\s?\()"
    rf"|with (?:values|{_PARAMETERS})|{_PARAMETERS}\s?(?::|<-|=(?=\[)))\s{{0,3}}"
    r"|(?:as \[\w{1,40}\] -|:\w{1,40}\) <-)\s(?=\[))(?=[(\[])"
)
_PLACEHOLDERS = re.compile(r"(?i)(?:[\s,()\[\]]|\?|%s|%\(\w+\)s|\$\d+|[:@]\w+|default|null|now|-?\d[\d.]{0,8})*+")
_MOST_OF_A_GROUP = 10_000
_BRACKETS = {"(": re.compile(r"[()]"), "[": re.compile(r"[\[\]]")}
_CLOSING = {"(": ")", "[": "]"}
# `Duplicate entry '…'`, `invalid literal for int() with base 10: '…'`, `got invalid value "…"`, `parsing "…"`.
_GIVEN = re.compile(
    r"(?is)((?<![\"'\w])(?:duplicate entry|entry"
    r"|(?:char|string|value|literal|syntax|parsing|input)(?: (?:for|to) [\w ().]{1,40}?)?)"
    rf"(?::\s|\s(?:is |was )?))(?:{STRING})"
)
_LETTER = re.compile(r"[^\W\d_]")
_STATEMENT = re.compile(
    r"(?i)\b(?:(?:insert|insert\s{1,9}ignore|merge|replace)\s{1,9}into|update\s{1,9}\S{1,80}\s{1,9}set|delete\s{1,9}from"
    r"|select\s{1,9}(?:\*|distinct|count|top|[\w.`\"\[\]]{1,80}(?:\s{0,9}[,(]|\s{1,9}(?:as|from)\b)))"
)
_STATEMENT_ENDS = re.compile(r";\s*(?:\n|\Z)|\]\s*\n|\s\[param|\n\s*\n|\n\s{1,40}at |\n#\d|\\n\s{0,40}at ")
_MOST_OF_A_STATEMENT = 4_000
_NO_LITERALS_QUOTE = r"(?!%|\\*\"|&quot;|&#0?34;|&#x22;|\\+u0022)"
_LITERAL = re.compile(
    rf"(?s)'(?:[^'\\]|''|\\.)*+(?:'|\\?\Z)|(?P<quote>{_NO_LITERALS_QUOTE}{ESCAPED_QUOTE}).*?(?:(?P=quote)|\Z)"
)
_ASSIGNED = re.compile(
    rf"(?i)([`\"\[]?\b(?:{MEMBER_KEY})\b[`\"\]]?\s{{0,3}}(?:=|<>|!=|\blike\b)\s{{0,3}})"
    rf"(?!{re.escape(MASK)}|['?:$%@&\\]|null\b|now\b|excluded\b)"
    r"[^\s,;)\n][^,;)\n]*?(?=\s{0,3}(?:[,;)\n]|\Z|\b(?:where|and|or|limit|order by|returning)\b))"
)
# A frame of PHP's traceback, with what the function was given: a quote in it isn't escaped.
_IN_FRAME = r"(?:(?!\\n)[^\n'#])"
_PHP_FRAME = re.compile(
    rf"(#\d{{1,3}} {_IN_FRAME}{{1,300}}?\): {_IN_FRAME}{{1,200}}?\({_IN_FRAME}{{0,200}})'"
    r"(?:(?!\\n)[^\n#]|#(?!\d{1,3} ))*'"
)


def without_repeated_values(text: str) -> str:
    """Return a text without the values that databases' and parsers' errors, statements and tracebacks repeat.

    Names of tables, columns and functions stay, and so do placeholders and values without any letter.
    """
    text = _replaced(text, _STATEMENT, _statement)
    text = _replaced(text, _BEFORE_A_GROUP, _group)
    text = _GIVEN.sub(_given, text)
    return _PHP_FRAME.sub(rf"\1'{MASK}'", text)


def _replaced(text: str, begins: re.Pattern[str], replaced: Callable[[str, int, str], tuple[str, int]]) -> str:
    """Return a text in which what comes behind each beginning is replaced: by what, and where it ends, is asked."""
    parts, at = [], 0
    while (found := begins.search(text, at)) is not None:
        parts.append(text[at : found.end()])
        new, at = replaced(text, found.end(), found[0])
        parts.append(new)
    return "".join((*parts, text[at:])) if parts else text


def _group(text: str, start: int, before: str) -> tuple[str, int]:
    """Return a group in brackets with its content masked, and where it ends: to the text's end without its closing."""
    opening, depth = text[start], 0
    ends = min(len(text), start + _MOST_OF_A_GROUP)
    for bracket in _BRACKETS[opening].finditer(text, start, ends):
        depth += 1 if bracket[0] == opening else -1
        if depth == 0:
            ends = bracket.start()
            break
    inner = text[start + 1 : ends]
    is_keyed = inner.lstrip().startswith(("{", "[", "Array"))
    if is_keyed or (not before.startswith(")") and _PLACEHOLDERS.fullmatch(inner)):
        return opening, start + 1
    return f"{opening}{MASK}{_CLOSING[opening]}", min(ends + 1, len(text))


def _statement(text: str, start: int, _: str) -> tuple[str, int]:
    """Return what is left of a statement with its literals masked, and where it ends."""
    ends = _STATEMENT_ENDS.search(text, start, start + _MOST_OF_A_STATEMENT)
    end = min(len(text), start + _MOST_OF_A_STATEMENT) if ends is None else ends.start()
    shown = _LITERAL.sub(_masked_literal, text[start:end])
    return _ASSIGNED.sub(rf"\1{MASK}", shown), end


def _masked_literal(found: re.Match[str]) -> str:
    quote = found["quote"] or "'"
    return f"{quote}{MASK}{quote}"


def _given(found: re.Match[str]) -> str:
    value = found[0][len(found[1]) :]
    if not found[1].lower().startswith(("duplicate", "entry")) and not _LETTER.search(value):
        return found[0]
    quote = found["quote"] or value[0]
    return f"{found[1]}{quote}{MASK}{quote}"
