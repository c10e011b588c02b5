"""`peakproof init`: draft the files that a run needs, from a staging site's address."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from loadtests.demand.plan import Plan
from loadtests.demand.profiles import PEAK, PROFILES, RELEASE, SMOKE, Profile
from loadtests.environment.resolved_environment import resolve_environment
from loadtests.environment.target_fields import BaseAddress, HeaderValue, Label
from loadtests.environment.targets import Environment, ProxyTarget, Targets
from scripts.arguments import add_profile, local_file, span, write_given
from scripts.context import Context
from scripts.doctor.lines import rendered
from scripts.init.drafts import ceiling, first_plan, looks_like_production, objectives_yaml, targets_yaml
from scripts.init.locustfile_draft import LocustfileDraft, locustfile_draft
from scripts.init.storefront_draft import FILE, TUTORIAL, storefront_py
from scripts.init.survey import Survey, Visitor, survey
from slo.documents import BadInput, parse_yaml, validate
from slo.objectives.objective import Objective
from slo.objectives.reading import read_objectives
from slo.outcomes import EnvironmentLacks, ExitCode
from slo.web_addresses import without_secrets

SUMMARY = "look at a staging site, list what is missing, and draft a storefront, targets, objectives and a plan"
EXAMPLE = "peakproof init http://127.0.0.1:18080"
FILES = ("targets.yaml", "objectives.yaml", "plan.yaml", FILE)


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("url", metavar="URL", help="address of the staging site's first page")
    parser.add_argument("--name", default="staging", help="the environment's name in targets.yaml (default staging)")
    parser.add_argument(
        "--header", action="append", default=[], metavar="NAME=VALUE", help="send this header too, repeatable"
    )
    parser.add_argument(
        "--header-env",
        action="append",
        default=[],
        metavar="NAME=VARIABLE",
        help="send a header whose value is a secret, such as an API key: the variable that holds it, repeatable",
    )
    proxy = parser.add_argument_group("a staging site behind a proxy")
    proxy.add_argument("--proxy", metavar="URL", help="reach it through this proxy: http://HOST:PORT")
    proxy.add_argument("--proxy-user-env", metavar="NAME", help="the variable that holds the proxy's user")
    proxy.add_argument("--proxy-password-env", metavar="NAME", help="the variable that holds the user's password")
    proxy.add_argument("--proxy-resolves-names", action="store_true", help="only the proxy can look up the site's name")
    parser.add_argument(
        "--locustfile",
        type=local_file,
        metavar="FILE",
        help="the Locust file that is to be played, in place of a storefront's draft",
    )
    add_profile(parser)
    parser.add_argument(
        "--to", type=Path, default=Path(), metavar="FOLDER", help="where to write (default: the current folder)"
    )
    parser.add_argument("--force", action="store_true", help="replace files that exist")


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Request a few pages, write the drafts, list what is missing; raises EnvironmentLacks without an answer."""
    folder = context.folder / options.to
    environment = given_environment(options.url, options.name, given_proxy(options), given_headers(options))
    played = None if options.locustfile is None else locustfile_draft(options.locustfile, folder, environment)
    if not options.force:
        refuse_to_replace(folder)
    resolved = resolve_environment(environment, context.environment)
    context.say(f"looking at {environment.base_url}: at most nine requests, one a second")
    with resolved.http() as http:
        found = survey(resolved, Visitor(base_url=environment.base_url, http=http))
    lines = [line for line in found.lines if played is None or line.what != "storefront"]
    for line in rendered([*([] if played is None else [played.line]), *lines]):
        context.say(line)
    profile = PROFILES[options.profile]
    plan, objectives = write_drafts(folder, options.name, found, profile, played)
    has_draft = played is None and not found.page.is_twisted_threads
    written = [name for name in FILES if name != FILE or has_draft]
    context.say(f"written: {', '.join(str(options.to / name) for name in written)}")
    evidence = _evidence(plan, objectives, profile) if played is None else _played(played)
    for line in [*evidence, *_next(options.name, found, played)]:
        context.say(line)
    return ExitCode.OK


def given_proxy(options: argparse.Namespace) -> ProxyTarget | None:
    """Return the proxy that the flags describe, None without --proxy; raises BadInput."""
    user, password = options.proxy_user_env, options.proxy_password_env
    if options.proxy is None:
        if user or password or options.proxy_resolves_names:
            raise BadInput("--proxy-user-env, --proxy-password-env and --proxy-resolves-names need --proxy")
        return None
    basic = {"user_env": user, "password_env": password} if user or password else None
    declared = {"url": options.proxy, "basic_auth": basic, "resolves_names": options.proxy_resolves_names}
    try:
        return ProxyTarget.model_validate(declared)
    except ValidationError as error:  # what was given may be a secret in the wrong place: it isn't shown
        first = error.errors(include_url=False)[0]
        raise BadInput(f"--proxy: {first['msg'].removeprefix('Value error, ')}") from None


def given_headers(options: argparse.Namespace) -> dict[str, HeaderValue]:
    """Return the headers that --header and --header-env describe; raises BadInput, which shows no value."""
    found: dict[str, HeaderValue] = {}
    for flag, kind in (("header", "value"), ("header_env", "env")):
        for text in getattr(options, flag):
            name, equals, held = text.partition("=")
            shown = f"--{flag.replace('_', '-')} {name}"
            if not equals:
                raise BadInput(f"{shown}: expected NAME={'VALUE' if kind == 'value' else 'VARIABLE'}")
            try:
                found[name] = HeaderValue.model_validate({kind: held})
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                raise BadInput(f"{shown}: {first['msg'].removeprefix('Value error, ')}") from None
    return found


def given_environment(
    url: str, name: str, proxy: ProxyTarget | None = None, headers: Mapping[str, HeaderValue] | None = None
) -> Environment:
    """Return an environment for an address and a name; raises BadInput."""
    for text, kind, what in ((url, BaseAddress, "URL"), (name, Label, "--name")):
        try:
            TypeAdapter(kind).validate_python(text)
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
            shown = (
                ""
                if "name or password" in problem or "secret" in problem
                else f", found {without_secrets(text)!r:.100}"
            )
            raise BadInput(f"{what}: {problem}{shown}") from None
    try:
        return Environment(
            base_url=url,
            storefront="twisted-threads",
            ceiling=ceiling(PROFILES[RELEASE]),
            proxy=proxy,
            headers=headers or {},
        )
    except ValidationError as error:  # of the headers; what was given may be a secret: it isn't shown
        raise BadInput(f"--header: {error.errors(include_url=False)[0]['msg'].removeprefix('Value error, ')}") from None


def refuse_to_replace(folder: Path) -> None:
    """Raise BadInput when a file that would be written exists."""
    there = [name for name in FILES if (folder / name).exists() or (folder / name).is_symlink()]
    if there:
        raise BadInput(
            f"{folder}: already holds {', '.join(there)}; --force replaces them, --to FOLDER writes elsewhere"
        )


def write_drafts(
    folder: Path, name: str, found: Survey, profile: Profile, played: LocustfileDraft | None = None
) -> tuple[Plan, tuple[Objective, ...]]:
    """Write the files; return the plan and the objectives. Raises EnvironmentLacks when they can't be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentLacks(f"{folder}: can't be written: {error.strerror}") from error
    targets = targets_yaml(name, found, profile, played)
    validate(parse_yaml(targets, folder / FILES[0]), Targets, folder / FILES[0])  # what is left is never invalid
    write_given(folder / FILES[0], targets.encode())
    if played is None and not found.page.is_twisted_threads:
        write_given(folder / FILE, storefront_py(name, found.page).encode())
    write_given(folder / FILES[1], objectives_yaml(found, played).encode())
    objectives = read_objectives([folder / FILES[1]])
    plan = first_plan(objectives, found.page, profile, played)
    write_given(folder / FILES[2], plan.to_yaml().encode())
    return plan, objectives


def _evidence(plan: Plan, objectives: tuple[Objective, ...], profile: Profile) -> list[str]:
    """Return lines that say how long a run of the plan takes, and what it can prove."""
    given_up = {item.objective for item in plan.not_judged}
    takes = f"a run of plan.yaml takes {span(profile.duration_s)}"
    if len(given_up) == len(objectives):
        longer = {SMOKE: RELEASE, RELEASE: PEAK}.get(profile.name)
        more = "raise its rate and the ceiling" if longer is None else f"raise its rate, or use --profile {longer}"
        return [
            f"{takes} and sends too little to prove anything: {more}; its not_judged says what each objective takes"
        ]
    proven = ", ".join(one.name for one in objectives if one.name not in given_up)
    rest = f"; {len(given_up)} more need more requests: its not_judged says what each takes" if given_up else ""
    return [f"{takes} and can prove {proven}{rest}"]


def _played(played: LocustfileDraft) -> list[str]:
    """Return lines that say what one must know of how a locustfile is played."""
    return [f"note: {line}" for line in played.notes]


def _next(name: str, found: Survey, played: LocustfileDraft | None = None) -> list[str]:
    own = played is not None or not found.page.is_twisted_threads
    draft = played is None and own
    steps = [f"write {FILE}: {TUTORIAL}", "read and edit the other files"] if draft else ["read and edit the files"]
    if found.kind != "loopback":
        steps.append(f"declare side_effects of {name} in targets.yaml: without them run refuses")
    if looks_like_production(found):
        steps.append("is it staging? then set production: false in targets.yaml: its name doesn't say so")
    steps.append(f"peakproof doctor --on {name}")
    steps += [f"peakproof try plan.yaml --on {name}"] if own else []
    steps.append(f"peakproof gate plan.yaml --on {name}")
    return [f"next, {number}: {step}" for number, step in enumerate(steps, 1)]
