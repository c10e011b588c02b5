"""Keeps the first replies of one worker that weren't what their steps need, without what is secret in them."""

from collections.abc import Callable
from contextlib import suppress

from loadtests.client.interface import Reply, Request
from loadtests.masking.text import masked_fields, masked_head, masked_start, texts_of
from loadtests.results.error_samples import BODY_BYTES, ErrorSample, ErrorSamples
from loadtests.shopper.requester import Requester

_LONGEST_PATH, _LONGEST_WHY = 500, 500


class ReplySamples:
    """Is given each reply that isn't what its step needs; `known` are the environment's secrets."""

    def __init__(self, samples: ErrorSamples, now: Callable[[], int], known: tuple[str, ...]) -> None:
        self._samples, self._now, self._known = samples, now, known

    def unexpected(self, session: Requester, request: Request, reply: Reply, why: str) -> None:
        """Keep a reply if it is among the first of its kind; a disk that is full keeps none, and fails nothing."""
        error = reply.error or "wrong_reply"
        if not self._samples.wants(request.step, error, why):
            return
        known = (*self._known, *texts_of(session.own.masks()))
        sample = ErrorSample(
            at=self._now(),
            step=request.step,
            journey=session.arrival.journey,
            session=session.arrival.number,
            method=request.method,
            path=masked_start(request.path, _LONGEST_PATH, known),
            status=reply.status,
            error=error,
            why=masked_start(why, _LONGEST_WHY, known),
            headers=masked_fields(session.fields_of(request, reply), known),
            bytes=len(reply.body),
            body=masked_head(reply.body, BODY_BYTES, known),
        )
        with suppress(OSError):
            self._samples.keep(sample)
