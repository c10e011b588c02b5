"""The canary of a locustfile's session: a word that no other shopper may be shown."""

import secrets

from loadtests.locustfiles.visit import CURRENT
from loadtests.shopper.canaries import Canaries

_NOBODYS = Canaries("")
_MANY = 26**6


def canary() -> str:
    """Return a word of 23 letters that is this session's alone: enter it as a name, in an address, or as a note.

    Every reply of the run's sessions is searched for another session's. One that shows it is the error `others_data`,
    whatever the task makes of it, and fails the run. Leave it where only its own shopper is shown it. Played by Locust
    itself it is a word that nobody looks for, new each time.
    """
    visit = CURRENT.get()
    return _NOBODYS.of_session(secrets.randbelow(_MANY)) if visit is None else visit.session.own.canary
