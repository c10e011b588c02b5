"""Masking of values by their names: in queries and forms, JSON, dumps of any language, YAML, settings, log lines."""

import re
from urllib.parse import unquote

from loadtests.masking.names import (
    ANY_NAME,
    BARE_NAME,
    ESCAPED_QUOTE,
    LABEL,
    MASK,
    MEMBER_KEY,
    OWNER,
    PERSONAL_KEY,
    PERSONAL_LABEL,
    QUOTE,
    STRING,
    WORDING,
)

_MASKED = re.escape(MASK)
_PARAMETER = re.compile(rf"(?i)([?&;]|^|\\u0026)({ANY_NAME})=[^&;#\s\"'<>]*")
# Of an address within a query.
_ENCODED_PARAMETER = re.compile(r"(?i)((?:%26|%3F)(?P<name>(?:(?!%3D|%26)[\w.%-]){1,80}+)%3D)(?:(?!%26)[^&;#\s\"'<>])*")
_NAME = re.compile(rf"(?i){ANY_NAME}")
_LINE_END = r"(?:\r?\n|\\r\\n|\\n)"
_FORM_PART = re.compile(
    rf"(?is)(\bname=\\?\"{ANY_NAME}\\?\"(?:(?!\\n|\\r)[^\r\n]){{0,300}}{_LINE_END}"
    rf"(?:(?:(?!\\n|\\r)[^\r\n])+{_LINE_END}){{0,5}}{_LINE_END}).+?(?={_LINE_END}--|\Z)"
)
# Members, in quotes of any kind: of JSON, of JSON within JSON or within HTML, of a debug page's dump.
# As PHP's var_dump and Python name a string's type, and PHP's serialize each value's: `s:4:"city";s:4:"Bonn";`.
_TYPED = r"(?:string\(\d+\)\s*|s:\d{1,9}:|[di]:|[bu](?=[\"']))?"
_DUMPED = re.compile(
    rf"(?is)({QUOTE}(?:{MEMBER_KEY}){QUOTE}(?::[\w\\\":]{{1,80}})?\]?\s*(?::|=>|=&gt;|%3A|=(?!=)|;(?=[dis]:))\s*{_TYPED})"
    rf"(?:{STRING}|-?\d[\d.]*)"
)
# Most brackets and colons begin no key that has a sign behind it: that is soon seen.
_A_SIGN_FOLLOWS = r"(?=[\w.\[\]%\\\ufffd:@\s-]{2,400}+=)"
# Ruby's symbols and variables, PHP's keys: `:city=>"…"`, `@city="…"`, `[city] => "…"`.
_SYMBOL = re.compile(
    rf"(?is)((?:[:@]{_A_SIGN_FOLLOWS}(?:{LABEL}|{BARE_NAME})\s{{0,3}}=>?"
    rf"|\[{_A_SIGN_FOLLOWS}(?:{LABEL}|{BARE_NAME})\]\s{{0,3}}=>)\s{{0,3}})(?:{STRING})"
)
# A value in quotes behind a word; with a name there it's a sentence: `no shipping to city "…"`.
_QUOTED_BEHIND_A_WORD = re.compile(r"(?<=\w)\s(['\"])[^'\"\n]{1,80}\1")
_ENDS_WITH_A_NAME = re.compile(rf"(?i)(?<![\w.'\"-])(?:{PERSONAL_LABEL}|{OWNER})\Z")
_LONGEST_NAME = 100
# What a validator names without its field: told from other values by its letters.
_GIVEN_VALUE = re.compile(rf"(?is)((?:{QUOTE}|(?<![\w.-]))(?:input|value|received){QUOTE}?\s*:\s*)(?:{STRING})")
_LETTER = re.compile(r"[^\W\d_]")
# Pairs: rows of a table, values that were bound to a statement.
_PAIR = re.compile(rf"(?is)([\[(]\s*{QUOTE}(?:{MEMBER_KEY}){QUOTE}\s*,\s*)(?:{STRING})(?=\s*[\])])")
_ONE_KEY = re.compile(rf"(?i){QUOTE}(?:{MEMBER_KEY}){QUOTE}")
# PHP's print_r, Ruby's inspect: `[key] => value`, `:key=>value`.
_ARROW = re.compile(
    rf"(?im)([\[:@]{_A_SIGN_FOLLOWS}\s?(?:{LABEL}|{BARE_NAME})(?::[\w\\:]{{1,80}})?\]?[ \t]{{0,3}}"
    r"=(?:>|&gt;)[ \t]{0,3})"
    rf"(?!{_MASKED}|{QUOTE}|Array\b|[\w\\]{{1,80}} Object\b)[^\s\[{{(][^\n\r<>]*?"
    r"(?=\s{0,9}(?:\[[^\]\n]{1,80}\]\s?=|,\s{0,3}:?\w{1,40}\s?=>|[)}]\s{0,9}(?:[\n)}]|\Z))|[\n\r<>]|\Z)"
)
_ARROW_LIST = re.compile(
    rf"(?i)(\[{_A_SIGN_FOLLOWS}(?:{PERSONAL_KEY})\]\s{{0,3}}=(?:>|&gt;)\s{{0,3}}Array\s{{0,40}}\(\s{{0,40}})\[\d[^()]*"
)
# A line of YAML, of a log, of text: the value goes to the line's end, to what closes it, or to the next key.
_KEY = r"[:@]?[\w.%\[\]-]{1,40}\s{0,2}[:=]"
# `name=…` alone is a field of HTML, too; in brackets it's an object's.
_NAME_IN_TEXT = (
    rf"{BARE_NAME}(?=\s{{0,2}}:|\s{{1,2}}=\s?[\"'])|(?:(?<=[(\[{{,])|(?<=[(\[{{,] )){BARE_NAME}(?=\s{{0,2}}=)"
)
_PLAIN = re.compile(
    r"(?im)(?<![\w.&;-])(?=[\w.\[\]%\ufffd \t-]{2,180}+[:=])"  # most text is no key's: that is soon seen
    rf"((?:{LABEL}|{OWNER}(?=\s?:|=)|{_NAME_IN_TEXT})[ \t]{{0,3}}(?::(?!//)|=)[ \t]{{0,3}})"
    rf"(?!(?:\w{{1,10}} )?{_MASKED}|[\"']{_MASKED}|{WORDING}|[=>:])"
    rf"(?:(?:Just|Optional|Some)[(\[])?(?:(?P<quote>{ESCAPED_QUOTE}).*?(?:(?P=quote)|$)|\"(?:[^\"\\\n]|\\.)*+\"?|'(?:[^'\\\n]|''|\\.)*+'?"
    r"|[^\s\"'<>{}\[\]|](?:\([^\n\r\"<>{}\[\]|()]*+\)|[^\n\r\"<>{}\]|)])*?"
    rf"(?=[\s,;&]\s{{0,3}}{_KEY}|[\n\r\"<>{{}}\]|)]|\Z))"
)


def without_named_values(text: str) -> str:
    """Return a text with the values masked that stand with a name which calls them secret or a person's."""
    text = _FORM_PART.sub(rf"\1{MASK}", text)
    text = _ARROW.sub(rf"\1{MASK}", text)
    text = _ARROW_LIST.sub(rf"\1{MASK}", text)
    text = _PLAIN.sub(rf"\1{MASK}", text)
    text = _PARAMETER.sub(rf"\1\2={MASK}", text)
    text = _ENCODED_PARAMETER.sub(_masked_parameter, text)
    text = _DUMPED.sub(_masked_member, text)
    text = _SYMBOL.sub(_masked_member, text)
    text = _QUOTED_BEHIND_A_WORD.sub(_masked_if_named, text)
    text = _PAIR.sub(_masked_pair, text)
    return _GIVEN_VALUE.sub(_masked_given, text)


def _masked_parameter(found: re.Match[str]) -> str:
    return f"{found[1]}{MASK}" if _NAME.fullmatch(unquote(found["name"])) else found[0]


def _masked_member(found: re.Match[str]) -> str:
    """Return a member with its value masked, in the quotes that it had."""
    value = found[0][len(found[1]) :]
    quotes = found["quote"] or (value[0] if value[0] in "\"'`" else '"')
    return f"{found[1]}{quotes}{MASK}{quotes}"


def _masked_if_named(found: re.Match[str]) -> str:
    before = found.string[max(0, found.start() - _LONGEST_NAME) : found.start()]
    return f" {found[1]}{MASK}{found[1]}" if _ENDS_WITH_A_NAME.search(before) else found[0]


def _masked_pair(found: re.Match[str]) -> str:
    """Return a pair with its second string masked, unless that names another value: then both are fields' names."""
    return found[0] if _ONE_KEY.fullmatch(found[0], len(found[1])) else _masked_member(found)


def _masked_given(found: re.Match[str]) -> str:
    return _masked_member(found) if _LETTER.search(found[0], len(found[1])) else found[0]
