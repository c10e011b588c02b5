"""The releases file."""

from pathlib import Path

import pytest

from staging.shop.provider import key_of_order
from staging.shop.releases.behaviour import Behaviour
from staging.shop.releases.releases import CurrentRelease, read_releases
from staging.shop.stock import ConditionalTaking, StockAtOneLocation

KNOWN = (
    "acknowledged-before-commit, customers-locked, fresh-key-on-retry, gift-card-use-not-looked-at, "
    "name-cached-for-all, news-applied-again, news-forgotten, presses-stopped, prices-of-the-next-list, "
    "query-per-line, silent-once-paid, stock-read-then-written, stock-taken-again-on-retry"
)


RELEASES = (
    "stable", "slow-checkout", "oversell", "double-charge", "silent-orders",
    "lost-webhook", "repeated-webhook", "reused-gift-card", "locked-out", "late-orders",
    "lost-orders", "leaked-reservations", "price-drift", "mixed-up-sessions",
)  # fmt: skip


def test_the_releases_come_along() -> None:
    assert tuple(read_releases()) == RELEASES


def test_stable_behaves_as_it_should() -> None:
    behaviour = read_releases()["stable"].behaviour
    assert isinstance(behaviour.lines, StockAtOneLocation)
    assert isinstance(behaviour.stock, ConditionalTaking)
    assert behaviour.payment_key is key_of_order


def test_each_other_release_differs_in_one_thing() -> None:
    for name, release in read_releases().items():
        default = Behaviour()
        different = [
            type(release.behaviour.lines) is not type(default.lines),
            type(release.behaviour.stock) is not type(default.stock),
            type(release.behaviour.writing) is not type(default.writing),
            release.behaviour.name_shown is not default.name_shown,
            release.behaviour.payment_key is not default.payment_key,
            release.behaviour.pushed_until is not default.pushed_until,
            type(release.behaviour.vouchers) is not type(default.vouchers),
            type(release.behaviour.news) is not type(default.news),
            release.behaviour.admits_customers is not default.admits_customers,
            release.behaviour.presses_work is not default.presses_work,
        ]
        assert sum(different) == (name != "stable")


def test_no_version_tells_a_fault() -> None:
    for name, release in read_releases().items():
        assert name not in release.version
        assert release.version.replace(".", "").isdigit()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("format: peakproof/releases/v1\nreleases: {a: {version: '1.0', faults: [x]}}",
         "{path}: releases.a.faults: unknown fault 'x'; known: " + KNOWN),
        ("format: peakproof/releases/v1\nreleases: {a: {version: slow, faults: []}}",
         r"{path}: releases.a.version: String should match pattern '^\d+(\.\d+){1,3}$'"),
        ("format: peakproof/releases/v2\nreleases: {}", "{path}: format: Input should be 'peakproof/releases/v1'"),
        ("format: peakproof/releases/v1\nreleases: {}\nmore: 1", "{path}: more: Extra inputs are not permitted"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_refused_with_file_and_place(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "releases.yaml"
    path.write_text(text)
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the whole message is asserted below
        read_releases(path)
    assert str(refused.value) == message.replace("{path}", str(path))


def test_a_switch_takes_effect_for_the_next_reader() -> None:
    current = CurrentRelease(read_releases(), "stable")
    assert current.switch("oversell").version == "2026.47.2"
    assert current.get().name == "oversell"
    with pytest.raises(KeyError, match=f"unknown release; known: {', '.join(sorted(RELEASES))}"):
        current.switch("perfect")
