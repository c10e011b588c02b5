"""Masking in HTML and XML: fields, elements and table cells whose names call what they hold secret or a person's."""

import re

from loadtests.masking.names import (
    ANY_NAME,
    BARE_NAME,
    LABEL,
    MASK,
    MEMBER_KEY,
    PERSONAL_NAME,
)

_NAMED = rf"\b(?:name|id|autocomplete|type)=[\"']?{ANY_NAME}[\"'\s/]"
_ATTRIBUTE = re.compile(rf"(?i)({_NAMED}[^<>]{{0,300}}?\b(?:value|content)=)(?:([\"'])[^\"'<>]*|[^\s\"'<>]+)")
_ATTRIBUTE_BEFORE = re.compile(
    r"(?i)(\b(?:value|content)=)(?:([\"'])[^\"'<>]{0,300}(?=[\"'])|[^\s\"'<>]{1,300}(?=\s))"
    rf"(?=[^<>]{{0,300}}?{_NAMED})"
)
_FIELD_THAT_IS_CUT = re.compile(
    r"(?i)(<input\b[^<>]{0,300}?\bvalue=)(?:([\"'])[^\"'<>]{0,300}|[^\s\"'<>]{1,300})(?=[^<>]{0,300}\Z)"
)
_ADDRESS = re.compile(r"(?is)(<address\b[^<>]{0,300}>).{1,2000}?(</address|$)")
_ELEMENT = re.compile(
    r"(?i)(<\w{1,20}[^<>]{0,300}?\b(?:name|id|class|itemprop|autocomplete)="
    rf"[\"']{PERSONAL_NAME}[\"'][^<>]{{0,300}}>)[^<]+"
)
_XML_ELEMENT = re.compile(
    rf"(?is)((?<!#)(?:<|&lt;)(?:[\w-]{{1,20}}:)?(?:{MEMBER_KEY})(?:\s[^<>]{{0,300}}?)?(?:>|&gt;))"
    rf"(?:(\s{{0,9}}<!\[CDATA\[)(?:(?!\]\]>).)+|(?!\s*(?:<|&lt;|{re.escape(MASK)}))(?:(?!&lt;)[^<])+)"
)
_PERSON = re.compile(
    r"(?i)(<(?:\w{1,20}:)?(?:account|buyer|contact|customer|guest|member|person|recipient|shopper|user)\b[^<>]{0,300}?"
    r"\s(?:name|first|last)=)([\"'])[^\"'<>]*"
)
# A row of a table or of a list of terms: a name, and the cell behind it.
_CELLS = re.compile(
    r"(?i)(<(td|th|dt|label|b|strong|span|div)\b[^<>]{0,300}>\s{0,40}"
    rf"(?:{LABEL}|{BARE_NAME})\s{{0,9}}:?\s{{0,40}}</\2>(?:\s{{0,40}}<(?!/?(?:th|dt|label|tr)\b)[^<>]{{1,300}}>){{1,4}}\s{{0,40}})(?!{re.escape(MASK)})[^<\s][^<]*"
)


def without_marked_up(text: str) -> str:
    """Return a page or document with the values masked that its attributes, elements and tables name."""
    if "<" not in text and "&lt;" not in text and "=" not in text:
        return text
    text = _ATTRIBUTE.sub(_masked, text)
    text = _ATTRIBUTE_BEFORE.sub(_masked, text)
    text = _FIELD_THAT_IS_CUT.sub(_masked, text)
    text = _PERSON.sub(_masked, text)
    text = _ADDRESS.sub(rf"\1{MASK}\2", text)
    text = _ELEMENT.sub(rf"\1{MASK}", text)
    text = _XML_ELEMENT.sub(_masked, text)
    return _CELLS.sub(rf"\1{MASK}", text)


def _masked(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2] or ''}{MASK}"
