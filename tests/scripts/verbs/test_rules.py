"""`peakproof rules build` and `peakproof slo check`, as one types them."""

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.promtool import NEEDED, PROMTOOL
from tests.scripts.world import Command, fake_shop, slo

GOOD = 'answers_total{job="shop",code!~"5.."}'
TOTAL = 'answers_total{job="shop"}'
OBJECTIVES = "---\n".join(
    (
        slo("waits", "{steps: [checkout], within_s: 0.4}", "{steps: [checkout]}"),
        slo("answers", f"{{query: '{GOOD}'}}", f"{{query: '{TOTAL}'}}", "prometheus"),
    )
)


@pytest.fixture(autouse=True)
def _objectives(peakproof: Command) -> None:
    (peakproof.folder / "objectives.yaml").write_text(OBJECTIVES)


def written(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*.yml")}


def test_rules_and_their_tests_are_written_and_what_is_left_out_is_named(peakproof: Command) -> None:
    ended = peakproof("rules", "build", "objectives.yaml", "--environment", "production")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        "peakproof-objective-answers-production: 15 recording rules, 3 alerts",
        "peakproof-budget-answers-production: 15 recording rules, 4 alerts",
        "left out: waits: the objective: it is read from the records of a load test, which Prometheus doesn't have",
        "written to rules; prove them: promtool test rules rules/tests/*.yml",
    ]
    assert written(peakproof.folder / "rules") == {
        "objective-answers.yml",
        "tests/objective-answers_test.yml",
        "tests/objective-answers_slow_test.yml",
        "tests/objective-answers_period_test.yml",
    }


@NEEDED
def test_what_is_written_is_clean_also_for_the_operator_and_under_another_matcher(peakproof: Command) -> None:
    given = ("--environment", "production", "--operator", "--to", "out", "--matcher", 'namespace="shop"')
    assert peakproof("rules", "build", "objectives.yaml", *given).code == 0
    folder = peakproof.folder / "out"
    command = [str(PROMTOOL), "check", "rules", str(folder / "objective-answers.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    resource = yaml.safe_load((folder / "operator" / "objective-answers.yml").read_text())
    assert resource["metadata"]["name"] == "peakproof-objective-answers-production"
    assert 'answers_total{namespace="shop",job="shop"}' in (folder / "objective-answers.yml").read_text()


def test_where_no_rule_can_be_made_nothing_is_written(peakproof: Command) -> None:
    (peakproof.folder / "objectives.yaml").write_text(OBJECTIVES.partition("---\n")[0])
    ended = peakproof("rules", "build", "objectives.yaml", "--environment", "production")
    assert ended.code == 75
    assert not (peakproof.folder / "rules").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--environment", "a b"), "expected letters, digits, - _ and . such as production, found 'a b'"),
        (("--environment", "a", "--matcher", 'x=~"y"'), 'expected label="value" alone, found x=~…'),
        (("--environment", "a", "--scrape-interval", "2m"), "expected from 1s to 60s, such as 15s, found 2m"),
    ],
)
def test_what_cant_be_used_is_refused(arguments: tuple[str, ...], message: str, peakproof: Command) -> None:
    ended = peakproof("rules", "build", "objectives.yaml", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines()[-1].endswith(message)


def test_nothing_to_build_from_is_refused(peakproof: Command) -> None:
    ended = peakproof("rules", "build", "--environment", "production")
    assert (ended.code, ended.err) == (
        2,
        "peakproof: rules build: nothing to build from: name a file of objectives, or --config exporters.yaml\n",
    )


def test_a_scrape_without_the_objectives_series_leaves_it_unknown(peakproof: Command) -> None:
    (peakproof.folder / "scrape.txt").write_text("# TYPE other counter\nother_total 1\n")
    ended = peakproof("slo", "check", "objectives.yaml", "--metrics", "scrape.txt")
    assert ended.code == 75
    assert ended.out.splitlines()[-1] == f"unknown: answers: scrape.txt has no series of {TOTAL}"


def test_a_scrape_whose_label_was_renamed_is_wrong(peakproof: Command) -> None:
    (peakproof.folder / "scrape.txt").write_text('# TYPE answers counter\nanswers_total{status="200"} 1\n')
    ended = peakproof("slo", "check", "objectives.yaml", "--metrics", "scrape.txt")
    assert ended.code == 99
    assert ended.out.splitlines()[-1] == (
        "wrong: answers: scrape.txt has no answers_total with code: not exposed, or renamed"
    )


def test_a_scrape_with_the_series_is_well(peakproof: Command) -> None:
    (peakproof.folder / "scrape.txt").write_text('# TYPE answers counter\nanswers_total{code="200"} 1\n')
    assert peakproof("slo", "check", "objectives.yaml", "--metrics", "scrape.txt").code == 0


def test_a_prometheus_that_isnt_there_is_missing(peakproof: Command) -> None:
    ended = peakproof("slo", "check", "objectives.yaml", "--prometheus", "http://127.0.0.1:9")
    assert ended.code == 75
    assert ended.err == "peakproof: http://127.0.0.1:9: Prometheus can't be asked: ConnectionError\n"


def test_a_prometheus_that_answers_with_another_address_is_told(peakproof: Command) -> None:
    with fake_shop({"/api/v1/query": (301, {})}) as server:
        ended = peakproof("slo", "check", "objectives.yaml", "--prometheus", server.url)
    assert ended.code == 75
    assert ended.err == (
        f"peakproof: {server.url}: Prometheus answers with another address, which isn't followed: give the one that it"
        " leads to (HTTP 301)\n"
    )


def test_what_is_kept_shorter_than_the_period_is_wrong(peakproof: Command) -> None:
    ended = peakproof("slo", "check", "objectives.yaml", "--retention", "15d")
    assert ended.code == 99
    assert "wrong: answers: the budget that is left reads 28d, and Prometheus keeps 15d" in ended.out
