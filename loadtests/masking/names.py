"""Names that call a value secret or a person's, as parts of regular expressions (to be read without regard to case)."""

MASK = "***"
_IN_A_QUERY = r"(?:[\w.\[\]-]|%5[BD])"
TELLING_NAME = (
    rf"{_IN_A_QUERY}{{0,40}}(?:auth|code|cookie|credential|csrf|e?mail|key|nonce|passw|phone|pwd|secret|session|signature|sid"
    rf"|state|ticket|token|user|verifier){_IN_A_QUERY}{{0,40}}"
)
"""In a query."""
# In JSON a code or a state says what is wrong more often than it is a secret.
TELLING_MEMBER = (
    r"[\w.-]{0,40}(?:auth|api[_-]?key|cookie|credential|csrf|e-?mail|nonce|passw|phone|pwd|secret|session[_-]?id|signature"
    r"|token|verifier|(?:input|invalid|rejected)[_-]?value)[\w.-]{0,40}"
)
"""Of a member, a column, a setting."""
# What a shop knows of its shoppers, by the names that members, fields and elements have for it.
_PERSONAL = (
    r"(?:address|birth|(?<!apa|elo|tri)city|first[_-]?name|full[_-]?name"
    r"|given[_-]?name|family[_-]?name|forename|iban|last[_-]?name|middle[_-]?name|mobile|nick[_-]?name"
    r"|post[ _-]?(?:al[ _-]?)?code|phone|recipient|street|surname|user[_-]?name|(?:(?<=%5b)|(?<![bgn]))zip"
    r"|(?:account|billing|buyer|card|contact|customer|display|guest|holder|legal|owner|person|shipping)[_. -]?name"
    r"|card[_-]?(?:holder|no\b|num)|(?:(?<=%5b)|(?<![a-z]))(?:cv[cv]|dob|ssn)(?![a-z])|house[_-]?n(?:o\b|r|um)|latitude|longitude"
    r"|passport|tax[_-]?id|vat[_-]?(?:id|num)|(?:client|real|remote)[_-]?(?:addr|ip)|forwarded[_-]?for"
    r"|adresse|anschrift|hausn(?:r|um)|nachname|pr[e\xe9]nom|stra(?:ss|\xdf|\ufffd|\\u00df)e|telefon|vorname"
    r"|(?:(?<=%5b)|(?<![a-z]))(?:apellidos?|calle|citta|ciudad|cognome|imie|indirizzo|naam|nazwisko|nom|nombre|ort|plz|rue|straat"
    r"|ulica|ville)(?![a-z])|\bline[_-]?[1-3])"
)
PERSONAL_NAME = rf"(?:[\w.\[\] -]|%5[BD]){{0,40}}{_PERSONAL}(?:[\w.\[\] -]|%5[BD]){{0,40}}"
# In text more words behind it make a sentence of it, whose colon comes before what went wrong.
PERSONAL_LABEL = (
    rf"{_IN_A_QUERY}{{0,40}}{_PERSONAL}{_IN_A_QUERY}{{0,40}}"
    r"(?: (?:address|code|date|line|name|no\.?|number|place|\d{1,2})){0,2}"
)
"""A personal name as text has it, before a colon."""
LABEL = rf"(?:{TELLING_MEMBER}|{PERSONAL_LABEL})"
OWNER = r"(?:buyer|consignee|customer|login|payee|payer|shopper|user)"
"""Whole names of those whose record is a person's: a text under them is masked, what an object holds isn't."""
# The bare word may be anybody's: a person's, a product's. Only the class of an error is told from them.
_NO_ERRORS_CLASS = r"(?!\\{0,7}[\"']?\s{0,9}(?::|=>?)\s{0,9}\\{0,7}[\"']?[\w.]{1,60}(?:Error|Exception)\b)"
BARE_NAME = rf"(?:{OWNER}|name{_NO_ERRORS_CLASS}|tel|fax)"
PERSONAL_KEY = rf"(?:{PERSONAL_NAME}|{BARE_NAME})"
RECORD_KEY = rf"(?:{PERSONAL_NAME}|name)"
"""What names a list or an object of a person's."""
_FIELD_OF_A_GROUP = (
    rf"[\w.-]{{1,40}}(?:(?:\[|%5B)[\w.-]{{1,40}}(?:\]|%5D)){{0,2}}(?:\[|%5B)(?:{OWNER}|name|first|last)(?:\]|%5D)"
)
ANY_NAME = rf"(?:{TELLING_NAME}|{PERSONAL_KEY}|{_FIELD_OF_A_GROUP})"
"""What names a value in a query or a form: `order[name]` too."""
MEMBER_KEY = rf"(?:{TELLING_MEMBER}|{PERSONAL_KEY})"
"""What names a value in JSON, in a dump, in an element."""

WORDING = (  # with which a message goes on, and no value; or the error of a record behind its step's name
    r"(?:a|already|an|and|are|at (?:least|most)|can|cannot|can't|choose|could|denied|do|does|doesn't|empty|ensure"
    r"|enter a|expected|expired|failed|false|field (?:is )?required|for|has|have|in|incorrect|invalid|is|isn't|may"
    r"|mismatch|missing|must|no|none|not|null|of|or|please|provide|rejected|required|should|the|this|too|true|unauthorized"
    r"|undefined|unexpected|unknown|was|were|wrong|yes|you|your|blocked|connection|cut_off|graphql|http_[45]xx|no_data"
    r"|no_descriptor|no_port|others_data|protocol|proxy|redirected_away|timeout|wrong_reply)\b"
)
"""The first words of a message that stands where a value may."""

ESCAPED_QUOTE = r"(?:\\{1,7}[\"'`]|&quot;|&#0?3[49];|&#x2[27];|&apos;|%2[27]|\\{1,4}u002[27])"
"""A quote as JSON, HTML and queries write it within their own."""
QUOTE = rf"(?:[\"'`]|{ESCAPED_QUOTE})"
STRING = (  # a string that never ends goes to the text's end
    r"(?:'(?:[^'\\]|''|\\.)*+(?:'|\\?\Z)|\"(?:[^\"\\]|\\.)*+(?:\"|\\?\Z)|`[^`]*+`?"
    rf"|(?P<quote>{ESCAPED_QUOTE}).*?(?:(?P=quote)|\Z))"
)
"""A quoted value, of any line (`(?s)`); its group `quote` is None where the quotes are plain. Once in an expression."""
