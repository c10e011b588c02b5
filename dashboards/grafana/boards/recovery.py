"""The dashboard "Recovery".

It answers one question: were everything lost now, what would come back, and how soon? First each system against its
objectives, then backups, restore drills, and the copies that run beside: standbys and the WAL archive.
"""

from dashboards.grafana.board import Annotation, Board, Variable
from dashboards.grafana.links import Link
from dashboards.grafana.panels import Look, Panel, Query, Row
from dashboards.grafana.promql import at, greatest, least
from dashboards.grafana.style import NEUTRAL, NONE_IS_GOOD, ONE_IS_GOOD, bad_from, good_from
from dashboards.grafana.tables import Figure, Key, Order, Table
from exporters.names import recovery as names
from exporters.names.family import Family

# The ratios that are alerted on.
SHRUNK_RATIO, LAG_RATIO = 0.5, 0.5
_SYSTEM = ("environment", names.SYSTEM)
_CATALOGUE = (*_SYSTEM, names.CATALOGUE)
_STANDBY = (*_SYSTEM, names.STANDBY)
_CHOSEN = f'{names.SYSTEM}=~"$system"'
_INCIDENT = Link(title="Incident", board="incident")
_EXPORTERS = Link(title="Exporters", board="exporters")
_ALONE = Link(title="This system alone", board="recovery", labels={"system": names.SYSTEM})
_LINKS = (_ALONE, _INCIDENT, _EXPORTERS)
# Of a limit: three quarters is soon.
_OF_A_LIMIT = bad_from(1, warn=0.75)
_ENVIRONMENT = Key(label="environment", heading="Environment")
_BY_SYSTEM, _BY_CATALOGUE, _BY_STANDBY = (
    f"{{{{system}}}}{more} {{{{environment}}}}" for more in ("", " {{catalogue}}", " {{standby}}")
)
_NO_STANDBY = "no standby is configured"
_NO_ARCHIVE = "no WAL archive is configured"


def _by(family: Family, *labels: str) -> str:
    return greatest(at(family.name, _CHOSEN), *labels)


def _age(family: Family, *labels: str) -> str:
    return f"time() - {_by(family, *labels)}"


def _share(seconds: str, limit: Family) -> str:
    return f"({seconds}) / {_by(limit, *_SYSTEM)}"


_BACKUP_AGE = _age(names.LAST_GOOD_BACKUP, *_SYSTEM)
_SYSTEMS = Table(
    title="Systems against their objectives, the oldest backup first",
    description="How much would be lost now (the age of the last good backup) and how much may be (RPO), how long "
    "the last restore drill took and how long one may (RTO), how long ago a drill last proved anything, and how many "
    "rows differed in the last. An empty cell is unknown: a catalogue can't be read, or nobody has tried.",
    keys=[
        Key(label=names.SYSTEM, heading="System", links=_LINKS, least_px=115),
        _ENVIRONMENT,
    ],
    figures=[
        Figure(heading="Last good backup, ago", expr=_BACKUP_AGE, unit="s"),
        Figure(
            heading="Of its limit",
            expr=_share(_BACKUP_AGE, names.BACKUP_AGE),
            unit="percentunit",
            thresholds=_OF_A_LIMIT,
        ),
        Figure(heading="RPO", expr=_by(names.RPO, *_SYSTEM), unit="s"),
        Figure(heading="Good backups", expr=_by(names.GOOD_BACKUPS, *_SYSTEM), thresholds=good_from(2, warn=1)),
        Figure(heading="Restore took", expr=_by(names.DRILL_SECONDS, *_SYSTEM), unit="s"),
        Figure(
            heading="Of RTO",
            expr=_share(_by(names.DRILL_SECONDS, *_SYSTEM), names.RTO),
            unit="percentunit",
            thresholds=_OF_A_LIMIT,
        ),
        Figure(heading="RTO", expr=_by(names.RTO, *_SYSTEM), unit="s"),
        Figure(heading="Proved, ago", expr=_age(names.DRILL_PROVED, *_SYSTEM), unit="s"),
        Figure(heading="Rows differed", expr=_by(names.DRILL_DIFFERED, *_SYSTEM), thresholds=NONE_IS_GOOD),
    ],
    order=Order(heading="Of its limit"),
    height=7,
)
_AGES = Row(
    title="Against the RPO: what would be lost now",
    panels=[
        Panel(
            title="Age of the last good backup, of its limit",
            description="From 1 on more would be lost than the RPO allows (with a WAL archive: a backup is older "
            "than configured). A line that ends is a catalogue that can't be read: nobody knows.",
            unit="percentunit",
            thresholds=_OF_A_LIMIT,
            queries=[Query(expr=_share(_BACKUP_AGE, names.BACKUP_AGE), legend=_BY_SYSTEM)],
            links=_LINKS,
        ),
        Panel(
            title="Age of the last good backup by catalogue",
            description="How old the moment is whose data the newest good backup of each catalogue holds.",
            unit="s",
            queries=[Query(expr=_age(names.CATALOGUE_LAST_GOOD, *_CATALOGUE), legend=_BY_CATALOGUE)],
            links=_LINKS,
        ),
        Panel(
            title="Size of the newest backup, of the usual",
            description="The newest good backup by the median of those before it, from the fourth on. Below half it "
            "is whole, and much of the data may not be in it.",
            unit="percentunit",
            thresholds=good_from(SHRUNK_RATIO),
            nothing="fewer than four good backups",
            queries=[
                Query(
                    expr=f"{_by(names.BACKUP_SIZE, *_CATALOGUE)} / {_by(names.USUAL_SIZE, *_CATALOGUE)}",
                    legend=_BY_CATALOGUE,
                )
            ],
            links=_LINKS,
        ),
    ],
)


def _in_state(state: str) -> str:
    return greatest(at(names.BACKUPS.name, _CHOSEN, f'{names.STATE}="{state}"'), *_CATALOGUE)


_CATALOGUES = Row(
    title="Backups by catalogue",
    panels=[
        Table(
            title="Catalogues, a bad newest backup first",
            description="Whether the newest backup that has ended is good, backups by what is known of them, and how "
            "old the list is. Ahead is dated in the future, unchecked not read to its end yet.",
            keys=[
                Key(label=names.SYSTEM, heading="System", links=_LINKS, least_px=115),
                Key(label=names.CATALOGUE, heading="Catalogue"),
                _ENVIRONMENT,
            ],
            figures=[
                Figure(
                    heading="Newest",
                    expr=least(at(names.NEWEST_GOOD.name, _CHOSEN), *_CATALOGUE),
                    thresholds=ONE_IS_GOOD,
                    mappings={1: "good", 0: "bad"},
                ),
                Figure(heading="Good", expr=_in_state("good"), thresholds=good_from(2, warn=1)),
                Figure(heading="Bad", expr=_in_state("bad"), thresholds=NONE_IS_GOOD),
                Figure(heading="Ahead", expr=_in_state("ahead"), thresholds=NONE_IS_GOOD),
                Figure(heading="In progress", expr=_in_state("in_progress")),
                Figure(heading="Unchecked", expr=_in_state("unchecked")),
                Figure(heading="Size", expr=_by(names.BACKUP_SIZE, *_CATALOGUE), unit="bytes"),
                Figure(heading="Listed, ago", expr=_age(names.LISTED, *_CATALOGUE), unit="s"),
            ],
            order=Order(heading="Newest", least_first=True),
        ).panel()
    ],
)
_DRILLS = Row(
    title="Restore drills: was it ever tried?",
    panels=[
        Table(
            title="Last restore drills, one that failed first",
            description="How the last restore drill of each system ended, how long ago, what it compared, and how "
            "often one is to be made. Only a drill that compared rows of which none differed has proved anything.",
            keys=[Key(label=names.SYSTEM, heading="System", links=_LINKS, least_px=115), _ENVIRONMENT],
            figures=[
                Figure(
                    heading="Last drill",
                    expr=_by(names.DRILL_RESTORED, *_SYSTEM),
                    thresholds=ONE_IS_GOOD,
                    mappings={1: "restored", 0: "failed"},
                ),
                Figure(heading="Drill, ago", expr=_age(names.DRILL_TIME, *_SYSTEM), unit="s"),
                Figure(heading="Compared", expr=_by(names.DRILL_ROWS, *_SYSTEM), thresholds=ONE_IS_GOOD),
                Figure(heading="Rows differed", expr=_by(names.DRILL_DIFFERED, *_SYSTEM), thresholds=NONE_IS_GOOD),
                Figure(heading="Drills", expr=_by(names.DRILLS, *_SYSTEM), thresholds=ONE_IS_GOOD),
                Figure(heading="Due every", expr=_by(names.DRILL_INTERVAL, *_SYSTEM), unit="s"),
                Figure(heading="Backup every", expr=_by(names.BACKUP_INTERVAL, *_SYSTEM), unit="s"),
            ],
            order=Order(heading="Last drill", least_first=True),
            width=17,
        ).panel(),
        Panel(
            title="Age of the proof, of its limit",
            description="How long ago a restore drill last proved anything, of how long ago that may be. No line is "
            "a system whose restore nobody has proved.",
            unit="percentunit",
            thresholds=_OF_A_LIMIT,
            queries=[Query(expr=_share(_age(names.DRILL_PROVED, *_SYSTEM), names.DRILL_INTERVAL), legend=_BY_SYSTEM)],
            links=_LINKS,
        ),
    ],
)
_REPLICATION = Row(
    title="Standbys",
    panels=[
        Panel(
            title="Replication lag, of the RPO",
            description="How far each standby is behind, of the system's RPO. Half of it is alerted on. A line that "
            "ends is a standby of which it isn't known.",
            unit="percentunit",
            thresholds=bad_from(1, warn=LAG_RATIO),
            nothing=_NO_STANDBY,
            queries=[
                Query(
                    expr=f"{_by(names.LAG, *_STANDBY)} / on ({', '.join(_SYSTEM)}) group_left () "
                    f"{_by(names.RPO, *_SYSTEM)}",
                    legend=_BY_STANDBY,
                )
            ],
            links=_LINKS,
        ),
        Panel(
            title="Connected",
            description="Whether each standby is connected and receives WAL.",
            unit="short",
            look=Look.NUMBER,
            thresholds=ONE_IS_GOOD,
            mappings={1: "streaming", 0: "not connected"},
            nothing=_NO_STANDBY,
            queries=[Query(expr=_by(names.STREAMING, *_STANDBY), legend=_BY_STANDBY)],
            links=_LINKS,
        ),
        Panel(
            title="Last replayed transaction, ago",
            description="How long ago the last transaction that each standby replayed was committed: long where "
            "nothing is written, too.",
            unit="s",
            nothing=_NO_STANDBY,
            queries=[Query(expr=_age(names.REPLAYED, *_STANDBY), legend=_BY_STANDBY)],
            links=_LINKS,
        ),
    ],
)
_ARCHIVE = Row(
    title="WAL archive",
    panels=[
        Panel(
            title="Archiving",
            description="Whether archiving has failed since a segment was last archived.",
            unit="short",
            look=Look.NUMBER,
            thresholds=NONE_IS_GOOD,
            mappings={0: "archiving", 1: "failing"},
            nothing=_NO_ARCHIVE,
            queries=[Query(expr=_by(names.WAL_FAILING, *_SYSTEM), legend=_BY_SYSTEM)],
            links=_LINKS,
        ),
        Panel(
            title="Age of the last segment, of the RPO",
            description="How long ago a WAL segment was last archived, of the system's RPO: from 1 on a restore to a "
            "moment would lose more than it allows.",
            unit="percentunit",
            thresholds=_OF_A_LIMIT,
            nothing=_NO_ARCHIVE,
            queries=[Query(expr=_share(_age(names.WAL_ARCHIVED, *_SYSTEM), names.RPO), legend=_BY_SYSTEM)],
            links=_LINKS,
        ),
    ],
)
BOARD = Board(
    name="recovery",
    title="Recovery",
    question="Were everything lost now, what would come back, and how soon?",
    rows=(Row(title="Systems", panels=[_SYSTEMS.panel()]), _AGES, _CATALOGUES, _DRILLS, _REPLICATION, _ARCHIVE),
    variables=(Variable(name="system", title="System", selector=at(names.RPO.name), label=names.SYSTEM),),
    annotations=(
        Annotation(
            name="Restore drills", expr=at(names.DRILL_TIME.name), text="restore drill of {{system}}", colour=NEUTRAL
        ),
    ),
    since="now-7d",
    refresh="1m",
)
