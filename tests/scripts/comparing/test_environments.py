"""Two environments that are to be compared."""

from pathlib import Path

import pytest

from loadtests.environment.targets import Environment
from scripts.comparing.environments import check_alike
from slo.documents import BadInput

OWN = "the releases ran in environments of their own: what differs between those is part of every difference"


def environment(url: str = "http://127.0.0.1:1", **keys: object) -> Environment:
    """Return an environment."""
    base = {
        "base_url": url,
        "storefront": "twisted-threads",
        "ceiling": {"requests_per_s": 5, "open_sessions": 2, "orders": 2},
        "fingerprint": {"replicas": 2, "cache": "cold"},
    }
    return Environment.model_validate({**base, **keys})


A = environment()


def test_environments_with_the_same_facts_differ_in_nothing_that_is_known() -> None:
    assert check_alike(A, environment("http://127.0.0.1:2"), "blue", "green") == (OWN,)


def test_facts_that_differ_are_said() -> None:
    other = environment("http://127.0.0.1:2", fingerprint={"replicas": 3, "cache": "cold", "cpus": 4})
    assert check_alike(A, other, "blue", "green") == (
        OWN,
        "the fingerprints of blue and green differ: cpus unknown and 4; replicas 2 and 3",
    )


def test_facts_that_are_not_declared_are_said_to_be_unknown() -> None:
    other = environment("http://127.0.0.1:2", fingerprint={})
    assert check_alike(A, other, "blue", "green") == (
        OWN,
        "no fingerprint is declared of green: whether the environments are alike isn't known",
    )


@pytest.mark.parametrize(
    ("keys", "difference"),
    [
        ({}, "both are http://127.0.0.1:1: for two releases on one address there is --switch"),
        ({"http_version": "2"}, "their http_version differ: 1.1 and 2"),
        ({"hosts": {"cdn": {"url": "http://127.0.0.1:3"}}}, "their labels of hosts differ: none and cdn"),
        ({"cache": {"steps": ["home"]}}, "their cached steps differ: none and home"),
        ({"production": True}, "their production differ: False and True"),
    ],
)
def test_what_makes_the_load_another_is_refused(keys: dict[str, object], difference: str) -> None:
    url = "http://127.0.0.1:2" if keys else "http://127.0.0.1:1"
    with pytest.raises(BadInput) as refused:
        check_alike(A, environment(url, **keys), "blue", "green")
    assert str(refused.value) == f"blue and green can't be compared: {difference}"


def test_another_storefront_is_another_load_and_the_same_text_at_another_path_is_not(tmp_path: Path) -> None:
    for name, text in (("one", "x = 1"), ("same", "x = 1"), ("other", "x = 2")):
        (tmp_path / f"{name}.py").write_text(text)

    def on(port: int, name: str) -> Environment:
        return environment(f"http://127.0.0.1:{port}", storefront={"file": str(tmp_path / f"{name}.py")})

    assert check_alike(on(1, "one"), on(2, "same"), "blue", "green") == (OWN,)
    with pytest.raises(BadInput, match=r"their storefronts differ: .*one\.py and .*other\.py"):
        check_alike(on(1, "one"), on(2, "other"), "blue", "green")
