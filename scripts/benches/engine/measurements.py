"""What is measured, a function a group: the sides that are interleaved, and the figures that come of them."""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import median

import numpy as np
import pyarrow.parquet as pq

from loadtests.runtime.guarded_child import python
from scripts.benches.engine.freezing import CYCLE_S, agreements, freeze_in_turn, quantile, read_log, read_replies
from scripts.benches.engine.generators import (
    USERS,
    Engine,
    FastHttpUser,
    Generator,
    PlayedLocustfile,
    PlayingLocust,
    Site,
    Wrk,
    run_directory_of,
)
from scripts.benches.engine.plans import Load
from scripts.benches.engine.series import Bench, Run, Window, end, ratios
from scripts.benches.engine.shop import ASSETS
from scripts.benches.engine.target import HOST, TARGET_CORE, free_ports, pinned
from scripts.benches.figures import Figure, median_figure, unbounded_figure
from scripts.local_stack.processes import Child, wait_until
from slo.outcomes import EnvironmentLacks

_BUYING = Load(journey="bench-buying", sessions=USERS)
_ON = "schedule, both clocks, records, histograms, trace headers"
_PACE_PER_S = 1000.0
_TRACED_PER_S = 5000.0
_MORE_TIMES = 3
_OFF_SHARE = 0.2
_OFF_PACE = 0.1
_STEPS = 4
_HALF, _NEAR_HALF, _LOOKS_FOR_HALF = 0.5, 0.02, 8
_STEEPER = 1.6  # a request costs less the more there are, so the rate must grow faster than the share of a core
_SETTLE_S = 2.0
_READY_S = 20.0
_FURTHER = 2000
_OPEN_PER_S = 300.0
_TOO_MANY_PER_S = 1500.0


def journey(bench: Bench) -> list[Figure]:
    """Measure the four-step journey, saturated: near its bound, so in more runs than the rest."""
    sides = FastHttpUser(name="fast-http-user"), Engine(name="engine", load=_BUYING)
    theirs, ours = _costs(bench, *sides, times=_MORE_TIMES)
    name = "JSON journey, saturated: requests a CPU-s / FastHttpUser's"
    return [median_figure(name, ratios(theirs, ours), ">=", 6.5, _against(_ON, ours, theirs))]


def locustfile(bench: Bench) -> list[Figure]:
    """Measure a locustfile, played by Locust itself with FastHttpUser and by us as it is, saturated."""
    theirs, ours = _costs(bench, PlayingLocust(), PlayedLocustfile())
    name = "a locustfile with FastHttpUser, saturated: CPU a request / Locust's own"
    return [median_figure(name, ratios(ours, theirs), "<=", 1 / 3, _against(_ON, ours, theirs))]


def records(bench: Bench) -> list[Figure]:
    """Measure what the records cost in the journey, saturated: a few percent, so in more runs than the rest."""
    on, off = _costs(
        bench,
        Engine(name="engine", load=_BUYING),
        Engine(name="engine-no-records", load=_BUYING, records=False),
        times=_MORE_TIMES,
    )
    on_off = "off: no row of a request is kept, laid out or written; counts and histograms stay on"
    return [median_figure("records on / off: CPU a request", ratios(on, off), "<=", 1.08, on_off)]


def static(bench: Bench) -> list[Figure]:
    """Measure static pages, saturated, against wrk: two programs that a restless machine slows unequally."""
    load = Load(journey="bench-static", sessions=USERS)
    theirs, ours = _costs(bench, Wrk(), Engine(name="engine-static", load=load), times=_MORE_TIMES)
    on = _against("records, histograms", ours, theirs)
    return [median_figure("static GETs, saturated: requests a CPU-s / wrk's", ratios(theirs, ours), ">=", 0.36, on)]


def tls(bench: Bench) -> list[Figure]:
    """Measure the journey over TLS, over kept connections and over a new one for each session."""
    site = Site(url=bench.nginx.tls_url, ca=str(bench.nginx.ca))
    sides: list[tuple[Generator, Site]] = [
        (FastHttpUser(name="fast-http-user-tls"), site),
        (Engine(name="engine-tls", load=_BUYING), site),
        (FastHttpUser(name="fast-http-user-tls-new", new_connections=True), site),
        (Engine(name="engine-tls-new", load=_once()), site),
    ]
    runs = bench.interleave(sides)
    for name, a_request in zip(runs, (0.0, 0.0, 1 / _STEPS, 1 / _STEPS), strict=True):
        for run in runs[name]:
            check_handshakes(name, run.window, a_request)
    kept_theirs, kept_ours, new_theirs, new_ours = ([run.window.cpu_us for run in runs[name]] for name in runs)
    name = "journey over TLS, {}: requests a CPU-s / FastHttpUser's"
    kept = _against(f"{_ON}; no handshake in the window", kept_ours, kept_theirs)
    new = _against(f"{_ON}; a handshake for four requests, sessions over 100 dropped", new_ours, new_theirs)
    return [
        median_figure(name.format("kept alive"), ratios(kept_theirs, kept_ours), ">=", 4.0, kept),
        median_figure(name.format("new connection a session"), ratios(new_theirs, new_ours), ">=", 1.5, new),
    ]


def _once() -> Load:
    """Return more sessions of one journey than there is room for: always 100 open, what comes beside is dropped."""
    return Load(journey="bench-once", sessions_per_s=_TOO_MANY_PER_S, most_open=USERS)


def paced(bench: Bench) -> list[Figure]:
    """Measure 1,000 requests a second on both sides, out of phase; docs/decisions/0016 says where the bound is from."""
    plain = Site(url=bench.nginx.plain_url)
    load = Load(journey="bench-thinking", sessions=USERS, think_s=USERS / _PACE_PER_S, sigma=0.5)
    sides: list[tuple[Generator, Site]] = [
        (FastHttpUser(name="fast-http-user-paced", per_s=_PACE_PER_S), plain),
        (Engine(name="engine-paced", load=load), plain),
    ]
    runs = bench.interleave(sides)
    for name, done in runs.items():
        check_pace(name, done, _PACE_PER_S)
    theirs, ours = ([run.window.cpu_us for run in done] for done in runs.values())
    name = "paced at 1,000 requests/s: CPU / FastHttpUser's"
    return [median_figure(name, ratios(ours, theirs), "<=", 0.55, _against(_ON, ours, theirs))]


def tracing(bench: Bench) -> list[Figure]:
    """Measure what tracing adds to a request, as a share of what FastHttpUser's costs, saturated: its lowest.

    It is a few percent, so in more runs than the rest. 1 % is measured saturated, where runs differ least; every span
    at 5,000 a second, so that none is dropped.
    """
    (port,) = free_ports(1)
    recorder = pinned(TARGET_CORE, python("-m", "scripts.benches.engine.servers", "recorder", str(port)))
    child = bench.children.start("recorder", recorder)
    plain, url = Site(url=bench.nginx.plain_url), f"http://{HOST}:{port}"
    think_s = 2 * USERS / _TRACED_PER_S
    pausing = Load(journey="bench-thinking", sessions=2 * USERS, think_s=think_s, sigma=0.5)
    pairs = [(_BUYING, 0.01, "1 %, saturated", 0.015), (pausing, 1.0, "100 %, 5,000 requests/s", 0.06)]
    sides: list[tuple[Generator, Site]] = [(FastHttpUser(name="fast-http-user"), plain)]
    for load, most, _, _ in pairs:
        for share in (0.0, most):
            name = f"engine-traced-{share:g}-of-{most:g}"
            sides.append((Engine(name=name, load=replace(load, trace_sampling=share), recorder_url=url), plain))
    runs = bench.interleave(sides, _MORE_TIMES)
    child.end()
    theirs, *ours = runs.values()
    figures = []
    for (load, most, name, bound), bare, traced in zip(pairs, ours[::2], ours[1::2], strict=True):
        check_spans(name, bare, 0.0)
        check_spans(name, traced, most)
        if load is pausing:
            check_pace(name, [*bare, *traced], _TRACED_PER_S)
        figures.append(_tracing(name, _us(traced), _us(bare), _us(theirs), bound))
    return figures


def _us(runs: Sequence[Run]) -> list[float]:
    return [run.window.cpu_us for run in runs]


def _tracing(
    name: str, traced: Sequence[float], bare: Sequence[float], theirs: Sequence[float], bound: float
) -> Figure:
    added = ratios([with_it - without for with_it, without in zip(traced, bare, strict=True)], theirs)
    on = f"µs of CPU a request: {median(traced):.1f}, {median(bare):.1f} at 0 %, {median(theirs):.1f}"
    return median_figure(f"tracing at {name}: CPU added / FastHttpUser's", added, "<=", bound, on)


def freeze(bench: Bench) -> list[Figure]:
    """Hold recorded latency against the log of a target that is frozen one second in ten; a run is a cycle."""
    folder = bench.folder / "engine-freeze"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (port,), log = free_ports(1), folder / "replies.log"
    serve = python("-m", "scripts.benches.engine.servers", "target", str(port), str(log))
    target = bench.children.start("logging-target", pinned(TARGET_CORE, serve))
    lasts_s = bench.repeat * CYCLE_S + 2 * bench.warm_s + _READY_S
    load = Load(journey="bench-one-page", sessions_per_s=_OPEN_PER_S, lasts_s=lasts_s)
    engine = Engine(name="engine-freeze", load=load)
    child = engine.start(bench.children, Site(url=f"http://{HOST}:{port}"), folder)
    directory = run_directory_of(folder)
    wait_until(directory.live.exists, [child, target], _READY_S, engine.name)
    time.sleep(bench.warm_s)
    freezes = freeze_in_turn(target, bench.repeat)
    tally = end(engine, child, folder)
    target.end()
    written = read_log(log.read_text())
    if tally.errors or not 0 <= len(written) - tally.requests <= tally.under_way:
        raise EnvironmentLacks(f"{engine.name}: {tally.requests} requests, {len(written)} in the log, {tally.errors}")
    found = agreements(read_replies(directory, written), freezes)
    on = f"{_OPEN_PER_S:g} sessions/s, target frozen 1 s in 10; {median(a.replies for a in found):.0f} replies a cycle"
    behind = [one.behind_s for one in found]
    return [
        median_figure("recorded - (written - scheduled), p99, s", behind, "<=", 0.002, on),
        *(
            median_figure(f"recorded {q} against the log's", [one.apart[q] for one in found], "<=", 0.005, on)
            for q in found[0].apart
        ),
    ]


def lag(bench: Bench) -> list[Figure]:
    """Measure scheduling lag when the generator uses half a core: the rate that does is looked for first."""
    rate = _rate_of_half(bench)
    runs: list[Run] = []
    lags = []
    for _ in range(bench.repeat):
        run = bench.measure(_at("engine-lag", rate), Site(url=bench.nginx.plain_url))
        runs.append(run)
        lags.append(lag_p99_s(run))
    share = median(run.window.cpu_share for run in runs)
    on = f"{share:.0%} of a core, {median(run.window.rate_per_s for run in runs):.0f} requests/s"
    return [median_figure("scheduling lag p99 at half a core, s", lags, "<=", 0.004, on)]


def _rate_of_half(bench: Bench) -> float:
    """Return the requests per second that take half a core; raises EnvironmentLacks when none is found."""
    rate = _PACE_PER_S
    for _ in range(_LOOKS_FOR_HALF):
        share = bench.measure(_at("engine-lag", rate), Site(url=bench.nginx.plain_url)).window.cpu_share
        if abs(share - _HALF) <= _NEAR_HALF:
            return rate
        rate *= (_HALF / share) ** _STEEPER
    raise EnvironmentLacks(f"engine-lag: no rate took half a core, the last {share:.0%}")


def _at(name: str, rate_per_s: float) -> Engine:
    sessions = 2 * USERS
    return Engine(
        name=name, load=Load(journey="bench-thinking", sessions=sessions, think_s=sessions / rate_per_s, sigma=0.5)
    )


def lag_p99_s(run: Run) -> float:
    """Return the p99 of how late requests were sent that were due in the window; this run's records lie there still."""
    lags = []
    for path in run.directory.parts("requests"):
        table = pq.read_table(path, columns=["scheduled_at", "sent_at"])
        due, sent = (table[name].to_numpy() for name in ("scheduled_at", "sent_at"))
        lags.append((sent - due)[(due >= run.window.before.at_ns) & (due < run.window.after.at_ns)])
    return quantile(np.concatenate(lags), 0.99) / 1e9


def assets(bench: Bench) -> list[Figure]:
    """Measure pages with their assets, saturated, against the same requests as steps of the journey."""
    apart, whole = _costs(
        bench,
        Engine(name="engine-apart", load=Load(journey="bench-apart", sessions=USERS)),
        Engine(name="engine-pages", load=Load(journey="bench-pages", sessions=USERS, assets="shop")),
    )
    on = f"{len(ASSETS)} assets a page over 5 further connections, each page read once; as steps, over one connection"
    name = "pages with assets / the same requests as steps: CPU a request"
    return [unbounded_figure(name, ratios(whole, apart), _against(on, whole, apart))]


def memory(bench: Bench) -> list[Figure]:
    """Measure what 2,000 further open sessions add to the resident memory, each on its connection, thinking 10 s."""
    few, many = (
        (Engine(name=f"engine-open-{n}", load=Load(journey="bench-thinking", sessions=n, think_s=10.0)), n)
        for n in (USERS, USERS + _FURTHER)
    )
    each_kib = []
    for _ in range(bench.repeat):
        low, high = (_settled(bench, engine, sessions) for engine, sessions in (few, many))
        each_kib.append((high - low) / _FURTHER / 1024)
        print(f"  {low / 2**20:.1f} and {high / 2**20:.1f} MiB", flush=True)
    on = f"{USERS} and {USERS + _FURTHER} sessions open, 10 s think time, VmRSS after each one's first reply"
    return [median_figure("RSS of each further open session, KiB", each_kib, "<=", 12.0, on)]


def _settled(bench: Bench, engine: Engine, sessions: int) -> int:
    def window(child: Child) -> Window:
        wait_until(lambda: bench.nginx.status().active >= sessions, [child], _READY_S, engine.name)
        before = bench.moment(child)
        time.sleep(_SETTLE_S)
        return Window(before=before, after=bench.moment(child))

    return bench.measure(engine, Site(url=bench.nginx.plain_url), window).window.after.rss_bytes


def _costs(bench: Bench, *generators: Generator, times: int = 1) -> list[list[float]]:
    """Run all against the plain listener in turn; returns each one's µs of CPU a request, run by run."""
    runs = bench.interleave([(generator, Site(url=bench.nginx.plain_url)) for generator in generators], times)
    return [[run.window.cpu_us for run in runs[generator.name]] for generator in generators]


def _against(on: str, ours: Sequence[float], theirs: Sequence[float]) -> str:
    return f"{on}; µs of CPU a request: {median(ours):.1f} against {median(theirs):.1f}"


def check_handshakes(name: str, window: Window, a_request: float) -> None:
    """Raise EnvironmentLacks unless the target accepted that many connections a request, up to one a shopper."""
    slack = USERS if a_request else 0  # each may stand anywhere in its journey at the window's edges
    if abs(window.accepts - a_request * window.requests) > slack:
        raise EnvironmentLacks(f"{name}: {window.accepts} connections for {window.requests} requests")


def check_pace(name: str, runs: Sequence[Run], per_s: float) -> None:
    """Raise EnvironmentLacks when a side's runs didn't keep their pace."""
    rate_per_s = median(run.window.rate_per_s for run in runs)
    if abs(rate_per_s / per_s - 1) > _OFF_PACE:
        raise EnvironmentLacks(f"{name}: {rate_per_s:.0f} requests/s, not {per_s:.0f}")


def check_spans(name: str, runs: Sequence[Run], share: float) -> None:
    """Raise EnvironmentLacks unless the spans of that share of the requests were sent, and none dropped."""
    requests, sent = sum(run.tally.requests for run in runs), sum(run.tally.spans_sent for run in runs)
    if dropped := sum(run.tally.spans_dropped for run in runs):
        raise EnvironmentLacks(f"{name}: {dropped} spans were dropped")
    if abs(sent - share * requests) > max(1, _OFF_SHARE * share * requests):
        raise EnvironmentLacks(f"{name}: {sent} spans of {requests} requests, not {share:.0%}")


MEASUREMENTS: Mapping[str, Callable[[Bench], list[Figure]]] = {
    "journey": journey,
    "locustfile": locustfile,
    "records": records,
    "static": static,
    "tls": tls,
    "paced": paced,
    "tracing": tracing,
    "freeze": freeze,
    "lag": lag,
    "memory": memory,
    "assets": assets,
}
