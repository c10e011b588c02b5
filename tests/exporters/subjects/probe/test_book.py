"""Probes of one target and module: one at a time, one an interval, shared by the scrapes that come meanwhile."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from exporters.serving.source import Deadline
from exporters.subjects.probe.book import Book
from exporters.subjects.probe.slot import Seen
from loadtests.probe.result import skipped
from slo.documents import BadInput
from tests.exporters.subjects.probe.made import (
    BAD,
    GOOD,
    Clock,
    Player,
    book,
    config,
    context,
    within,
    write_targets,
)

TEN = within(10)


def test_a_scrape_plays_a_probe_and_those_in_the_same_minute_get_its_result_with_its_time(tmp_path: Path) -> None:
    player, clock = Player(), Clock()
    one = book(tmp_path, player, clock)
    first = one.ask("production", "browse", TEN)
    clock.at += 50
    second = one.ask("production", "browse", TEN)
    assert player.played == [("production", "browse", 9.4)]
    assert (first.last, second.last) == (GOOD, GOOD)
    clock.at += 10
    one.ask("production", "browse", TEN)
    assert len(player.played) == 2


def test_a_scraper_whose_clock_is_not_ours_plays_a_probe_at_each_scrape(tmp_path: Path) -> None:
    player, clock = Player(), Clock()
    one = book(tmp_path, player, clock)
    for step in (59.6, 60.4) * 5:
        one.ask("staging", "browse", TEN)
        clock.at += step
    assert len(player.played) == 10


def test_a_scraper_that_comes_more_often_plays_no_more_than_one_a_minute(tmp_path: Path) -> None:
    player, clock = Player(), Clock()
    one = book(tmp_path, player, clock)
    for _ in range(240):
        one.ask("staging", "browse", TEN)
        clock.at += 57.0
    assert len(player.played) <= 240 * 57 / 60


def test_scrapes_that_come_together_share_one_probe(tmp_path: Path) -> None:
    player = Player(gate=threading.Event())
    one = book(tmp_path, player, Clock())
    found: list[Seen] = []
    threads = [
        threading.Thread(target=lambda: found.append(one.ask("production", "browse", within(20)))) for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    while not player.played:
        pass
    assert player.gate is not None
    player.gate.set()
    for thread in threads:
        thread.join(20)
    assert ([seen.last for seen in found], len(player.played)) == ([GOOD] * 5, 1)


def test_a_probe_that_takes_longer_than_its_interval_is_joined_by_no_other(tmp_path: Path) -> None:
    player, clock = Player(gate=threading.Event()), Clock()
    one = book(tmp_path, player, clock)
    one.tick()
    while not player.played:
        pass
    clock.at += 120
    one.tick()
    assert len(player.played) == 1
    assert player.gate is not None
    player.gate.set()


def reason(seen: Seen) -> str | None:
    return seen.last.skipped.reason if seen.last is not None and seen.last.skipped is not None else None


def test_a_scrape_whose_time_is_over_before_the_probe_is_told_so(tmp_path: Path) -> None:
    player = Player(gate=threading.Event())
    one = book(tmp_path, player, Clock())
    times = iter((0.0, 3.65))
    seen = one.ask("production", "browse", Deadline(at=3.7, clock=lambda: next(times)))
    while not player.played:
        pass
    assert (reason(seen), len(player.played)) == ("late", 1)
    assert player.gate is not None
    player.gate.set()


def test_a_scrape_that_leaves_too_little_time_plays_nothing_and_is_told_so(tmp_path: Path) -> None:
    player = Player()
    one = book(tmp_path, player, Clock())
    assert (reason(one.ask("production", "browse", within(3.5))), player.played) == ("late", [])


def test_a_result_that_is_three_intervals_old_says_nothing_any_more(tmp_path: Path) -> None:
    clock = Clock()
    one = book(tmp_path, Player(), clock)
    one.ask("staging", "browse", TEN)
    clock.at += 180
    assert one.ask("staging", "browse", within(3.5)).last == GOOD
    clock.at += 1
    assert reason(one.ask("staging", "browse", within(3.5))) == "late"


@pytest.mark.parametrize(
    ("target", "module", "message"),
    [
        ("nowhere", "browse", "target: no target 'nowhere'; there are: production, staging"),
        ("", "browse", "target: no target ''; there are: production, staging"),
        ("staging", "gaze", "module: no module 'gaze'; there are: browse, buy"),
    ],
)
def test_what_there_is_not_is_named_with_what_there_is(tmp_path: Path, target: str, module: str, message: str) -> None:
    with pytest.raises(BadInput) as raised:
        book(tmp_path, Player(), Clock()).ask(target, module, TEN)
    assert str(raised.value) == message


def test_a_module_is_played_only_on_the_environments_it_names(tmp_path: Path) -> None:
    player, modules = Player(), {"browse": {"journey": "window-shop", "only_on": ["staging"]}}
    one = book(tmp_path, player, Clock(), modules=modules)
    with pytest.raises(BadInput) as raised:
        one.ask("production", "browse", TEN)
    assert str(raised.value) == "target: browse is only_on staging, not production"
    one.ask("staging", "browse", TEN)
    assert [target for target, _, _ in player.played] == ["staging"]


def test_the_timer_ends_when_it_is_closed_and_when_nobody_holds_its_probes(tmp_path: Path) -> None:
    for close in (True, False):
        player = Player()
        one = book(tmp_path, player, Clock())
        one.start()
        (timer,) = (thread for thread in threading.enumerate() if thread.name == "probe-timer")
        while not player.played:
            timer.join(0.01)
        if close:
            one.close()
        else:
            del one
        timer.join(20)
        assert not timer.is_alive()


def test_a_configuration_that_is_read_again_forgets_nothing_and_plays_none_too_early(tmp_path: Path) -> None:
    write_targets(tmp_path)
    before, after, clock = Player(find=lambda _probe, _within_s: BAD), Player(), Clock()
    around = context(tmp_path, clock)
    Book(config(), around, before, clock).ask("staging", "browse", TEN)
    clock.at += 30
    again = Book(config(modules={"browse": {"journey": "other", "every_s": 90}}), around, after, clock)
    again.tick()
    seen = again.ask("staging", "browse", TEN)
    assert (seen.last, seen.every_s, seen.recent_failures, after.played) == (BAD, 90.0, 1, [])
    clock.at += 30
    assert again.ask("staging", "browse", TEN).last == GOOD


def test_two_of_the_last_three_probes_that_were_played_are_counted(tmp_path: Path) -> None:
    results = iter([BAD, BAD, skipped("run", "a run", 1.0), GOOD, GOOD])
    player, clock = Player(find=lambda _probe, _within_s: next(results)), Clock()
    one = book(tmp_path, player, clock)
    counted = []
    for _ in range(5):
        counted.append(one.ask("staging", "browse", TEN).recent_failures)
        clock.at += 60
    assert counted == [1, 2, 2, 2, 1]


def test_the_last_success_is_kept_while_probes_fail(tmp_path: Path) -> None:
    results = iter([replace(GOOD, began_at_s=5.0), replace(BAD, began_at_s=65.0)])
    player, clock = Player(find=lambda _probe, _within_s: next(results)), Clock()
    one = book(tmp_path, player, clock)
    one.ask("staging", "browse", TEN)
    clock.at += 60
    seen = one.ask("staging", "browse", TEN)
    assert seen.played is not None
    assert (seen.succeeded_at_s, seen.played.began_at_s) == (5.0, 65.0)


def test_no_more_are_under_way_at_once_than_allowed_and_the_one_too_many_says_so(tmp_path: Path) -> None:
    player = Player(gate=threading.Event())
    one = book(tmp_path, player, Clock(), at_once=1)
    first = threading.Thread(target=one.ask, args=("production", "browse", within(20)))
    first.start()
    while not player.played:
        pass
    seen = one.ask("staging", "browse", within(3.61))
    assert seen.last is not None
    assert seen.last.skipped is not None
    message = "no place was free in time: at_once is 1"
    assert (seen.last.skipped.reason, seen.last.skipped.message) == ("busy", message)
    assert player.gate is not None
    player.gate.set()
    first.join(20)


def test_a_machine_that_can_not_start_a_process_is_no_finding_about_the_shop(tmp_path: Path) -> None:
    def fails(_probe: object, _within_s: float) -> None:
        raise OSError(12, "Cannot allocate memory")

    seen = book(tmp_path, Player(find=fails), Clock()).ask("staging", "browse", TEN)  # type: ignore[arg-type]
    assert seen.last is not None
    assert seen.last.skipped is not None
    message = "no process can be started: OSError(12, 'Cannot allocate memory')"
    assert (seen.last.success, seen.last.skipped.message) == (None, message)


def test_the_timer_begins_what_is_due_with_the_module_s_time(tmp_path: Path) -> None:
    player, clock = Player(), Clock()
    listed = [{"target": "staging", "module": "browse"}, {"target": "production", "module": "browse", "every_s": 300}]
    one = book(tmp_path, player, clock, probes=listed)
    for _ in range(11):  # at 0, 30, 60 … 300 s; the two begin half a minute apart
        one.tick()
        while any(thread.name == "probe" for thread in threading.enumerate()):
            pass
        clock.at += 30
    assert [(target, within_s) for target, _, within_s in player.played] == [
        *(("staging", 20.0), ("production", 20.0)),
        *[("staging", 20.0)] * 5,
    ]


def test_a_target_that_a_timed_probe_names_must_be_there(tmp_path: Path) -> None:
    write_targets(tmp_path)
    with pytest.raises(BadInput) as raised:
        book(tmp_path, Player(), Clock(), probes=[{"target": "stagging", "module": "browse"}])
    path = tmp_path / "targets.yaml"
    assert str(raised.value) == f"{path}: no environment 'stagging'; there are: production, staging"
