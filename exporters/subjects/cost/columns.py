"""The columns of a FOCUS bill that are read, and the SQL that makes a checked charge of a row.

https://focus.finops.org/focus-specification/v1-2/: the columns are the same in 1.0 and 1.1. A value that the
specification doesn't allow is an error of the row; a conditional column that isn't there is null.
"""

from collections.abc import Collection

REQUIRED = (
    *("BilledCost", "EffectiveCost", "BillingCurrency", "BillingPeriodStart", "BillingPeriodEnd", "ChargeCategory"),
    *("ChargeClass", "ChargePeriodStart", "ChargePeriodEnd", "ServiceName"),
)
COMMITMENT, CAPACITY, RESOURCE, QUANTITY, TAGS = (
    *("CommitmentDiscountStatus", "CapacityReservationStatus", "ResourceId"),
    *("ConsumedQuantity", "Tags"),
)
OPTIONAL = (COMMITMENT, CAPACITY, RESOURCE, QUANTITY, TAGS)
CATEGORIES = ("Usage", "Purchase", "Tax", "Credit", "Adjustment")
MAX_NAME = 200
MAX_PERIOD_DAYS = 1100  # three years' commitments
# ISO 8601 in UTC as FOCUS demands it, and as AWS (a space, no zone), Azure (no seconds) and Google (` UTC`) write it.
_TIME = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?(Z|\+00(:?00)?| UTC)?$"
_COST = "DECIMAL(38, 18)"


def charge_sql(rows: str, columns: Collection[str]) -> str:
    """Return the query that reads each row of `rows` as a charge; `error` says in words what is wrong with it.

    Its parameters are the tag's key as a JSON path, and its value.
    """
    texts = ", ".join(_text(name, columns) for name in (*REQUIRED, *OPTIONAL))
    checks = " ".join(f"WHEN {wrong} THEN {words}" for wrong, words in _checks())
    return f"""
        SELECT * EXCLUDE (billed_text, effective_text, quantity_text), CASE {checks} END AS error FROM (
            SELECT filename,
                "BillingCurrency" AS currency, "ChargeCategory" AS category, "ChargeClass" AS class,
                "ServiceName" AS service, "ResourceId" AS resource,
                "CommitmentDiscountStatus" AS commitment, "CapacityReservationStatus" AS capacity,
                "BilledCost" AS billed_text, "EffectiveCost" AS effective_text, "ConsumedQuantity" AS quantity_text,
                TRY_CAST("BilledCost" AS {_COST}) AS billed, TRY_CAST("EffectiveCost" AS {_COST}) AS effective,
                TRY_CAST("ConsumedQuantity" AS {_COST}) AS quantity,
                {_time("BillingPeriodStart")} AS period_start, {_time("BillingPeriodEnd")} AS period_end,
                {_time("ChargePeriodStart")} AS starts_at, {_time("ChargePeriodEnd")} AS ends_at,
                coalesce(CASE WHEN json_valid("Tags") THEN json_extract_string("Tags", ?) = ? END, false) AS tagged
            FROM (SELECT {texts}, filename FROM {rows})
        )"""  # noqa: S608 - names of ours alone; what a file or a configuration holds is a parameter


def _text(name: str, columns: Collection[str]) -> str:
    if name not in columns:
        return f'NULL::VARCHAR AS "{name}"'
    if name == TAGS:  # a map in Parquet
        is_text = f"typeof(\"{name}\") = 'VARCHAR'"
        return f'CASE WHEN {is_text} THEN "{name}"::VARCHAR ELSE to_json("{name}")::VARCHAR END AS "{name}"'
    return f'CAST("{name}" AS VARCHAR) AS "{name}"'


def _time(name: str) -> str:
    return f'CASE WHEN regexp_matches("{name}", \'{_TIME}\') THEN TRY_CAST("{name}" AS TIMESTAMP) END'


def _checks() -> list[tuple[str, str]]:
    """Return what may be wrong with a charge, and the SQL of the words for it."""
    categories, named = ", ".join(f"'{one}'" for one in CATEGORIES), ", ".join(CATEGORIES)
    times = {
        "BillingPeriodStart": "period_start", "BillingPeriodEnd": "period_end",
        "ChargePeriodStart": "starts_at", "ChargePeriodEnd": "ends_at",
    }  # fmt: skip
    return [
        ("billed IS NULL", _found("BilledCost", "billed_text", "a decimal number")),
        ("effective IS NULL", _found("EffectiveCost", "effective_text", "a decimal number")),
        ("quantity IS NULL AND quantity_text IS NOT NULL", _found("ConsumedQuantity", "quantity_text", "a number")),
        *((f"{at} IS NULL", f"'{name}: expected a time in UTC, as ISO 8601 has it'") for name, at in times.items()),
        ("period_end <= period_start", "'BillingPeriodEnd: expected a time after BillingPeriodStart'"),
        ("ends_at <= starts_at", "'ChargePeriodEnd: expected a time after ChargePeriodStart'"),
        (
            f"ends_at - starts_at > INTERVAL {MAX_PERIOD_DAYS} DAY",
            f"'ChargePeriodEnd: expected at most {MAX_PERIOD_DAYS} days after ChargePeriodStart'",
        ),
        (
            "currency IS NULL OR NOT regexp_matches(currency, '^[A-Z]{3}$')",
            _found("BillingCurrency", "currency", "a code of ISO 4217"),
        ),
        (
            f"category IS NULL OR category NOT IN ({categories})",
            _found("ChargeCategory", "category", f"one of {named}"),
        ),
        ("class IS NOT NULL AND class <> 'Correction'", _found("ChargeClass", "class", "null or Correction")),
        (
            f"service IS NULL OR length(service) NOT BETWEEN 1 AND {MAX_NAME}",
            _found("ServiceName", "service", f"1 to {MAX_NAME} characters"),
        ),
    ]  # fmt: skip


def _found(name: str, column: str, allowed: str) -> str:
    return f"'{name}: expected {allowed}, found ' || coalesce('''' || left({column}, 60) || '''', 'null')"
