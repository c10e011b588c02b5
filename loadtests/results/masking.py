"""Masking of what a page may say of a person: no card number, address, long number or token is kept of a reply."""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

MASK = "***"
_SHORTEST = 4
_TELLING_NAME = (
    r"[\w.\[\]-]{0,40}(?:auth|code|cookie|credential|csrf|e?mail|key|nonce|passw|phone|pwd|secret|session|signature|sid"
    r"|state|ticket|token|user|verifier)[\w.\[\]-]{0,40}"
)
_PARAMETER = re.compile(rf"(?i)([?&;]|^)({_TELLING_NAME})=[^&;#\s\"'<>]*")
# In JSON a code or a state says what is wrong more often than it is a secret.
_TELLING_MEMBER = (
    r"[\w.-]{0,40}(?:auth|api[_-]?key|cookie|credential|csrf|e-?mail|nonce|passw|phone|pwd|secret|session[_-]?id|signature"
    r"|token|verifier)[\w.-]{0,40}"
)
_MEMBER = re.compile(rf"(?i)(\"{_TELLING_MEMBER}\"\s*:\s*)(\"(?:[^\"\\]|\\.)*\"?|-?\d[\d.]*)")
# What a shop knows of its shoppers, by the names that members, fields and elements have for it.
_PERSONAL = (
    r"(?:address|birth|(?<!apa|elo|tri)city|customer[_-]?name|first[_-]?name|full[_-]?name"
    r"|given[_-]?name|family[_-]?name|forename|iban|last[_-]?name|middle[_-]?name|mobile|nick[_-]?name"
    r"|post[ _-]?(?:al[ _-]?)?code|phone|recipient|street|surname|(?<![bgn])zip"
    r"|(?:billing|buyer|card|contact|display|guest|holder|legal|owner|shipping)[_. -]?name"
    r"|adresse|anschrift|nachname|pr[e\xe9]nom|stra(?:ss|\xdf)e|telefon|vorname|\bline[_-]?[1-3])"
)
_PERSONAL_NAME = rf"[\w.\[\] -]{{0,40}}{_PERSONAL}[\w.\[\] -]{{0,40}}"
# In text more words behind it make a sentence of it, whose colon comes before what went wrong.
_PERSONAL_LABEL = (
    rf"[\w.\[\]-]{{0,40}}{_PERSONAL}[\w.\[\]-]{{0,40}}"
    r"(?: (?:address|code|date|line|name|no\.?|number|place|\d{1,2})){0,2}"
)
# The bare word may be anybody's: a person's, a product's. Only the class of an error is told from them.
_BARE_NAME = r"(?:name(?!\\{0,7}[\"']?\s{0,9}(?::|=>?)\s{0,9}\\{0,7}[\"']?[\w.]{1,60}(?:Error|Exception)\b)|tel|fax)"
_PERSONAL_KEY = rf"(?:{_PERSONAL_NAME}|{_BARE_NAME})"
_NAME = rf"(?:{_TELLING_NAME}|{_PERSONAL_KEY})"
# Members of what isn't JSON: the dump of a debug page, JSON within JSON or within HTML.
_QUOTE = r"(?:\\{0,7}[\"']|&quot;|&#0?3[49];)"
_DUMPED = re.compile(
    rf"(?is)({_QUOTE}(?:{_TELLING_MEMBER}|{_PERSONAL_KEY}){_QUOTE}\s*(?::|=>|=&gt;)\s*)"
    rf"(?:'(?:[^'\\]|\\.)*'?|\"(?:[^\"\\]|\\.)*\"?|(?P<quote>\\{{1,7}}[\"']|&quot;|&#0?3[49];).*?(?:(?P=quote)|$)|-?\d[\d.]*)"
)
_USER_INFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{1,20}:(?:\\?/){2})[^\s/@\"'<>?#\\]{1,300}@")
_ATTRIBUTE = re.compile(
    rf"(?i)((?:name|autocomplete|type)=[\"']{_NAME}[\"'][^<>]{{0,300}}?\b(?:value|content)=)([\"'])[^\"'<>]*"
)
_ATTRIBUTE_BEFORE = re.compile(
    rf"(?i)(\b(?:value|content)=)([\"'])[^\"'<>]{{0,300}}(?=[\"'][^<>]{{0,300}}?\b(?:name|autocomplete|type)=[\"']{_NAME}[\"'])"
)
_PERSONAL_PARAMETER = re.compile(rf"(?i)([?&;]|^)({_PERSONAL_KEY})=[^&;#\s\"'<>]*")
_PERSONAL_MEMBER = re.compile(rf"(?i)(\"{_PERSONAL_KEY}\"\s*:\s*)(\"(?:[^\"\\]|\\.)*\"?|-?\d[\d.]*)")
_ELEMENT = re.compile(
    rf"(?i)(<\w{{1,20}}[^<>]{{0,300}}?\b(?:name|id|class|itemprop|autocomplete)=[\"']{_PERSONAL_NAME}[\"'][^<>]{{0,300}}>)[^<]+"
)
_XML_ELEMENT = re.compile(
    rf"(?i)(<(?:[\w-]{{1,20}}:)?(?:{_TELLING_MEMBER}|{_PERSONAL_KEY})(?:\s[^<>]{{0,300}})?>)"
    rf"(?!\s*<|\s*{re.escape(MASK)})[^<]+"
)
# A line of YAML, of a log, of text: the value goes to the line's end, to what closes it, or to the next key.
_KEY = r"[\w.-]{1,40}\s{0,2}[:=]"
_WORDING = (  # with which a message goes on, and no value; or the error of a record behind its step's name
    r"(?:a|already|an|and|are|at (?:least|most)|can|cannot|can't|could|denied|do|does|doesn't|empty|enter a|expected"
    r"|expired|failed|false|field (?:is )?required|for|has|have|in|incorrect|invalid|is|isn't|may|mismatch|missing"
    r"|must|no|none|not|null|of|or|please|rejected|required|should|the|this|too|true|unauthorized|undefined|unexpected"
    r"|unknown|was|were|wrong|you|your|blocked|connection|cut_off|graphql|http_[45]xx|no_data|no_descriptor|no_port"
    r"|others_data|protocol|proxy|redirected_away|timeout|wrong_reply)\b"
)
_PLAIN = re.compile(
    r"(?im)(?<![\w.&;-])(?=[\w.\[\] \t-]{2,180}+[:=])"  # most text is no key's: that is soon seen
    rf"((?:{_TELLING_MEMBER}|{_PERSONAL_LABEL}|{_BARE_NAME}(?=\s{{0,2}}:))"
    rf"[ \t]{{0,3}}(?::(?!//)|=)[ \t]{{0,3}})(?!(?:\w{{1,10}} )?{re.escape(MASK)}|{_WORDING}|[=>:])"
    r"(?:(?P<quote>\\{1,7}[\"']).*?(?:(?P=quote)|$)|\"[^\"\n]*\"?|'[^'\n]*'?|[^\s\"'<>{}\[\]|][^\n\r\"<>{}\]|]*?"
    rf"(?=[\s,;&]\s{{0,3}}{_KEY}|[\n\r\"<>{{}}\]|]|\Z))"
)
_ADDRESS = re.compile(r"(?is)(<address\b[^<>]{0,300}>).{1,2000}?(</address|$)")
_COOKIE = re.compile(
    r"(?i)((?:http_|set-)?cookie)([\"']?\s{0,4}(?::|=>?)\s{0,4}[\"']?)[^\s\"'<>=]{1,100}=[^\r\n\"'<>]*"
)
_PHONE = re.compile(r"(?<![\w.+])\+\d{1,3}(?:[ ()./-]{0,2}\d){6,13}(?!\d)")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b")
_EMAIL = re.compile(r"[\w.+%-]{1,64}(?:@|%40)[\w-]{1,63}(?:\.[\w-]{1,63})+")
_BEARER = re.compile(r"(?i)\b(bearer|basic|token)[ +][\w.~+/=-]{6,}")
_JWT = re.compile(r"\beyJ[\w-]{6,}\.[\w-]*(?:\.[\w-]*)?")
_CARD = re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d.])")
_DIGITS = re.compile(r"(?<![\w.])\d{9,}(?![\w.])")
_UNPRINTABLE = re.compile(r"[^\t\n\x20-\x7e\xa0-\u2027\u202f-\u2065\u2070-\ud7ff\ue000-\ufffc\U00010000-\U0010ffff]")


def texts_of(masks: Iterable[bytes]) -> tuple[str, ...]:
    """Return known secrets, which are bytes of a reply, as texts."""
    return tuple(mask.decode(errors="replace") for mask in masks)


def masked_text(text: str, known: Iterable[str] = ()) -> str:
    """Return `text` without what is secret in it, by what it looks like and by what is `known`, and printable.

    Masked are values that a name calls secret or a person's (in a query, in JSON, in a debug page's dump, in a form's
    field, in an element, in `key: value` and `key=value` of plain text), names and passwords in addresses, cookies,
    mail addresses, bearer tokens, phone numbers with their country's code, bank accounts, numbers that pass a card's
    check digit (Luhn), and other numbers of nine digits and more.
    """
    for secret in sorted(filter(None, known), key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, MASK).replace(quote(secret, safe=""), MASK)
    text = _USER_INFO.sub(rf"\1{MASK}@", text)
    text = _BEARER.sub(rf"\1 {MASK}", text)
    text = _COOKIE.sub(rf"\1\2{MASK}", text)
    text = _PLAIN.sub(rf"\1{MASK}", text)
    text = _PARAMETER.sub(rf"\1\2={MASK}", text)
    text = _MEMBER.sub(rf'\1"{MASK}"', text)
    text = _PERSONAL_PARAMETER.sub(rf"\1\2={MASK}", text)
    text = _PERSONAL_MEMBER.sub(rf'\1"{MASK}"', text)
    text = _DUMPED.sub(_masked_member, text)
    text = _ATTRIBUTE.sub(rf"\1\2{MASK}", text)
    text = _ATTRIBUTE_BEFORE.sub(rf"\1\2{MASK}", text)
    text = _ADDRESS.sub(rf"\1{MASK}\2", text)
    text = _ELEMENT.sub(rf"\1{MASK}", text)
    text = _XML_ELEMENT.sub(rf"\1{MASK}", text)
    text = _JWT.sub(MASK, text)
    text = _EMAIL.sub(MASK, text)
    text = _IBAN.sub(MASK, text)
    text = _PHONE.sub(MASK, text)
    text = _CARD.sub(lambda found: MASK if _is_card(found[0]) else found[0], text)
    text = _DIGITS.sub(MASK, text)
    return _UNPRINTABLE.sub("\ufffd", text.replace("\r\n", "\n"))


def masked_head(body: bytes, most: int, known: Iterable[str] = ()) -> str:
    """Return the first `most` bytes of a body as masked text; what is masked is looked for a little beyond them.

    Of what stands beyond them nothing is shown, where masking has made the text shorter: it may be cut in two.
    """
    text = masked_text(body[: most + _BEYOND].decode("utf-8", errors="replace"), known)
    text = text[:-_BEYOND] if len(body) > most + _BEYOND else text
    return text.encode()[:most].decode("utf-8", errors="ignore")


_BEYOND = 256
# Headers that are shown of a request and a reply; every other one's value may be a secret.
SHOWN = frozenset(
    {
        "accept", "accept-language", "age", "allow", "cache-control", "content-encoding", "content-length",
        "content-type", "date", "host", "idempotency-key", "location", "origin", "referer", "retry-after", "server",
        "user-agent", "vary", "via", "x-cache", "x-powered-by", "x-request-id", "x-requested-with",
    }
)  # fmt: skip


def masked_headers(headers: Mapping[str, str], known: Iterable[str] = ()) -> dict[str, str]:
    """Return headers with the values of those that aren't known to hold no secret masked."""
    return {
        name: masked_text(value, known) if name.lower() in SHOWN else MASK for name, value in sorted(headers.items())
    }


def masked_fields(fields: Iterable[tuple[str, str]], known: Iterable[str] = ()) -> dict[str, str]:
    """Return a reply's header fields as `masked_headers` has them, the first forty, each cut at 200 characters."""
    first: dict[str, str] = {}
    for name, value in fields:
        if len(first) < _MOST_FIELDS or name in first:
            first[name[:_LONGEST_NAME]] = value
    return {name: value[:_LONGEST_VALUE] for name, value in masked_headers(first, known).items()}


_MOST_FIELDS, _LONGEST_NAME, _LONGEST_VALUE = 40, 80, 200


def _masked_member(found: re.Match[str]) -> str:
    """Return a member with its value masked, in the quotes that it had."""
    value = found[0][len(found[1]) :]
    quotes = found["quote"] or (value[0] if value[0] in "\"'" else '"')
    return f"{found[1]}{quotes}{MASK}{quotes}"


def _is_card(text: str) -> bool:
    """Whether the digits of a text pass the check of ISO/IEC 7812, as card numbers do."""
    digits = [int(one) for one in text if one.isdigit()]
    doubled = [2 * one - 9 * (one > 4) for one in digits[-2::-2]]  # noqa: PLR2004 - the sum of a doubled digit's digits
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
