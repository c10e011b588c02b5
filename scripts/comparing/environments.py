"""Whether two environments can be compared at all, and how they differ where they can."""

from collections.abc import Iterator

from loadtests.environment.bundle import files_of
from loadtests.environment.targets import Environment
from slo.documents import BadInput
from slo.formatting import clean, clip

_SHOWN = 60


def check_alike(a: Environment, b: Environment, name_a: str, name_b: str) -> tuple[str, ...]:
    """Return how two environments differ in ways that a reader must know.

    Raises BadInput, with every difference, when what differs would make any change of the release unrecognisable:
    then the load isn't the same, or isn't sent to two shops.
    """
    if wrong := [*_incomparable(a, b)]:
        raise BadInput(f"{name_a} and {name_b} can't be compared: {'; '.join(wrong)}")
    return (
        "the releases ran in environments of their own: what differs between those is part of every difference",
        *_fingerprints(a, b, name_a, name_b),
    )


def _incomparable(a: Environment, b: Environment) -> Iterator[str]:
    if a.base_url == b.base_url:
        yield f"both are {a.base_url}: for two releases on one address there is --switch"
    if _storefront(a) != _storefront(b):
        yield f"their storefronts differ: {_storefront_name(a)} and {_storefront_name(b)}"
    for what, one, other in (
        ("http_version", a.http_version, b.http_version),
        ("labels of hosts", sorted(a.hosts), sorted(b.hosts)),
        ("pools of test data", sorted(a.data_files()), sorted(b.data_files())),
        ("cached steps", sorted(a.cached_steps), sorted(b.cached_steps)),
        ("production", a.production, b.production),
    ):
        if one != other:
            yield f"their {what} differ: {_told(one)} and {_told(other)}"


def _told(value: object) -> str:
    return (", ".join(map(str, value)) or "none") if isinstance(value, list) else str(value)


def _storefront(environment: Environment) -> object:
    own = environment.storefront
    if isinstance(own, str):
        return own
    (_, content), *others = files_of(own)
    return content, others, own.model_dump(include={"tasks_per_session", "tags", "exclude_tags"})


def _storefront_name(environment: Environment) -> str:
    own = environment.storefront
    return own if isinstance(own, str) else own.file


def _fingerprints(a: Environment, b: Environment, name_a: str, name_b: str) -> Iterator[str]:
    if not a.fingerprint or not b.fingerprint:
        without = " and ".join(name for name, one in ((name_a, a), (name_b, b)) if not one.fingerprint)
        yield f"no fingerprint is declared of {without}: whether the environments are alike isn't known"
        return
    facts = sorted(a.fingerprint.keys() | b.fingerprint.keys())
    different = [
        f"{_fact(name)} {_fact(a.fingerprint.get(name, 'unknown'))} and {_fact(b.fingerprint.get(name, 'unknown'))}"
        for name in facts
        if a.fingerprint.get(name) != b.fingerprint.get(name)
    ]
    if different:
        yield f"the fingerprints of {name_a} and {name_b} differ: {'; '.join(different)}"


def _fact(value: object) -> str:
    return clip(clean(str(value)), _SHOWN)
