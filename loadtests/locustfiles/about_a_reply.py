"""What a task raises about a reply that isn't what it needs."""

import requests

from loadtests.locustfiles.exceptions import CatchResponseError, ResponseError
from loadtests.shopper.session_errors import UNREADABLE

ABOUT_A_REPLY = (
    *UNREADABLE, AssertionError, ResponseError, CatchResponseError, requests.exceptions.RequestException,
)  # fmt: skip
