"""The first replies of each step that weren't what it expects, as the run's workers kept them: masked and cut."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dashboards.report.records_query import Step
from dashboards.report.run_files import Gap, Reading
from loadtests.results.error_samples import BODY_BYTES, ErrorSample, by_step, read_samples

_NOT_TEXT = 0.25  # the share of a body's characters that can't be shown, from which on it is no text
_UNSHOWN = "\ufffd"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongReply:
    """One reply; `body` is None where it is no text, `cut` whether there was more of it.

    `again` is whether the reply before it had the same body, status and error: a page shows it once.
    """

    sample: ErrorSample
    headers: Sequence[tuple[str, str]]
    body: str | None
    cut: bool
    again: bool

    @property
    def answered(self) -> str:
        """Return what came: `HTTP 503`, or that nothing did."""
        return f"HTTP {self.sample.status}" if self.sample.status else "no reply"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReplies:
    """The replies of a step, by time; in the judged time `errors` of its requests failed, None if that isn't known."""

    step: str
    errors: int | None
    replies: Sequence[WrongReply]
    words: Sequence[str]


def wrong_replies(reading: Reading, steps: Sequence[Step]) -> list[StepReplies]:
    """Return the replies that were kept, those steps first whose requests failed most often in the judged time."""
    errors = {step.step: step.errors for step in steps}
    try:
        kept = by_step(read_samples(reading.directory))
    except OSError as error:
        reading.gaps.append(Gap(file="errors/", why=f"can't be read: {error.strerror}"))
        return []
    return sorted(_by_step(kept, errors), key=lambda one: (-(one.errors or 0), one.step))


def _by_step(kept: Mapping[str, tuple[ErrorSample, ...]], errors: Mapping[str, int]) -> list[StepReplies]:
    return [
        StepReplies(
            step=step,
            errors=errors.get(step),
            replies=[_reply(sample, before) for before, sample in zip((None, *samples), samples, strict=False)],
            words=list(dict.fromkeys(sample.error for sample in samples)),
        )
        for step, samples in kept.items()
    ]


def _reply(sample: ErrorSample, before: ErrorSample | None) -> WrongReply:
    body = sample.body[:BODY_BYTES]
    is_text = body.count(_UNSHOWN) <= _NOT_TEXT * len(body)
    return WrongReply(
        sample=sample,
        headers=sorted(sample.headers.items()),
        body=body if is_text else None,
        cut=sample.bytes > BODY_BYTES or len(sample.body) > len(body),
        again=bool(body) and before is not None and _what_came(sample) == _what_came(before),
    )


def _what_came(sample: ErrorSample) -> tuple[object, ...]:
    return sample.status, sample.error, sample.bytes, sample.body
