"""How the shop is served: `gunicorn` reads this file where it is started.

With OTEL_SERVICE_NAME in its environment it is measured and traced by OpenTelemetry's automatic instrumentation, which
the other OTEL_ variables configure; it starts in the worker, as its threads don't outlive a fork.
"""

import os

MEASURED = "OTEL_SERVICE_NAME" in os.environ
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
wsgi_app = "django.core.wsgi:get_wsgi_application()"
bind = "127.0.0.1:8000"
workers = 1 if MEASURED else 2  # one process has one /metrics
threads = 8


def post_fork(server, worker):  # noqa: ARG001 - the hook's signature
    """Instrument the worker before it loads the shop."""
    if MEASURED:
        from opentelemetry.instrumentation import auto_instrumentation  # noqa: PLC0415 - only where it is measured

        auto_instrumentation.initialize()
