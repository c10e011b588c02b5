"""Masking of what lies within a name: lines of a YAML block, lists and objects of JSON and of dumps."""

import re
from collections.abc import Iterator

from loadtests.masking.names import BARE_NAME, LABEL, MASK, PERSONAL_LABEL, QUOTE, RECORD_KEY, STRING, WORDING


def without_blocks(text: str) -> str:
    """Return a text with the lines masked that go on below a key which calls its value secret or a person's."""
    return "\n".join(_without_blocks(text.split("\n"))) if ":" in text else text


# Of a YAML mapping: a key on a line of its own, or with the first line of what goes on below it.
_BLOCK_KEY = re.compile(
    r"(?i)([ \t]*(?:- +)*)(?=[^:\s][^:]{1,120}+:(?:\s|$))"
    rf"[\"']?(?:{LABEL}|{BARE_NAME})[\"']?[ \t]*:(?:[ \t]+(?P<value>\S.*)|\s*)$"
)
_BLOCK_SCALAR = re.compile(r"[|>][-+\d]{0,2}\s*(?:#.*)?$")
_NESTED_KEY = re.compile(r"\s*(?:- +)?[\"']?[\w.$ -]{1,60}[\"']?\s*[:=](?:\s|$)")
_FRAME = re.compile(r"\s*(?:at |File |from |#\d|\.{3}|Caused by)")
_MESSAGE = re.compile(rf"(?i)\s*(?:- +)?[\"']?{WORDING}")
_ITEM = re.compile(r"(\s*(?:- +)?)(.*?)(\r?)$", re.DOTALL)


def _without_blocks(lines: list[str]) -> Iterator[str]:
    """Yield lines with those masked that belong to a personal key of a YAML mapping above them.

    A block (`|`, `>`) is masked to its end, by indentation alone; a list, and a value that goes on below its first
    line, to the next key or to a line of a traceback.
    """
    column, is_block, is_open, takes_items = 0, False, False, False
    for line in lines:
        indentation = len(line) - len(line.lstrip(" \t"))
        is_deeper = indentation > column or (takes_items and indentation == column and line.lstrip().startswith("- "))
        if is_open and not line.strip():
            yield line
            continue
        goes_on = is_open and is_deeper
        if goes_on and (is_block or not (_NESTED_KEY.match(line) or _FRAME.match(line))):
            item = _ITEM.match(line)
            is_said = not is_block and _MESSAGE.match(line)
            yield line if item is None or is_said else f"{item[1]}{MASK}{item[3]}"
            continue
        yield line
        key = _BLOCK_KEY.match(line)
        value = None if key is None else key["value"]
        is_open = key is not None and (value is None or not (value[0] in "{[" or _MESSAGE.match(value)))
        if key is not None and is_open:
            column, takes_items = len(key[1]), value is None
            is_block = value is not None and _BLOCK_SCALAR.match(value) is not None


# Objects and lists under a personal name: Magento's `"street": ["…"]`, `"name": {"first": "…"}`.
_OPENING = re.compile(r"\s{0,9}(?::|=>|=&gt;|=(?!=))\s{0,9}(?=[\[{])")
_SIGN = re.compile("[:=]")
_ENDS_WITH_A_KEY = re.compile(rf"(?i)(?:{QUOTE}(?:{RECORD_KEY}){QUOTE}|(?<![\w.-])(?:{PERSONAL_LABEL}))\Z")
_TOKEN = re.compile(rf"(?s)(?P<bracket>[\[\]{{}}()])|(?P<string>{STRING})(?P<names>\s*(?::|=>))?")
# What says what is wrong, beside the values that are.
_DIAGNOSIS = re.compile(r"(?i)\W*(?:code|detail|error|field|loc|message|msg|path|reason|rule|status|title|type)s?\W*")
_SAID = re.compile(rf"(?i)\W*{WORDING}|.*\b(?:already|exists?|invalid|must|required|too (?:long|short))\b", re.DOTALL)
_MOST_NESTED, _LONGEST_KEY = 10_000, 100


def without_nested(text: str) -> str:
    """Return a text with the strings masked that lie within a personal key's object or list, but for messages."""
    parts, at = [], 0
    for found in _OPENING.finditer(text):
        before = _SIGN.split(text[max(at, found.start() - _LONGEST_KEY) : found.start()])[-1]
        if found.start() >= at and _ENDS_WITH_A_KEY.search(before):
            masked, end = _masked_group(text, found.end())
            parts += [text[at : found.end()], masked]
            at = end
    return "".join((*parts, text[at:])) if parts else text


def _masked_group(text: str, start: int) -> tuple[str, int]:
    """Return the group of brackets that begins at `start`, its strings masked, and where it ends."""
    parts, at, depth, is_kept = [], start, 0, False
    for token in _TOKEN.finditer(text, start, start + _MOST_NESTED):
        parts.append(text[at : token.start()])
        at = token.end()
        string = token["string"]
        if token["bracket"]:
            depth += 1 if token["bracket"] in "[{(" else -1
            parts.append(token[0])
            if depth == 0:
                break
        elif token["names"]:
            is_kept = _DIAGNOSIS.fullmatch(string) is not None
            parts.append(token[0])
        else:
            quote = token["quote"] or string[0]
            is_message = is_kept or not string.strip("\\\"'` ") or _SAID.match(string)
            parts.append(string if is_message else f"{quote}{MASK}{quote}")
    return "".join(parts), at
