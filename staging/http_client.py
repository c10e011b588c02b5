"""Calls between the processes of the stand-in: connections that each thread keeps, past every proxy."""

import threading

import requests


class ThreadSessions:
    """A session of `requests` for each thread, as one isn't to be shared."""

    def __init__(self) -> None:
        self._of_thread = threading.local()

    def get(self) -> requests.Session:
        """Return the thread's session."""
        session: requests.Session | None = getattr(self._of_thread, "session", None)
        if session is None:
            session = self._of_thread.session = requests.Session()
            # No proxy and no .netrc is used here, and looking for them costs a millisecond a call.
            session.trust_env = False
        return session
