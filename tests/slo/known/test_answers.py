"""What was judged of made-up runs and jobs is judged again, to eight digits and word for word."""

import pytest

from tests.slo.known.answers import ALL, known, plain


@pytest.mark.parametrize("name", ALL)
def test_what_is_known_is_answered_again(name: str) -> None:
    expected, found = known(name), plain(dict(ALL[name]()))
    assert list(found) == list(expected)
    differ = [case for case in expected if found[case] != expected[case]]
    assert {case: found[case] for case in differ[:5]} == {case: expected[case] for case in differ[:5]}
