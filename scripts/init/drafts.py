"""The drafts that `peakproof init` writes: valid as they stand, with low ceilings, and meant to be edited."""

import json
import math
import re
from collections.abc import Mapping
from importlib.resources import files
from urllib.parse import urlsplit

from loadtests.client.sites import own_labels
from loadtests.demand.evidence import with_not_judged
from loadtests.demand.plan import FORMAT, Plan
from loadtests.demand.profiles import Profile
from loadtests.demand.visits import BUYERS
from loadtests.environment.target_fields import HeaderValue
from loadtests.environment.targets import Ceiling, ProxyTarget
from scripts.init.locustfile_draft import LocustfileDraft
from scripts.init.storefront_draft import FILE, TUTORIAL, FirstPage, steps_of
from scripts.init.survey import Survey
from slo.documents import validate
from slo.objectives.objective import Objective

PEAK_SESSIONS_PER_S = 0.5
_MIX: Mapping[str, float] = {"window-shop": 0.7, "search-and-buy": 0.2, "click-and-collect": 0.1}
_SEED = 20_261_127
# Whole words of a host's name, which may be numbered: shop-qa2, int, pre-prod; "integral" and "developer" are none.
_STAGING = re.compile(
    r"(?:^|[.-])(?:stag|stage|staging|stg|test|tests|testing|tst|qa|uat|dev|devel|development|int|integration|pre|preprod"
    r"|preproduction|preview|sandbox|demo|sit|local|localhost|acceptance|nonprod)[0-9]*(?:[.-]|$)"
)
_SERVER_SIDE = "type: prometheus"


_BUYERS_SHARE = math.fsum(share for name, share in _MIX.items() if name in BUYERS)


def ceiling(profile: Profile, played: LocustfileDraft | None = None) -> Ceiling:
    """Return a low ceiling that the first plan of a profile fits under; a locustfile's sessions ask for more."""
    buyers_share, requests_per_s = _buyers_share(played), 5 if played is None else 10
    orders = PEAK_SESSIONS_PER_S * buyers_share * profile.duration_s
    return Ceiling(requests_per_s=requests_per_s, open_sessions=50, orders=100 * math.ceil(orders / 100))


def looks_like_production(found: Survey) -> bool:
    """Whether the shop may be production: it has a public address, and no word such as staging in its name."""
    return found.kind == "public" and not is_named_staging(urlsplit(found.base_url).hostname or "")


def is_named_staging(host: str) -> bool:
    """Whether a host's name has a word such as staging in it, in what its owner named below the registered domain.

    In a domain's own name the word may be a brand, as in demo.shop, unless it is joined to another: shop-staging.com.
    What comes behind is no name of the owner's: .dev is where anybody registers (RFC 2606 keeps .test for tests).
    """
    labels, registered = own_labels(host)
    own = [*labels, *([registered] if "-" in registered else [])]
    return any(_STAGING.search(label) is not None for label in own) or host.rstrip(".").endswith(
        (".test", ".localhost")
    )


def targets_yaml(name: str, found: Survey, profile: Profile, played: LocustfileDraft | None = None) -> str:
    """Return the text of targets.yaml for what was found."""
    probe = found.release_probe
    notes = {
        True: "its name doesn't look like staging; set false if it isn't production",
        False: "true: no run without a permission",
    }
    production = looks_like_production(found)
    low = json.dumps(ceiling(profile, played).model_dump(mode="json"))
    metrics = [{"job": "shop", "url": f"{found.base_url}/metrics"}]
    lines = [
        "# What may be loaded, made by `peakproof init`; docs/your-own-shop.md says what each key means.",
        "format: peakproof/targets/v1",
        "environments:",
        f"  {name}:",
        f"    base_url: {json.dumps(found.base_url)}",
        *([] if found.proxy is None else [f"    proxy: {json.dumps(_declared(found.proxy))}"]),
        *(_storefront(found.page) if played is None else _locustfile(played)),
        *([] if not found.headers else [f"    headers: {json.dumps(_headers(found.headers))}"]),
        f"    production: {str(production).lower()}   # {notes[production]}",
        f"    ceiling: {low}   # low on purpose: raise it once you know what the shop can take",
        _or_comment(
            probe is not None, f"release_probe: {json.dumps({'path': probe[0], 'field': probe[1]}) if probe else ''}",
            "release_probe: {path: /healthz, field: version}",
        ),
        _or_comment(found.has_metrics, f"metrics: {json.dumps(metrics)}", f"metrics: {json.dumps(metrics)}"),
        "    traces: false   # true once the shop sends its spans to port 18086 of this machine",
        "    # What a test order triggers. Make sure, then declare each:",
        '    # "off" (with its quotes), sandbox or acknowledged.',
        '    # side_effects: {mail: "off", tax: "off", erp: "off", analytics: "off", payments: sandbox}',
        "    # shop_records: {orders: {sql: …}, payments: {http: …}}   read by the audit; docs/your-shops-records.md",
        "    # token_env: PEAKPROOF_SHOP_TOKEN   the variable that holds the bearer token of their pages",
        "    fingerprint: {}   # replicas, orders, cache: what this environment is; the verdict's first line says it",
        "    # production_fingerprint: {replicas: 6, orders: 1200000}   the same of production: how they differ",
        "",
    ]  # fmt: skip
    return "\n".join(lines)


def _storefront(page: FirstPage) -> list[str]:
    if page.is_twisted_threads:
        return ["    storefront: twisted-threads   # how the shop is browsed and bought from: a built-in one"]
    return [
        f"    storefront: {{file: {FILE}}}   # how the shop is browsed and bought from: a draft; {TUTORIAL}",
        "    # storefront: {file: storefront.py, settings: {currency: gbp, key: {env: MY_SHOP_KEY}}}",
    ]


def _buyers_share(played: LocustfileDraft | None) -> float:
    return _BUYERS_SHARE if played is None or played.buyers_share is None else played.buyers_share


def _locustfile(played: LocustfileDraft) -> list[str]:
    return [
        f"    storefront: {{locustfile: {json.dumps(played.path)}}}   # played as it is: docs/from-a-locustfile.md",
        "    # beside it: tasks_per_session: 5, tags: [buy], settings: {its-argument: value}, variables: [A_VARIABLE]",
    ]


def _headers(headers: Mapping[str, HeaderValue]) -> dict[str, object]:
    return {name: held.model_dump(mode="json", exclude_none=True) for name, held in headers.items()}


def _declared(proxy: ProxyTarget) -> dict[str, object]:
    return proxy.model_dump(mode="json", exclude_defaults=True)


def _or_comment(known: bool, line: str, example: str) -> str:  # noqa: FBT001 - it reads as a sentence
    return f"    {line}" if known else f"    # {example}"


def objectives_yaml(found: Survey, played: LocustfileDraft | None = None) -> str:
    """Return the text of objectives.yaml; without server metrics only those that the load generator can measure.

    For a shop of one's own they are about the steps that the storefront's draft makes.
    """
    text = (files("slo") / "objectives" / "twisted-threads.yaml").read_text(encoding="utf-8")
    if played is None and found.page.is_twisted_threads:
        if found.has_metrics:
            return text
        return "\n---\n".join(part for part in text.split("\n---\n") if _SERVER_SIDE not in part).rstrip() + "\n"
    steps = ", ".join(steps_of(found.page) if played is None else map(json.dumps, played.steps))
    parts = [part for part in text.split("\n---\n") if "[home, search, product]" in part and _SERVER_SIDE not in part]
    head = "# What good means for the shop, as OpenSLO v1: drafts. The limits are assumptions; checkout has none yet.\n"
    if played is not None:
        parts = [part.replace("home, search and product pages", "what the locustfile asks for") for part in parts]
    return head + "\n---\n".join(part.replace("home, search, product", steps) for part in parts).rstrip() + "\n"


def first_plan(
    objectives: tuple[Objective, ...], page: FirstPage, profile: Profile, played: LocustfileDraft | None = None
) -> Plan:
    """Return a plan of `profile` within the ceiling; objectives it can't prove are listed in not_judged.

    With a storefront's draft its sessions look around, each step of the draft once. A locustfile's steps are for a try
    to count: until then it isn't known what the plan can prove.
    """
    mix = _MIX if page.is_twisted_threads else {"window-shop": 1.0}
    if played is not None:
        mix = played.shares
    visits = (
        {}
        if played is not None or page.is_twisted_threads
        else {"window-shop": {"steps": dict.fromkeys(steps_of(page), 1.0)}}
    )
    orders_per_session = round(_buyers_share(played), 6)
    data = {
        "format": FORMAT,
        "name": "first-look",
        "seed": _SEED,
        "demand": {
            "source": "peakproof init: one session in two seconds, to begin with; `peakproof forecast` reads orders",
            "forecast_orders_per_hour": PEAK_SESSIONS_PER_S * orders_per_session * 3600,
            "factor": 1.0,
            "orders_per_session": orders_per_session,
            "peak_sessions_per_s": PEAK_SESSIONS_PER_S,
        },
        "phases": profile.phases,
        "journeys": dict(mix),
        "visits": visits,
        "think_time": {"median_s": 2.0, "sigma": 0.5, "max_s": 8.0},
        "cart_lines": {"min": 1, "max": 3},
        "trace_sampling": 1.0,
        "limits": {"open_sessions": ceiling(profile).open_sessions},
        "assumed_error_burst_s": 1.0,
    }
    plan = validate(data, Plan, "plan first-look")
    return plan if played is not None else with_not_judged(plan, objectives)
