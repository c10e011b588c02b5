"""A comparison by `--switch`, or of two environments: everything is checked and told first, then played."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from loadtests.comparison.job import Variant
from loadtests.environment.resolved_environment import ResolvedEnvironment, resolve_environment
from loadtests.guardrails.kill_switch import KillSwitch
from loadtests.guardrails.lease import Lease
from loadtests.guardrails.release_watch import probe_release
from loadtests.results.inputs import Inputs
from scripts.comparing.asked import Asked, Switch
from scripts.comparing.block_run import Side
from scripts.comparing.environments import check_alike
from scripts.comparing.one_at_a_time import BlockStopped, JobFile, Switcher
from scripts.comparing.playing import Playing, check_blocks
from scripts.comparing.put_back import Guard
from scripts.comparing.settling import Settling, Waits
from scripts.comparing.switch_command import SwitchCommand, parse_words
from scripts.comparing.switcher import BothUp, CommandSwitcher, Names, Settles
from scripts.context import Context
from scripts.running.guards import lease_of
from scripts.running.lifecycle import leases_beside
from scripts.running.read_inputs import read_inputs
from slo.documents import BadInput

NO_PROBE = "no release_probe is declared: that each block met its release is not shown"


def compare_by_command(asked: Asked, switch: Switch, context: Context) -> JobFile:
    """Compare what the command puts up as `b` with what it puts up as `a`, which is up afterwards.

    It is up now as well, unless the switch names a baseline, which is put up first.
    Raises BadInput or EnvironmentLacks before anything is switched when it can't be played; from then on A is put
    back whatever happens, and the document in the returned folder says how it ended.
    """
    words = parse_words(switch.text, context.environment, context.folder)
    inputs = read_inputs(asked.plan, asked.objectives, asked.targets, asked.on)
    check_blocks(inputs, asked, context)
    playing = Playing(asked=asked, inputs=inputs, context=context)
    with lease_of(inputs, asked.lease_folder or leases_beside(context), context.say) as lease:
        a = "what is up" if switch.baseline is None else "the baseline's release"
        file = playing.begin("switch", a, "what the switch puts up")
        command = SwitchCommand(
            words=words,
            folder=context.folder,
            logs=file.folder / "switches",
            timeout_s=switch.timeout_s,
            environment=context.environment,
            release_a=None if switch.baseline is None else switch.baseline.handed_on,
        )
        waits = Waits(release_s=switch.timeout_s)
        with Guard(command, file.folder) as guard:
            switcher = CommandSwitcher(
                command=command,
                settles=partial(_settling, inputs, lease, waits, context),
                settles_back=partial(_settling, inputs, None, waits, context),
                names=Names(same=asked.same, known=_known(switch, probed=inputs.environment.release_probe is not None)),
                up="a" if switch.baseline is None else None,
                guard=guard,
                note=file.note,
                say=context.say,
            )
            if inputs.environment.release_probe is None:
                file.note(NO_PROBE)
                context.say(f"{NO_PROBE}; only a stable latency is waited for")
            with _back_at_the_end(switcher, file, context):
                switcher.begin()
                takes_s = _takes_s(switch, switcher, context)
                for variant, name in switcher.names.known.items():
                    file.keep_release(variant, name)
                blocks = playing.design(file, takes_s, "one after the other")
                side = Side(inputs=inputs, lease=lease)
                playing.play(file, {"a": side, "b": side}, blocks, switcher, switcher.names.known.get)
    return file


def _known(switch: Switch, *, probed: bool) -> dict[Variant, str | None]:
    """Return the name of A, where a baseline says it: anything else that answers is not A."""
    if switch.baseline is None or switch.baseline.release is None or not probed:
        return {}
    return {"a": switch.baseline.release}


def _takes_s(switch: Switch, switcher: CommandSwitcher, context: Context) -> float:
    if switch.takes_s is not None:
        return switch.takes_s
    context.say("learning what a switch takes: to B and back")
    return switcher.learn()


def compare_environments(asked: Asked, other: str, context: Context) -> JobFile:
    """Compare the release in the environment `other`, as B, with that in `asked.on`, as A, block by block."""
    read = partial(read_inputs, asked.plan, asked.objectives, asked.targets)
    a, b = read(asked.on), read(other)
    differences = check_alike(a.environment, b.environment, asked.on, other)
    for one in (a, b):
        check_blocks(one, asked, context)
    playing = Playing(asked=asked, inputs=a, context=context)
    leases = partial(lease_of, folder=asked.lease_folder or leases_beside(context), say=context.say)
    with leases(a) as lease_a, leases(b) as lease_b:
        names: dict[Variant, str | None] = {"a": _named(a, context), "b": _named(b, context)}
        _check_names(names, asked, other)
        file = playing.begin("environments", asked.on, other)
        for variant, name in names.items():
            file.keep_release(variant, name)
        for note in (*differences, *([NO_PROBE] if None in names.values() else [])):
            file.note(note)
            context.say(note)
        blocks = playing.design(file, 0.0, f"on {asked.on} and {other} in turn")
        sides: dict[Variant, Side] = {"a": Side(inputs=a, lease=lease_a), "b": Side(inputs=b, lease=lease_b)}
        playing.play(file, sides, blocks, BothUp(names=names), names.get)
    return file


def _check_names(names: dict[Variant, str | None], asked: Asked, other: str) -> None:
    if names["a"] is not None and names["a"] == names["b"] and not asked.same:
        raise BadInput(
            f"{asked.on} and {other} both name release {names['a']}: deploy B to {other}, or add --same to compare a"
            " release with itself"
        )


@contextmanager
def _back_at_the_end(switcher: Switcher, file: JobFile, context: Context) -> Iterator[None]:
    """Put A back when what comes before the blocks ends otherwise, and let that be known."""
    try:
        yield
    except BaseException as error:
        because = str(error) or type(error).__name__
        file.update(ended="stopped" if isinstance(error, KeyboardInterrupt) else "failed", because=because)
        raise
    finally:
        if (done := switcher.put_back()) is not None:
            file.note(done)
            context.say(done)


def _settling(inputs: Inputs, lease: Lease | None, waits: Waits, context: Context) -> Settles:
    """Return what waits on an environment; its hosts are resolved anew, a switch may have moved them.

    Without a lease neither it nor the kill URL ends the waiting: A is put back although, or because, they said stop.
    """
    resolved = resolve_environment(inputs.environment, context.environment)
    check = _nothing if lease is None else _checks(resolved, lease)
    return Settling(partial(probe_release, resolved), check, waits).settle


def _nothing() -> None:
    """Let the waiting go on."""


def _checks(resolved: ResolvedEnvironment, lease: Lease) -> Callable[[], None]:
    url = resolved.environment.kill_url
    kill = None if url is None else KillSwitch(url, resolved.http(), time.monotonic)

    def check() -> None:
        if kill is not None:
            kill.look()
        if why := lease.lost or (kill and kill.why_stop):
            raise BlockStopped(why)

    return check


def _named(inputs: Inputs, context: Context) -> str | None:
    return probe_release(resolve_environment(inputs.environment, context.environment))
