"""Masking of what is known by its shape: mail addresses, credentials, cookies, phone, card and account numbers."""

import re
from itertools import islice

from loadtests.masking.names import MASK, WORDING

_USER_INFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{1,20}:(?:\\?/){2})[^\s/@\"'<>?#\\]{1,300}@")
_COOKIE = re.compile(
    r"(?i)((?:http_|set-)?cookie)([\"']?\s{0,4}(?::|=>?)\s{0,4}[\"']?)[^\s\"'<>=]{1,100}=[^\r\n\"'<>]*"
)
_BEARER = re.compile(  # `token expired.` is a message
    rf"(?i)\b(bearer|basic|token)(?:[ +]|%20)(?!{WORDING}\.?(?![\w.~+/=-]))[\w.~+/=-]{{6,}}"
)
_JWT = re.compile(r"\beyJ[\w-]{6,}\.[\w-]*(?:\.[\w-]*)?")
_API_KEY = re.compile(
    r"\b(?:[prs]k_(?:live|test)_\w{8,}|whsec_\w{8,}|gh[oprsu]_\w{16,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,}"
    r"|A[KS]IA[A-Z0-9]{16}|AIza[\w-]{30,})"
)
_PRIVATE_KEY = re.compile(r"(?s)(-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----).*?(?=-----END|\Z)")
_AT = r"(?:@|%40|&#64;|&#x40;|&commat;|\\{1,4}u0040| ?[\[(](?:at|@)[\])] ?)"
_EMAIL = re.compile(rf"(?i)[\w.+%'-]{{1,64}}{_AT}[\w-]{{1,63}}(?:\.[\w-]{{1,63}})+")
_WORD = r"[A-Z\xc0-\xde][\w.'\u2019-]{0,40}"
# As mail programs write it, and as a page or a mail begins.
_BEFORE_A_MAIL = re.compile(rf"\"?(?:{_WORD} ){{0,3}}{_WORD}\"? (?=(?:<|&lt;){re.escape(MASK)})")
_GREETED = re.compile(
    r"\b((?:Dear|Hello|Hi|Welcome(?: back)?|Hallo|Bonjour|Hola|Ciao|Lieber?|Sehr geehrter?"
    r"|M(?:r|rs|s|me)\.?|Herr|Frau),? )"
    rf"(?!World\b)(?:{_WORD} ){{0,3}}{_WORD}"
)
_PHONE = re.compile(
    r"(?i)(?<![\w.+])(?:\+|%2B|&#43;|\\u002b|00(?=[1-9 ]))\d{0,3}(?:(?:[ ()./\xa0-]{0,3}|%20)\d){6,14}(?!\d)"
)
_AREA_PHONE = re.compile(r"(?<![\w.+-])(?:\(0?\d{2,5}\) ?|0\d{2,5}[ /-])\d{2,8}(?:[ -]\d{2,8}){0,5}(?![\w-])")
_DASHED_PHONE = re.compile(r"(?<![\w.-])(?:\(\d{3}\) ?|\d{3}[.-])\d{3}[.-]\d{4}(?![\w-])")
_FEWEST_OF_A_PHONE = 8
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b")
_SPELT_IBAN = re.compile(r"(?ia)\b[a-z]{2}\d{2}(?:(?:[ +-]|%20)?[a-z0-9]{4}){2,7}(?:(?:[ +-]|%20)?[a-z0-9]{1,4})?\b")
_GROUPS_OF_DIGITS = re.compile(r"(?<!\d)(?<!\d\.)\d(?:[ -]?\d){12,}+")
_GROUPED_CARD = re.compile(r"(?<!\d)\d{4}([.+\xa0]|%20| {2}|&nbsp;)\d{4}\1\d{4}\1\d{1,7}(?!\d)")
_FEWEST_OF_A_CARD, _MOST_OF_A_CARD = 13, 19
_DIGITS = re.compile(r"(?<!\w)(?<!\d\.)\d{9,}(?!\w|\.\d)")


def without_credentials(text: str) -> str:
    """Return a text without credentials: names and passwords in addresses, tokens, keys, cookies."""
    text = _PRIVATE_KEY.sub(rf"\1{MASK}", text)
    text = _API_KEY.sub(MASK, text)
    text = _USER_INFO.sub(rf"\1{MASK}@", text)
    text = _BEARER.sub(rf"\1 {MASK}", text)
    return _COOKIE.sub(rf"\1\2{MASK}", text)


def without_shapes(text: str) -> str:
    """Return a text without what looks like a signed token, a mail address, or the number of a phone, account, card."""
    text = _JWT.sub(MASK, text)
    text = _EMAIL.sub(MASK, text)
    text = _BEFORE_A_MAIL.sub(f"{MASK} ", text)
    text = _GREETED.sub(rf"\1{MASK}", text)
    text = _IBAN.sub(MASK, text)
    text = _SPELT_IBAN.sub(lambda found: MASK if _is_iban(found[0]) else found[0], text)
    text = _GROUPS_OF_DIGITS.sub(_without_cards, text)
    text = _GROUPED_CARD.sub(lambda found: MASK if _is_card(found[0].replace("%20", " ")) else found[0], text)
    text = _PHONE.sub(MASK, text)
    text = _DASHED_PHONE.sub(MASK, text)
    text = _AREA_PHONE.sub(_masked_phone, text)
    return _DIGITS.sub(MASK, text)


def _masked_phone(found: re.Match[str]) -> str:
    return MASK if sum(map(str.isdigit, found[0])) >= _FEWEST_OF_A_PHONE else found[0]


def _is_iban(text: str) -> bool:
    """Whether the check digits of a text are those of ISO 13616, as bank accounts' are."""
    letters = re.sub(r"%20|[ +-]", "", text)
    return int("".join(str(int(one, 36)) for one in letters[4:] + letters[:4])) % 97 == 1


_GROUP = re.compile(r"\d+")


def _without_cards(found: re.Match[str]) -> str:
    """Return groups of digits without the cards among them: other numbers may stand directly beside one."""
    text, parts, at = found[0], [], 0
    groups = list(_GROUP.finditer(text))
    for first, group in enumerate(groups):
        if group.start() < at:
            continue
        ends, digits = [], 0
        for one in islice(groups, first, None):
            digits += one.end() - one.start()
            if digits > _MOST_OF_A_CARD:
                break
            if digits >= _FEWEST_OF_A_CARD:
                ends.append(one.end())
        card = next((end for end in reversed(ends) if _is_card(text[group.start() : end])), None)
        if card is not None:
            parts += [text[at : group.start()], MASK]
            at = card
    return "".join((*parts, text[at:]))


def _is_card(text: str) -> bool:
    """Whether the digits of a text pass the check of ISO/IEC 7812, as card numbers do."""
    digits = [int(one) for one in text if one.isdecimal()]
    doubled = [2 * one - 9 * (one > 4) for one in digits[-2::-2]]  # noqa: PLR2004 - the sum of a doubled digit's digits
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
