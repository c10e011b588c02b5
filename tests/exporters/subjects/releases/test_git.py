"""A real repository: its commits and its release tags, and what stands in for one."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from exporters.serving.source import Unreadable
from exporters.subjects.releases.config import Git
from exporters.subjects.releases.git import history, of_tags
from exporters.subjects.releases.values import Deployment, History
from slo.documents import validate
from tests.exporters.subjects.reading import context_at, within

GIT = shutil.which("git") or ""
T0 = 1_790_000_000
pytestmark = pytest.mark.skipif(not GIT, reason="git isn't on PATH")


class Repository:
    """A git repository of a test's own, whose commits are made at the seconds that it names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.run("init", "-q", "-b", "main", ".")

    def run(self, *arguments: str, at_s: int = T0) -> str:
        who = {"NAME": "a", "EMAIL": "a@example.org", "DATE": f"{at_s} +0200"}
        env = {f"GIT_{role}_{name}": value for role in ("AUTHOR", "COMMITTER") for name, value in who.items()}
        done = subprocess.run(
            [GIT, *arguments], cwd=self.folder, check=True, capture_output=True, text=True,
            env={**env, "PATH": os.environ["PATH"], "HOME": str(self.folder), "GIT_CONFIG_NOSYSTEM": "1"},
        )  # fmt: skip
        return done.stdout.strip()

    def commit(self, at_s: int, message: str = "x | y") -> str:
        self.run("commit", "-q", "--allow-empty", "-m", message, at_s=at_s)
        return self.run("rev-parse", "HEAD")


def read(folder: Path, seconds: float = 10.0, **config: object) -> History:
    made = validate({"repository": folder.name, **config}, Git, "exporters.yaml")
    return history(made, context_at(folder.parent, PATH=os.environ["PATH"]))(within(seconds))


def test_commits_have_their_committer_s_time_and_their_parents(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "shop")
    first = repository.commit(T0)
    repository.run("checkout", "-q", "-b", "topic")
    topic = repository.commit(T0 + 10)
    repository.run("checkout", "-q", "main")
    second = repository.commit(T0 + 20)
    repository.run("merge", "-q", "--no-ff", "-m", "merge", "topic", at_s=T0 + 30)
    commits = read(repository.folder).commits
    assert len(commits) == 4
    assert (commits[first].committed_at_s, commits[first].parents) == (T0, ())
    assert commits[repository.run("rev-parse", "main")].parents == (second, topic)


@pytest.mark.parametrize("bare", [False, True])
def test_release_tags_name_commits_annotated_or_not_in_a_clone_and_in_a_mirror(bare: bool, tmp_path: Path) -> None:  # noqa: FBT001
    repository = Repository(tmp_path / "shop")
    first = repository.commit(T0)
    repository.run("tag", "v1.0.0")
    second = repository.commit(T0 + 10)
    repository.run("tag", "-a", "-m", "release", "v1.1.0", at_s=T0 + 60)
    repository.run("tag", "nightly")
    repository.run("tag", "v-tree", "HEAD^{tree}")
    repository.run("tag", "-a", "-m", "no release", "v-tree-too", "HEAD^{tree}")
    where = repository.folder
    if bare:
        repository.run("clone", "-q", "--mirror", ".", str(tmp_path / "mirror.git"))
        where = tmp_path / "mirror.git"
    tags = {tag.name: (tag.commit, tag.at_s) for tag in read(where).tags}
    assert tags == {"v1.0.0": (first, T0), "v1.1.0": (second, T0 + 60)}
    assert [tag.name for tag in read(where, tags="nightly").tags] == ["nightly"]


def test_where_tags_are_deployments_each_is_one_of_its_commit(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "shop")
    first = repository.commit(T0)
    repository.run("tag", "v1.0.0")
    assert of_tags(read(repository.folder), "production").deployments == (
        Deployment(deployed_to="production", version="v1.0.0", commit=first, at_s=T0, succeeded=True),
    )


def test_a_repository_without_commits_has_none(tmp_path: Path) -> None:
    assert read(Repository(tmp_path / "shop").folder) == History(commits={}, tags=())


def test_what_is_no_repository_or_a_damaged_one_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(Unreadable, match=r"^git: ended with 128: fatal: not a git repository"):
        read(tmp_path / "empty")
    with pytest.raises(Unreadable, match=r"^git: ended with 128: fatal: cannot change to"):
        read(tmp_path / "gone")
    repository = Repository(tmp_path / "shop")
    repository.commit(T0)
    for one in (repository.folder / ".git" / "objects").glob("??/*"):
        one.chmod(0o600)
        one.write_bytes(b"")
    with pytest.raises(Unreadable, match=r"^git: ended with 128: fatal: "):
        read(repository.folder)


def test_no_configuration_of_the_repository_s_makes_git_run_something(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "shop")
    first = repository.commit(T0)
    # A commit that says it is signed, so that git would have its signature checked.
    signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----\n"
    author = f"author a <a@example.org> {T0} +0000\ncommitter a <a@example.org> {T0} +0000\n"
    tree = repository.run("rev-parse", "HEAD^{tree}")
    (repository.folder / "commit").write_text(f"tree {tree}\nparent {first}\n{author}{signature}\nsigned\n")
    repository.run("update-ref", "refs/heads/signed", repository.run("hash-object", "-t", "commit", "-w", "commit"))
    (tmp_path / "trap").write_text(f"#!/bin/sh\ntouch {tmp_path}/trapped\n")
    (tmp_path / "trap").chmod(0o755)
    trap = f"{tmp_path}/trap"
    for name in ("core.fsmonitor", "core.pager", "gpg.program", "core.sshCommand"):
        repository.run("config", name, trap)
    repository.run("config", "log.showSignature", "true")
    assert len(read(repository.folder).commits) == 2
    assert not (tmp_path / "trapped").exists()


def test_a_git_that_hangs_is_ended_at_the_deadline(tmp_path: Path) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\nsleep 60\n")
    (tmp_path / "git").chmod(0o755)
    made = validate({"repository": "."}, Git, "exporters.yaml")
    with pytest.raises(Unreadable, match=r"^git: hasn't ended within the deadline$"):
        history(made, context_at(tmp_path, PATH=f"{tmp_path}:/usr/bin:/bin"))(within(0.3))


def test_a_git_that_prints_something_else_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\necho 'hint: upgrade'\n")
    (tmp_path / "git").chmod(0o755)
    made = validate({"repository": "."}, Git, "exporters.yaml")
    with pytest.raises(Unreadable, match=r": git printed a line that isn't as asked for: 'hint: upgrade'$"):
        history(made, context_at(tmp_path, PATH=f"{tmp_path}:/usr/bin:/bin"))(within())
