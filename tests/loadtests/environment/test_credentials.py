"""Secrets come from variables and files only, late, and nothing that shows them."""

import base64
import copy
import json
import logging
import os
import pickle
import traceback
from pathlib import Path
from typing import Any

import pytest

from loadtests.environment.credentials import (
    Credentials,
    Secret,
    check_length,
    credentials_of,
    masked,
    token_of,
    variables_of,
)
from loadtests.environment.targets import Environment
from slo.documents import BadInput

CANARY = "canary-0d1f2c-value"


def environment(**changes: Any) -> Environment:
    facts = {
        "base_url": "https://shop.test",
        "storefront": "twisted-threads",
        "ceiling": {"requests_per_s": 1, "open_sessions": 1, "orders": 1},
    }
    return Environment.model_validate({**facts, **changes})


def test_a_header_is_what_the_file_the_variable_or_the_targets_say(tmp_path: Path) -> None:
    (tmp_path / "gate").write_text("from a file\n")
    headers = {"Accept-Language": "en-GB", "X-Gate": {"file": str(tmp_path / "gate")}, "X-Api-Key": {"env": "API_KEY"}}
    told = credentials_of(environment(headers=headers), {"API_KEY": "from a variable", "OTHER": "x"})
    assert told.revealed() == {"Accept-Language": "en-GB", "X-Gate": "from a file", "X-Api-Key": "from a variable"}
    assert [secret.reveal() for secret in told.hidden] == ["from a file", "from a variable"]


def test_basic_authentication_is_put_together_as_rfc_7617_says(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("open: sesame\n")
    basic = {"user_env": "USER_NAME", "password_file": str(tmp_path / "password")}
    told = credentials_of(environment(basic_auth=basic), {"USER_NAME": "Aladdin"})
    pair = base64.b64encode(b"Aladdin:open: sesame").decode()
    assert told.revealed() == {"Authorization": f"Basic {pair}"}


def test_the_token_is_read_from_its_variable_or_its_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("in a file\r\n")
    by_file = token_of(environment(token_file=str(tmp_path / "token")), {})
    by_variable = token_of(environment(token_env="TOKEN"), {"TOKEN": "in a variable"})
    assert [secret and secret.reveal() for secret in (by_file, by_variable)] == ["in a file", "in a variable"]
    assert token_of(environment(), {"TOKEN": "x"}) is None


def test_only_the_variables_of_the_load_are_handed_to_its_workers() -> None:
    target = environment(
        token_env="TOKEN",
        headers={"X-Gate": {"env": "GATE"}, "X-File": {"file": "f"}, "X-Plain": "x"},
        basic_auth={"user_env": "USER_NAME", "password_env": "PASS"},
    )
    assert variables_of(target) == {"GATE", "USER_NAME", "PASS"}
    assert variables_of(environment()) == frozenset()


MISSING: list[tuple[dict[str, Any], dict[str, str], str]] = [
    (
        {"headers": {"X-Gate": {"env": "GATE"}}},
        {},
        "the environment variable GATE is not set; targets.yaml names it in headers.X-Gate",
    ),
    (
        {"headers": {"X-Gate": {"env": "GATE"}}},
        {"GATE": ""},
        "the environment variable GATE is not set; targets.yaml names it in headers.X-Gate",
    ),
    (
        {"basic_auth": {"user_env": "USER_NAME", "password_env": "PASS"}},
        {"USER_NAME": "a"},
        "the environment variable PASS is not set; targets.yaml names it in basic_auth.password",
    ),
    (
        {"basic_auth": {"user_env": "USER_NAME", "password_env": "PASS"}},
        {"USER_NAME": f"a:{CANARY}", "PASS": CANARY},
        "basic_auth.user: must not hold a colon (RFC 7617)",
    ),
    (
        {"headers": {"X-Gate": {"env": "GATE"}}},
        {"GATE": f"{CANARY}\r\nX-Evil: 1"},
        "the environment variable GATE: holds what a header can't carry; targets.yaml names it in headers.X-Gate",
    ),
    (
        {"headers": {"X-Gate": {"env": "GATE"}}},
        {"GATE": f"{CANARY}é"},
        "the environment variable GATE: holds what a header can't carry; targets.yaml names it in headers.X-Gate",
    ),
    (
        {"headers": {"X-Gate": {"env": "GATE"}}},
        {"GATE": f" {CANARY}"},
        "the environment variable GATE: holds what a header can't carry; targets.yaml names it in headers.X-Gate",
    ),
]


@pytest.mark.parametrize(("changes", "variables", "message"), MISSING)
def test_what_is_missing_or_malformed_is_told_by_its_name_alone(
    changes: dict[str, Any], variables: dict[str, str], message: str
) -> None:
    with pytest.raises(BadInput) as refusal:
        credentials_of(environment(**changes), variables)
    assert str(refusal.value) == message
    assert CANARY not in "".join(traceback.format_exception(refusal.value))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "can't be read: No such file or directory"),
        (b"\n", "is empty; targets.yaml names it in token_file"),
        (b"canary\nand more", "holds what a header can't carry; targets.yaml names it in token_file"),
        (b"canary\xff", "not UTF-8 at byte 6"),
        (b"x" * 70_000, "larger than the 65536 bytes allowed"),
    ],
)
def test_a_file_without_a_secret_in_it_is_refused(tmp_path: Path, content: bytes | None, told: str) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInput) as refusal:
        token_of(environment(token_file=str(path)), {})
    assert str(refusal.value) == f"{path}: {told}"


@pytest.mark.timeout(20)
def test_a_pipe_in_place_of_a_secret_s_file_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "token"
    os.mkfifo(path)
    with pytest.raises(BadInput) as refusal:
        token_of(environment(token_file=str(path)), {})
    assert str(refusal.value) == f"{path}: can't be read: a pipe, whose end may never come; give a file"


def test_a_secret_shows_itself_in_no_text(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(CANARY)
    held = Credentials(headers={"X-Gate": secret}, hidden=(secret,))
    logging.getLogger("test").warning("%s %r %s", secret, secret, held)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret:>30}", f"{secret!r}", "%s" % secret]  # noqa: UP031
    shown += [repr(held), str([secret]), str({"a": secret}), caplog.text]
    assert not any(CANARY in text for text in shown)


def test_a_secret_leaves_its_process_in_no_copy() -> None:
    for copied in (lambda: pickle.dumps(Secret(CANARY)), lambda: copy.deepcopy(Secret(CANARY))):
        with pytest.raises(TypeError, match=r"^a secret can't be copied out of its process$"):
            copied()
    with pytest.raises(TypeError) as refusal:
        json.dumps(Secret(CANARY))
    assert CANARY not in str(refusal.value)


# -- what a shop repeats ----------------------------------------------------------------------------------------

AWKWARD = 'a"b\\c/d&e<f+g=h'


@pytest.mark.parametrize(
    "worded",
    [
        AWKWARD,
        json.dumps(AWKWARD),
        json.dumps(AWKWARD).replace("/", "\\/"),
        "a&quot;b\\c/d&amp;e&lt;f+g=h",
        "a%22b%5Cc%2Fd%26e%3Cf%2Bg%3Dh",
        base64.b64encode(AWKWARD.encode()).decode(),
        f"Authorization: Basic {AWKWARD} and more",
        AWKWARD * 3,
    ],
)
def test_a_reply_that_repeats_a_secret_is_masked_however_it_words_it(worded: str) -> None:
    masks = Credentials(hidden=(Secret(f"Basic {AWKWARD}"),)).masks()
    told = masked(f"<p>{worded}</p>".encode(), masks)
    assert len(told) == len(f"<p>{worded}</p>")
    assert not any(part in told for part in (b"a%22b", b'a"b', b"a\\", b"d&e", b"amp;e", b"YSJi"))
    assert (told[:3], told[-4:]) == (b"<p>", b"</p>")


def test_a_short_secret_is_not_looked_for_in_pages_that_hold_it_by_chance() -> None:
    assert Credentials(hidden=(Secret("tea"),)).masks() == (b"dGVh",)[:0]
    assert masked(b"Made of tea", ()) == b"Made of tea"


SHORT = "holds fewer than 8 characters, too short to be masked when the shop repeats it"


@pytest.mark.parametrize(
    ("declared", "variables", "place"),
    [
        ({"token_env": "TOKEN"}, {"TOKEN": "short-1"}, "the environment variable TOKEN"),
        ({"headers": {"X-Gate": {"env": "GATE"}}}, {"GATE": "short-1"}, "the environment variable GATE"),
        (
            {"headers": {"Authorization": {"env": "GATE"}}},
            {"GATE": "Bearer short-1"},
            "the environment variable GATE",
        ),
        (
            {"basic_auth": {"user_env": "WHO", "password_env": "PASS"}},
            {"WHO": "ada", "PASS": "short-1"},
            "the environment variable PASS",
        ),
    ],
)
def test_a_secret_too_short_to_be_masked_is_refused_away_from_loopback(
    declared: dict[str, Any], variables: dict[str, str], place: str
) -> None:
    target = environment(**declared)
    token = token_of(target, variables)
    held = [*credentials_of(target, variables).hidden, *([token] if token else [])]
    for kind in ("private", "public"):
        with pytest.raises(BadInput) as refusal:
            check_length(held, kind)
        assert str(refusal.value).partition(";")[0] == f"{place}: {SHORT}"
        assert "short-1" not in str(refusal.value)
    check_length(held, "loopback")


def test_a_user_s_name_may_be_short_and_what_is_long_enough_is_taken() -> None:
    target = environment(basic_auth={"user_env": "WHO", "password_env": "PASS"})
    check_length(credentials_of(target, {"WHO": "ada", "PASS": "long-one"}).hidden, "public")


def test_a_user_s_name_is_masked_unless_the_address_tells_it_to_anybody() -> None:
    basic = {"user_env": "WHO", "password_env": "PASS"}
    told = credentials_of(environment(basic_auth=basic), {"WHO": "canary-user", "PASS": "p"})
    assert masked(b"by canary-user", told.masks()) == b"by ***********"
    known = environment(basic_auth=basic, base_url="https://staging.shop.test")
    assert masked(b"at staging.", credentials_of(known, {"WHO": "staging", "PASS": "p"}).masks()) == b"at staging."


def test_the_secrets_of_shop_records_are_no_worker_s() -> None:
    own = {"file": "mine.py", "settings": {"dsn": {"env": "SHOP_DSN"}}}
    target = environment(shop_records=own, storefront=own)
    assert variables_of(target) == {"SHOP_DSN"}  # the storefront's
    target = environment(shop_records=own)
    assert variables_of(target) == frozenset()
    assert credentials_of(target, {}).hidden == ()
