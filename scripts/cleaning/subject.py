"""What a cleanup is about: the run, the environment that it was played on as targets.yaml has it now, its ledger."""

from dataclasses import dataclass
from pathlib import Path

from loadtests.audit.late_ledgers import lacking
from loadtests.audit.shop_records import StockDocument
from loadtests.cleanup.shop_orders import Span
from loadtests.demand.plan import read_plan
from loadtests.environment.targets import Environment, read_targets
from loadtests.guardrails.production import is_production, production_urls
from loadtests.results.created import ACCOUNT
from loadtests.results.inputs import Inputs
from loadtests.results.ledger import Attempt, CreatedRow, read_created, read_ledgers
from loadtests.results.recorded_run import read_environment, read_run
from loadtests.results.run_directory import RunDirectory
from loadtests.storefronts import Storefront, cleanup_of
from slo.documents import BadInput, read_text, validate_json

_MOST_STOCK = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One run and all that its directory says of what it created.

    `inputs` are those of the guard rails, with the environment as a cleanup asks it. `lacking` are the workers whose
    ledger may have more rows; `unnoted_accounts` is whether new customers may have registered and no row says so.
    """

    directory: RunDirectory
    inputs: Inputs
    storefront: Storefront
    span: Span
    attempts: tuple[Attempt, ...]
    created: tuple[CreatedRow, ...]
    stock_before: StockDocument | None
    lacking: tuple[str, ...]
    unnoted_accounts: bool

    @property
    def environment(self) -> Environment:
        """The environment, from targets.yaml."""
        return self.inputs.environment


def read_subject(path: Path, targets: Path) -> Subject:
    """Read everything; raises BadInput, also for a run of another environment than `targets` has under that name.

    No code comes out of the run directory: the files that are run are those that `targets` names, and they lie
    elsewhere.
    """
    directory = RunDirectory(path=path)
    run, played_on = read_run(directory), read_environment(directory)
    name = None if run.environment is None else run.environment.name
    if name is None or run.started_at is None:
        raise BadInput(f"{directory.run}: environment.name, started_at: expected those of a run, found none")
    known = read_targets(targets)
    environment = known.environment(name, targets)
    _check_same(environment, played_on, f"{targets}: environments.{name}", directory)
    _check_outside(environment, directory)
    asked, others = environment.for_cleanup(), known.environments
    created = read_created(directory.ledgers())
    stock = _stock_before(directory)
    since = run.started_at if stock is None else stock.taken_at
    return Subject(
        directory=directory,
        inputs=Inputs(
            plan=read_plan(directory.plan),
            plan_text=read_text(directory.plan),
            objectives=(),
            objective_files=(),
            environment_name=name,
            environment=asked,
            production=is_production(asked, others.values()),
            productions={other: one for other, one in others.items() if production_urls(one) and other != name},
        ),
        storefront=cleanup_of(environment),
        span=Span(started_at=run.started_at, ended_at=run.ended_at, stock_read_at=since),
        attempts=read_ledgers(directory.ledgers()),
        created=created,
        stock_before=stock,
        lacking=lacking(directory),
        unnoted_accounts=_has_new_customers(played_on) and not any(one.kind == ACCOUNT for one in created),
    )


def _stock_before(directory: RunDirectory) -> StockDocument | None:
    path = directory.stock_before
    return validate_json(read_text(path, _MOST_STOCK), StockDocument, path) if path.exists() else None


def _has_new_customers(environment: Environment) -> bool:
    share = None if environment.accounts is None else environment.accounts.share
    return share is not None and share.new > 0


def _check_same(now: Environment, then: Environment, place: str, directory: RunDirectory) -> None:
    """Raise BadInput unless everything that the run loaded is where it was: a cleanup goes nowhere else."""
    for label, url in then.loaded.items():
        found = now.loaded.get(label)
        if found != url:
            what = "base_url" if label is None else f"hosts.{label}.url"
            raise BadInput(
                f"{place}.{what}: the run {directory.name} was played on {url}, found"
                f" {found or 'none'}: a cleanup goes only to the environment of its run"
            )


def _check_outside(environment: Environment, directory: RunDirectory) -> None:
    """Raise BadInput for a file to be run that lies in the run directory, which may come from anywhere."""
    for own in (environment.storefront, environment.shop_records, environment.cleanup):
        file = None if own is None or isinstance(own, str) else own.file
        if file is not None and Path(file).resolve().is_relative_to(directory.path.resolve()):
            raise BadInput(f"{file}: lies in the run directory, from which no code is run; look at it and copy it out")
