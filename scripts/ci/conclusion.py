"""What a pipeline makes of an outcome: whether it blocks, in one word and one sentence, and with which exit code."""

from dataclasses import dataclass
from typing import Literal

from scripts.ci.finished import Finished
from slo.outcomes import ExitCode, Outcome

OnInconclusive = Literal["block", "warn"]
Word = Literal["shown", "failed", "advisory", "not-shown-blocks", "not-shown-warns", "not-played"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What an outcome that isn't shown does, and why; in an advisory policy nothing blocks."""

    on_inconclusive: OnInconclusive
    because: str
    is_advisory: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """The word for programs, the title for people, and whether the change may go on."""

    word: Word
    title: str
    code: int
    blocks: bool


def conclude(finished: Finished, rule: Rule) -> Conclusion:
    """Return what `finished` means under `rule`: PASS 0, FAIL 99, not shown 75, whatever the host makes of that."""
    if finished.outcome is None:
        title = f"Not played (exit code {finished.code}): {finished.reason}"
        return Conclusion(word="not-played", title=title, code=finished.code or ExitCode.CRASH, blocks=True)
    if finished.outcome is Outcome.PASS:
        return Conclusion(word="shown", title=f"PASS: {finished.reason}", code=ExitCode.OK, blocks=False)
    what = "FAIL" if finished.outcome is Outcome.FAIL else "Not shown"
    if finished.blocks_because:
        return _blocked(finished, what)
    if rule.is_advisory or finished.is_advisory:
        policy = rule.because if rule.is_advisory else "the run's policy"
        title = f"{what}, advisory, blocks nothing ({policy}): {finished.reason}"
        return Conclusion(word="advisory", title=title, code=ExitCode.OK, blocks=False)
    if finished.outcome is Outcome.FAIL:
        return Conclusion(word="failed", title=f"FAIL: {finished.reason}", code=ExitCode.FAIL, blocks=True)
    does = "blocks" if rule.on_inconclusive == "block" else "warns only"
    title = f"Not shown, {does} ({rule.because}): {finished.reason}"
    blocks = rule.on_inconclusive == "block"
    word: Word = "not-shown-blocks" if blocks else "not-shown-warns"
    return Conclusion(word=word, title=title, code=ExitCode.INCONCLUSIVE, blocks=blocks)


def _blocked(finished: Finished, what: str) -> Conclusion:
    title = f"{what}, blocks ({finished.blocks_because}): {finished.reason}"
    if finished.outcome is Outcome.FAIL:
        return Conclusion(word="failed", title=title, code=ExitCode.FAIL, blocks=True)
    return Conclusion(word="not-shown-blocks", title=title, code=ExitCode.INCONCLUSIVE, blocks=True)
