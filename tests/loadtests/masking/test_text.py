"""Nothing that looks like a person's or a secret is kept of a reply, and what helps to mend a storefront is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.masking.text import masked_fields, masked_head, masked_headers, masked_start, masked_text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("/cart?token=abc&page=2", "/cart?token=***&page=2"),
        ("/back?code=xyz&state=1#top", "/back?code=***&state=***#top"),
        ("email=a%40b.example&sku=tee", "email=***&sku=tee"),
        ('{"access_token": "a\\"b", "sku": "tee"}', '{"access_token": "***", "sku": "tee"}'),
        ('{"phone":4412345, "error":{"code":"declined"}}', '{"phone":"***", "error":{"code":"declined"}}'),
        ('{"password":"cut off in the mid', '{"password":"***"'),
        (
            '<input type="hidden" name="csrfmiddlewaretoken" value="q1">',
            '<input type="hidden" name="csrfmiddlewaretoken" value="***">',
        ),
        ("write to jo.doe+x@mail.shop.example now", "write to *** now"),
        ("Authorization: Bearer abcdef.123456", "Authorization: Bearer ***"),
        ("eyJhbGciOi.eyJzdWIiOi.c2ln", "***"),
        ("card 4242 4242 4242 4242 or 4111111111111111", "card *** or ***"),
        ("order 123456789", "order ***"),
        ("SKU 12345678, 19.99, 2026-11-27", "SKU 12345678, 19.99, 2026-11-27"),
        ("a\x1b[31mb\x00c\r\nd", "a\ufffd[31mb\ufffdc\nd"),
    ],
)
def test_what_looks_like_a_secret_is_masked_and_nothing_else(text: str, masked: str) -> None:
    assert masked_text(text) == masked


TELLING = ("password", "api_key", "access_token", "X-Session-Id", "csrf", "credential", "pwd")
PERSONAL = (
    *(
        "first_name",
        "lastName",
        "full-name",
        "address",
        "address.line1",
        "street",
        "city",
        "postal_code",
        "zip",
        "phone",
    ),
    *("telephone", "mobile", "iban", "recipient", "date_of_birth", "shipping_name", "Vorname", "Nachname", "Stra\xdfe"),
)
FORMS = {
    "JSON": '{{"id": 7, "{key}": "{value}", "status": "refused"}}',
    "JSON, close": '{{"id":7,"{key}":"{value}","status":"refused"}}',
    "JSON that is cut": '{{"id": 7, "status": "refused", "{key}": "{value}',
    "JSON within JSON": '{{"id": 7, "error": "{{\\"{key}\\": \\"{value}\\"}}", "status": "refused"}}',
    "JSON within HTML": "<p>id 7 status refused</p><pre>{{&quot;{key}&quot;: &quot;{value}&quot;}}</pre>",
    "GraphQL within JSON": '{{"query": "mutation {{ order(id: 7, {key}: \\"{value}\\", status: refused) }}"}}',
    "a message in JSON": '{{"id": 7, "message": "{key}: {value}", "status": "refused"}}',
    "a dump of Python": "{{'id': 7, '{key}': '{value}', 'status': 'refused'}}",
    "a dump of Ruby": '{{"id" => 7, "{key}" => "{value}", "status" => "refused"}}',
    "YAML": "id: 7\n{key}: {value}\nstatus: refused\n",
    "YAML, within": "order:\n  - id: 7\n    {key}: {value}\n    status: refused\n",
    "YAML, quoted": 'id: 7\n{key}: "{value}"\nstatus: refused\n',
    "YAML in one line": "{{id: 7, {key}: {value}, status: refused}}",
    "a log line": "id=7 {key}={value} status=refused",
    "a log line, quoted": "id=7 {key}='{value}' status=refused",
    "a list": "id=7; {key}={value}; status=refused",
    "a setting": "id = 7\n{key} = {value}\nstatus = refused",
    "text": "The order id: 7, {key}: {value}\nstatus: refused",
    "XML": "<id>7</id><{key}>{value}</{key}><status>refused</status>",
    "an element": '<b>id 7</b><span class="{key}">{value}</span><i>status refused</i>',
    "PHP's print_r": "Array\n(\n    [id] => 7\n    [{key}] => {value}\n    [status] => refused\n)",
    "PHP's print_r in one line": "Array ( [id] => 7 [{key}] => {value} [status] => refused )",
    "PHP's print_r, object": "Order Object\n(\n    [{key}:protected] => {value}\n    [id:Order:private] => 7 refused"
    "\n)",
    "PHP's var_dump": '["id"]=>\n  int(7)\n  ["{key}"]=>\n  string(9) "{value}"\n  ["status"]=>\n  string(7) "refused"',
    "Ruby's symbols": '{{:id=>7, :{key}=>"{value}", :status=>"refused"}}',
    "an object of Python's": "Order(id=7, {key}='{value}', status='refused')",
    "an object of Java's": "Order{{id=7, {key}='{value}', status='refused'}}",
    "an object of Kotlin's": "Order(id=7, {key}={value}, status=refused)",
    "the end of an object": "Order(id=7, {key}={value}) refused",
    "an object of Rust's": 'Order {{ id: 7, {key}: Some("{value}"), status: "refused" }}',
    "a map of Go's": "map[id:7 {key}:{value} status:refused]",
    "an object of JavaScript's": "{{ id: 7, {key}: '{value}', status: 'refused' }}",
    "YAML, a block": "id: 7\n{key}: |\n  {value}\n  {value}\n\n  {value}\nstatus: refused\n",
    "YAML, a folded block within": "order:\n  - id: 7\n    {key}: >-\n      {value}\n      {value}\n    status: refused"
    "\n",
    "YAML, on further lines": "id: 7\n{key}: {value}\n  {value}\nstatus: refused\n",
    "JSON with escapes": '{{"id":7,\\u0022{key}\\u0022:\\u0022{value}\\u0022,\\u0022status\\u0022:\\u0022r'
    "efused\\u0022}}",
    "JSON in an address": "id=7&x=%7B%22{key}%22%3A%22{value}%22%2C%22status%22%3A%22refused%22%7D",
    "JSON in an attribute": '<a data-x="{{&quot;id&quot;:7,&#x22;{key}&#x22;:&#x22;{value}&#x22;,&quot;status'
    '&quot;:&quot;refused&quot;}}">',
    "a query": "/pay?id=7&order%5B{key}%5D={value}&status=refused",
    "a query in an address": "/login?id=7&next=%2Fpay%3F{key}%3D{value}%26status%3Drefused",
    "a part of a form": '--b\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n--b\r\n7 refused',
    "pairs": 'INSERT  [["id", 7], ["{key}", "{value}"], ["status", "refused"]]',
    "XML in XML": "&lt;id&gt;7&lt;/id&gt;&lt;{key}&gt;{value}&lt;/{key}&gt;&lt;status&gt;refused&lt;/status&gt;",
    "XML in a namespace": '<s:id>7</s:id><s:{key} xmlns:s="urn:x">{value}</s:{key}><s:status>refused</s:status>',
    "XML, character data": "<id>7</id><{key}><![CDATA[{value} < {value}]]></{key}><status>refused</status>",
    "a table": "<tr><td>{key}</td>\n<td class=code><pre>&#x27;{value}&#x27;</pre></td></tr><tr><"
    "td>7</td><td>refused</td></tr>",
    "a field without quotes": "<b>id 7</b><input name={key} value=x{value}><i>status refused</i>",
    "a field": '<b>id 7</b><input name="{key}" value="{value}"><i>status refused</i>',
}
IN_ADDRESSES = ("a query", "a query in an address", "a field without quotes")
VALUES = st.lists(
    st.text("QXZJVWqxzjvw", min_size=4, max_size=9), min_size=1, max_size=3
)  # letters of which neither a key nor a form is made, so that what is left of one is found


@given(key=st.sampled_from(TELLING + PERSONAL), form=st.sampled_from(sorted(FORMS)), words=VALUES)
def test_a_value_that_its_name_calls_secret_or_a_person_s_is_masked_in_every_form_and_what_is_beside_it_stays(
    key: str, form: str, words: list[str]
) -> None:
    if form == "an element" and key in TELLING:
        return  # an element's class is looked at for persons alone
    between = "+" if form in IN_ADDRESSES else " "
    masked = masked_text(FORMS[form].format(key=key, value=between.join(words)))
    assert [word for word in words if word in masked] == [], masked
    assert "7" in masked
    assert "refused" in masked


@given(
    form=st.sampled_from(
        sorted(FORMS.keys() - {"a log line", "a log line, quoted", "a list", "a setting", "an element"})
    ),
    words=VALUES,
)
def test_the_bare_word_name_is_taken_for_a_person_s(form: str, words: list[str]) -> None:
    between = "+" if form in IN_ADDRESSES else " "
    for key in ("name", "Name"):
        masked = masked_text(FORMS[form].format(key=key, value=between.join(words)))
        assert [word for word in words if word in masked] == [], masked
        assert "refused" in masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('{"name": "Ann Smith", "sku": "tee"}', '{"name": "***", "sku": "tee"}'),
        ('{"name": "ValidationError", "message": "no stock"}', '{"name": "ValidationError", "message": "no stock"}'),
        ("{name: shop.StockException, sku: tee}", "{name: shop.StockException, sku: tee}"),
        ("password: x", "password: ***"),
        ("password: " + "x" * 5_000, "password: ***"),
        ("password: correct horse battery\nstatus: 422", "password: ***\nstatus: 422"),
        ("Password: must be at least 8 characters", "Password: must be at least 8 characters"),
        ("token: expired", "token: expired"),
        ("street=12 High St, Bonn; qty=2", "street=***; qty=2"),
        ("address: 12 High St, Bonn\nqty: 2", "address: ***\nqty: 2"),
        ("error code=500 state=failed key=tee", "error code=500 state=failed key=tee"),
        ('{"address": {"line1": "12 High St", "qty": 2}}', '{"address": {"line1": "***", "qty": 2}}'),
        ('<input type="email" name="email" class="wide">', '<input type="email" name="email" class="wide">'),
        ("https://shop.test:8080/cart name of the shop", "https://shop.test:8080/cart name of the shop"),
        ("Zip code: 53111\nStreet address: 12 High St", "Zip code: ***\nStreet address: ***"),
        ("shipping address line 1: 12 High St", "shipping address line 1: ***"),
        *(
            (message, message)
            for message in (
                "address: http_5xx",
                "POST /customer-token: wrong_reply: no JSON",
                "Mobile checkout error: NullPointerException at Cart.java:42",
                "address service answered 503: upstream timed out",
                "OSError: Address already in use: ('0.0.0.0', 8080)",
                "capacity exceeded: 100 requests in flight, capacity=100",
                "gzip: the stream is cut",
                "token: expected BEGIN_OBJECT",
            )
        ),
    ],
)
def test_plain_text_is_masked_by_its_keys_and_what_a_message_says_stays(text: str, masked: str) -> None:
    assert masked_text(text) == masked


def test_what_is_known_is_masked_wherever_it_stands_also_in_an_address() -> None:
    assert masked_text("so hunter/2 and hunter%2F2 and hunt", ("hunter/2", "hun")) == "so *** and *** and hunt"


def test_a_number_that_is_no_card_s_and_short_is_kept() -> None:
    assert masked_text("4242 4242 4242 4241") == "4242 4242 4242 4241"


@pytest.mark.parametrize("length", [600, 3000])
def test_a_long_secret_that_is_known_is_masked_where_it_begins_before_the_cut(length: int) -> None:
    known = "Ab" * length
    for text in (f"sid {known}", f"sid {known}{' z' * 9000}", f"sid {known * 3}"):
        assert "Ab" not in masked_head(text.encode(), 200, (known,))
        assert masked_start(text, 200, (known,)).startswith("sid ***")
        assert "Ab" not in masked_start(text, 200, (known,))


def test_a_secret_that_the_cut_falls_into_is_masked_too() -> None:
    assert masked_head(b"x" * 60 + b" 4242424242424242 more", 70) == "x" * 60 + " *** more"
    assert masked_head("é".encode() * 10, 5) == "éé"


def test_only_headers_that_are_known_to_hold_no_secret_are_shown() -> None:
    headers = {"X-Key": "k", "Cookie": "sid=1", "Content-Type": "text/html", "Location": "/a?token=1"}
    masked = {"X-Key": "***", "Cookie": "***", "Content-Type": "text/html", "Location": "/a?token=***"}
    assert masked_headers(headers) == masked


@pytest.mark.parametrize(
    "piece",
    [
        "key",
        "token: ",
        "name: x, ",
        "a.b-c ",
        "<name ",
        "password:x,",
        "name='token",
        "?key",
        '"token',
        "a@",
        "1 ",
        "&email=",
        "<input name='key' ",
        "[address",
        "value (",
        "'street': [",
        "insert into x ",
        "select a, 'x' ",
        "street: (",
        "address:\n  ",
        "[street] => ",
        "#1 f(1): g('",
        "%5B",
        "<street><![CDATA[",
        "<td>city</td><b>",
        "4242 4242 ",
        "[",
        ": {",
        'name="city"',
    ],
)
def test_a_page_made_to_be_slow_is_masked_all_the_same(piece: str) -> None:
    """It would take minutes if an expression tried every way to split what it can't match."""
    assert len(masked_head(piece.encode() * 20_000, 16 << 10)) <= 16 << 10


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("first_name=Jo&city=Bonn&sku=tee", "first_name=***&city=***&sku=tee"),
        ('{"street": "12 High St", "zip": 53111, "sku": "tee"}', '{"street": "***", "zip": "***", "sku": "tee"}'),
        ('{"error": {"postcode": ["is not valid"]}}', '{"error": {"postcode": ["is not valid"]}}'),
        ('<input value="Jo" name="first_name">', '<input value="***" name="first_name">'),
        ('<meta name="csrf-token" content="q1">', '<meta name="csrf-token" content="***">'),
        ("<address>Jo Doe<br>Bonn</address> tee", "<address>***</address> tee"),
        ('<p class="shipping-address">Jo Doe</p>', '<p class="shipping-address">***</p>'),
        ('<p class="phone">0660 12 34 56</p>', '<p class="phone">***</p>'),
        ("Set-Cookie: sid=abc; Path=/\nnext", "Set-Cookie: ***\nnext"),
        ("'HTTP_COOKIE': 'sid=abc; b=2', 'X': 'y'", "'HTTP_COOKIE': '***', 'X': 'y'"),
        ("cookie: must be set", "cookie: must be set"),
        ("IBAN DE89 3704 0044 0532 0130 00.", "IBAN ***."),
        ("call +49 170 1234567 now", "call *** now"),
        ("redis://:hunter2@cache/0, postgres://shop:pw@db:5432", "redis://***@cache/0, postgres://***@db:5432"),
        ("at https://docs.example/a@b and x://y", "at https://docs.example/a@b and x://y"),
        ("'password' => 'hunt\\'er2', \"city\" => \"Bonn\"", "'password' => '***', \"city\" => \"***\""),
        ("{'token': 'abcdef', 'x': 1}", "{'token': '***', 'x': 1}"),
        (r'{"m":"{\"api-key\":\"a1\",\"a\":1}"}', r'{"m":"{\"api-key\":\"***\",\"a\":1}"}'),
        ("data-page='{&quot;city&quot;:&quot;O&#39;Fallon&quot;,&quot;x&quot;:1}'",
         "data-page='{&quot;city&quot;:&quot;***&quot;,&quot;x&quot;:1}'"),
        ('<input type="password" id="a" value="hunter2">', '<input type="password" id="a" value="***">'),
        ('{"pwd": "hunter2", "password_required": true}', '{"pwd": "***", "password_required": true}'),
    ],
)  # fmt: skip
def test_what_is_a_persons_is_masked_and_what_is_wrong_is_kept(text: str, masked: str) -> None:
    assert masked_text(text) == masked


def test_the_fields_of_a_reply_are_bounded_in_number_and_length() -> None:
    many = [(f"x-{n}", "v") for n in range(99)]
    found = masked_fields([("server", "s" * 999), ("set-cookie", "sid=1"), ("Content-Type", "a\x00b"), *many])
    assert (len(found), len(found["server"]), found["set-cookie"], found["Content-Type"]) == (
        40,
        200,
        "***",
        "a\ufffdb",
    )


PLAIN = st.text(st.sampled_from("ab ,.<>\n\u00e9\u202e\x00{}&"), max_size=60)
SECRETS = st.sampled_from(
    [
        ("jo.doe@mail.example", "jo.doe"),
        ("4242 4242 4242 4242", "4242 4242"),
        ("Bearer abcdef123456", "abcdef"),
        ("eyJhbGciOi.eyJzdWIiOi.c2ln", "eyJ"),
        ('{"password": "hunter2"}', "hunter2"),
        ('{"street": "12 High St"}', "High"),
        ("Cookie: sid=hunter2", "hunter2"),
        ("+49 170 1234567", "1234567"),
        ("hunter2known", "hunter2"),
        ("redis://:hunter2@cache", "hunter2"),
        ("{'pwd': 'hunter2'}", "hunter2"),
    ]
)


@given(before=PLAIN, secret=SECRETS, after=PLAIN, cut=st.integers(0, 200))
def test_no_secret_is_shown_wherever_it_stands_and_wherever_the_cut_falls(
    before: str, secret: tuple[str, str], after: str, cut: int
) -> None:
    """Nothing that a terminal or a page obeys is either, and no more than was asked for."""
    text, canary = secret
    body = f"{before} {text} {after}".encode() * 3
    shown = masked_head(body, cut, ("hunter2known",))
    assert canary not in shown
    assert len(shown.encode()) <= cut
    assert not set(shown) & set("\x00\u202e")


@given(body=st.binary(max_size=400), cut=st.integers(0, 300))
def test_any_bytes_become_text_within_the_bound(body: bytes, cut: int) -> None:
    shown = masked_head(body, cut)
    assert len(shown.encode()) <= cut
    assert all(character.isprintable() or character in "\t\n\xa0\xad" for character in shown if character < "\u0100")
