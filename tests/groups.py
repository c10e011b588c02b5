"""Which tests may run side by side, and the scheduler that gives each process of pytest-xdist its groups.

pytest-xdist's own `--dist loadgroup` writes a test's group into its node id, which pytest 9.2 doesn't let it.
"""

from functools import cache
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

TESTS = Path(__file__).parent
# The tests of a group run one after the other, in one process, and share what their fixtures start. The groups begin in
# this order, the longest first; every other module is a group of its own. A process that has none left takes the next:
# what is in no group, or in a small one, fills the time that "load" takes.
GROUPS = {
    # The load generator's own lateness counts here, for these runs must be valid: one of them at a time.
    "load": (
        "end_to_end",
        "example_shops/test_medusa.py",
        "example_shops/test_oscar.py",
        "example_shops/test_vendure.py",
        "stack/test_stack_runs.py",
    ),
    # They play load too, and what they show doesn't depend on how late it is.
    "late": (
        "end_to_end/test_a_run_wakes_nobody.py",
        "end_to_end/test_compare.py",
        "end_to_end/test_http2.py",
        "end_to_end/test_own_records.py",
        "end_to_end/test_wire.py",
        "installed",
        "scripts/benches/engine/test_smoke.py",
    ),
    # Locust's own processes, a few seconds each: how a run begins, is changed and ends.
    "locust": (
        "loadtests/test_locust_control.py",
        "loadtests/test_locustfile.py",
        "loadtests/test_stray_worker.py",
        "loadtests/web_ui/test_locust_pages.py",
    ),
    # Few requests a second, if any, on one stand-in shop.
    "shop": ("bad_input", "end_to_end/test_through_a_proxy.py"),
    "staging": ("staging",),
    # What was drawn once isn't drawn again.
    "dashboards": ("dashboards",),
    # It waits, where the other dashboards compute.
    "walk": ("dashboards/walk",),
    # Half a minute each: at the end, where the others' names put them, one process would be left alone with them.
    "damaged": ("scripts/verbs/test_judge_damaged.py",),
    "altered": ("scripts/verbs/test_altered_evidence.py",),
}


@cache
def group_of(path: str) -> str:
    """Return the group of a test module, by its path below tests/: that of the longest path in GROUPS that holds it."""
    holding = [(len(one), name) for name, paths in GROUPS.items() for one in paths if f"{path}/".startswith(f"{one}/")]
    return max(holding)[1] if holding else path


def rank_of(path: str) -> int:
    """Return when the group of a test module begins: 0 first."""
    names, group = [*GROUPS], group_of(path)
    return names.index(group) if group in names else len(names)


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc] # it has no types
    """Gives each process one group after the other."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.partition("::")[0].removeprefix(f"{TESTS.name}/"))
