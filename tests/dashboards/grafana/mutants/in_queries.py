"""Mistakes in PromQL that Prometheus answers without an error: names, labels, selectors, rates, quantiles, joins."""

from tests.dashboards.grafana.mutants.mutant import Mutant, query
from tests.dashboards.grafana.mutants.sample import BUCKET, COUNT

_SUM, _BY_ROUTE = "http_server_request_duration_seconds_sum", "sum by (http_route)"
_WINDOW = "[$__rate_interval]"
NAMES = (
    query("metric misspelt", "Print queue", ("print_queue_depth", "print_queue_dept")),
    query("metric renamed long ago", "Rate", (COUNT, "http_requests_total")),
    query("metric of another subject", "Replication lag", ("recovery_replication_lag", "inventory_replication_lag")),
    query("recording rule of a window that isn't recorded", "Objectives", ("rate1h", "rate45m"), at=1),
    query("histogram without a suffix", "Latency", (BUCKET, "http_server_request_duration_seconds")),
    query("suffix of a histogram on a gauge", "Backup size", ("size_bytes", "size_bytes_sum")),
    query("suffix of a counter on a gauge", "Print queue", ("queue_depth", "queue_depth_total")),
    query("recording rule in Prometheus' older spelling", "Objectives", ("remaining_ratio", "remaining:ratio")),
)
LABELS = (
    query("label in a selector that the metric lacks", "Rate", ("http_route=~", "route=~")),
    query("label in `by` that the metric lacks", "Backup size", ("by (system)", "by (standby)")),
    query("label misspelt in `by`", "Error share", ("by (http_route)", "by (http_rout)")),
    query("label dropped in `by` that the legend shows", "Spans", ("service_name, span_name", "service_name")),
    query("label of another exporter's habit", "Error share", ("by (http_route)", "by (path)")),
    query("aggregated without labels that the legend shows", "Funnel", ("sum by (step)", "sum")),
    query("table's column dropped in `by`", "Alerts", ("alertname, severity, objective", "alertname, objective")),
    query(
        "queries of a table with other labels",
        "Objectives",
        ("by (objective) (objective:error_budget:burn", "by (objective, service) (objective:error_budget:burn"),
        at=1,
    ),
    query("link's label dropped in `by`", "Rate", ("sum by (http_route)", "sum by (job)")),
    query("`without` the label that the legend shows", "Probe", ("min by (target)", "min without (target)")),
    query("regular expression compared for equality", "Rate", ('=~"$route"', '="$route"')),
    query("pattern compared for equality", "Error share", ('=~"5.."', '="5.."')),
    query("environment not selected", "Print queue", ('{environment=~"$environment"}', "")),
    query("environment compared for equality", "Print queue", ("environment=~", "environment=")),
    query("a fixed environment", "Print queue", ("$environment", "production")),
    query(
        "environment not selected on one side", "Budget used", ('billed{environment=~"$environment"}) /', "billed) /")
    ),
    query("value that the label can't have", "Alerts", ("firing", "fired")),
    query("outcome in another spelling", "Spans", ("SPAN_KIND_SERVER", "server")),
    query("job that no run scrapes", "Rate", ('job="shop"', 'job="web"')),
)
RATES = (
    query(
        "rate of a gauge", "Backup size", ("max by (system) (", "max by (system) (rate("), ('"})', f'"}}{_WINDOW}))')
    ),
    query("increase of a gauge", "Print queue", ("max(", "max(increase("), ('"})', '"}[$__range]))')),
    query("counter without a rate", "Rate", ("(rate(", "("), (f"{_WINDOW})", "")),
    query("counter of a stat without a rate", "Funnel", ("(increase(", "("), ("[$__range])", "")),
    query(
        "sum before the rate",
        "Rate",
        ("sum by (http_route) (rate(", "rate(sum by (http_route) ("),
        (f"{_WINDOW}))", ")[$__rate_interval:])"),
    ),
    query(
        "sum before the rate, over a subquery",
        "Rate",
        ("sum by (http_route) (rate(", "rate(sum by (http_route) ("),
        (f"{_WINDOW}))", ")[5m:])"),
    ),
    query("fixed range of a rate", "Rate", (_WINDOW, "[5m]")),
    query("range of a rate too short", "Rate", (_WINDOW, "[$__interval]")),
    query("irate", "Rate", ("rate(", "irate(")),
    query("delta of a counter", "Funnel", ("increase(", "delta(")),
    query("rate times the wrong number for a minute", "Rate", ("))", ")) * 60")),
    query("sum of rates of a histogram's buckets", "Rate", (COUNT, BUCKET)),
    query("age of a figure that is no moment", "Newest order", ("newest_timestamp_seconds", "print_queue_depth")),
    query("a moment shown as a duration", "Newest order", ("time() - ", "")),
    query("an age the wrong way round", "Newest order", ("time() - max(", "-time() + max(")),
)
QUANTILES = (
    query("histogram_quantile without le", "Latency", ("by (le, http_route)", "by (http_route)")),
    query("histogram_quantile without a rate", "Latency", ("(rate(", "("), (f"{_WINDOW})", "")),
    query("histogram_quantile over _count", "Latency", ("_bucket", "_count")),
    query("histogram_quantile over _sum", "Spans", ("_bucket", "_sum")),
    query("95 instead of 0.95", "Latency", ("0.95", "95")),
    query("p50 under the name of p95", "Latency", ("0.95", "0.5")),
    query(
        "mean of quantiles", "Latency", ("histogram_quantile(", "avg by (job) (histogram_quantile("), (")))", "))))")
    ),
    query("sum of quantiles", "Spans", ("topk(5, histogram", "sum by (span_name) (histogram")),
    query("sum of delays", "Replication lag", ("max by (system)", "sum by (system)")),
    query("sum of ratios", "Generator", ("max(", "sum(")),
)
JOINS = (
    query("division by a vector with other labels", "Error share", ("/ sum by (http_route)", "/ sum by (job)")),
    query("division by a vector without labels", "Error share", ("/ sum by (http_route)", "/ sum")),
    query("division of labels that differ", "Budget used", ("/ max by (source, currency)", "/ max by (source)")),
    query("`or` over a vector with other labels", "Error share", ("or sum by (http_route)", "or sum")),
    query(
        "`or` that shadows: zero first", "Error share", ("(sum by (http_route)", "(vector(0) or sum by (http_route)")
    ),
    query("`or vector(0)` of a vector with labels", "Oversold", (" > 0", " > 0 or vector(0)")),
    query("group_left missing", "Failed changes", (" group_left (version)", "")),
    query("group_left of a label that isn't there", "Failed changes", ("left (version)", "left (commit)")),
    query("on a label that one side lacks", "Failed changes", ("on (deployed_to)", "on (deployed_to, instance)")),
    query("group_left on the wrong side", "Failed changes", ("group_left", "group_right")),
    query("join on a label that isn't unique", "Budget used", ("/ max", "/ on (currency) max")),
    query(
        "quotient the wrong way round",
        "Budget used",
        ("month_to_date", "_x_"),
        ("month_budget", "month_to_date"),
        ("_x_", "month_budget"),
    ),
    query("seconds divided by milliseconds", "Replication lag", ("max by (system) (", "1000 * max by (system) (")),
    query("numerator of another unit", "Error share", (f"({_BY_ROUTE} (rate({COUNT}", f"({_BY_ROUTE} (rate({_SUM}")),
    query("comparison that was meant as 0 or 1", "Oversold", ("> 0", "> bool 0")),
    query("parenthesis lost", "Print queue", ('"})', '"}')),
    query("function that PromQL lacks", "Print queue", ("max(", "maximum(")),
)
MUTANTS: tuple[Mutant, ...] = (*NAMES, *LABELS, *RATES, *QUANTILES, *JOINS)
