"""What the page may list and open: below the root, and nothing else."""

from pathlib import Path, PurePosixPath

import pytest

from flux4d_core.errors import Flux4dError
from flux4d_viewer.library import MOST_ENTRIES, Library
from flux4d_viewer.recent import read_recent, remember


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """root/ with a log, a scene, a folder, other files; outside/ beside it with a log."""
    for log in ("root/drive", "outside/secret"):
        (tmp_path / log).mkdir(parents=True)
        (tmp_path / log / "log.json").write_text("{}")
    (tmp_path / "root" / "More").mkdir()
    (tmp_path / "root" / "More" / "deep.f4d").touch()
    for name in ("b.f4d", "notes.txt", ".hidden.f4d"):
        (tmp_path / "root" / name).touch()
    return Library(tmp_path / "root")


def test_folders_logs_and_scenes_are_listed_and_nothing_else(library: Library) -> None:
    entries = library.look_into().entries
    assert [(str(entry.path), entry.kind) for entry in entries] == [
        ("b.f4d", "scene"),
        ("drive", "log"),
        ("More", "folder"),
    ]
    assert [str(entry.path) for entry in library.look_into(PurePosixPath("More")).entries] == ["More/deep.f4d"]
    assert library.find(PurePosixPath("More/deep.f4d")) == library.root.resolve() / "More" / "deep.f4d"


@pytest.mark.parametrize(
    "path", ["..", "../outside", "More/../../outside/secret", "/etc/passwd", "drive/../b.f4d", "nowhere", "a\0b"]
)
def test_no_name_leads_out_of_the_root(library: Library, path: str) -> None:
    with pytest.raises(Flux4dError):
        library.find(PurePosixPath(path))
    with pytest.raises(Flux4dError):
        library.look_into(PurePosixPath(path))


def test_links_that_lead_out_are_neither_listed_nor_followed(library: Library) -> None:
    (library.root / "way_out").symlink_to(library.root.parent / "outside")
    (library.root / "scene.f4d").symlink_to(library.root.parent / "outside" / "secret" / "log.json")
    (library.root / "ring").symlink_to("ring")
    (library.root / "inside").symlink_to("More")
    names = {entry.path.name for entry in library.look_into().entries}
    assert names == {"b.f4d", "drive", "More", "inside"}
    for path in ("way_out", "way_out/secret", "scene.f4d", "ring"):
        with pytest.raises(Flux4dError):
            library.find(PurePosixPath(path))


def test_a_folder_of_very_many_is_cut_and_says_so(library: Library) -> None:
    for number in range(MOST_ENTRIES + 5):
        (library.root / "More" / f"{number:04d}.f4d").touch()
    listing = library.look_into(PurePosixPath("More"))
    assert len(listing.entries) == MOST_ENTRIES
    assert listing.left_out == 6


def test_places_outside_have_no_name(library: Library) -> None:
    assert library.name_of(library.root / "More") == PurePosixPath("More")
    assert library.name_of(library.root.parent / "outside") is None
    assert library.name_of(library.root / "gone") is None


def test_what_was_opened_is_remembered_newest_first_and_once(tmp_path: Path) -> None:
    file = tmp_path / "cache" / "recent.json"
    assert read_recent(file) == ()
    for name in ("a", "b", "a"):
        remember(file, tmp_path / name)
    assert read_recent(file) == (tmp_path / "a", tmp_path / "b")
    for number in range(30):
        remember(file, tmp_path / str(number))
    assert len(read_recent(file)) == 12


@pytest.mark.parametrize("content", ["", "{}", "[1, 2]", "no json"])
def test_a_list_that_cannot_be_read_is_empty(tmp_path: Path, content: str) -> None:
    (tmp_path / "recent.json").write_text(content)
    assert read_recent(tmp_path / "recent.json") == ()
