"""The subject as it is scraped: every figure, and each source failing alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from exporters.names.catalogue import FAMILIES
from exporters.serving.scrape import Scraped, Scraper
from exporters.subjects.releases import gates as reading
from exporters.subjects.releases.config import ReleasesConfig
from exporters.subjects.releases.families import ReleasesRead, families
from exporters.subjects.releases.gates import read_gates
from exporters.subjects.releases.subject import source_names, subject
from exporters.subjects.releases.values import Deployment, Events, Gate, Gates, Incident, version_of
from loadtests.evidence.replacing import write_outputs
from loadtests.evidence.steps import write_manifest
from loadtests.results.run_directory import RunDirectory
from slo.documents import BadInput, validate
from slo.statistics import lower_bad_ratio
from tests.exporters.subjects.reading import DAY, HOUR, NOW_S, context_at, exposed, lint, within

CONFIG: dict[str, Any] = {
    "deployments": "events", "change_failure_objective": 0.15, "events": {"file": "events.jsonl"}, "gates": {}
}  # fmt: skip
WINDOW = {"releases_window_seconds": 30.0 * DAY, "releases_change_failure_objective_ratio": 0.15}


def config_of(**changes: object) -> ReleasesConfig:
    return validate({**CONFIG, **changes}, ReleasesConfig, "exporters.yaml")


def put_run(folder: Path, name: str, outcome: str, release: str | None, **more: object) -> None:
    run = folder / "runs" / f"20261128T0900{name}Z-release-abcd"
    run.mkdir(parents=True)
    after = more.pop("after", release)
    document = {
        "format": "peakproof/run/v1",
        "release": {"before": release, "after": after},
        "plan": {"name": "release"},
    }
    (run / "run.json").write_text(json.dumps(document))
    verdict = {
        "format": "peakproof/verdict/v1", "outcome": outcome, "exit_code": 0,
        "decided_at": int(NOW_S - DAY + int(name)) * 10**9, **more,
    }  # fmt: skip
    directory = RunDirectory(path=run)
    manifest = write_manifest(directory)
    write_outputs(directory, "judge", manifest, {directory.verdict: json.dumps(verdict).encode()})


def put_events(folder: Path, *events: dict[str, Any]) -> None:
    shared = {"format": "peakproof/release-event/v1", "deployed_to": "production"}
    lines = (json.dumps({**shared, **event}) + "\n" for event in events)
    (folder / "events.jsonl").write_text("".join(lines))


def deployment(version: str, at: str, *, succeeded: bool = True) -> dict[str, Any]:
    return {"event": "deployment", "at": at, "version": version, "succeeded": succeeded}


def scraped(folder: Path, **changes: object) -> Scraped:
    return Scraper(subject(config_of(**changes), context_at(folder))).begin(within())()


@pytest.fixture
def world(tmp_path: Path) -> Path:
    put_events(
        tmp_path,
        deployment("v1", "2026-09-01T00:00:00Z"),
        deployment("v2", "2026-11-20T00:00:00Z"),
        deployment("v3", "2026-11-29T00:00:00Z"),
        deployment("v4", "2026-11-29T12:00:00Z", succeeded=False),
        {"event": "rollback", "at": "2026-11-20T01:00:00Z", "version": "v2"},
    )
    put_run(tmp_path, "01", "FAIL", "v2")
    put_run(tmp_path, "02", "PASS", "v3")
    return tmp_path


def test_every_figure(world: Path) -> None:
    read = scraped(world)
    assert read.up == {"events": True, "gates": True}
    zero = {f"releases_gates{{{version},{outcome}}}": 0.0 for version in ("v2", "v3")
            for outcome in ("pass", "fail", "inconclusive", "unreadable")}  # fmt: skip
    assert exposed(read.families) == {
        **WINDOW,
        "releases_deployments{production,succeeded}": 2.0,
        "releases_deployments{production,failed}": 1.0,
        "release_info{production,v3,}": 1.0,
        "releases_last_deployment_timestamp_seconds{production}": 1_795_910_400.0,
        "releases_failed_changes{production}": 1.0,
        "releases_recovery_time_median_seconds{production}": 3600.0,
        "releases_unrecovered_failures{production}": 0.0,
        "releases_unmatched_failure_events{production}": 0.0,
        "releases_change_failure_ratio{production}": 0.5,
        "releases_change_failure_lower_bound_ratio{production}": lower_bad_ratio(1, 2),
        "release_gate_passed{production}": 1.0,
        "releases_deployed_without_gate{production}": 2.0,
        **zero,
        "releases_gates{v2,fail}": 1.0,
        "releases_gates{v3,pass}": 1.0,
        "releases_last_gate_timestamp_seconds": NOW_S - DAY + 2,
        "releases_undecided_gates": 0.0,
    }


def test_promtool_finds_nothing_to_say(world: Path) -> None:
    assert lint(scraped(world).families) == ""


def test_every_family_is_listed_under_its_name_with_its_labels(world: Path) -> None:
    listed = {family.name: set(family.labels) for family in FAMILIES["releases"]}
    shown = {sample.name: set(sample.labels) for family in scraped(world).families for sample in family.samples}
    assert shown.items() <= listed.items()


def test_a_gate_that_was_decided_after_a_deployment_passed_it_too_late_and_yet_it_has_passed(world: Path) -> None:
    shown = exposed(scraped(world).families)  # v3 was deployed before its gate was decided
    assert NOW_S - DAY + 2 > 1_795_910_400.0
    assert (shown["release_gate_passed{production}"], shown["releases_deployed_without_gate{production}"]) == (1.0, 2.0)


def test_with_events_unread_nothing_of_deployments_is_shown_and_gates_are(world: Path) -> None:
    (world / "events.jsonl").write_text("no event\n")
    read = scraped(world)
    assert read.up == {"events": False, "gates": True}
    assert {name.partition("{")[0] for name in exposed(read.families)} == {
        *WINDOW, "releases_gates", "releases_last_gate_timestamp_seconds", "releases_undecided_gates"
    }  # fmt: skip


def test_with_gates_unread_no_release_counts_as_passed_nor_as_not(world: Path) -> None:
    (world / "runs").rename(world / "elsewhere")
    read = scraped(world)
    assert read.up == {"events": True, "gates": False}
    assert [name for name in exposed(read.families) if "gate" in name] == []


def test_with_git_unread_lead_times_are_unknown_and_the_rest_is_there(world: Path) -> None:
    read = scraped(world, git={"repository": "gone"})
    assert read.up == {"git": False, "events": True, "gates": True}
    names = exposed(read.families)
    assert "releases_changes{production}" not in names
    assert names["releases_deployments{production,succeeded}"] == 2.0


def test_a_verdict_that_can_t_be_read_or_of_a_release_that_changed_is_no_pass(tmp_path: Path) -> None:
    put_run(tmp_path, "01", "PASS", "v1", after="v2")
    put_run(tmp_path, "02", "PASS", None)
    put_run(tmp_path, "03", "SUPERB", "v3")
    put_run(tmp_path, "04", "INCONCLUSIVE", "v4")
    put_run(tmp_path, "05", "PASS", "v5")
    (tmp_path / "runs" / "20261128T090005Z-release-abcd" / "verdict.json").write_text('{"outcome": "PASS"')
    (tmp_path / "runs" / "20261128T090009Z-release-abcd").mkdir()
    gates = read_gates(tmp_path / "runs", (), NOW_S).gates
    assert sorted((one.version or "", one.outcome) for one in gates) == [
        ("", "pass"), ("", "pass"), ("", "unreadable"), ("v3", "unreadable"), ("v4", "inconclusive")
    ]  # fmt: skip


def test_a_verdict_that_was_rewritten_or_is_of_no_manifest_is_no_pass(tmp_path: Path) -> None:
    for name in ("01", "02", "03"):
        put_run(tmp_path, name, "FAIL" if name == "01" else "PASS", "v1")
    rewritten, unlisted, _whole = sorted((tmp_path / "runs").iterdir())
    verdict = (rewritten / "verdict.json").read_text()
    (rewritten / "verdict.json").write_text(verdict.replace("FAIL", "PASS"))
    (unlisted / "manifest.json").unlink()
    gates = read_gates(tmp_path / "runs", (), NOW_S).gates
    assert sorted(one.outcome for one in gates) == ["pass", "unreadable", "unreadable"]


def test_a_pass_in_other_letters_is_no_way_round_the_manifest(tmp_path: Path) -> None:
    put_run(tmp_path, "01", "pass", "v1")
    (path,) = (tmp_path / "runs").iterdir()
    (path / "manifest.json").unlink()
    (gate,) = read_gates(tmp_path / "runs", (), NOW_S).gates
    assert gate.outcome == "unreadable"


def test_a_run_whose_verdict_goes_while_it_is_read_is_not_judged_rather_than_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_run(tmp_path, "01", "FAIL", "v1")
    (path,) = (tmp_path / "runs").iterdir()

    def judged_again(*_: object) -> None:
        (path / "verdict.json").unlink()
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(reading, "why_no_verdict", judged_again)
    assert read_gates(tmp_path / "runs", (), NOW_S) == Gates()


def test_a_verdict_of_the_future_is_no_pass_and_is_named_and_the_others_count(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put_events(tmp_path, deployment("v2", "2026-11-29T00:00:00Z"))
    put_run(tmp_path, "01", "PASS", "v1")
    put_run(tmp_path, "02", "PASS", "v2", decided_at=int(NOW_S + 301) * 10**9)
    read = subject(config_of(), context_at(tmp_path)).sources["gates"]
    gates = read(within())
    assert isinstance(gates, Gates)
    assert sorted((one.version or "", one.outcome) for one in gates.gates) == [("", "unreadable"), ("v1", "pass")]
    assert max(one.decided_at_s for one in gates.gates) <= NOW_S
    shown = exposed(scraped(tmp_path).families)
    assert (shown["release_gate_passed{production}"], shown["releases_gates{v1,pass}"]) == (0.0, 1.0)
    name = "20261128T090002Z-release-abcd"
    place = f"{tmp_path}/runs/{name}/verdict.json: decided_at"
    assert f"releases (gates): counts as unreadable: {place}: lies 301 s ahead, allowed are 300" in caplog.messages


def test_only_the_plans_that_are_gates_count(tmp_path: Path) -> None:
    put_run(tmp_path, "01", "PASS", "v1")
    assert len(read_gates(tmp_path / "runs", ("release",), NOW_S).gates) == 1
    assert read_gates(tmp_path / "runs", ("peak",), NOW_S).gates == ()


def of(**read: Any) -> dict[str, float]:
    deployments = read.pop("deployments", ())
    return exposed(families(ReleasesRead(deployments=deployments, **read), config_of(), NOW_S))


def at(version: str, ago_s: float, commit: str | None = None) -> Deployment:
    return Deployment(deployed_to="production", version=version, commit=commit, at_s=NOW_S - ago_s, succeeded=True)


def gate(version: str | None, outcome: str, ago_s: float = HOUR) -> Gate:
    return Gate(version=version, outcome=outcome, decided_at_s=NOW_S - ago_s)


@pytest.mark.parametrize(
    ("judged", "passed"),
    [
        ("v1.4.0", 1.0),
        ("1.4.0", 1.0),
        ("a84d88e", 1.0),
        ("a84d88e7554f", 1.0),
        ("a84d", 0.0),
        ("v1.4", 0.0),
        (None, 0.0),
    ],
)
def test_a_gate_judged_a_deployment_by_its_version_or_its_commit(judged: str | None, passed: float) -> None:
    one = at("v1.4.0", 60, "a84d88e7554fc1fa21bcbc4efae3c782a70d2b9d")
    shown = of(deployments=(one,), gates=Gates(gates=(gate(judged, "pass"),)))
    assert shown["release_gate_passed{production}"] == passed
    assert shown["releases_deployed_without_gate{production}"] == 1.0 - passed


def test_without_deployments_there_is_no_ratio_and_nothing_is_deployed() -> None:
    shown = of(events=Events(), gates=Gates())
    assert [name for name in shown if "ratio" in name or "info" in name or "passed" in name] == [
        "releases_change_failure_objective_ratio"
    ]
    assert shown["releases_deployments{production,succeeded}"] == 0.0


def test_the_gates_of_more_releases_than_ten_are_shown_together_and_add_up() -> None:
    gates = Gates(gates=tuple(gate(f"v{number}", "fail", HOUR - number) for number in range(300)))
    counts = {name: value for name, value in of(gates=gates).items() if name.startswith("releases_gates{")}
    assert len(counts) == 11 * 4
    assert counts["releases_gates{other,fail}"] == 290
    assert sum(counts.values()) == 300


@pytest.mark.parametrize(
    ("outcomes", "undecided"),
    [
        ((), 0),
        (("pass",), 0),
        (("pass", "inconclusive", "unreadable"), 2),
        (("inconclusive", "fail", "inconclusive"), 1),
    ],
)
def test_undecided_gates_are_counted_back_to_the_last_that_decided(outcomes: tuple[str, ...], undecided: int) -> None:
    shown = of(gates=Gates(gates=tuple(gate("v1", outcome) for outcome in outcomes)))
    assert shown["releases_undecided_gates"] == undecided


def test_an_incident_that_names_a_million_releases_makes_no_series() -> None:
    incidents = tuple(Incident(deployed_to="production", opened_at_s=NOW_S - 60, version=f"x{n}") for n in range(1000))
    shown = of(deployments=(at("v1", HOUR),), events=Events(incidents=incidents))
    assert shown["releases_unmatched_failure_events{production}"] == 1000
    assert len(shown) < 20


@pytest.mark.parametrize(
    ("ref", "version"),
    [("v1.4.0", "v1.4.0"), ("main", "a84d88e7554f"), ("a84d88e7554fc1fa", "a84d88e7554f"), ("release-9", "release-9")],
)
def test_a_ref_with_a_digit_is_a_version_and_a_branch_is_not(ref: str, version: str) -> None:
    assert version_of(ref, "a84d88e7554fc1fa21bcbc4efae3c782a70d2b9d") == version


def test_every_source_that_is_configured_has_a_name() -> None:
    assert source_names(config_of(git={"repository": "x"})) == ("git", "events", "gates")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"deployments": "github"}, "deployments come from github, so github is required"),
        ({"deployments": "tags"}, "deployments come from tags, so git is required"),
        (
            {"deployments": "tags", "git": {"repository": "x"}},
            "deployments come from tags, so git.tags_deployed_to must be one of deployed_to",
        ),
        (
            {"gitlab": {"project": "a/b", "token": {"env": "T"}}},
            "deployments come from events, so gitlab is asked for nothing",
        ),
        (
            {"deployments": "tags", "git": {"repository": "x", "tags_deployed_to": "production"}, "events": None},
            "change_failure_objective needs events: they say which releases failed",
        ),
        ({"deployed_to": ["a", "a"]}, "deployed_to names a place twice"),
    ],
)
def test_what_can_t_be_known_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(BadInput) as error:
        config_of(**changes)
    assert str(error.value).startswith(f"exporters.yaml: the top: {message}, found ")
