"""The copies of what a run was given."""

from pathlib import Path

from loadtests.results.inputs import keep_objectives


def test_two_files_of_one_name_and_a_yml_are_all_kept(tmp_path: Path) -> None:
    given = []
    for place, name in enumerate(("a/shop.yaml", "b/shop.yaml", "c/shop.yml", "d/shop-2.yaml")):
        path = tmp_path / name
        path.parent.mkdir()
        path.write_text(f"number: {place}\n")
        given.append(path)
    folder = tmp_path / "kept"
    folder.mkdir()
    names = keep_objectives(given, folder)
    assert names == ("shop.yaml", "shop-2.yaml", "shop-3.yaml", "shop-2-2.yaml")
    assert [(folder / name).read_text() for name in names] == [path.read_text() for path in given]
