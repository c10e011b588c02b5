"""The load generator, from live.json."""

from exporters.names.family import Family

STEP, REASON, OUTCOME = "step", "reason", "outcome"
PLANNED_RATE = Family(
    name="loadtest_planned_sessions_per_second", kind="gauge", help="Sessions per second that the plan asks for now."
)
PLANNED_SESSIONS = Family(
    name="loadtest_planned_sessions_total", kind="counter", help="Sessions that the plan has asked for so far."
)
SESSIONS_STARTED = Family(
    name="loadtest_sessions_started_total", kind="counter", help="Sessions that were started so far."
)
SESSIONS_DROPPED = Family(
    name="loadtest_sessions_dropped_total", kind="counter", help="Sessions that were due and never started."
)
OPEN_SESSIONS = Family(name="loadtest_open_sessions", kind="gauge", help="Sessions under way now.")
REQUESTS = Family(name="loadtest_requests_total", kind="counter", help="Requests that ended, by step.", labels=(STEP,))
REQUEST_ERRORS = Family(
    name="loadtest_request_errors_total",
    kind="counter",
    help="Requests whose reply was not what the step expects, by step and reason.",
    labels=(STEP, REASON),
)
RESPONSE_SECONDS = Family(
    name="loadtest_response_seconds",
    kind="histogram",
    help="Response time from the scheduled start to the last byte, by step.",
    labels=(STEP,),
)
SCHEDULING_LAG = Family(
    name="loadtest_scheduling_lag_p99_seconds",
    kind="gauge",
    help="99th percentile of how late sessions started, over the last seconds.",
)
GENERATOR_CPU = Family(
    name="loadtest_generator_cpu_ratio",
    kind="gauge",
    help="CPU time of the busiest worker as a ratio of one core.",
)
PLAN_FACTOR = Family(
    name="loadtest_plan_factor",
    kind="gauge",
    help="The multiple of the plan that is played now; 0 while the run is paused.",
)
LOAD_ORDERS = Family(
    name="loadtest_orders_total", kind="counter", help="Order attempts by what came of them.", labels=(OUTCOME,)
)
SNAPSHOT_TIME = Family(
    name="loadtest_snapshot_timestamp_seconds",
    kind="gauge",
    help="Unix time at which the run wrote the snapshot that these metrics come from.",
)
