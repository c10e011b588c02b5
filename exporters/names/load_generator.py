"""The load generator, from live.json."""

from exporters.names.family import Family

STEP, REASON, OUTCOME, OBJECTIVE = "step", "reason", "outcome", "objective"
_STEPS = "the steps of the plan's journeys; a snapshot of more than 20000 series is not read"
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
REQUESTS = Family(
    name="loadtest_requests_total",
    kind="counter",
    help="Requests that ended, by step.",
    labels=(STEP,),
    bounded_by=_STEPS,
)
REQUEST_ERRORS = Family(
    name="loadtest_request_errors_total",
    kind="counter",
    help="Requests whose reply was not what the step expects, by step and reason.",
    labels=(STEP, REASON),
    bounded_by=_STEPS + "; the reasons are those of the client",
)
RESPONSE_SECONDS = Family(
    name="loadtest_response_seconds",
    kind="histogram",
    help="Response time from the scheduled start to the last byte, by step; exact at the objectives' limits.",
    labels=(STEP,),
    bounded_by=_STEPS + "; 20 buckets and one for each limit of the step's objectives",
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
    name="loadtest_orders_total",
    kind="counter",
    help="Order attempts by what came of them.",
    labels=(OUTCOME,),
    bounded_by="accepted, refused, unknown",
)
OBJECTIVE_REQUESTS = Family(
    name="loadtest_objective_requests",
    kind="gauge",
    help="Requests of the judged time so far that count for an objective which is read from records.",
    labels=(OBJECTIVE,),
    bounded_by="the objectives of the run",
)
OBJECTIVE_BAD = Family(
    name="loadtest_objective_bad_requests",
    kind="gauge",
    help="Those among them that failed or took longer than the objective allows, as the verdict will count them.",
    labels=(OBJECTIVE,),
    bounded_by="the objectives of the run",
)
GATE_OUTCOME = Family(
    name="loadtest_gate_outcome",
    kind="gauge",
    help="1 for the outcome of the latest run that was judged, 0 for the others; absent before the first.",
    labels=(OUTCOME,),
    bounded_by="pass, fail, inconclusive",
)
GATE_TIME = Family(
    name="loadtest_gate_timestamp_seconds",
    kind="gauge",
    help="Unix time at which the latest run that was judged got its verdict.",
)
SNAPSHOT_TIME = Family(
    name="loadtest_snapshot_timestamp_seconds",
    kind="gauge",
    help="Unix time at which the run wrote the snapshot that these metrics come from.",
)
