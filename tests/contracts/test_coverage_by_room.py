"""`make coverage` counts each file in its floor and in its room."""

from tests.coverage_by_room import COUNTS, by_room, line


def test_rooms_are_summed_over_their_files_and_floors_over_their_rooms() -> None:
    files = {
        "slo/outcomes.py": dict(zip(COUNTS, (0, 0, 9, 10), strict=True)),
        "slo/verdict/a.py": dict(zip(COUNTS, (1, 2, 3, 4), strict=True)),
        "slo/verdict/deep/b.py": dict(zip(COUNTS, (2, 2, 2, 2), strict=True)),
    }
    assert [line(room, counts) for room, counts in by_room(files).items()] == [
        "slo                          75.0% of branches (      3/4)     87.5% of lines",
        "slo/verdict                  75.0% of branches (      3/4)     83.3% of lines",
    ]
