"""The page: every board of a finished run as one offline file, or one board of a running Prometheus."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from dashboards import formatting
from dashboards.charts.lines import TimeRange
from dashboards.grafana.build import build
from dashboards.grafana.upgrade import Json
from dashboards.report.run_files import Reading, read
from dashboards.snapshot.answers import kept_answers
from dashboards.snapshot.boards import BoardView, board_view
from dashboards.snapshot.links import Address
from dashboards.stored_answers import stored_rows
from slo.documents import BadInput

CSP = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
NAME = "dashboards.html"
PREVIEW = "A preview by Peakproof, not Grafana: drawn of {what}. Nothing can be zoomed here."
ALL = "Shown are all environments, and all of what else Grafana lets you choose."
FIGURES = "Behind each name stands its last value. Ages are counted to the end of the time shown."
_ANSWERS = "dashboards.parquet"
_LETTER_PX, _NARROWEST_PX = 6, 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Shade:
    """A phase behind every chart, in percent of the time shown; `label` is empty where it has no room."""

    name: str
    since: str
    until: str
    start_percent: float
    end_percent: float
    judged: bool

    @property
    def label(self) -> str:
        """The phase's name where there is room for it in the narrowest chart."""
        room = (self.end_percent - self.start_percent) / 100 * _NARROWEST_PX
        return self.name if room > _LETTER_PX * len(self.name) + _LETTER_PX else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """A link to a board in the page's head."""

    title: str
    href: str
    is_open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What stands above the boards: links to each, the times to choose, what is chosen with a link that undoes it.

    `refresh_s` is 0 for a page that never changes.
    """

    title: str
    source: str
    span: TimeRange
    tabs: Sequence[Tab]
    about: Sequence[str]
    problems: Sequence[str] = ()
    choices: Sequence[Tab] = ()
    chosen: Sequence[Tab] = ()
    refresh_s: int = 0


def render_page(head: Head, boards: Sequence[BoardView], shades: Sequence[Shade] = ()) -> str:
    """Return the page of `boards` below `head`; of several one is shown at a time."""
    style = Markup(_template("snapshot.css"))  # noqa: S704 - a file of this package
    return (
        _templates()
        .get_template("snapshot.html.j2")
        .render(head=head, boards=boards, shades=shades, style=style, csp=CSP, ns=1_000_000_000)
    )


def render_snapshot(
    run_path: Path, dashboards: Mapping[str, Json] | None = None, flaws: Sequence[tuple[str, str]] = ()
) -> str:
    """Return the page of a finished run's boards (all that are built); raises BadInput when it is no run directory.

    Without kept answers the page is empty boards that say so. `flaws` are files of evidence, each with what is wrong
    with it: with any, the page shows no verdict.
    """
    reading = read(run_path, flaws)
    built = build() if dashboards is None else dashboards
    problems = [] if reading.untrusted is None else [reading.untrusted]
    try:
        rows = stored_rows(reading.directory.metrics / _ANSWERS)
    except BadInput as error:
        rows = []
        problems.append(f"metrics/{_ANSWERS}: {error}: no panel has data")
    source = kept_answers(rows, _played(reading))
    boards = [board_view(one, source, _part_of(built.keys() - {name})) for name, one in built.items()]
    head = Head(
        title=f"{reading.directory.name} · dashboards",
        source=f"Run {reading.directory.name}, {_judged(reading)}",
        span=source.span,
        tabs=[Tab(title=board.title, href=f"#{board.name}") for board in boards],
        about=[PREVIEW.format(what="what the run kept of Prometheus' answers"), ALL, FIGURES],
        problems=problems,
    )
    return render_page(head, boards, _shades(reading, source.span))


def _part_of(others: Collection[str]) -> Address:
    """Return the address of another board of the same page."""
    return lambda board, _labels: f"#{board}" if board in others else None


def _judged(reading: Reading) -> str:
    return f"verdict {reading.verdict.outcome}" if reading.verdict and reading.verdict.outcome else "not judged"


def _played(reading: Reading) -> TimeRange:
    ends = [at for _, window in reading.phases for at in (window.starts_at, window.ends_at)]
    return TimeRange(start_ns=min(ends, default=0), end_ns=max(ends, default=1))


def _shades(reading: Reading, span: TimeRange) -> list[Shade]:
    judged = reading.judged
    return [
        Shade(
            name=formatting.plain(name, 40),
            since=formatting.clock(max(window.starts_at, span.start_ns)),
            until=formatting.clock(min(window.ends_at, span.end_ns)),
            start_percent=_percent(window.starts_at, span),
            end_percent=_percent(window.ends_at, span),
            judged=judged is not None and window.starts_at < judged.ends_at and window.ends_at > judged.starts_at,
        )
        for name, window in reading.phases
        if window.ends_at > span.start_ns and window.starts_at < span.end_ns
    ]


def _percent(at_ns: int, span: TimeRange) -> float:
    return round(100 * min(max(span.part(at_ns), 0.0), 1.0), 2)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_template),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters |= {"moment": formatting.moment, "clock": formatting.clock, "length_words": formatting.length}
    return environment


def _shown(value: Any) -> Any:  # noqa: ANN401 - whatever a template prints
    return formatting.plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _template(name: str) -> str:
    return (files("dashboards.snapshot") / "templates" / name).read_text(encoding="utf-8")
