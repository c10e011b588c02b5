"""A comparison whose releases are both up in one environment: a header, a cookie or a host chooses for each session."""

from loadtests.comparison.job import VariantEntry
from loadtests.results.inputs import Inputs
from scripts.comparing.asked import Asked
from scripts.comparing.one_at_a_time import JobFile
from scripts.comparing.one_run import TwoInOneRun, play_in_one_run
from scripts.context import Context
from scripts.running.read_inputs import read_inputs
from slo.documents import BadInput

SHARED = "both releases were up in one environment: what they share, such as a database or a cache, served both"


def compare_variants(asked: Asked, context: Context) -> JobFile:
    """Compare the variants that the environment declares; see `play_in_one_run`."""
    inputs = read_inputs(asked.plan, asked.objectives, asked.targets, asked.on)
    _check(inputs, asked)
    (label_a, way_a), (label_b, way_b) = inputs.environment.variants.items()
    two = TwoInOneRun(
        how="variants",
        a=VariantEntry(variant="a", label=label_a),
        b=VariantEntry(variant="b", label=label_b),
        ways=f"A is {label_a} ({way_a.way}), B is {label_b} ({way_b.way})",
        environment=inputs.environment,
        notes=(SHARED,),
    )
    return play_in_one_run(asked, inputs, two, context)


def _check(inputs: Inputs, asked: Asked) -> None:
    if not inputs.environment.variants:
        raise BadInput(
            f"{asked.targets}: environments.{asked.on} declares no variants: say how each release is reached, such as"
            " variants: {before: {header: {X-Release: a}}, after: {header: {X-Release: b}}}, or put them up one after"
            " the other by --switch COMMAND"
        )
    if inputs.production and inputs.environment.variant_urls:
        raise BadInput(
            f"{asked.targets}: environments.{asked.on} is production and has variants with a base_url of their own:"
            " a permission is for one address; choose the release by a header or a cookie"
        )
