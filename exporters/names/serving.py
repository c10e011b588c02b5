"""The exporter itself, whatever it exports."""

from exporters.names.family import Family

RELOAD_SUCCESSFUL = Family(
    name="peakproof_exporter_config_last_reload_successful",
    kind="gauge",
    help="1 when the configuration was read the last time that was asked for, 0 when an earlier one still counts.",
)
RELOAD_TIME = Family(
    name="peakproof_exporter_config_last_reload_success_timestamp_seconds",
    kind="gauge",
    help="Unix time at which the configuration that counts was read.",
)
