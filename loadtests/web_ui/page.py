"""Peakproof's page in Locust's web UI: the run as the live snapshot has it, and a form that changes its plan."""

import hmac
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Protocol

from flask import Blueprint, Response, jsonify, redirect, render_template, request

from loadtests.demand.plan import Plan

PATH = "/peakproof"
WHO = "by hand in the web UI"
_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'"


class Run(Protocol):
    """A run that is shown and changed; see `loadtests.coordination.rate_control`."""

    def shown(self) -> Mapping[str, Any]:
        """Return the last live snapshot, empty before the first."""

    def change_rate(self, change: str, who: str) -> None:
        """Request a change of the plan; the answer stands in the next snapshot."""

    def stop(self, ended: str, because: str) -> None:
        """End the run."""


def make_page(run: Run, name: str, plan: Plan, token: str) -> Blueprint:
    """Return the page of the run `name`; a change needs the `token` that the page holds."""
    page = Blueprint("peakproof", __name__, url_prefix=PATH, template_folder="templates", static_folder="static")

    @page.get("", strict_slashes=False)
    def show() -> Response:
        html = render_template("peakproof.html", run=name, plan=plan, phases=_phases(plan), token=token)
        return Response(html, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"})

    @page.get("/live")
    def live() -> Response:
        return jsonify(dict(run.shown()))

    @page.post("/change")
    def change() -> Response:
        if not _is_ours(token):
            return _refused()
        run.change_rate(request.form.get("change", ""), WHO)
        return redirect(PATH, 303)  # type: ignore[return-value]

    @page.post("/stop")
    def stop() -> Response:
        if not _is_ours(token):
            return _refused()
        run.stop("stopped", WHO)
        return redirect(PATH, 303)  # type: ignore[return-value]

    return page


def _is_ours(token: str) -> bool:
    return hmac.compare_digest(request.form.get("token", "").encode(), token.encode())


def _refused() -> Response:
    return Response("refused: the form is not from this run's page; reload it\n", 403, mimetype="text/plain")


def _phases(plan: Plan) -> list[dict[str, Any]]:
    """Return each phase's name, its seconds and its sessions a second, for a table."""
    peak = plan.demand.peak_sessions_per_s
    rows = zip(plan.phases, pairwise(plan.starts_s()), strict=True)
    return [
        {"name": phase.name, "from_s": start, "to_s": end, "rates": [peak * level for level in phase.level or (0, 0)]}
        for phase, (start, end) in rows
    ]
