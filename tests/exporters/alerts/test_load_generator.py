"""A gate that failed and wasn't repeated is a ticket, and so is one that wasn't run where it was to be."""

from exporters.alerts.load_generator import alerts
from exporters.subjects.loadgen.config import LoadgenConfig
from slo.rules.scope import Scope
from slo.rules.signals import Ago, Level

SCOPE = Scope(environment="shop")
HERE = '{environment="shop"}'


def test_a_failed_gate_has_an_hour_to_be_repeated() -> None:
    (alert,) = alerts(LoadgenConfig(), SCOPE)
    assert alert.expr == 'loadtest_gate_outcome{environment="shop",outcome="fail"} == 1'
    assert (alert.name, alert.severity, alert.for_s) == ("LoadTestGateFailed", "ticket", 3600)
    assert [signal.faulty for signal in alert.cases[0].signals] == [Level(value=1)]


def test_a_gate_is_overdue_by_the_configuration_and_where_there_was_none_ever() -> None:
    _, alert = alerts(LoadgenConfig(judged_every_s=604_800), SCOPE)
    judged_at = f"loadtest_gate_timestamp_seconds{HERE}"
    assert alert.expr == f"time() - {judged_at} > 604800 or 604800 * absent({judged_at})"
    assert (alert.name, alert.severity) == ("LoadTestOverdue", "ticket")
    assert [(one.healthy, one.faulty) for one in alert.cases[0].signals] == [
        (Ago(seconds=302_400), Ago(seconds=604_860))
    ]
