"""The verdict on a screen, in CI and in a pull request: complete, short, and safe."""

import dataclasses
from typing import Any
from xml.etree import ElementTree as ET

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slo.causes.causes import Cause
from slo.design_effect import StepCounts
from slo.findings import Fact, Finding, Severity
from slo.formatting import clean, percent, seconds
from slo.objectives.indicators import Evidence
from slo.rendering.junit import render_junit
from slo.rendering.markdown import MAX_BYTES, render_markdown
from slo.rendering.terminal import render_terminal
from slo.validity.run_document import parse_run
from slo.verdict.audit_document import parse_audit
from slo.verdict.verdict import Case, Verdict, judge, with_causes, with_notes

CAUSE = Cause(
    objective="checkout-latency",
    service="shop",
    span="SELECT stock",
    calls_per_trace_before=1.0,
    calls_per_trace_now=31.0,
    self_s_before=0.01,
    self_s_now=0.32,
    grew_s=0.31,
    grew_low_s=0.3,
    p_value=0.002,
    traces_before=200,
    traces_now=412,
    blocks_before=4,
    blocks_now=8,
    example_trace_ids=("a" * 32, "b" * 32),
)


def _failing(case: Case, *causes: Cause) -> Verdict:
    counts = StepCounts(step="checkout", events=(20,) * 20, bad=(3,) * 20)
    slow = Evidence(counts=(counts,), quantile_s=0.612)
    undecided = Evidence(counts=(StepCounts(step="home", events=(20,) * 20, bad=(1, *(0,) * 19)),))
    evidence = {"checkout-availability": undecided, "checkout-latency": slow}
    not_judged = {"browse-latency": "needs 5,990 requests, had 3,120"}
    return with_causes(judge(dataclasses.replace(case, evidence=evidence, not_judged=not_judged)), causes)


def test_what_had_nothing_to_be_checked_on_is_no_promise_that_holds(
    passing: Case, audit_json: dict[str, Any], run_json: dict[str, Any]
) -> None:
    for check in audit_json["checks"]:
        check["checked"] = 0
    run_json["orders"] = {"attempted": 0, "accepted": 0, "refused": 0, "unknown": 0}
    case = dataclasses.replace(passing, audit=parse_audit(audit_json), run=parse_run(run_json))
    text = render_terminal(judge(case))
    assert "promises  1 of 11 hold, 10 had nothing to check\n" in text
    assert "no order lost" not in text


def test_a_pass_fits_one_screen(passing: Case) -> None:
    assert render_terminal(judge(passing)) == (
        "PASS  release 2026.47.0 on staging (replicas 2, cache cold)\n"
        "      3 objectives met, no order lost, oversold or paid twice\n"
        "\n"
        "objective                      outcome    observed        limit                 events     deff\n"
        "checkout-availability          met        0 % bad         1 % bad                1,000      2.0\n"
        "checkout-latency               met        0 % bad         5 % > 500 ms           1,000      2.0\n"
        "browse-latency                 met        0 % bad         5 % > 300 ms           1,000      2.0\n"
        "\n"
        "promises  11 of 11 hold\n"
        "load      delivered as planned, 100 s judged, 4,000 requests outside of it left out\n"
        "not shown more load than was played, another size or other data than staging's; error bursts of over\n"
        "          235 ms (checkout-availability), 100 ms assumed\n"
        "next      nothing has to be mended\n"
    )


def test_a_fail_tells_what_was_missed_what_grew_and_where_to_look(passing: Case) -> None:
    assert render_terminal(_failing(passing, CAUSE)) == (
        "FAIL  release 2026.47.0 on staging (replicas 2, cache cold)\n"
        "      checkout-latency: 15 % of 400 checkouts took over 500 ms, allowed 5 % (p95 612 ms, limit 500\n"
        '      ms); grew: shop "SELECT stock" +310 ms a checkout (1 → 31 calls)\n'
        "\n"
        "objective                      outcome    observed        limit                 events     deff\n"
        "checkout-latency               missed     15 % bad        5 % > 500 ms             400      1.0\n"
        "checkout-availability          undecided  0.25 % bad      1 % bad                  400      1.4\n"
        "browse-latency                 not judged -               5 % > 300 ms               0        -\n"
        "not judged: browse-latency: needs 5,990 requests, had 3,120\n"
        "\n"
        "promises  11 of 11 hold\n"
        "load      delivered as planned, 100 s judged, 4,000 requests outside of it left out\n"
        "next      look at trace aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n"
        "          report.html: the slowest requests span by span, and an example of each broken promise\n"
    )


def test_a_fail_without_a_cause_says_why_none_is_named(passing: Case) -> None:
    message = "what grew may have grown with load: the reference is at level 0.5, the judged time at 1"
    note = Finding(kind="cause", severity=Severity.NOTE, subject="checkout-latency", message=message)
    assert f"cause     not known: {message}"[:90] in render_terminal(with_causes(_failing(passing), (), (note,)))
    assert "cause" not in render_terminal(with_causes(judge(passing), (), (note,)))


def test_the_step_whose_replies_were_wrong_most_often_is_shown_unless_all_is_well(passing: Case) -> None:
    message = "wrong_reply 412 times; first: cart.id: not there; see report.html#replies"
    facts: dict[str, Fact] = {"error": "wrong_reply", "times": 412, "session": 3}
    note = Finding(kind="cause", severity=Severity.NOTE, subject="cart", message=message, facts=facts)
    later = dataclasses.replace(note, subject="home")
    lines = render_terminal(with_notes(_failing(passing, CAUSE), (note, later))).splitlines()
    assert [line for line in lines if line.startswith("replies")] == [f"replies   cart: {message}"]
    assert "replies" not in render_terminal(with_notes(judge(passing), (note,)))


def test_an_inconclusive_verdict_tells_what_would_settle_it(passing: Case) -> None:
    run = {**passing.run.to_json(), "generator_cpu": {"w0": 0.99, "w1": 0.1}}
    lines = render_terminal(judge(dataclasses.replace(passing, run=parse_run(run), audit=None))).splitlines()
    assert lines[:2] == [
        "INCONCLUSIVE  release 2026.47.0 on staging (replicas 2, cache cold)",
        "      audit: the run was not audited; peakproof audit RUN; and 1 more",
    ]
    assert lines[-4:] == [
        "promises  10 not known: order-exists, order-once, order-as-promised, refused-not-ordered, order-set…",
        "load      not valid: generator CPU: w0 used 99 % of a core, at most 90 %",
        "next      audit: peakproof audit RUN",
        "          generator CPU: add workers",
    ]


def test_colour_paints_the_outcome_alone(passing: Case) -> None:
    plain, painted = render_terminal(judge(passing)), render_terminal(judge(passing), colour=True)
    assert painted.startswith("\x1b[1;32mPASS\x1b[0m  release 2026.47.0 on")
    assert painted.replace("\x1b[1;32m", "").replace("\x1b[0m", "") == plain


ODD = st.text(max_size=300)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(text=ODD, many=st.integers(1, 40))
def test_no_text_breaks_a_rendering(passing: Case, text: str, many: int) -> None:
    """Twenty-four lines of a hundred columns without control characters; XML that parses; a table that stays one."""
    objective = passing.objectives[0]
    named = tuple(dataclasses.replace(objective, name=f"{text}{n}", display_name=text) for n in range(many))
    given_up = {one.name: text for one in named[::2]}
    cause = dataclasses.replace(CAUSE, service=text, span=text, example_trace_ids=(text,))
    run = {**passing.run.to_json(), "ended": "failed", "ended_because": text, "run": text}
    case = dataclasses.replace(passing, objectives=named, not_judged=given_up, run=parse_run(run))
    verdict = with_causes(judge(case), (cause,))
    lines = render_terminal(verdict).split("\n")
    assert len(lines) <= 25
    assert all(len(line) <= 100 and clean(line).split() == line.split() for line in lines)
    document = ET.fromstring(render_junit(verdict))  # noqa: S314 - written here
    assert document.get("tests") == str(len(document.findall(".//testcase")))
    rows = [line for line in render_markdown(verdict).split("\n") if line.startswith("|")]
    assert {row.count("|") for row in rows} == {8, 9}


def _cases(verdict: Verdict) -> dict[str, tuple[str, str]]:
    """Each test case's element and message."""
    document = ET.fromstring(render_junit(verdict))  # noqa: S314 - written here
    told = {}
    for case in document.iter("testcase"):
        inner = next(iter(case), None)
        told[f"{case.get('classname')}.{case.get('name')}"] = (
            ("passed", "") if inner is None else (inner.tag, inner.get("message", ""))
        )
    return told


def test_junit_tells_missed_as_failure_undecided_as_error_and_not_judged_as_skipped(passing: Case) -> None:
    cases = _cases(_failing(passing))
    assert cases["peakproof.objectives.checkout-latency"][0] == "failure"
    assert cases["peakproof.objectives.checkout-availability"][0] == "error"
    assert cases["peakproof.objectives.browse-latency"] == ("skipped", "needs 5,990 requests, had 3,120")
    assert cases["peakproof.audit.order-exists"] == ("passed", "")
    assert cases["peakproof.validity.generator CPU"] == ("passed", "")
    assert cases["peakproof.verdict.the run as a whole"][0] == "failure"


def test_junit_tells_a_broken_promise_as_failure_and_an_invalid_run_as_error(
    passing: Case, audit_json: dict[str, Any]
) -> None:
    audit_json["checks"][0].update(outcome="broken", broken=1, detail="1 order is not in the shop")
    run = {**passing.run.to_json(), "hook_failures": None}
    cases = _cases(judge(dataclasses.replace(passing, run=parse_run(run), audit=parse_audit(audit_json))))
    assert cases["peakproof.audit.order-exists"] == ("failure", "1 order is not in the shop")
    assert cases["peakproof.validity.hooks"] == ("error", "whether a hook failed is not known")


def test_junit_of_a_pass_has_no_failure_and_no_error_and_counts_its_cases(passing: Case) -> None:
    document = ET.fromstring(render_junit(judge(passing)))  # noqa: S314 - written here
    assert {name: document.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "38",
        "failures": "0",
        "errors": "0",
        "skipped": "0",
    }


def test_the_verdict_s_case_in_junit_begins_with_what_it_is_about_and_a_pass_says_what_it_doesn_t_show(
    passing: Case,
) -> None:
    what = "release 2026.47.0 on staging (replicas 2, cache cold)"
    told = _cases(_failing(passing))["peakproof.verdict.the run as a whole"][1]
    assert told.startswith(f"FAIL {what}: checkout-latency: 15 % of 400 checkouts")
    document = ET.fromstring(render_junit(judge(passing)))  # noqa: S314 - written here
    (out,) = document.iter("system-out")
    assert (out.text or "").splitlines() == [
        f"PASS {what}",
        "3 objectives met, no order lost, oversold or paid twice",
        "not shown: more load than was played, another size or other data than staging's",
        "not shown: error bursts of over 235 ms (checkout-availability), 100 ms assumed",
    ]


def test_the_summary_of_a_pass_lists_what_it_doesn_t_show_and_no_other_does(passing: Case) -> None:
    passed, failed = render_markdown(judge(passing)), render_markdown(_failing(passing))
    assert passed.endswith(
        "\n\n#### What this doesn't show\n\n- more load than was played, another size or other data than staging's\n"
        "- error bursts of over 235 ms (checkout-availability), 100 ms assumed\n"
    )
    assert "doesn't show" not in failed


def test_the_summary_lists_the_worst_objectives_first(passing: Case) -> None:
    rows = [line for line in render_markdown(_failing(passing)).splitlines() if line.startswith("| ")][1:]
    assert [row.split(" | ")[1] for row in rows] == ["**missed**", "**undecided**", "**not judged**"]


def test_junit_skips_the_promises_that_no_source_is_declared_for(passing: Case) -> None:
    cases = _cases(judge(dataclasses.replace(passing, declared=frozenset({"orders", "release"}))))
    assert cases["peakproof.audit.paid-once"] == ("skipped", "the environment declares no payments")


def test_the_summary_names_the_causes_and_their_traces(passing: Case) -> None:
    text = render_markdown(_failing(passing, CAUSE))
    assert text.startswith(
        "### ❌ FAIL release 2026.47.0 on staging (replicas 2, cache cold)\n"
        "\n"
        "checkout-latency: 15 % of 400 checkouts took over 500 ms"
    )
    assert (
        "| checkout-latency | shop | SELECT stock | 10 ms → 320 ms | 310 ms (at least 300 ms) "
        f"| 1 → 31 | 200 → 412 | {'a' * 32}, {'b' * 32} |"
    ) in text.splitlines()


def test_a_summary_is_at_most_a_mebibyte_and_says_that_it_was_cut(passing: Case) -> None:
    causes = tuple(dataclasses.replace(CAUSE, span=f"{'é' * 300}{number}") for number in range(3000))
    text = render_markdown(_failing(passing, *causes))
    assert MAX_BYTES - 2000 < len(text.encode()) <= MAX_BYTES
    assert text.endswith(" |\n\n_cut: the whole is in verdict.json_\n")


def test_figures_are_told_one_way() -> None:
    assert [percent(ratio) for ratio in (0, 0.123, 0.05, 0.0025, 0.00012, 1)] == [
        "0 %",
        "12.3 %",
        "5 %",
        "0.25 %",
        "0.012 %",
        "100 %",
    ]
    assert [seconds(value) for value in (0, 0.0042, 0.612, 1.5, 12.0)] == ["0 ms", "4.2 ms", "612 ms", "1.5 s", "12 s"]
