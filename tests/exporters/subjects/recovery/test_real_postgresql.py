"""Real PostgreSQL: its dumps cut anywhere, its standbys followed, stopped and promoted, its WAL archive broken."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exporters.serving.source import Unreadable
from exporters.subjects.recovery import pgbackrest
from exporters.subjects.recovery.config import Pgbackrest, Replication, WalArchive
from exporters.subjects.recovery.dump_check import check
from exporters.subjects.recovery.listing import Listing, parsed_json
from exporters.subjects.recovery.replication import replication, wal_archive
from exporters.subjects.recovery.values import Standby
from slo.documents import validate
from tests.exporters.subjects.reading import context_at, within
from tests.exporters.subjects.recovery.clusters import Cluster, primary, standby_of
from tests.waiting import wait_for

pytestmark = pytest.mark.heavy
FORMATS = {"custom": ("-Fc",), "plain": ("-Fp",), "tar": ("-Ft",), "folder": ("-Fd",), "folder, plain": ("-Fd", "-Z0"),
           "verbose": ("-Fp", "-v"), "inserts": ("-Fp", "--inserts")}  # fmt: skip


@pytest.fixture(scope="module")
def shop() -> Iterator[Cluster]:
    with primary() as cluster:
        cluster.do(
            "create table orders (id int primary key, note text)",
            "insert into orders select g, repeat(md5(g::text), 3) from generate_series(1, 5000) g",
            "create table nothing (id int)",
            "create materialized view recent as select * from orders",
            "select lo_from_bytea(0, repeat('print', 9000)::bytea)",
        )
        yield cluster


def dumped(shop: Cluster, folder: Path, name: str) -> Path:
    path = folder / "dump"
    dump = shop.binaries / "pg_dump"
    done = subprocess.run([dump, *FORMATS[name], "-f", path, shop.url], check=False, timeout=60, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return path


@pytest.mark.parametrize("name", FORMATS)
def test_what_pg_dump_writes_is_good_and_cut_anywhere_it_never_is(shop: Cluster, name: str, tmp_path: Path) -> None:
    whole = dumped(shop, tmp_path, name)
    assert check(whole, lambda: True).why is None
    large_objects = (
        "blob" if name == "folder, plain" else "-"
    )  # they have no end of their own: a limit that is documented
    files = (
        [whole] if whole.is_file() else [one for one in whole.iterdir() if not one.name.startswith(large_objects + "_")]
    )
    draw = random.Random(name)  # noqa: S311 - places to cut
    for file in files:
        content = file.read_bytes()
        for cut in {0, len(content) - 1, *(draw.randrange(len(content)) for _ in range(25))}:
            file.write_bytes(content[:cut])
            assert check(whole, lambda: True).why is not None, f"{file.name} cut at {cut}"
        file.write_bytes(content)
    assert check(whole, lambda: True).why is None


def test_what_is_good_by_our_reading_pg_restore_lists(shop: Cluster, tmp_path: Path) -> None:
    for name in ("custom", "tar", "folder"):
        whole = dumped(shop, tmp_path, name)
        subprocess.run(
            [shop.binaries / "pg_restore", "--list", whole], check=True, timeout=60, stdout=subprocess.DEVNULL
        )
        shutil.rmtree(whole) if whole.is_dir() else whole.unlink()


def of_standby(cluster: Cluster, folder: Path) -> Callable[[], Standby]:
    config = validate({"standby": {"value": cluster.url}}, Replication, "exporters.yaml")
    read = replication("s1", config, context_at(folder), "shop/replication/s1")
    return lambda: read(within()).standbys[0]


def of_primary(cluster: Cluster, folder: Path) -> Callable[[], Standby]:
    config = validate({"primary": {"value": cluster.url}, "standbys": ["s1"]}, Replication, "exporters.yaml")
    read = replication("all", config, context_at(folder), "shop/replication/all")
    return lambda: read(within()).standbys[0]


def test_a_standby_s_lag_through_all_that_happens_to_it(tmp_path: Path) -> None:
    with primary() as leader, standby_of(leader, "s1") as follower:
        itself, of_leader = of_standby(follower, tmp_path), of_primary(leader, tmp_path)
        leader.do("create table orders (id int)")
        wait_for(lambda: itself().lag_s == 0 and of_leader().lag_s == 0, "a standby that has caught up")

        follower.do("select pg_wal_replay_pause()")
        leader.do("insert into orders values (1)")
        time.sleep(1.2)  # the lag grows with time
        wait_for(lambda: (itself().lag_s or 0) > 1, "a lag of what isn't replayed")
        assert itself().streaming
        follower.do("select pg_wal_replay_resume()")
        wait_for(lambda: itself().lag_s == 0, "a standby that has caught up again")

        leader.stop()
        wait_for(lambda: not itself().streaming, "a standby that receives nothing")
        assert itself().lag_s is None  # it replayed all it received, and nobody knows what it didn't
        with pytest.raises(Unreadable, match=r"^shop/replication/all: "):
            of_leader()

        follower.run("pg_ctl", "-D", str(follower.data), "-w", "promote")
        with pytest.raises(Unreadable, match=r"isn't a standby: it is not in recovery; was it promoted\?$"):
            itself()


def test_a_primary_misses_a_standby_that_isn_t_there_and_a_user_without_rights_sees_nothing(tmp_path: Path) -> None:
    with primary() as leader:
        assert of_primary(leader, tmp_path)() == Standby(name="s1", streaming=False, lag_s=None)
        with standby_of(leader, "s1") as follower:
            wait_for(lambda: of_primary(leader, tmp_path)().streaming, "a standby that streams")
            leader.do("create role watcher login")
            watcher = Cluster(folder=follower.folder, binaries=follower.binaries, user=None)
            hidden = watcher.url.replace("shop@", "watcher@")
            config = validate({"standby": {"value": hidden}}, Replication, "exporters.yaml")
            read = replication("s1", config, context_at(tmp_path), "shop/replication/s1")

            def refused() -> str:
                with pytest.raises(Unreadable) as error:
                    read(within())
                return str(error.value)

            wait_for(lambda: "pg_monitor" in refused(), "a refusal that names the role")


def test_a_server_that_was_stopped_in_its_tracks_costs_a_read_its_deadline_and_no_more(tmp_path: Path) -> None:
    with primary() as leader:
        read = of_primary(leader, tmp_path)
        assert not read().streaming
        leader.signal_all(signal.SIGSTOP)
        config = validate({"primary": {"value": leader.url}, "standbys": ["s1"]}, Replication, "exporters.yaml")
        frozen = replication("all", config, context_at(tmp_path), "shop/replication/all")
        with pytest.raises(Unreadable, match=r"^shop/replication/all: "):
            frozen(within(1.0))
        leader.signal_all(signal.SIGCONT)
        assert not read().streaming


def test_a_wal_archive_is_dated_while_it_works_and_failing_when_it_doesn_t(tmp_path: Path) -> None:
    with primary("archive_mode=on", "archive_command='test -d %p.x || cp %p archive/'") as leader:
        config = validate({"primary": {"value": leader.url}}, WalArchive, "exporters.yaml")
        read = wal_archive(config, context_at(tmp_path), "shop/wal-archive")
        leader.do("create table orders (id int)", "select pg_switch_wal()")
        wait_for(lambda: read(within()).failing, "an archive that fails: its folder isn't there")
        assert read(within()).at_s is None
        (leader.data / "archive").mkdir()
        (leader.data / "archive").chmod(0o777)
        leader.do("select pg_reload_conf()")
        archived = wait_for(lambda: read(within()).at_s, "an archived segment")
        assert abs(archived - time.time()) < 600
        assert not read(within()).failing


@pytest.mark.skipif(not shutil.which("pgbackrest"), reason="pgbackrest isn't on PATH")
def test_a_real_stanza_of_pgbackrest_is_read_from_its_own_json() -> None:
    with primary("archive_mode=on") as one:
        run = pgbackrest_of(one)

        def read(now_s: float) -> list[tuple[str, str | None]]:
            data = parsed_json(run("info", "--output=json"), "pgbackrest")
            config = validate({"command": ["x"], "stanza": "shop"}, Pgbackrest, "exporters.yaml")
            found = pgbackrest.catalogue_of(Listing(shown="pgbackrest", data=data), config, now_s)
            return [(backup.state.value, backup.why) for backup in found.backups]

        run("--stanza=shop", "stanza-create")
        assert read(time.time()) == []
        run("--stanza=shop", "backup", "--type=full")
        run("--stanza=shop", "backup", "--type=incr")
        assert read(time.time()) == [("good", None)] * 2
        assert [state for state, _ in read(time.time() - 7200)] == ["ahead"] * 2


def pgbackrest_of(cluster: Cluster) -> Callable[..., bytes]:
    """Configure pgBackRest for a cluster, and return how it is run."""
    folder, program, file = cluster.folder, shutil.which("pgbackrest") or "", cluster.data / "pgbackrest.conf"
    file.write_text(
        f"[global]\nrepo1-path={folder}/repo\nlog-path={folder}\nlock-path={folder}/lock\nlog-level-file=off\n"
        f"spool-path={folder}/spool\nstart-fast=y\narchive-timeout=30\n"
        f"[shop]\npg1-path={cluster.data}\npg1-socket-path={folder}\npg1-user=shop\n"
    )
    push = f"{program} --config={file} --stanza=shop archive-push %p"
    cluster.do(f"alter system set archive_command = '{push}'", "select pg_reload_conf()")

    def run(*arguments: str) -> bytes:
        done = subprocess.run(
            [program, f"--config={file}", *arguments], user=cluster.user, cwd=folder, timeout=90, check=False,
            capture_output=True, env={"PATH": os.environ["PATH"]},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    return run
