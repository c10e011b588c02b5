"""What the spans of database statements are called."""

import pytest

from staging.statement_spans import summary


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT stock.sku \nFROM stock JOIN skus ON skus.sku = stock.sku", "SELECT stock"),
        ("INSERT INTO orders (order_id) VALUES (?)", "INSERT orders"),
        ("UPDATE stock SET quantity=? WHERE sku = ?", "UPDATE stock"),
        ("BEGIN IMMEDIATE", "BEGIN"),
    ],
)
def test_a_span_is_named_by_operation_and_first_table(statement: str, expected: str) -> None:
    assert summary(statement) == expected
