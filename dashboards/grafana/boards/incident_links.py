"""Where the panels of the board "Incident" lead on to."""

from dashboards.grafana.links import Link

ROUTES = Link(title="This route in shop health", board="shop-health", labels={"job": "job", "route": "http_route"})
SHOP_HEALTH = Link(title="Shop health", board="shop-health")
TRACES = Link(title="Slow and failing operations", board="traces")
BUSINESS = Link(title="Orders, payments and print queue", board="business")
INVENTORY = Link(title="Stock of this location", board="inventory", labels={"location": "location"})
OBJECTIVES = Link(title="Objectives and their budgets", board="objectives")
EXPORTERS = Link(title="What exporters can read", board="exporters")
RELEASES = Link(title="Releases", board="releases")
RECOVERY = Link(title="Backups and restore drills", board="recovery")
PEAK_RUN = Link(title="Load test", board="peak-run")
