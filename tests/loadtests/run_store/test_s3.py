"""A store of runs in a bucket, by S3's protocol: what moto's server answers, on this machine alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.run_store.files import StoreFiles
from loadtests.run_store.store import RunStore
from slo.outcomes import EnvironmentLacks
from tests.loadtests.run_store.made_aggregates import made, put
from tests.ports import free_port

pytestmark = pytest.mark.heavy
boto3 = pytest.importorskip("boto3", reason="s3fs and moto are not installed")
server = pytest.importorskip("moto.server", reason="moto is not installed")
s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed")
BUCKET, RUN = "season", made().run


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Serve S3 on this machine."""
    port = free_port()
    moto = server.ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    moto.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        moto.stop()


@pytest.fixture
def address(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Make a bucket, and have keys, region and endpoint in the variables that AWS' own tools read."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "a-key",
        "AWS_SECRET_ACCESS_KEY": "a-secret",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL": endpoint,
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    bucket = boto3.resource("s3").Bucket(BUCKET)
    bucket.create(CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    yield f"s3://{BUCKET}/runs-of-the-shop"
    bucket.objects.all().delete()
    bucket.delete()


def test_a_run_that_was_put_is_read_back_with_its_records(address: str, tmp_path: Path) -> None:
    assert RunStore(address).contents().entries == ()
    put(RunStore(address), made(), tmp_path / "runs", records=True)
    store = RunStore(address)
    contents = store.contents()
    assert ([one.run for one in contents.entries], contents.partly_written, contents.unusable) == ([RUN], (), {})
    assert store.aggregates(contents.entries[0]) == made()
    back = store.get(contents.entries[0], tmp_path / "back")
    assert (back / "requests-w0-00000.parquet").read_bytes() == b"records" * 100


def test_what_another_machine_wrote_meanwhile_is_seen_and_what_it_removed_is_not(address: str) -> None:
    ours, theirs = StoreFiles(address), StoreFiles(address)
    assert (ours.names("index"), ours.exists("index/one.json"), ours.read("index/one.json")) == ([], False, None)
    theirs.write("index/one.json", b"1")
    assert (ours.names("index"), ours.size("index/one.json"), ours.read("index/one.json")) == (["one.json"], 1, b"1")
    theirs.write("index/one.json", b"22")
    assert ours.read_all(["index/one.json", "index/two.json"]) == {"index/one.json": b"22"}
    theirs.remove("index/one.json")
    assert (ours.names("index"), ours.size("index/one.json"), ours.read("index/one.json")) == ([], 0, None)


def test_a_run_whose_index_entry_was_never_written_is_partly_written(address: str, tmp_path: Path) -> None:
    put(RunStore(address), made(), tmp_path / "runs")
    StoreFiles(address).remove(f"index/{RUN}.json")
    contents = RunStore(address).contents()
    assert (contents.entries, contents.partly_written) == ((), (RUN,))


def test_a_bucket_that_is_not_there_and_an_endpoint_that_does_not_answer_are_named(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EnvironmentLacks, match="s3://another/runs"):
        put(RunStore("s3://another/runs"), made(), tmp_path / "runs")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(EnvironmentLacks, match=address):
        RunStore(address).contents()
    monkeypatch.undo()
