"""What hostile files hold, whatever they are read as: bytes for each kind, and files that are none."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

SECRET = "hunter2-made-up"
ESCAPE = "\x1b[31mred\x07"
HIDDEN = "\u202eleft\u200b\ufeff\u2066"
_BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)

CONTENTS: Mapping[str, bytes] = {
    "nothing": b"",
    "zero bytes": b"\0" * 100,
    "not UTF-8": b"name: \xff\xfe\xfa\n",
    "UTF-16": "name: x\n".encode("utf-16"),
    "a byte-order mark alone": b"\xef\xbb\xbf",
    "too much": b"#" * ((1 << 20) + 1),
    "one long line": b"x" * 900_000,
    "brackets without end": b"[" * 100_000,
    "braces without end": b'{"a":' * 100_000,
    "aliases that multiply": _BOMB.encode(),
    "an alias of itself": b"a: &a [*a]\n",
    "a number without end": b"seed: " + b"9" * 5000 + b"\n",
    "a JSON number without end": b'{"seed": ' + b"9" * 5000 + b"}",
    "a control character in a key": json.dumps({f"{ESCAPE}{HIDDEN}": 1}).encode(),
    "the same key twice": json.dumps({ESCAPE: 1}).encode().replace(b": 1", b": 1, %b: 2" % json.dumps(ESCAPE).encode()),
    "half a surrogate pair": b'{"\\ud800": "\\udfff"}',
    "an object of Python's": b"!!python/object/apply:os.system ['exit 3']\n",
    "a list": b"- 1\n- 2\n",
    "a word": b"hello\n",
    "infinity": b"{seed: .inf, name: .nan}\n",
    "not a number": b'{"seed": NaN, "name": Infinity}',
    "an escape on each line": (ESCAPE + "\r\n").encode() * 50,
    "a table": f"hour,orders,{ESCAPE}\n2026-11-27T00:00,{'9' * 4400},1\n".encode(),
}


def _folder(path: Path) -> None:
    path.mkdir()


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


KINDS: Mapping[str, Callable[[Path], object]] = {
    "a folder": _folder,
    "a pipe": os.mkfifo,
    "a link to itself": _loop,
    "zeros without end": _zeros,
}

ALL: dict[str, bytes | Callable[[Path], object]] = {}
ALL.update(CONTENTS)
ALL.update(KINDS)

# Addresses that are wrong and hold a secret all the same.
ADDRESSES = {
    "a password": f"http://user:{SECRET}@shop.test",
    "a password and a wrong port": f"http://user:{SECRET}@shop.test:99999",
    "a password and no port": f"http://user:{SECRET}@shop.test:x/",
    "a password and half an address": f"http://user:{SECRET}@[::1",
    "a password that looks like a port": f"http://shop.test:{SECRET}",
    "a password behind another scheme": f"HTTPX://user:{SECRET}@shop.test",
    "a password and one slash": f"http:/user:{SECRET}@shop.test",
    "a password and a backslash": f"http:\\\\user:{SECRET}@shop.test",
    "a password without a scheme": f"user:{SECRET}@shop.test",
    "a password with a slash": f"http://user:x/{SECRET}@shop.test",
    "a password before a wide character": f"http://user:{SECRET}@shop\u2100.test",
    "a token": f"https://shop.test/?token={SECRET}",
    "a token and a space": f"https://shop.test/a b?x=1;api_key={SECRET}",
    "a token and no host": f"https:///?access_token={SECRET}",
}
