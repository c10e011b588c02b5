"""Prometheus is what we are told, what is installed, what we fetched before, else Debian's package without root."""

from pathlib import Path

import pytest

from scripts.local_stack.prometheus_binary import find_prometheus, find_promtool
from slo.outcomes import EnvironmentLacks
from tests.scripts.world import World, script

UNPACKED = "prometheus/usr/bin/prometheus"


def found(world: World, **environment: str) -> Path:
    """Look for Prometheus with a home of one's own."""
    variables = {"HOME": str(world.folder / "home"), "PATH": str(world.folder / "bin"), **environment}
    return find_prometheus(variables, world.said.append)


def refused(world: World, **environment: str) -> str:
    with pytest.raises(EnvironmentLacks) as lacks:
        found(world, **environment)
    return str(lacks.value)


def test_what_we_are_told_comes_first(world: World) -> None:
    told = script(world.folder / "mine", "")
    script(world.folder / "bin" / "prometheus", "")
    assert found(world, PEAKPROOF_PROMETHEUS=str(told)) == told


def test_a_told_path_is_taken_from_the_folder_we_stand_in(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    told = script(world.folder / "mine", "")
    monkeypatch.chdir(world.folder)
    assert found(world, PEAKPROOF_PROMETHEUS="mine") == told


@pytest.mark.parametrize("what", ["nothing", "folder", "text"])
def test_a_told_path_that_is_no_program_is_refused_and_nothing_else_is_tried(world: World, what: str) -> None:
    (world.folder / "folder").mkdir()
    (world.folder / "text").write_text("")
    script(world.folder / "bin" / "prometheus", "")
    path = world.folder / what
    assert refused(world, PEAKPROOF_PROMETHEUS=str(path)) == (
        f"Prometheus can't be run: {path} ($PEAKPROOF_PROMETHEUS) is not a program;"
        " install it from prometheus.io and set PEAKPROOF_PROMETHEUS to the program's path"
    )


def test_what_is_installed_comes_next(world: World) -> None:
    installed = script(world.folder / "bin" / "prometheus", "")
    assert found(world) == installed


@pytest.mark.parametrize(
    ("variable", "value", "cache"),
    [
        ("PEAKPROOF_CACHE", "own", "own"),
        ("XDG_CACHE_HOME", "xdg", "xdg/peakproof"),
        ("HOME", "home", "home/.cache/peakproof"),
    ],
)
def test_what_was_fetched_before_is_found_in_our_cache(world: World, variable: str, value: str, cache: str) -> None:
    fetched = script(world.folder / cache / UNPACKED, "")
    assert found(world, **{variable: str(world.folder / value)}) == fetched
    assert world.said == []


def test_without_apt_get_the_one_thing_that_helps_is_told(world: World) -> None:
    assert refused(world) == (
        "Prometheus is not on this machine;"
        " install it from prometheus.io and set PEAKPROOF_PROMETHEUS to the program's path"
    )
    script(world.folder / "bin" / "brew", "")
    assert refused(world) == "Prometheus is not on this machine; install it with: brew install prometheus"


def test_a_failing_apt_get_is_told_by_its_last_line(world: World) -> None:
    script(world.folder / "bin" / "dpkg", "")
    script(world.folder / "bin" / "apt-get", "echo 'E: first' >&2; echo 'E: Temporary failure resolving' >&2; exit 100")
    assert refused(world) == (
        "Prometheus can't be fetched: E: Temporary failure resolving; install it with: apt-get install prometheus"
    )
    assert world.said == ["fetching Prometheus from Debian's packages (19 MB, once; nothing is installed)"]


def test_an_apt_get_that_brings_nothing_is_told(world: World) -> None:
    script(world.folder / "bin" / "dpkg", "")
    script(world.folder / "bin" / "apt-get", "exit 0")
    assert refused(world) == ("Debian's packages gave no prometheus; install it with: apt-get install prometheus")


def test_a_package_without_the_program_is_told(world: World) -> None:
    script(world.folder / "bin" / "dpkg", '/bin/mkdir -p "$3"')
    script(world.folder / "bin" / "apt-get", 'case "$*" in *download*) : > prometheus_2.deb;; esac')
    program = world.folder / "home" / ".cache" / "peakproof" / UNPACKED
    assert refused(world) == (
        f"Prometheus can't be run: {program} (Debian's package) is not a program;"
        " install it with: apt-get install prometheus"
    )


def test_the_package_is_fetched_with_private_folders_unpacked_and_kept(world: World) -> None:
    log = world.folder / "log"
    script(
        world.folder / "bin" / "apt-get", f'echo "$*" >> {log}; case "$*" in *download*) : > prometheus_2.deb;; esac'
    )
    unpack = (
        '/bin/mkdir -p "$3/usr/bin"; /bin/cp /bin/true "$3/usr/bin/prometheus"; /bin/cp /bin/true "$3/usr/bin/promtool"'
    )
    script(world.folder / "bin" / "dpkg", unpack)
    cache = world.folder / "home" / ".cache" / "peakproof"
    program = found(world)
    assert program == cache / UNPACKED
    assert find_promtool(program, {}) == cache / "prometheus" / "usr" / "bin" / "promtool"
    assert [path.name for path in cache.iterdir()] == ["prometheus"]
    update, download = log.read_text().splitlines()
    assert update.endswith(" update")
    assert download.endswith(" download prometheus")
    for call in (update, download):
        assert f"Dir::State={cache}/apt/state -o Dir::State::lists={cache}/apt/state/lists" in call
        assert f"Dir::Cache={cache}/apt/cache" in call
    assert found(world) == program
    assert len(log.read_text().splitlines()) == 2


def test_a_cache_that_can_not_be_written_is_told(world: World) -> None:
    for name in ("apt-get", "dpkg"):
        script(world.folder / "bin" / name, "")
    cache = world.folder / "file" / "cache"
    (world.folder / "file").write_text("")
    assert refused(world, PEAKPROOF_CACHE=str(cache)) == f"Prometheus can't be kept in {cache}: Not a directory"


def test_a_missing_promtool_is_told(tmp_path: Path) -> None:
    program = script(tmp_path / "prometheus", "")
    with pytest.raises(EnvironmentLacks) as lacks:
        find_promtool(program, {"PATH": ""})
    assert str(lacks.value) == (
        f"Prometheus can't be run: {tmp_path / 'promtool'} (beside prometheus) is not a program;"
        " install it from prometheus.io and set PEAKPROOF_PROMETHEUS to the program's path"
    )
