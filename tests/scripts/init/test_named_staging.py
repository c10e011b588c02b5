"""A host is drafted as no production only when a whole word of its name says so."""

import pytest

from scripts.init.drafts import is_named_staging

STAGING = [
    "staging.example.com", "shop-staging.com", "int.shop.com", "qa2.shop.co.uk", "pre-prod.example.com",
    "dev1-shop.example.com", "TESTING.example.com.", "shop.test", "www.demo.example.com",
]  # fmt: skip
PRODUCTION = [
    "integral.shop", "www.integral.shop", "intl.shop.com", "developer.example.com", "devices.example.com",
    "predator.gg", "premium.example.com", "testimonials.example.com", "demonstration.org", "sitting.example.com",
    "shop.dev", "www.shop.dev", "demo.shop", "uatu.example.com", "localbikes.example.com", "stagecoach.example.com",
    "contest.example.com", "10.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("host", STAGING)
def test_a_word_of_its_own_says_that_it_is_staging(host: str) -> None:
    assert is_named_staging(host)


@pytest.mark.parametrize("host", PRODUCTION)
def test_part_of_a_word_or_a_brand_says_nothing(host: str) -> None:
    assert not is_named_staging(host)
