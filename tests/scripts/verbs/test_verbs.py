"""The planning verbs end to end, in this process, on what is shipped."""

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from dashboards.grafana.boards.table import BOARDS
from dashboards.grafana.build import build
from dashboards.grafana.queries import panels
from loadtests.demand.forecast import read_forecast
from loadtests.demand.plan import read_plan
from slo.objectives.reading import read_objectives
from tests.scripts.made_run import listed_anew
from tests.scripts.world import OBJECTIVES, PLAN, Command, targets, write_inputs

ROOT = Path(__file__).parents[3]
HISTORY = ROOT / "loadtests" / "demand" / "data" / "twisted_threads_orders.csv"
SHIPPED = ROOT / "slo" / "objectives" / "twisted-threads.yaml"
GIVEN = ("--factor", "1.5", "--orders-per-session", "0.025")
NO_FACTOR = "--factor is missing: how many times the forecast's peak hour to send; 1.5 is usual, so try --factor 1.5"
NO_ORDERS_PER_SESSION = (
    "orders per session are unknown: add a column sessions to the order history and run peakproof forecast again,"
    " or give --orders-per-session, such as 0.025 for one order in 40 sessions"
)
DEMO = ROOT / "loadtests" / "demand" / "plans" / "demo.yaml"


def test_from_history_to_forecast_to_plan_to_what_it_proves(peakproof: Command) -> None:
    ended = peakproof("forecast", str(HISTORY), "--to", "forecast.json")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0] == "peak hour of season 2026: 11,997 orders (5 % to 95 %: 9,927 to 12,183)"
    assert lines[1] == (
        "  orders per session: unknown, as the busy hours have no sessions; plan build needs --orders-per-session"
    )
    assert lines[-1] == "forecast.json"
    forecast = read_forecast(peakproof.folder / "forecast.json")
    assert forecast.year == 2026

    how = ("--factor", "3", "--orders-per-session", "0.88", "--mix", "search-and-buy=0.9,window-shop=0.1")
    ended = peakproof("plan", "build", "--name", "peak", *how)
    assert (ended.code, ended.err) == (0, "")
    plan = read_plan(peakproof.folder / "plan.yaml")
    assert (plan.name, plan.demand.factor, dict(plan.journeys)) == (
        "peak",
        3.0,
        {"search-and-buy": 0.9, "window-shop": 0.1},
    )
    assert ended.out.splitlines()[-1] == "plan.yaml"

    shown = peakproof("plan", "show", "plan.yaml", "--objectives", str(SHIPPED))
    assert (shown.code, shown.err) == (0, "")
    played = ended.out.splitlines()[:-1]
    lines = shown.out.splitlines()
    assert lines[: len(played) + 1] == [*played, ""]
    assert lines[len(played) + 1].startswith("what ")
    listed = [line.split()[0] for line in lines[len(played) + 3 :] if line.startswith(("  browse", "  checkout"))]
    assert listed == [objective.name for objective in read_objectives([SHIPPED])]


def with_sessions(folder: Path) -> None:
    """Write the shipped history as a shop with 2.5 orders in a hundred sessions would have it."""
    first, *rows = HISTORY.read_text().splitlines()
    rows = [f"{row},{40 * int(row.rsplit(',', 1)[1])}" for row in rows]
    (folder / "orders.csv").write_text("\n".join([f"{first},sessions", *rows, ""]))


def test_from_a_history_with_sessions_a_plan_has_the_shop_s_own_orders_a_session(peakproof: Command) -> None:
    with_sessions(peakproof.folder)
    ended = peakproof("forecast", "orders.csv")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[1].startswith("  orders per session: 0.025, of ")
    ended = peakproof("plan", "build", "--factor", "1.5", "--to", "plan.yaml")
    assert (ended.code, ended.err) == (0, "")
    plan = read_plan(peakproof.folder / "plan.yaml")
    assert (plan.demand.factor, plan.demand.orders_per_session) == (1.5, 0.025)
    assert plan.journeys["window-shop"] == 0.975


MINE = """\
from peakproof import Shop, journey

class Mine(Shop):
    @journey
    def look(self): self.get("home", "/")
    @journey
    def search(self): self.get("search", "/search")
    @journey(buys=True)
    def buy(self): self.get("home", "/")
    @journey(buys=True, sold_out_ok=True)
    def drop(self): self.get("home", "/")
"""
TARGETS = """\
format: peakproof/targets/v1
environments:
  mine:
    base_url: http://127.0.0.1:9
    storefront: {file: mine.py}
    ceiling: {requests_per_s: 1, open_sessions: 1, orders: 1}
"""


def with_a_storefront(folder: Path) -> None:
    (folder / "mine.py").write_text(MINE)
    (folder / "targets.yaml").write_text(TARGETS)


def test_a_plan_takes_its_journeys_from_the_environment_s_storefront(peakproof: Command) -> None:
    with_a_storefront(peakproof.folder)
    assert peakproof("forecast", str(HISTORY)).code == 0
    ended = peakproof("plan", "build", "--factor", "1.5", "--orders-per-session", "0.025", "--on", "mine")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[-1] == (
        "next: peakproof try plan.yaml --on mine   counts the visits of look, search, buy: evidence and ceilings"
        " rest on them"
    )
    plan = read_plan(peakproof.folder / "plan.yaml")
    assert plan.journeys == {"look": 0.4875, "search": 0.4875, "buy": 0.025}
    shown = peakproof("plan", "show", "plan.yaml", "--objectives", str(SHIPPED))
    assert "the visits of look, search, buy aren't counted" in shown.out
    run = peakproof("run", "plan.yaml", "--on", "mine", "--objectives", str(SHIPPED))
    assert (run.code, "visits: how often a session of look, search, buy" in run.err) == (2, True)


def test_a_mix_names_the_storefront_s_own_journeys(peakproof: Command) -> None:
    with_a_storefront(peakproof.folder)
    assert peakproof("forecast", str(HISTORY)).code == 0
    given = ("plan", "build", "--factor", "1.5", "--orders-per-session", "0.5", "--on", "mine", "--mix")
    assert peakproof(*given, "look=0.5,drop=0.5").code == 0
    unknown = peakproof(*given, "look=0.5,window-shop=0.5", "--force")
    assert (unknown.code, unknown.err) == (
        2,
        "peakproof: mix: unknown journey 'window-shop'; known are look, search, buy, drop\n",
    )


@pytest.mark.parametrize(
    ("given", "minutes", "given_up"),
    [
        (("--profile", "smoke"), 3, 6),
        ((), 15, 3),
        (("--profile", "peak"), 120, 0),
    ],
)
def test_a_plan_has_the_length_of_its_profile_and_lists_what_that_is_too_short_to_prove(
    given: tuple[str, ...], minutes: int, given_up: int, peakproof: Command
) -> None:
    assert peakproof("forecast", str(HISTORY)).code == 0
    how = ("--factor", "1.5", "--orders-per-session", "0.1", "--objectives", str(SHIPPED))
    ended = peakproof("plan", "build", *how, *given)
    assert (ended.code, ended.err) == (0, "")
    plan = read_plan(peakproof.folder / "plan.yaml")
    assert (plan.duration_s, len(plan.not_judged)) == (60 * minutes, given_up)
    undecided = [line for line in ended.out.splitlines() if "be undecided" in line]
    assert (undecided, ended.out.count("listed in the plan's not_judged")) == ([], given_up)


def test_without_objectives_a_plan_lists_none_as_not_judged(peakproof: Command) -> None:
    assert peakproof("forecast", str(HISTORY)).code == 0
    assert peakproof("plan", "build", *GIVEN, "--profile", "smoke").code == 0
    assert read_plan(peakproof.folder / "plan.yaml").not_judged == ()


def test_a_plan_that_exists_is_replaced_only_when_asked(peakproof: Command) -> None:
    assert peakproof("forecast", str(HISTORY)).code == 0
    given = ("plan", "build", "--factor", "1.5", "--orders-per-session", "0.025")
    (peakproof.folder / "plan.yaml").write_text("mine")
    kept = peakproof(*given)
    assert (kept.code, kept.err) == (
        2,
        "peakproof: plan.yaml: exists; --force replaces it, --to FILE writes elsewhere\n",
    )
    assert (peakproof.folder / "plan.yaml").read_text() == "mine"
    assert peakproof(*given, "--force").code == 0
    assert read_plan(peakproof.folder / "plan.yaml").name == "holiday-peak"


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        ((), [NO_FACTOR, NO_ORDERS_PER_SESSION]),
        (("--factor", "1.5"), [NO_ORDERS_PER_SESSION]),
        (("--orders-per-session", "0.025"), [NO_FACTOR]),
        (("--forecast", "gone.json"), [NO_FACTOR, "gone.json: can't be read: No such file or directory"]),
    ],
)
def test_what_a_plan_needs_and_was_not_given_is_named_at_once(
    arguments: tuple[str, ...], messages: list[str], peakproof: Command
) -> None:
    assert peakproof("forecast", str(HISTORY)).code == 0
    ended = peakproof("plan", "build", *arguments)
    assert (ended.code, ended.out, ended.err) == (2, "", "peakproof: " + "\n".join(messages) + "\n")
    assert not (peakproof.folder / "plan.yaml").exists()


def test_the_demos_plan_says_what_it_gives_up(peakproof: Command) -> None:
    shown = peakproof("plan", "show", str(DEMO), "--objectives", str(SHIPPED))
    assert shown.code == 0
    (given_up,) = [
        line for line in shown.out.splitlines() if line.endswith("  not judged: listed in the plan's not_judged")
    ]
    assert given_up.split()[0] == "browse-availability"


def test_an_objective_about_steps_that_no_journey_makes_is_told_apart_from_a_plan_too_short(
    peakproof: Command,
) -> None:
    (peakproof.folder / "plan.yaml").write_text(PLAN.replace("search-and-buy", "window-shop"))
    (peakproof.folder / "objectives.yaml").write_text(OBJECTIVES)
    shown = peakproof("plan", "show", "plan.yaml", "--objectives", "objectives.yaml")
    told = [line.partition("  will be ")[2] for line in shown.out.splitlines() if line.startswith("  checkout-")]
    assert told == ["undecided: no journey of the plan makes its steps: correct their names in it"] * 2


def test_a_plan_with_the_earlier_names_is_refused_with_the_names_of_today(peakproof: Command) -> None:
    old = PLAN.replace("plateau, duration_s: 20", "plateau, plays_s: 20, stands_for_s: 600")
    (peakproof.folder / "plan.yaml").write_text(old)
    ended = peakproof("plan", "show", "plan.yaml")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "peakproof: plan.yaml: phases[2].plays_s: is now duration_s\n"
        "plan.yaml: phases[2].stands_for_s: is now represents_s\n"
    )


def test_a_plan_with_the_prior_of_requests_is_refused_with_the_one_of_seconds(peakproof: Command) -> None:
    (peakproof.folder / "plan.yaml").write_text(PLAN.replace("assumed_error_burst_s: 0.05", "design_effect_prior: 2.0"))
    ended = peakproof("plan", "show", "plan.yaml")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "peakproof: plan.yaml: design_effect_prior: is now assumed_error_burst_s: the longest error burst that a PASS"
        " is to rule out, in seconds\n"
    )


def test_a_plan_whose_sessions_share_connections_says_that_it_is_less_real(peakproof: Command) -> None:
    shared = "limits: {open_sessions: 100, connections: 1200}"
    (peakproof.folder / "plan.yaml").write_text(PLAN.replace("limits: {open_sessions: 100}", shared))
    shown = peakproof("plan", "show", "plan.yaml")
    assert (
        "  all sessions share 1,200 connections to the shop: less realistic than browsers, which open their own;"
        " waiting for a free one counts as latency"
    ) in shown.out.splitlines()


def test_a_plan_whose_buyers_listen_says_so(peakproof: Command) -> None:
    (peakproof.folder / "plan.yaml").write_text(PLAN.replace("limits:", "streams: orders\nlimits:"))
    told = "  buyers open the event stream of their order's status; awaited events count as requests"
    assert told in peakproof("plan", "show", "plan.yaml").out.splitlines()


def test_a_mix_that_orders_nothing_is_refused(peakproof: Command) -> None:
    assert peakproof("forecast", str(HISTORY)).code == 0
    ended = peakproof("plan", "build", *GIVEN, "--mix", "window-shop=1")
    assert (ended.code, ended.err) == (
        2,
        "peakproof: mix of window-shop: none of its journeys orders, so no orders can be planned\n",
    )
    assert not (peakproof.folder / "plan.yaml").exists()


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--factor", "-1", "plan holiday-peak: demand.factor: Input should be greater than 0, found -1.0"),
        ("--name", "Bad Name", "plan holiday-peak: name: must be a DNS label"),
        ("--orders-per-session", "2", "orders per session must be from 0.0001 to 1, found 2"),
        ("--orders-per-session", "nan", "orders per session must be from 0.0001 to 1, found nan"),
        ("--factor", "nan", "plan holiday-peak: demand.factor: Input should be"),
        ("--seed", "-1", "seed: Input should be greater than or equal to 0, found -1"),
    ],
)
def test_a_plan_that_would_not_be_valid_is_not_written(
    option: str, value: str, message: str, peakproof: Command
) -> None:
    assert peakproof("forecast", str(HISTORY)).code == 0
    ended = peakproof("plan", "build", *GIVEN, option, value)
    assert (ended.code, ended.out) == (2, "")
    assert message.replace("holiday-peak", value if option == "--name" else "holiday-peak") in ended.err
    assert not (peakproof.folder / "plan.yaml").exists()


def test_a_season_that_is_none_is_refused(peakproof: Command) -> None:
    ended = peakproof("forecast", str(HISTORY), "--season", "12-24", "11-01")
    message = "season: expected two days like 11-01 and 12-24, in order within one year, found '12-24' and '11-01'"
    assert (ended.code, ended.err) == (2, f"peakproof: {message}\n")


SLOTH = """\
version: prometheus/v1
service: shop
slos:
  - name: answers
    objective: 99.995
    sli:
      events:
        error_query: sum(rate(a_total{job="shop",code="500"}[{{.window}}])) or vector(0)
        total_query: sum(rate(a_total{job="shop"}[{{.window}}]))
"""


def test_a_target_close_to_all_is_not_rounded_to_all(peakproof: Command) -> None:
    (peakproof.folder / "sloth.yaml").write_text(SLOTH)
    said = peakproof("slo", "check", "sloth.yaml").out.splitlines()
    assert said[0] == "shop-answers: 99.995% of events succeed (prometheus)"


def test_checking_objectives_lists_them(peakproof: Command) -> None:
    (peakproof.folder / "objectives.yaml").write_text(OBJECTIVES)
    ended = peakproof("slo", "check", "objectives.yaml")
    note = "note: server-answers:"
    assert (ended.code, ended.err) == (0, "")
    own = "  read from the load generator's records; each request is an event; budget over 28d"
    total = 'http_server_request_duration_seconds_count{job="shop"}'
    lines = ended.out.splitlines()
    assert lines[5].startswith("  read exactly from its counters: http_server_request_duration_seconds_count{")
    assert lines[5].endswith(f", {total}; each request is an event; budget over 28d")
    assert [*lines[:5], *lines[6:]] == [
        "checkout-answers: 95.00% of checkout succeed (records)",
        own,
        "checkout-waits: 95.00% of checkout take at most 0.4 s (records)",
        own,
        "server-answers: 95.00% of checkout succeed (prometheus)",
        f"{note} 10% of its budget in 3d is a burn rate of 0.933, which can be sustained: its alert takes 1",
        f"{note} its rules record 30 series and hold 7 alerts",
    ]


def test_the_same_objective_twice_is_refused(peakproof: Command) -> None:
    (peakproof.folder / "a.yaml").write_text(OBJECTIVES)
    ended = peakproof("slo", "check", "a.yaml", "a.yaml")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "peakproof: a.yaml: document 1, line 3: metadata.name: 'checkout-answers' is already in a.yaml: document 1\n"
        "a.yaml: document 2, line 19: metadata.name: 'checkout-waits' is already in a.yaml: document 2\n"
        "a.yaml: document 3, line 35: metadata.name: 'server-answers' is already in a.yaml: document 3\n"
    )


def test_the_shipped_dashboards_hold_their_rules(peakproof: Command) -> None:
    ended = peakproof("dashboards", "check")
    shown = sum(len(list(panels(board))) for board in build().values())
    assert (ended.code, ended.out) == (0, f"{len(BOARDS)} dashboards, {shown} panels: every rule holds\n")


def test_a_run_without_answers_has_no_data_for_the_dashboards(made_runs: dict[str, Path], peakproof: Command) -> None:
    ended = peakproof("dashboards", "check", str(made_runs["PASS"]))
    assert ended.code == 99
    assert ended.out


def test_answers_that_can_not_be_read_are_refused(peakproof: Command) -> None:
    metrics = peakproof.folder / "run" / "metrics"
    metrics.mkdir(parents=True)
    (metrics.parent / "run.json").write_text("{}")
    ended = peakproof("dashboards", "check", "run")
    path = metrics / "dashboards.parquet"
    message = f"peakproof: {path}: missing: the run stored no data of Prometheus for the dashboards\n"
    assert (ended.code, ended.err) == (2, message)
    path.write_bytes(b"PAR1")
    ended = peakproof("dashboards", "check", "run")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"peakproof: {path}: can't be read: ")


def test_the_dashboards_are_built_where_one_asks(peakproof: Command) -> None:
    ended = peakproof("dashboards", "build", "--to", "made")
    made = [f"made/{name}.json" for name in BOARDS]
    assert (ended.code, ended.out.splitlines()) == (0, made)
    for path in made:
        shipped = ROOT / "dashboards" / "generated" / Path(path).name
        assert json.loads((peakproof.folder / path).read_text()) == json.loads(shipped.read_text())


def test_the_report_is_written_again_from_the_directory(made_runs: dict[str, Path], peakproof: Command) -> None:
    path = made_runs["INCONCLUSIVE"]
    ended = peakproof("report", str(path))
    assert (ended.code, ended.out) == (0, f"{path / 'report.html'}\n")
    assert (path / "report.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("requests-w1-00000.parquet", "error"),
        ("sessions-w0-00000.parquet", "reason"),
        ("spans-0.parquet", "trace_id"),
        ("metrics/dashboards.parquet", "value"),
    ],
)
def test_a_report_that_cannot_show_a_listed_file_says_so_and_ends_in_75(
    name: str, column: str, made_runs: dict[str, Path], peakproof: Command
) -> None:
    """Also beside another run; a file that isn't listed, or not as it was, ends so anyway."""
    run = shutil.copytree(made_runs["PASS"], peakproof.folder / "runs" / made_runs["PASS"].name)
    pq.write_table(pq.read_table(run / name).drop_columns([column]), run / name)
    listed_anew(run)
    said = f"{run.name} isn't all on the page: {name}: left out: it has no column {column}\n"
    ended = peakproof("report", run.name)
    assert (ended.code, ended.out) == (75, f"{said}{run / 'report.html'}\n")
    there = made_runs["FAIL"]
    ended = peakproof("report", str(there), "--against", run.name)
    assert ended.code == (75 if name.startswith(("requests", "sessions", "spans")) else 0)
    assert (said in ended.out) is (ended.code == 75)


def test_two_runs_are_laid_side_by_side_and_a_run_is_not_laid_beside_itself(
    made_runs: dict[str, Path], peakproof: Command
) -> None:
    here, there = made_runs["FAIL"], made_runs["PASS"]
    ended = peakproof("report", str(here), "--against", str(there))
    page = here / f"report-against-{there.name}.html"
    assert (ended.code, ended.out) == (0, f"{page}\n")
    assert "This page is no verdict" in page.read_text()
    ended = peakproof("report", str(here), "--against", str(here))
    message = f"peakproof: {here}: is the same run as {here}: name another to hold it against\n"
    assert (ended.code, ended.out, ended.err) == (2, "", message)


def test_an_exporter_without_its_address_or_token_is_refused(
    peakproof: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PEAKPROOF_SHOP_TOKEN", raising=False)
    ended = peakproof("exporter", "stock")
    message = "peakproof: --url is required for stock: the address of the shop's page to read\n"
    assert (ended.code, ended.err) == (2, message)
    ended = peakproof("exporter", "orders", "--url", "http://127.0.0.1:9")
    message = "peakproof: the environment variable PEAKPROOF_SHOP_TOKEN is not set; --token-env names another\n"
    assert (ended.code, ended.err) == (2, message)


def test_two_environments_in_a_run_directory_are_refused(made_runs: dict[str, Path], peakproof: Command) -> None:
    write_inputs(peakproof.folder)
    run = peakproof.folder / "run"
    run.mkdir()
    (run / "run.json").write_bytes((made_runs["PASS"] / "run.json").read_bytes())
    both = json.loads(targets())
    both["environments"]["other"] = both["environments"]["staging"]
    (run / "targets.redacted.json").write_text(json.dumps(both))
    listed_anew(run)
    for verb in ("audit", "judge"):
        ended = peakproof(verb, "run")
        message = f"peakproof: {run / 'targets.redacted.json'}: environments: expected one, found 2\n"
        assert (ended.code, ended.err) == (2, message)
