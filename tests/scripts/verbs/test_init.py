"""`init` asks a staging site little, says what is missing, and leaves three files that `run` takes."""

import http.server
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from loadtests.client.interface import Reply
from loadtests.demand.evidence import plan_proofs
from loadtests.demand.plan import Plan, read_plan
from loadtests.demand.profiles import PEAK, PROFILES, RELEASE, SMOKE
from loadtests.environment.resolved_environment import resolve_environment
from loadtests.environment.targets import read_targets
from loadtests.storefronts import storefront_of
from scripts.init.drafts import ceiling, looks_like_production, targets_yaml
from scripts.init.storefront_draft import FILE, FirstPage
from scripts.init.survey import AT_MOST_S, HEALTH_PATHS, Survey, Visitor, survey
from scripts.running.read_inputs import read_inputs
from scripts.verbs.init import FILES, given_environment, write_drafts
from slo.objectives.reading import read_objectives
from tests.loadtests.storefronts.shopping import Shopper
from tests.ports import free_port
from tests.scripts.world import Command, FakeShop, World, fake_shop

METRICS = (
    b'# TYPE http_server_request_duration_seconds histogram\nhttp_server_request_duration_seconds_count{a="b"} 7\n'
)
GOOD: dict[str, tuple[int, object]] = {
    "/": (200, {"greeting": "hello", "recommended": []}),
    "/robots.txt": (200, b"User-agent: *\nDisallow: /\n"),
    "/metrics": (200, METRICS),
    "/healthz": (200, {"status": "ok", "version": "2026.47.0"}),
}


class Hands:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.at, self.slept = 0.0, list[float]()

    def __call__(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


def looked(world: World, url: str, clock: Hands | None = None) -> Survey:
    clock = clock or Hands()
    resolved = resolve_environment(given_environment(url, "staging"), world.context().environment)
    with resolved.http() as http:
        return survey(
            resolved, Visitor(base_url=resolved.environment.base_url, http=http, sleep=clock.sleep, clock=clock)
        )


def states(found: Survey) -> dict[str, str]:
    return {line.what: line.state for line in found.lines}


def told(found: Survey, what: str) -> tuple[str, str | None]:
    return next((line.found, line.next) for line in found.lines if line.what == what)


def test_of_a_good_shop_it_says_what_is_there_and_what_is_missing(world: World) -> None:
    with fake_shop(GOOD) as shop:
        shop.headers |= {"Set-Cookie": "sid=1; Path=/", "Server-Timing": "traceparent;desc=00-1"}
        found = looked(world, shop.url)
    assert states(found) == {
        "storefront": "ok",
        "shop": "ok",
        "keep-alive": "wrong",  # the fake shop speaks HTTP/1.0
        "cookies": "ok",
        "robots.txt": "ok",
        "release": "ok",
        "metrics": "ok",
        "traces": "missing",
        "stock": "missing",
        "orders": "missing",
        "payments": "missing",
    }
    assert (found.release_probe, found.has_metrics) == (("/healthz", "version"), True)
    assert told(found, "traces") == (
        "replies carry server-timing: the shop traces, but doesn't send its spans here yet",
        "send the shop's spans over OTLP/HTTP to port 18086 of this machine, then set traces: true",
    )


def test_of_an_empty_shop_every_missing_thing_has_a_next_step(world: World) -> None:
    with fake_shop({"/": (200, b"hello")}) as shop:
        found = looked(world, shop.url)
    assert {name for name, state in states(found).items() if state == "missing"} == {
        *("storefront", "cookies", "release", "metrics", "traces", "stock", "orders", "payments")
    }
    assert all(line.next for line in found.lines if line.state != "ok")


def test_it_sends_at_most_nine_requests_and_one_a_second(world: World) -> None:
    clock = Hands()
    with fake_shop({"/": (200, b"hello")}) as shop:
        looked(world, shop.url, clock)
        asked = [path for path, *_ in shop.asked]
    assert asked == ["/", "/robots.txt", "/metrics", *HEALTH_PATHS]
    assert clock.slept == [1.0] * (len(asked) - 1)
    assert len(asked) <= 9


def test_a_slow_shop_is_left_alone_after_thirty_seconds(world: World) -> None:
    clock = Hands()
    with fake_shop({"/": (200, b"hello")}) as shop:
        environment = given_environment(shop.url, "staging")
        resolved = resolve_environment(environment, world.context().environment)
        with resolved.http() as http:
            visitor = Visitor(base_url=shop.url, http=http, sleep=clock.sleep, clock=clock)
            assert visitor.ask("/") is not None
            clock.at = AT_MOST_S
            assert visitor.ask("/metrics") is None
        assert [path for path, *_ in shop.asked] == ["/"]


@contextmanager
def replying(status: int, **headers: str) -> Iterator[FakeShop]:
    with fake_shop(dict.fromkeys(("/", "/robots.txt", "/metrics", *HEALTH_PATHS), (status, b"no"))) as shop:
        shop.headers |= headers
        yield shop


def test_a_redirect_to_another_place_is_told_and_that_place_is_never_asked(world: World) -> None:
    with fake_shop(GOOD) as other, replying(302, Location=f"{other.url}/") as shop:
        found = looked(world, shop.url)
        assert other.asked == []
    assert told(found, "shop") == (
        f"it redirects to another site, {other.url}/, which was not requested",
        "if that is your staging site too, run init with that address",
    )
    assert (found.has_metrics, found.release_probe) == (False, None)


def test_what_may_be_a_secret_of_a_redirect_is_not_shown(world: World) -> None:
    with replying(302, Location="https://me:hunter2@login.test/in?state=1&token=hunter2") as shop:
        message = told(looked(world, shop.url), "shop")[0]
    assert "another site, https://***@login.test/in?state=1&token=***, which" in message


WRONG: list[tuple[int, dict[str, str], str]] = [
    (429, {}, "a firewall or challenge page answers: HTTP 429"),
    (403, {"cf-mitigated": "challenge"}, "a firewall or challenge page answers: HTTP 403"),
    (401, {}, "it refuses access: HTTP 401"),
    (503, {}, "it answers HTTP 503"),
    (301, {"Location": "http://[bad"}, "it redirects to something that isn't an address"),
]


@pytest.mark.parametrize(("status", "headers", "message"), WRONG)
def test_what_is_wrong_with_the_first_page_is_told(
    status: int, headers: dict[str, str], message: str, world: World
) -> None:
    with replying(status, **headers) as shop:
        assert told(looked(world, shop.url), "shop")[0] == message


HOSTILE: list[bytes] = [b"\xff" * 100, b"[" * 10_000, b'{"version": {"a": 1}}', b"a" * (5 << 20)]


@pytest.mark.parametrize("body", HOSTILE)
def test_nonsense_from_the_shop_is_missing_not_a_traceback(body: bytes, world: World) -> None:
    with fake_shop(dict.fromkeys(("/", "/robots.txt", "/metrics", *HEALTH_PATHS), (200, body))) as shop:
        found = looked(world, shop.url)
    assert (found.has_metrics, found.release_probe, states(found)["release"]) == (False, None, "missing")


def test_no_control_character_of_the_shop_reaches_the_terminal(world: World) -> None:
    with fake_shop({**GOOD, "/healthz": (200, {"version": "1\x1b[2J\n\u202e" + "x" * 1000})}) as shop:
        line = told(looked(world, shop.url), "release")[0]
    assert line.startswith("/healthz says version: 1[2J")
    assert len(line) == 300


def test_a_proxy_variable_has_no_say(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_shop(GOOD) as proxy, fake_shop(GOOD) as shop:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        looked(world, shop.url)
        assert (proxy.asked, len(shop.asked) > 0) == ([], True)


def drafted(folder: Path, *, has_metrics: bool = True, url: str = "http://127.0.0.1:9", profile: str = RELEASE) -> Plan:
    """Write the drafts for a built-in shop; return the plan."""
    probe = ("/healthz", "version") if has_metrics else None
    page = FirstPage(kind="json", names=("greeting", "recommended"))
    found = Survey(base_url=url, kind="loopback", lines=(), release_probe=probe, has_metrics=has_metrics, page=page)
    plan, _ = write_drafts(folder, "staging", found, PROFILES[profile])
    return plan


@pytest.mark.parametrize("has_metrics", [True, False])
def test_the_files_are_valid_and_fit_each_other(has_metrics: bool, tmp_path: Path) -> None:  # noqa: FBT001
    drafted(tmp_path, has_metrics=has_metrics)
    targets, objectives, plan = (tmp_path / name for name in FILES if name != FILE)
    assert not (tmp_path / FILE).exists()
    inputs = read_inputs(plan, (objectives,), targets, "staging")  # the ceiling holds the plan
    assert read_plan(plan) == inputs.plan
    assert (len(read_objectives([objectives])), len(inputs.environment.metrics)) == ((8, 1) if has_metrics else (4, 0))
    assert inputs.plan.duration_s == PROFILES[RELEASE].duration_s
    assert inputs.environment.ceiling == ceiling(PROFILES[RELEASE])


@pytest.mark.parametrize("profile", [SMOKE, RELEASE, PEAK])
def test_a_first_plan_of_each_profile_fits_its_ceiling_and_judges_what_its_length_can_prove(
    profile: str, tmp_path: Path
) -> None:
    plan = drafted(tmp_path, profile=profile)
    targets, objectives, path = (tmp_path / name for name in FILES if name != FILE)
    inputs = read_inputs(path, (objectives,), targets, "staging")
    assert inputs.plan == plan
    assert plan.duration_s == PROFILES[profile].duration_s
    proven = {one.objective for one in plan_proofs(plan, inputs.objectives) if one.possible}
    given_up = {one.objective for one in plan.not_judged}
    assert (proven & given_up, proven | given_up) == (set(), {one.name for one in inputs.objectives})
    expected = {SMOKE: False, RELEASE: True, PEAK: True}
    assert ("browse-latency" in proven) is expected[profile]


def test_what_a_first_plan_is_too_short_for_says_how_long_it_takes(tmp_path: Path) -> None:
    given_up = {one.objective: one.because for one in drafted(tmp_path).not_judged}
    assert given_up["browse-server-availability"] == (
        "provable in about 24 minutes of judged time at this rate; the plan has 14;"
        " take this entry out when the plan is longer"
    )


def test_every_line_that_is_offered_as_a_comment_is_valid_when_it_is_taken(tmp_path: Path) -> None:
    text = targets_yaml("staging", Survey(base_url="http://127.0.0.1:9", kind="loopback", lines=()), PROFILES[RELEASE])
    offered = [
        line
        for line in text.splitlines()
        if "# side_effects:" in line or "# release_probe:" in line or "# metrics:" in line
    ]
    assert len(offered) == 3
    for line in offered:
        text = text.replace(line, line.replace("# ", "", 1))
    (tmp_path / "targets.yaml").write_text(text)
    taken = read_targets(tmp_path / "targets.yaml").environments["staging"]
    assert (len(taken.side_effects), len(taken.metrics), taken.release_probe is None) == (5, 1, False)


NAMES = [
    ("https://www.example.com", "public", True),
    ("https://contest.example.com", "public", True),
    ("https://staging.example.com", "public", False),
    ("https://www-test2.example.com", "public", False),
    ("https://www.example.com", "private", False),
]


@pytest.mark.parametrize(("url", "kind", "production"), NAMES)
def test_a_public_name_that_says_nothing_of_a_test_is_taken_for_production(
    url: str,
    kind: Any,
    production: bool,  # noqa: FBT001
    tmp_path: Path,
) -> None:
    found = Survey(base_url=url, kind=kind, lines=())
    assert looks_like_production(found) is production
    (tmp_path / "targets.yaml").write_text(targets_yaml("staging", found, PROFILES[RELEASE]))
    assert read_targets(tmp_path / "targets.yaml").environments["staging"].production is production


BAD: list[tuple[str, int, str]] = [
    ("ftp://example.com", 2, "URL: must be an address that begins with http:// or https://, found 'ftp://example.com'"),
    ("example.com", 2, "URL: must be an address that begins with http:// or https://, found 'example.com'"),
    ("http://", 2, "URL: must be an address that begins with http:// or https://, found 'http://'"),
    (
        "http://ada:secret@127.0.0.1:9",
        2,
        "URL: must not hold a name or password; headers come from the environment",
    ),
    (
        "http://127.0.0.1:9/?a=1",
        2,
        "URL: must not hold a query or a fragment, found 'http://127.0.0.1:9/?a=1'",
    ),
    (
        "http://169.254.169.254/latest",
        2,
        (
            "169.254.169.254: resolves to 169.254.169.254, a link-local address, where clouds keep their metadata:"
            " nothing may be sent there"
        ),
    ),
]


@pytest.mark.parametrize(("url", "code", "message"), BAD)
def test_an_address_that_may_not_be_asked_is_refused(url: str, code: int, message: str, peakproof: Command) -> None:
    ended = peakproof("init", url)
    assert (ended.code, ended.err) == (code, f"peakproof: {message}\n")
    assert list(peakproof.folder.iterdir()) == []


def test_a_host_without_an_address_ends_with_75(peakproof: Command) -> None:
    ended = peakproof("init", "http://no-such-host.invalid")
    assert ended.code == 75
    assert ended.err.startswith("peakproof: no-such-host.invalid: has no address: ")
    assert list(peakproof.folder.iterdir()) == []


def test_a_shop_that_is_not_there_ends_with_75_and_no_file(peakproof: Command) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    ended = peakproof("init", url)
    message = f"peakproof: {url}/ doesn't answer; is it started, and can this machine reach it?\n"
    assert (ended.code, ended.err) == (75, message)
    assert list(peakproof.folder.iterdir()) == []


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_there_is_not_replaced_and_the_shop_not_asked(name: str, peakproof: Command) -> None:
    (peakproof.folder / name).write_text("mine")
    with fake_shop(GOOD) as shop:
        ended = peakproof("init", shop.url)
        assert shop.asked == []
    message = (
        f"peakproof: {peakproof.folder}: already holds {name}; --force replaces them, --to FOLDER writes elsewhere\n"
    )
    assert (ended.code, ended.err) == (2, message)
    assert (peakproof.folder / name).read_text() == "mine"


def test_a_first_plan_that_is_too_short_to_prove_anything_says_so(
    peakproof: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.init.survey.EVERY_S", 0.0)
    with fake_shop(GOOD) as shop:
        ended = peakproof("init", shop.url, "--profile", "smoke")
    assert ended.code == 0
    assert (
        "a run of plan.yaml takes 3 minutes and sends too little to prove anything: raise its rate, or use"
        " --profile release; its not_judged says what each objective takes"
    ) in ended.out.splitlines()
    assert read_plan(peakproof.folder / "plan.yaml").duration_s == 180


def test_with_force_files_are_replaced_and_the_next_steps_are_told(
    peakproof: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.init.survey.EVERY_S", 0.0)
    for name in FILES:
        (peakproof.folder / name).write_text("mine")
    with fake_shop(GOOD) as shop:
        ended = peakproof("init", shop.url, "--force", "--name", "beta")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[-5:] == [
        "written: targets.yaml, objectives.yaml, plan.yaml",
        (
            "a run of plan.yaml takes 15 minutes and can prove browse-latency, browse-server-latency; 6 more need more"
            " requests: its not_judged says what each takes"
        ),
        "next, 1: read and edit the files",
        "next, 2: peakproof doctor --on beta",
        "next, 3: peakproof gate plan.yaml --on beta",
    ]
    assert list(read_targets(peakproof.folder / "targets.yaml").environments) == ["beta"]


PAGE = b"""<!doctype html><title>Tees</title><form action=/find><input name=q></form>
<a href=/about>about</a> <a href="/tees/1">one</a> <a href="/tees/2?x=1">two</a> <a href="//cdn.example/a/b">far</a>"""


@pytest.mark.parametrize(
    ("page", "seen", "steps"),
    [
        (PAGE, "HTML, a search form to /find, links to /tees/…", {"home", "search", "product"}),
        (b"<h1>Tees</h1>", "HTML", {"home"}),
        (b'{"products": [{"id": 1}], "page": 1}', "JSON with products, page", {"home"}),
        (b"[]", "JSON with no names", {"home"}),
    ],
)
def test_of_a_shop_of_one_s_own_it_says_first_that_a_storefront_is_needed_and_drafts_one_that_plays(
    page: bytes, seen: str, steps: set[str], peakproof: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.init.survey.EVERY_S", 0.0)
    with fake_shop({"/": (200, page), "/find": (200, page)}) as shop:
        ended = peakproof("init", shop.url, "--name", "my-shop")
    lines = ended.out.splitlines()
    assert (ended.code, ended.err, lines[1].split()[:2]) == (0, "", ["missing", "storefront"])
    assert f"only you know how your shop is used; seen: {seen}" in lines[1]
    assert lines[-5:] == [
        "next, 1: write storefront.py: docs/write-a-storefront.md",
        "next, 2: read and edit the other files",
        "next, 3: peakproof doctor --on my-shop",
        "next, 4: peakproof try plan.yaml --on my-shop",
        "next, 5: peakproof gate plan.yaml --on my-shop",
    ]
    targets, objectives, plan = (peakproof.folder / name for name in FILES if name != FILE)
    inputs = read_inputs(plan, (objectives,), targets, "my-shop")
    assert {step for objective in inputs.objectives for step in objective.steps} == steps
    assert set(inputs.plan.visits["window-shop"].steps) == steps
    answer = Reply(status=200, body=page, html=True)
    shopper = Shopper(peakproof.folder, lambda _: answer._replace(), journey="window-shop")
    storefront_of(inputs.environment).play(shopper.session, shopper.given)
    assert {request.step for request in shopper.sent} == steps


def test_a_headless_api_has_no_page_at_its_root_and_wants_a_header(
    peakproof: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.init.survey.EVERY_S", 0.0)
    monkeypatch.setenv("MY_KEY", "k" * 9)
    with fake_shop({}) as shop:
        ended = peakproof("init", shop.url, "--header", "X-Shop=tees", "--header-env", "x-api-key=MY_KEY")
    assert (ended.code, ended.err) == (0, "")
    assert "it answers HTTP 404 to /: no page there, as with a headless API" in ended.out
    targets, objectives, plan = (peakproof.folder / name for name in FILES if name != FILE)
    inputs = read_inputs(plan, (objectives,), targets, "staging")
    shopper = Shopper(peakproof.folder, journey="window-shop")
    storefront_of(inputs.environment).play(shopper.session, shopper.given)
    made = {request.step for request in shopper.sent}
    assert made == set(inputs.plan.visits["window-shop"].steps) == {"products"}
    assert {step for objective in inputs.objectives for step in objective.steps} == made
    headers = read_targets(peakproof.folder / "targets.yaml").environments["staging"].headers
    assert (headers["X-Shop"].value, headers["x-api-key"].env) == ("tees", "MY_KEY")
    assert "kkk" not in "".join(path.read_text() for path in peakproof.folder.glob("*.*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--header", "X-Shop"), "--header X-Shop: expected NAME=VALUE"),
        (("--header-env", "X-Shop=my key"), "--header-env X-Shop: String should match pattern"),
        (("--header", "x-api-key=hunter22"), "--header: x-api-key looks like a secret: it must come from {env: NAME}"),
        (("--header", "Host=a"), "--header: Host is written by the client itself"),
    ],
)
def test_a_header_that_can_not_be_sent_is_refused_without_its_value(
    arguments: tuple[str, ...], message: str, peakproof: Command
) -> None:
    ended = peakproof("init", "http://127.0.0.1:9", *arguments)
    assert ended.code == 2
    assert ended.err.startswith(f"peakproof: {message}")
    assert "hunter22" not in ended.err


def test_a_folder_that_cannot_be_made_is_told(peakproof: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.init.survey.EVERY_S", 0.0)
    (peakproof.folder / "file").write_text("")
    with fake_shop(GOOD) as shop:
        ended = peakproof("init", shop.url, "--to", "file/below")
    message = f"peakproof: {peakproof.folder}/file/below: can't be written: Not a directory\n"
    assert (ended.code, ended.err) == (75, message)


class _Dripping(http.server.BaseHTTPRequestHandler):
    """Answers a byte at a time, for ever."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            while not self.server.over.wait(0.02):  # type: ignore[attr-defined]
                self.wfile.write(b"x" * 20_000)
        except OSError:
            return

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        """Keep quiet."""


def test_a_reply_without_an_end_is_read_as_far_as_it_may_be(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.init.survey.TIMEOUT_S", 0.3)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Dripping)
    server.over = threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        with pytest.raises(Exception, match="doesn't answer; is it started"):
            looked(world, f"http://127.0.0.1:{server.server_address[1]}")
    finally:
        server.over.set()  # type: ignore[attr-defined]
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_socket_that_says_nothing_is_no_shop(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.init.survey.TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Exception, match="doesn't answer; is it"):
        looked(world, f"http://127.0.0.1:{silent.getsockname()[1]}")


LOCUSTFILE = """\
from locust import HttpUser, between, task


class Looker(HttpUser):
    weight = 3

    @task
    def look(self):
        self.client.get("/")
        self.client.get(f"/tees/{self.tee}", verify=False)


class Keeper(HttpUser):
    fixed_count = 1

    @task
    def keep(self):
        self.client.post("/stock", name="take stock")
"""


def test_a_locustfile_is_named_and_drafted_for_in_place_of_a_storefront(
    peakproof: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.init.survey.EVERY_S", 0.0)
    (peakproof.folder / "load").mkdir()
    (peakproof.folder / "load" / "locustfile.py").write_text(LOCUSTFILE)
    with fake_shop(GOOD) as shop:
        ended = peakproof("init", shop.url, "--locustfile", "load/locustfile.py")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[1].split(maxsplit=2) == ["ok", "storefront", "load/locustfile.py is played: looker 75%, keeper 25%"]
    assert lines[-7] == "written: targets.yaml, objectives.yaml, plan.yaml"
    assert lines[-6] == (
        "note: Keeper.fixed_count is no share of the sessions: its weight (1) is, until the plan's journeys say"
        " otherwise"
    )
    assert lines[-5] == (
        "note: locustfile.py:10: verify is passed over: TLS is always verified; `ca` of targets.yaml names an authority"
        " of your own"
    )
    assert not (peakproof.folder / FILE).exists()
    objectives = read_objectives([peakproof.folder / "objectives.yaml"])
    assert {step for one in objectives for step in one.steps} == {"GET /", "GET /tees/{tee}", "take stock"}
    plan = read_plan(peakproof.folder / "plan.yaml")
    assert (plan.journeys, plan.visits) == ({"looker": 0.75, "keeper": 0.25}, {})
    environment = read_targets(peakproof.folder / "targets.yaml").environments["staging"]
    assert list(storefront_of(environment).journeys) == ["looker", "keeper"]


def test_a_locustfile_that_can_t_be_played_is_refused_before_anything_is_asked(peakproof: Command) -> None:
    (peakproof.folder / "locustfile.py").write_text(LOCUSTFILE + "        self.environment.runner.quit()\n")
    with fake_shop(GOOD) as shop:
        ended = peakproof("init", shop.url, "--locustfile", "locustfile.py")
        assert shop.asked == []
    assert ended.code == 2
    assert "locustfile.py:19: environment.runner: there is no runner here" in ended.err
    assert not (peakproof.folder / "targets.yaml").exists()
