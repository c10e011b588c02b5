"""The stock before a run: without it, nobody can tell afterwards what the run took."""

from loadtests.audit_sources import Sources, SourceUnavailableError
from loadtests.run_directory import RunDirectory, write_json
from scripts.refusals import EnvironmentLacks
from scripts.running.reaching import Reach


def keep_stock(directory: RunDirectory, reach: Reach) -> None:
    """Write the stock as the shop tells it now, where it is declared; raises EnvironmentLacks."""
    environment = reach.environment
    if environment.stock_url is None:
        return
    sources = Sources(environment, reach.bearer(), reach.asking())
    try:
        write_json(directory.stock_before, sources.stock_document())
    except SourceUnavailableError as error:
        raise EnvironmentLacks(f"the stock at {environment.stock_url} is {error}") from error
    finally:
        sources.close()
